// Networking: values for addresses, address blocks, ports and transport protocols. Pure: no
// sockets, no Foundation, no allocation. Everything else in Fairlead speaks in these types.

/// The two IP versions. Order is that in which they are reported.
@frozen
public enum AddressFamily: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case ipv4 = 4
    case ipv6 = 6

    /// Length of an address in bytes.
    public var addressLength: Int { self == .ipv4 ? 4 : 16 }

    /// Length of an address in bits.
    public var bitWidth: Int { self == .ipv4 ? 32 : 128 }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// An IPv4 or IPv6 address, held inline as 128 bits in host order plus its family.
///
/// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) stay IPv6: the API server keeps them apart too.
@frozen
public struct IPAddress: Sendable, Hashable {
    /// The first 64 bits of an IPv6 address; 0 for IPv4.
    public let high: UInt64
    /// The last 64 bits of an IPv6 address; the 32 bits of an IPv4 one.
    public let low: UInt64
    public let family: AddressFamily

    @inlinable
    public init(ipv4 bits: UInt32) {
        self.high = 0
        self.low = UInt64(bits)
        self.family = .ipv4
    }

    @inlinable
    public init(ipv6High high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        self.family = .ipv6
    }

    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(ipv4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
    }

    /// Byte `index` in network order; `index` is below `family.addressLength`.
    @inlinable
    public func byte(_ index: Int) -> UInt8 {
        switch self.family {
        case .ipv4: UInt8(truncatingIfNeeded: self.low >> UInt64((3 - index) * 8))
        case .ipv6 where index < 8: UInt8(truncatingIfNeeded: self.high >> UInt64((7 - index) * 8))
        case .ipv6: UInt8(truncatingIfNeeded: self.low >> UInt64((15 - index) * 8))
        }
    }

    /// The address in network order: 4 or 16 bytes.
    public var bytes: [UInt8] { (0..<self.family.addressLength).map(self.byte) }

    /// With a port behind it: `10.0.0.1:80`, `[fd00::1]:80` (RFC 3986 section 3.2.2).
    public func text(port: UInt16) -> String {
        self.family == .ipv4 ? "\(self):\(port)" : "[\(self)]:\(port)"
    }

    /// From 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(ipv4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self.init(
                ipv6High: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
            )
        default:
            return nil
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by value.
    public static func < (left: Self, right: Self) -> Bool {
        if left.family != right.family { return left.family < right.family }
        if left.high != right.high { return left.high < right.high }
        return left.low < right.low
    }
}

// MARK: - Classification (RFC 6890)

extension IPAddress {
    /// 127.0.0.0/8, `::1`.
    public var isLoopback: Bool {
        self.family == .ipv4 ? self.low >> 24 == 127 : self.high == 0 && self.low == 1
    }

    /// `0.0.0.0`, `::`.
    public var isUnspecified: Bool { self.high == 0 && self.low == 0 }

    /// 169.254.0.0/16, fe80::/10.
    public var isLinkLocal: Bool {
        self.family == .ipv4 ? self.low >> 16 == 0xa9fe : self.high >> 54 == 0xfe80 >> 6
    }

    /// 224.0.0.0/4, ff00::/8.
    public var isMulticast: Bool {
        self.family == .ipv4 ? self.low >> 28 == 0xe : self.high >> 56 == 0xff
    }
}
