/// How the values of annotations are written: as ingress-nginx reads those of the same names.
package enum AnnotationValues {
    package static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    package static func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = Int(text) else {
            return nil
        }
        return range.contains(number) ? number : nil
    }

    /// A day: what is longer is a mistake.
    package static let longestTimeout = 86_400_000

    /// What ``timeout(_:)`` reads, for messages: it follows "must be".
    package static let timeoutRule = "a time from 1ms to 24h, in seconds where there is no unit"

    /// Milliseconds of `60`, `60s`, `500ms`, `5m`, `1h`: seconds where there is no unit. From a millisecond to
    /// a day.
    package static func timeout(_ text: String) -> UInt32? {
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard let factor = unit.isEmpty ? 1_000 : units.first(where: { $0.0 == unit })?.1,
            let number = self.number(String(digits), in: 1...self.longestTimeout / factor)
        else { return nil }
        return UInt32(number * factor)
    }

    /// Visible ASCII, which may be nothing.
    package static func visible(_ text: String) -> String? {
        text.utf8.allSatisfy { 0x21..<0x7f ~= $0 } && text.utf8.count <= HealthCheckPolicy.longestText ? text : nil
    }

    /// A request's target in origin form (RFC 9112 section 3.2.1).
    package static func target(_ text: String) -> String? {
        guard text.utf8.first == UInt8(ascii: "/"), !text.utf8.contains(UInt8(ascii: "#")) else { return nil }
        return self.visible(text)
    }

    /// What is between commas, without the spaces around it.
    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map(self.trimmed)
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
