internal import Glibc

/// The time of day, for people; durations are measured with `ContinuousClock`.
public enum WallClock {
    /// Seconds since 1970, and nanoseconds beyond them.
    public static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return (0, 0) }
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
