package import Bytes

/// A moment as `Date` has it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). Made once a second.
package struct HTTPDate: BitwiseCopyable, Sendable {
    private var text = InlineArray<29, UInt8>(repeating: .space)

    /// - Parameter seconds: since 1970, from 0 to the end of the year 9999.
    package init(secondsSince1970 seconds: Int64) {
        let seconds = min(max(seconds, 0), 253_402_300_799)
        let days = Int(seconds / 86_400)
        let time = Int(seconds % 86_400)
        let (year, month, day) = Self.civil(days: days)
        // 1970 began on a Thursday.
        self.put("ThuFriSatSunMonTueWed", days % 7, at: 0)
        self.text[3] = .comma
        self.put(day, at: 5)
        self.put("JanFebMarAprMayJunJulAugSepOctNovDec", month - 1, at: 8)
        self.put(year / 100, at: 12)
        self.put(year % 100, at: 14)
        self.put(time / 3_600, at: 17)
        self.text[19] = .colon
        self.put(time / 60 % 60, at: 20)
        self.text[22] = .colon
        self.put(time % 60, at: 23)
        self.put("GMT", 0, at: 26)
    }

    /// Needs 29 bytes of space.
    package func write(into buffer: inout ByteBuffer) { buffer.append(self.text.span) }

    /// Three letters of `names`, the `index`th.
    private mutating func put(_ names: StaticString, _ index: Int, at position: Int) {
        for offset in 0..<3 { self.text[position + offset] = names.byte(index * 3 + offset) }
    }

    /// Two digits.
    private mutating func put(_ number: Int, at position: Int) {
        self.text[position] = UInt8(0x30 + number / 10)
        self.text[position + 1] = UInt8(0x30 + number % 10)
    }

    /// The date of a day since 1970. The year is counted from March, so that a leap day is its last.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }
}
