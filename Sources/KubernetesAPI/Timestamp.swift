/// Times as the API server writes them (RFC 3339), without a calendar library.
package enum Timestamp {
    /// Unix seconds of `2026-01-31T12:00:00Z` or `2026-01-31T12:00:00.5+01:00`; nil if it is not a time.
    package static func unixSeconds(_ text: String) -> Int64? {
        self.parse(text)?.seconds
    }

    /// Nanoseconds since 1970; nil if it is not a time, or one that 64 bits of them do not reach (before 1678,
    /// after 2261).
    package static func unixNanoseconds(_ text: String) -> Int64? {
        guard let (seconds, nanoseconds) = self.parse(text) else { return nil }
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(nanoseconds)
        return overflow || carry ? nil : sum
    }

    private static func parse(_ text: String) -> (seconds: Int64, nanoseconds: Int64)? {
        var rest = Array(text.utf8)[...]
        func digit(_ byte: UInt8) -> Int64? {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
        }
        func number(_ count: Int, in range: ClosedRange<Int64>) -> Int64? {
            guard rest.count >= count else { return nil }
            var value: Int64 = 0
            for byte in rest.prefix(count) {
                guard let digit = digit(byte) else { return nil }
                value = value * 10 + digit
            }
            rest = rest.dropFirst(count)
            return range.contains(value) ? value : nil
        }
        func skip(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }

        guard let year = number(4, in: 1...9999), skip("-"), let month = number(2, in: 1...12), skip("-"),
            let day = number(2, in: 1...self.days(in: month, of: year)), skip("Tt"),
            let hour = number(2, in: 0...23), skip(":"), let minute = number(2, in: 0...59), skip(":"),
            let second = number(2, in: 0...60)
        else { return nil }
        var nanoseconds: Int64 = 0
        if skip(".") {
            let fraction = rest.prefix { digit($0) != nil }
            guard !fraction.isEmpty else { return nil }
            // Nine digits; what is finer is cut off.
            for position in 0..<9 {
                nanoseconds = nanoseconds * 10 + (fraction.dropFirst(position).first.flatMap(digit) ?? 0)
            }
            rest = rest[fraction.endIndex...]
        }
        let local = self.daysSince1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
        if skip("Zz") { return rest.isEmpty ? (local, nanoseconds) : nil }
        let isEast = rest.first == UInt8(ascii: "+")
        guard skip("+-"), let hours = number(2, in: 0...23), skip(":"), let minutes = number(2, in: 0...59),
            rest.isEmpty
        else { return nil }
        return (local - (isEast ? 1 : -1) * (hours * 3_600 + minutes * 60), nanoseconds)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Counts in years that begin in March, so that the leap day is the last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        return shifted * 365 + leapDays + dayOfYear - 719_468
    }
}
