/// How long ago something was, in as few words as kubectl has for it (HumanDuration of k8s.io/apimachinery).
package enum Age {
    package static let unknown = "<unknown>"

    /// Clocks that were set back make it negative: that is none.
    package static func text(seconds: Int64) -> String {
        let seconds = max(0, seconds)
        func pair(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
            small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
        }
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<(10 * 60): return pair(minutes, "m", seconds % 60, "s")
        case ..<(3 * 3_600): return "\(minutes)m"
        case ..<(8 * 3_600): return pair(hours, "h", minutes % 60, "m")
        case ..<(2 * 86_400): return "\(hours)h"
        case ..<(8 * 86_400): return pair(days, "d", hours % 24, "h")
        case ..<(2 * 365 * 86_400): return "\(days)d"
        case ..<(8 * 365 * 86_400): return pair(days / 365, "y", days % 365, "d")
        default: return "\(days / 365)y"
        }
    }
}
