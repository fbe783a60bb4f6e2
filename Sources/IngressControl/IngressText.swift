internal import Linux
internal import Observability

/// Times as pages and the log have them.
enum IngressText {
    /// `2026-11-21T02:45:39Z`, from Unix seconds.
    static func date(_ seconds: Int64) -> String { UTCTime.text(WallTime(seconds: seconds)) }
}
