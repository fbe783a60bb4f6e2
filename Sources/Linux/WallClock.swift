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

/// A moment by the wall clock, which may be set back.
package struct WallTime: Hashable, Sendable {
    /// Since 1970, without leap seconds.
    package let seconds: Int64
    /// Beyond them, less than 1,000,000,000.
    package let nanoseconds: Int64

    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static var now: WallTime {
        let (seconds, nanoseconds) = WallClock.now()
        return WallTime(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Since 1970, as ``unixNanoseconds`` has them.
    package init(unixNanoseconds: Int64) {
        // Rounded down, so that the rest is not negative before 1970 either.
        let (quotient, rest) = unixNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(
            seconds: rest < 0 ? quotient - 1 : quotient, nanoseconds: rest < 0 ? rest + 1_000_000_000 : rest)
    }

    /// Since 1970, as far as 64 bits reach: to the year 2262.
    package var unixNanoseconds: Int64 {
        let (product, overflow) = self.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return self.seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(self.nanoseconds)
        return carry ? .max : sum
    }

    package var secondsSince1970: Double { Double(self.seconds) + Double(self.nanoseconds) / 1e9 }
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
