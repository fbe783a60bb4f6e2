internal import Bytes

/// A second, as access logs write it. Made once a second.
struct LogTime: BitwiseCopyable {
    private let year: Int
    private let month: Int
    private let day: Int
    private let second: Int

    /// - Parameter seconds: since 1970, UTC.
    init(secondsSince1970 seconds: Int64) {
        let days = Int(seconds / 86_400)
        self.second = Int(seconds % 86_400)
        // Howard Hinnant's civil_from_days: years begin in March, so that a leap day is the last.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * fromMarch + 2) / 5 + 1
        self.month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }

    /// `21/Nov/2026:13:05:09 +0000`
    func writeLocal(into buffer: inout ByteBuffer) {
        self.write(self.day, into: &buffer)
        buffer.append(UInt8(ascii: "/"))
        buffer.append(Self.name(self.month))
        buffer.append(UInt8(ascii: "/"))
        buffer.append(decimal: UInt64(self.year))
        buffer.append(UInt8(ascii: ":"))
        self.writeTime(into: &buffer)
        buffer.append(" +0000")
    }

    /// `2026-11-21T13:05:09Z`
    func writeUTC(into buffer: inout ByteBuffer) {
        buffer.append(decimal: UInt64(self.year))
        buffer.append(UInt8(ascii: "-"))
        self.write(self.month, into: &buffer)
        buffer.append(UInt8(ascii: "-"))
        self.write(self.day, into: &buffer)
        buffer.append(UInt8(ascii: "T"))
        self.writeTime(into: &buffer)
        buffer.append(UInt8(ascii: "Z"))
    }

    private func writeTime(into buffer: inout ByteBuffer) {
        self.write(self.second / 3_600, into: &buffer)
        buffer.append(UInt8(ascii: ":"))
        self.write(self.second / 60 % 60, into: &buffer)
        buffer.append(UInt8(ascii: ":"))
        self.write(self.second % 60, into: &buffer)
    }

    private func write(_ number: Int, into buffer: inout ByteBuffer) {
        if number < 10 { buffer.append(UInt8(ascii: "0")) }
        buffer.append(decimal: UInt64(number))
    }

    private static func name(_ month: Int) -> StaticString {
        switch month {
        case 1: "Jan"
        case 2: "Feb"
        case 3: "Mar"
        case 4: "Apr"
        case 5: "May"
        case 6: "Jun"
        case 7: "Jul"
        case 8: "Aug"
        case 9: "Sep"
        case 10: "Oct"
        case 11: "Nov"
        default: "Dec"
        }
    }
}
