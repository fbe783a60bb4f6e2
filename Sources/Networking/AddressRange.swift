extension IPAddress {
    /// The next address; nil after the last one.
    public var successor: IPAddress? {
        switch self.family {
        case .ipv4:
            return self.low == UInt64(UInt32.max) ? nil : IPAddress(ipv4: UInt32(self.low + 1))
        case .ipv6:
            let (low, carry) = self.low.addingReportingOverflow(1)
            let (high, overflow) = self.high.addingReportingOverflow(carry ? 1 : 0)
            return overflow ? nil : IPAddress(ipv6High: high, low: low)
        }
    }

    /// The address before; nil before the first one.
    public var predecessor: IPAddress? {
        switch self.family {
        case .ipv4:
            return self.low == 0 ? nil : IPAddress(ipv4: UInt32(self.low - 1))
        case .ipv6:
            let (low, borrow) = self.low.subtractingReportingOverflow(1)
            let (high, underflow) = self.high.subtractingReportingOverflow(borrow ? 1 : 0)
            return underflow ? nil : IPAddress(ipv6High: high, low: low)
        }
    }
}

/// Addresses of one family from the first to the last, both included.
public struct AddressRange: Sendable, Hashable {
    public let first: IPAddress
    public let last: IPAddress

    /// nil if the last one comes before the first, or is of the other family.
    public init?(_ first: IPAddress, _ last: IPAddress) {
        guard first.family == last.family, first <= last else { return nil }
        self.first = first
        self.last = last
    }

    public init(_ block: CIDR) {
        self.first = block.network
        self.last = block.upperBound?.predecessor ?? Self.lastAddress(block.family)
    }

    /// Every address of a family.
    public static func all(_ family: AddressFamily) -> AddressRange {
        let zero = family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0)
        return AddressRange(first: zero, last: self.lastAddress(family))
    }

    private init(first: IPAddress, last: IPAddress) {
        self.first = first
        self.last = last
    }

    private static func lastAddress(_ family: AddressFamily) -> IPAddress {
        family == .ipv4 ? IPAddress(ipv4: .max) : IPAddress(ipv6High: .max, low: .max)
    }

    /// The same addresses as few ranges that do not touch each other, in order. All of one family.
    public static func merged(_ ranges: some Sequence<AddressRange>) -> [AddressRange] {
        var merged: [AddressRange] = []
        for range in ranges.sorted(by: { ($0.first, $0.last) < ($1.first, $1.last) }) {
            if let open = merged.last, open.last >= range.first || open.last.successor == range.first {
                merged[merged.count - 1] = AddressRange(first: open.first, last: max(open.last, range.last))
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// The addresses of `ranges` that are in none of `holes`, merged. All of one family.
    public static func subtracting(_ holes: [AddressRange], from ranges: [AddressRange]) -> [AddressRange] {
        var left = self.merged(ranges)
        for hole in holes {
            left = left.flatMap { range -> [AddressRange] in
                guard hole.first <= range.last, hole.last >= range.first else { return [range] }
                let before = hole.first.predecessor.flatMap { AddressRange(range.first, $0) }
                let after = hole.last.successor.flatMap { AddressRange($0, range.last) }
                return [before, after].compactMap(\.self)
            }
        }
        return left
    }
}

extension AddressRange {
    public func contains(_ address: IPAddress) -> Bool {
        address.family == self.first.family && self.first <= address && address <= self.last
    }
}

extension AddressRange: CustomStringConvertible {
    /// `10.0.0.0/8`, or `10.0.0.1-10.0.0.7` for what is no block.
    public var description: String {
        CIDR.block(from: self.first, before: self.last.successor).map { "\($0)" } ?? "\(self.first)-\(self.last)"
    }
}
