public import Networking

/// A key or a value of an element: up to 64 bytes (`NFT_DATA_VALUE_MAXLEN`) held inline, so that
/// a quarter of a million elements cost no allocations.
public struct ElementBytes: Sendable {
    var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    public private(set) var count = 0

    /// The most bytes that an element's key or value may have.
    public static let capacity = 64

    public init() {}

    public init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { self.append(byte) }
    }

    public subscript(index: Int) -> UInt8 {
        precondition(index < self.count)
        return UInt8(truncatingIfNeeded: self.word(index >> 3) >> UInt64((index & 7) * 8))
    }

    public var bytes: [UInt8] { (0..<self.count).map { self[$0] } }

    mutating func append(_ byte: UInt8) {
        precondition(self.count < Self.capacity, "an element's key or value has at most 64 bytes")
        let shift = UInt64((self.count & 7) * 8)
        self.setWord(self.count >> 3) { $0 | UInt64(byte) << shift }
        self.count += 1
    }

    /// An IP version, which is a key by itself: `NFPROTO_IPV4` or `NFPROTO_IPV6` of linux/netfilter.h.
    public mutating func append(networkProtocol family: AddressFamily) { self.append(family == .ipv4 ? 2 : 10) }

    // MARK: - Parts of a concatenation, each padded to 4 bytes

    /// An address, in network order.
    public mutating func append(_ address: IPAddress) {
        for index in 0..<address.family.addressLength { self.append(address.byte(index)) }
    }

    /// A protocol number.
    public mutating func append(_ transport: TransportProtocol) {
        self.append(transport.rawValue)
        self.pad(3)
    }

    /// A port, in network order.
    public mutating func append(port: UInt16) {
        self.append(UInt8(truncatingIfNeeded: port >> 8))
        self.append(UInt8(truncatingIfNeeded: port))
        self.pad(2)
    }

    /// A 32-bit number in host order.
    public mutating func append(integer: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            self.append(UInt8(truncatingIfNeeded: integer.littleEndian >> shift))
        }
    }

    private mutating func pad(_ count: Int) {
        for _ in 0..<count { self.append(0) }
    }

    // MARK: - Reading back

    /// The address at `offset`; nil if the bytes end before it.
    public func address(_ family: AddressFamily, at offset: Int) -> IPAddress? {
        guard offset + family.addressLength <= self.count else { return nil }
        return IPAddress(bytes: (offset..<offset + family.addressLength).lazy.map { self[$0] })
    }

    /// The port at `offset`.
    public func port(at offset: Int) -> UInt16? {
        guard offset + 2 <= self.count else { return nil }
        return UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    /// The protocol number at `offset`; nil for one that is none of ours.
    public func transportProtocol(at offset: Int) -> TransportProtocol? {
        guard offset < self.count else { return nil }
        return TransportProtocol(rawValue: self[offset])
    }

    /// The IP version at `offset`, as the nft language has it.
    func networkProtocol(at offset: Int) -> String? {
        guard offset < self.count else { return nil }
        return [2: "ipv4", 10: "ipv6"][self[offset]]
    }

    /// The 32-bit number in host order at `offset`.
    public func integer(at offset: Int) -> UInt32? {
        guard offset + 4 <= self.count else { return nil }
        let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(self[offset + $1]) << UInt32($1 * 8) }
        return UInt32(littleEndian: value)
    }

    // MARK: - Storage

    private func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: self.words.0
        case 1: self.words.1
        case 2: self.words.2
        case 3: self.words.3
        case 4: self.words.4
        case 5: self.words.5
        case 6: self.words.6
        default: self.words.7
        }
    }

    private mutating func setWord(_ index: Int, _ change: (UInt64) -> UInt64) {
        switch index {
        case 0: self.words.0 = change(self.words.0)
        case 1: self.words.1 = change(self.words.1)
        case 2: self.words.2 = change(self.words.2)
        case 3: self.words.3 = change(self.words.3)
        case 4: self.words.4 = change(self.words.4)
        case 5: self.words.5 = change(self.words.5)
        case 6: self.words.6 = change(self.words.6)
        default: self.words.7 = change(self.words.7)
        }
    }
}

extension ElementBytes: Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        left.count == right.count
            && (left.words.0, left.words.1, left.words.2, left.words.3)
                == (right.words.0, right.words.1, right.words.2, right.words.3)
            && (left.words.4, left.words.5, left.words.6, left.words.7)
                == (right.words.4, right.words.5, right.words.6, right.words.7)
    }

    public func hash(into hasher: inout Hasher) {
        // Unused words are zero: the used ones say all.
        for index in 0..<(self.count + 7) / 8 { hasher.combine(self.word(index)) }
    }
}

extension ElementBytes: Comparable {
    /// By bytes, as `memcmp`.
    public static func < (left: Self, right: Self) -> Bool {
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return left.count < right.count
    }
}
