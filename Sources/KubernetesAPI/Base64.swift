/// Base64 (RFC 4648 section 4) as the API server reads it: padded, with line ends anywhere.
package enum Base64 {
    /// nil if it is not base64.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.underestimatedCount / 4 * 3)
        var bits: UInt32 = 0
        /// Characters of the group of four, padding included.
        var count = 0
        var padding = 0
        var isOver = false
        for character in text where character != UInt8(ascii: "\n") && character != UInt8(ascii: "\r") {
            guard !isOver else { return nil }
            if character == UInt8(ascii: "=") {
                guard count >= 2 else { return nil }
                padding += 1
                bits <<= 6
            } else {
                guard padding == 0, let value = self.value(character) else { return nil }
                bits = bits << 6 | value
            }
            count += 1
            guard count == 4 else { continue }
            for position in 0..<3 - padding { bytes.append(UInt8(truncatingIfNeeded: bits >> (16 - 8 * position))) }
            isOver = padding > 0
            bits = 0
            count = 0
        }
        return count == 0 ? bytes : nil
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
