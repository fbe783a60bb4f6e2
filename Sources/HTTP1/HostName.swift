package import Bytes

/// The authority of a request (RFC 9110 section 7.2, RFC 3986 section 3.2): a name, an IPv4 address or an IPv6 address in
/// brackets, and perhaps a port. User information, empty labels and characters that are no part of a host are refused.
package enum HostName {
    /// Characters of a name (RFC 1035 section 2.3.4, in text).
    package static let longestName = 253
    package static let longestLabel = 63

    /// - Returns: nil when it is not valid. Empty text is an authority that names nobody.
    package static func parse(_ bytes: Span<UInt8>, _ text: ByteRange) -> Authority? {
        let start = text.lowerBound
        let end = text.upperBound
        guard start < end else {
            return Authority(kind: .none, name: text, text: text, port: 0, hasUppercase: false)
        }
        if bytes[start] == .openBracket { return Self.parseIPv6(bytes, text) }

        // What follows the text (white space, a slash) is no part of a name: nothing behind the end counts.
        var index = start
        var uppercase: UInt64 = 0
        var emptyLabels: UInt64 = 0
        // Whether the byte before is a dot, as the lowest byte of a mask. Before the first there might as well be one.
        var dotBefore: UInt64 = 0x80
        while index < end {
            let word = bytes.word(index)
            let dots = word.exactEqual(.dot)
            let valid = word.exactAlphanumeric | word.exactEqual(.hyphen) | dots | word.exactEqual(.underscore)
            let invalid = ~valid & Word.high
            let meant = invalid == 0 ? ~0 : (invalid & (0 &- invalid)) &- 1
            uppercase |= word.exactRange(0x41, 0x5a) & meant
            emptyLabels |= dots & (dots << 8 | dotBefore) & meant
            dotBefore = dots >> 56
            index &+= Word.first(invalid)
            if invalid != 0 { break }
        }
        let nameEnd = min(index, end)
        guard let port = Self.port(bytes, from: nameEnd, to: end) else { return nil }
        // One dot at the end says that the name is complete already.
        var count = nameEnd &- start
        if count > 0, bytes[nameEnd &- 1] == .dot { count &-= 1 }
        guard count > 0, count <= Self.longestName, emptyLabels == 0 else { return nil }
        let name = ByteRange(start: start, count: count)
        if count > Self.longestLabel, Self.hasLongLabel(bytes, name) { return nil }
        let kind: Authority.Kind =
            bytes[start &+ count &- 1].isDigit && Self.isIPv4(bytes, name.indices) ? .ipv4 : .name
        return Authority(kind: kind, name: name, text: text, port: port, hasUppercase: uppercase != 0)
    }

    /// Writes a name in lower case.
    /// - Returns: how many bytes; nil when it does not fit.
    package static func writeLowercase(
        _ bytes: Span<UInt8>, _ name: ByteRange, into text: inout MutableSpan<UInt8>
    ) -> Int? {
        guard Int(name.count) <= text.count else { return nil }
        for index in 0..<Int(name.count) { text[index] = bytes[name.lowerBound &+ index].lowercased }
        return Int(name.count)
    }

    /// `:` and a number from 1 to 65535, `:` alone, or nothing. 0 stands for none, nil for what is not valid.
    private static func port(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt16? {
        guard start < end else { return 0 }
        guard bytes[start] == .colon else { return nil }
        guard start &+ 1 < end else { return 0 }
        var port: UInt32 = 0
        for index in start &+ 1..<end {
            guard bytes[index].isDigit else { return nil }
            port = port &* 10 &+ UInt32(bytes[index] &- 0x30)
            guard port <= 65_535 else { return nil }
        }
        return port == 0 ? nil : UInt16(truncatingIfNeeded: port)
    }

    private static func hasLongLabel(_ bytes: Span<UInt8>, _ name: ByteRange) -> Bool {
        var length = 0
        for index in name.indices {
            length = bytes[index] == .dot ? 0 : length &+ 1
            if length > Self.longestLabel { return true }
        }
        return false
    }

    /// Four decimal numbers up to 255, without leading zeros.
    static func isIPv4(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var octets = 0
        var value: UInt32 = 0
        var digits = 0
        for index in range {
            let byte = bytes[index]
            if byte == .dot {
                guard digits > 0, octets < 3 else { return false }
                octets &+= 1
                value = 0
                digits = 0
            } else {
                guard byte.isDigit, digits == 0 || value > 0 else { return false }
                value = value &* 10 &+ UInt32(byte &- 0x30)
                digits &+= 1
                guard value <= 255 else { return false }
            }
        }
        return octets == 3 && digits > 0
    }

    private static func parseIPv6(_ bytes: Span<UInt8>, _ text: ByteRange) -> Authority? {
        var close = text.lowerBound &+ 1
        while close < text.upperBound, bytes[close] != .closeBracket { close &+= 1 }
        guard close < text.upperBound, Self.isIPv6(bytes, text.lowerBound &+ 1..<close),
            let port = Self.port(bytes, from: close &+ 1, to: text.upperBound)
        else { return nil }
        let name = ByteRange(text.lowerBound &+ 1..<close)
        var hasUppercase = false
        for index in name.indices where bytes[index].lowercased != bytes[index] { hasUppercase = true }
        return Authority(kind: .ipv6, name: name, text: text, port: port, hasUppercase: hasUppercase)
    }

    /// RFC 4291 section 2.2; no zone.
    static func isIPv6(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var groups = 0
        var hasGap = false
        var index = range.lowerBound
        if range.count >= 2, bytes[index] == .colon, bytes[index &+ 1] == .colon {
            hasGap = true
            index &+= 2
        }
        while index < range.upperBound {
            let start = index
            while index < range.upperBound, bytes[index].hexValue < 16 { index &+= 1 }
            if index < range.upperBound, bytes[index] == .dot {
                // The last 32 bits may be written as an IPv4 address.
                guard Self.isIPv4(bytes, start..<range.upperBound) else { return false }
                groups &+= 2
                break
            }
            guard (1...4).contains(index &- start) else { return false }
            groups &+= 1
            guard index < range.upperBound else { break }
            guard bytes[index] == .colon, index &+ 1 < range.upperBound else { return false }
            index &+= 1
            if bytes[index] == .colon {
                guard !hasGap else { return false }
                hasGap = true
                index &+= 1
            }
        }
        return hasGap ? groups < 8 : groups == 8
    }
}
