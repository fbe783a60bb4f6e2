internal import Linux
internal import Observability

/// Times as pages and the log have them.
enum IngressText {
    /// `1.59 ms`.
    static func duration(_ duration: Duration) -> String {
        let hundredths = Int64(duration / .microseconds(10))
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
    }

    /// `2026-11-21T02:45:39Z`, from Unix seconds.
    static func date(_ seconds: Int64) -> String { UTCTime.text(WallTime(seconds: seconds)) }
}
