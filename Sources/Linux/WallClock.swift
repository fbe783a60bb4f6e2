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

/// The time since some start that no setting of the clock changes: `CLOCK_MONOTONIC`, which all processes
/// of a host have in common.
public enum MonotonicClock {
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_MONOTONIC, &time) == 0 else { return 0 }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
