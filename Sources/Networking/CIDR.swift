/// An address block: a prefix of an address and its length in bits (RFC 4632).
@frozen
public struct CIDR: Sendable, Hashable {
    /// The first address of the block: host bits are zero.
    public let network: IPAddress
    /// 0...32 or 0...128.
    public let prefixLength: Int

    /// The block of `prefixLength` bits that holds `address`; nil if the length does not fit the family.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...address.family.bitWidth).contains(prefixLength) else { return nil }
        self.network = Self.masked(address, prefixLength)
        self.prefixLength = prefixLength
    }

    public var family: AddressFamily { self.network.family }

    /// The block of one address.
    public init(host address: IPAddress) {
        self.network = address
        self.prefixLength = address.family.bitWidth
    }

    public func contains(_ address: IPAddress) -> Bool {
        address.family == self.family && Self.masked(address, self.prefixLength) == self.network
    }

    /// The first address after the block; nil if the block reaches the end of the address space.
    public var upperBound: IPAddress? {
        switch self.family {
        case .ipv4:
            let end = self.network.low + (UInt64(1) << UInt64(32 - self.prefixLength))
            return end > UInt64(UInt32.max) ? nil : IPAddress(ipv4: UInt32(end))
        case .ipv6 where self.prefixLength == 0:
            return nil
        case .ipv6 where self.prefixLength > 64:
            let (low, carry) = self.network.low.addingReportingOverflow(1 << UInt64(128 - self.prefixLength))
            let (high, overflow) = self.network.high.addingReportingOverflow(carry ? 1 : 0)
            return overflow ? nil : IPAddress(ipv6High: high, low: low)
        case .ipv6:
            let (high, overflow) = self.network.high.addingReportingOverflow(1 << UInt64(64 - self.prefixLength))
            return overflow ? nil : IPAddress(ipv6High: high, low: 0)
        }
    }

    /// The block from `first` to just before `end` (nil: to the end of the address space); nil if these
    /// addresses are no block.
    public static func block(from first: IPAddress, before end: IPAddress?) -> CIDR? {
        (0...first.family.bitWidth).lazy
            .compactMap { CIDR(first, prefixLength: $0) }
            .first { $0.network == first && $0.upperBound == end }
    }

    private static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        switch address.family {
        case .ipv4:
            let mask: UInt32 = length == 0 ? 0 : ~0 << UInt32(32 - length)
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: address.low) & mask)
        case .ipv6:
            let high: UInt64 = length == 0 ? 0 : length >= 64 ? ~0 : ~0 << UInt64(64 - length)
            let low: UInt64 = length <= 64 ? 0 : length == 128 ? ~0 : ~0 << UInt64(128 - length)
            return IPAddress(ipv6High: address.high & high, low: address.low & low)
        }
    }
}

extension CIDR: LosslessStringConvertible, CustomStringConvertible {
    /// Parses `ADDRESS/LENGTH`. Host bits may be set; they are dropped. Leading zeros in the length
    /// are accepted as in ``IPAddress/init(_:)``.
    public init?(_ text: String) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            let address = IPAddress(String(text[..<slash]))
        else { return nil }
        let digits = text.utf8[text.utf8.index(after: slash)...]
        guard (1...3).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        let length = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        self.init(address, prefixLength: length)
    }

    public var description: String { "\(self.network)/\(self.prefixLength)" }
}

extension CIDR: Comparable {
    public static func < (left: Self, right: Self) -> Bool {
        (left.network, left.prefixLength) < (right.network, right.prefixLength)
    }
}
