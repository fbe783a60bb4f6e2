internal import Bytes
internal import Linux
internal import Observability

/// A second, as access logs write it. Made once a second.
struct LogTime: BitwiseCopyable {
    /// `2026-11-21T13:05:09Z`
    private var text = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))

    /// - Parameter seconds: since 1970, UTC.
    init(secondsSince1970 seconds: Int64) {
        for (index, byte) in UTCTime.text(WallTime(seconds: seconds, nanoseconds: 0)).utf8.prefix(20).enumerated() {
            self.text[index] = byte
        }
    }

    func writeUTC(into buffer: inout ByteBuffer) { buffer.append(self.text.span) }

    /// `21/Nov/2026:13:05:09 +0000`
    func writeLocal(into buffer: inout ByteBuffer) {
        let text = self.text.span
        buffer.append(text.extracting(8..<10))
        buffer.append(UInt8(ascii: "/"))
        buffer.append(Self.name(month: (text[5] &- 48) &* 10 &+ text[6] &- 48))
        buffer.append(UInt8(ascii: "/"))
        buffer.append(text.extracting(0..<4))
        buffer.append(UInt8(ascii: ":"))
        buffer.append(text.extracting(11..<19))
        buffer.append(" +0000")
    }

    private static func name(month: UInt8) -> StaticString {
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
