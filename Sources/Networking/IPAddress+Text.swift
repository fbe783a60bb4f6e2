// The text forms of addresses: dotted quads as inet_aton's decimal subset, IPv6 as RFC 4291
// section 2.2 in, RFC 5952 out.

extension IPAddress: LosslessStringConvertible, CustomStringConvertible {
    /// Parses an address. Leading zeros in an IPv4 octet are accepted and read as decimal
    /// (`172.30.0.041` is `172.30.0.41`), because objects stored by old API servers have them.
    /// Anything else that is not an address gives nil: zones (`%eth0`), ports, white space.
    public init?(_ text: String) {
        let parsed =
            text.utf8.contains(UInt8(ascii: ":"))
            ? Self.parseIPv6(text.utf8[...])
            : Self.parseIPv4(text.utf8[...])
        guard let parsed else { return nil }
        self = parsed
    }

    static func parseIPv4(_ text: Substring.UTF8View) -> IPAddress? {
        var bits: UInt32 = 0
        var octets = 0
        var value: UInt32 = 0
        var digits = 0
        for character in text {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value * 10 + UInt32(character - UInt8(ascii: "0"))
                digits += 1
                // Three digits are enough for any octet, four would allow padding without end.
                guard value <= 255, digits <= 3 else { return nil }
            case UInt8(ascii: "."):
                guard digits > 0, octets < 3 else { return nil }
                bits = bits << 8 | value
                octets += 1
                value = 0
                digits = 0
            default:
                return nil
            }
        }
        guard digits > 0, octets == 3 else { return nil }
        return IPAddress(ipv4: bits << 8 | value)
    }

    static func parseIPv6(_ text: Substring.UTF8View) -> IPAddress? {
        let colon = UInt8(ascii: ":")
        var groups: [UInt16] = []
        var gap: Int?
        var rest = text

        if rest.starts(with: [colon, colon]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let group = rest.prefix { $0 != colon }
            if group.contains(UInt8(ascii: ".")) {
                // The last 32 bits may be written as a dotted quad.
                guard group.endIndex == rest.endIndex, let quad = parseIPv4(group) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: quad.low >> 16))
                groups.append(UInt16(truncatingIfNeeded: quad.low))
                rest = rest[rest.endIndex...]
                break
            }
            guard (1...4).contains(group.count) else { return nil }
            var value: UInt16 = 0
            for character in group {
                guard let digit = hexDigit(character) else { return nil }
                value = value << 4 | UInt16(digit)
            }
            groups.append(value)
            rest = rest[group.endIndex...]
            guard !rest.isEmpty else { break }
            rest = rest.dropFirst()
            // A single colon at the end introduces nothing; a second one is the gap.
            guard let next = rest.first else { return nil }
            if next == colon {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        let halves = groups.reduce(into: (high: UInt64(0), low: UInt64(0))) { bits, group in
            bits.high = bits.high << 16 | bits.low >> 48
            bits.low = bits.low << 16 | UInt64(group)
        }
        return IPAddress(ipv6High: halves.high, low: halves.low)
    }

    private static func hexDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The canonical form: dotted quad, or RFC 5952 (lower case, longest run of zeros as `::`,
    /// IPv4-mapped addresses with a dotted tail).
    public var description: String {
        switch self.family {
        case .ipv4:
            return "\(self.byte(0)).\(self.byte(1)).\(self.byte(2)).\(self.byte(3))"
        case .ipv6:
            if self.high == 0, self.low >> 32 == 0xffff {
                return "::ffff:\(IPAddress(ipv4: UInt32(truncatingIfNeeded: self.low)))"
            }
            let groups = (0..<8).map { UInt16(self.byte($0 * 2)) << 8 | UInt16(self.byte($0 * 2 + 1)) }
            let gap = Self.longestZeroRun(groups)
            var text = ""
            var index = 0
            while index < 8 {
                if let gap, index == gap.lowerBound {
                    text += "::"
                    index = gap.upperBound
                    continue
                }
                if !text.isEmpty, !text.hasSuffix(":") { text += ":" }
                text += String(groups[index], radix: 16)
                index += 1
            }
            return text
        }
    }

    /// The first longest run of at least two zero groups (RFC 5952 sections 4.2.2 and 4.2.3).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start >= 2, end - start > best?.count ?? 0 { best = start..<end }
            start = end
        }
        return best
    }
}
