package import Linux

/// Wall-clock time as RFC 3339 text.
package enum UTCTime {
    package static func now() -> String {
        let (seconds, nanoseconds) = WallClock.now()
        return self.text(seconds: seconds, milliseconds: nanoseconds / 1_000_000)
    }

    /// `2026-11-21T02:45:39.123Z`, from seconds since 1970 without leap seconds.
    package static func text(seconds: Int64, milliseconds: Int64) -> String {
        "\(self.dateAndTime(seconds)).\(self.padded(milliseconds, 3))Z"
    }

    /// `2026-11-21T02:45:39.1234Z`: as many digits of the nanoseconds as count, and none for none, as Go's
    /// encoding/json writes times.
    package static func text(_ time: WallTime) -> String {
        var fraction = self.padded(time.nanoseconds, 9)
        while fraction.last == "0" { fraction.removeLast() }
        return self.dateAndTime(time.seconds) + (fraction.isEmpty ? "" : ".\(fraction)") + "Z"
    }

    private static func dateAndTime(_ seconds: Int64) -> String {
        let (days, time) = seconds.quotientAndRemainder(dividingBy: 86400)
        let (year, month, day) = self.date(days)
        return "\(self.padded(year, 4))-\(self.padded(month, 2))-\(self.padded(day, 2))"
            + "T\(self.padded(time / 3600, 2)):\(self.padded(time / 60 % 60, 2)):\(self.padded(time % 60, 2))"
    }

    /// The civil date of a day since 1970-01-01, in the proleptic Gregorian calendar: years start in
    /// March, so that the leap day comes last, and 400 years are one era of 146,097 days.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
