public import Networking

/// The key of the hashes by which endpoints are named to clients, and clients' keys are spread.
///
/// It is a constant unless somebody sets another, so that all workers and replicas, and the next version after a restart,
/// name an endpoint alike without having to agree, as ingress-nginx does. It hides addresses from casual eyes only: with a known key whoever
/// knows the pods' network can try its addresses. With a key of your own nobody can.
@frozen
public struct AffinityKey: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline let high: UInt64
    @usableFromInline let low: UInt64

    /// The 128 bits of a SipHash key, as numbers of which each is in little-endian order.
    @inlinable
    public init(_ low: UInt64, _ high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The 16 bytes `fairlead.affinit`.
    public static var standard: AffinityKey { AffinityKey(0x6461_656c_7269_6166, 0x7469_6e69_6666_612e) }

    /// The name of an endpoint: SipHash-2-4 of the address's 4 or 16 bytes and the port's 2, in network order.
    public func value(address: IPAddress, port: UInt16) -> AffinityValue {
        var hash = SipHash(self)
        for byte in 0..<address.family.addressLength { hash.append(address.byte(byte)) }
        hash.append(UInt8(truncatingIfNeeded: port >> 8))
        hash.append(UInt8(truncatingIfNeeded: port))
        return AffinityValue(rawValue: hash.finish())
    }

    /// The key of bytes, such as a header's value, for ``EndpointSet/pick(key:tried:at:)``.
    public func key(_ bytes: Span<UInt8>) -> UInt64 {
        var hash = SipHash(self)
        for index in bytes.indices { hash.append(bytes[index]) }
        return hash.finish()
    }
}

/// What a session cookie holds: the name of an endpoint, as 16 hexadecimal digits.
@frozen
public struct AffinityValue: BitwiseCopyable, Hashable, Sendable {
    public static let digits = 16

    public let rawValue: UInt64

    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// From what a client sent; nil unless it is 16 digits. Upper case is taken too.
    public init?(_ text: Span<UInt8>) {
        guard text.count == Self.digits else { return nil }
        var value: UInt64 = 0
        for index in text.indices {
            let digit: UInt8
            switch text[index] {
            case 0x30...0x39: digit = text[index] - 0x30
            case 0x61...0x66: digit = text[index] - 0x61 + 10
            case 0x41...0x46: digit = text[index] - 0x41 + 10
            default: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        self.rawValue = value
    }

    /// Digit `index` of 16 in lower case, the highest first.
    @inlinable
    public func digit(_ index: Int) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: self.rawValue >> UInt64((15 - index) * 4) & 0xf)
        return digit < 10 ? 0x30 + digit : 0x61 + digit - 10
    }
}
