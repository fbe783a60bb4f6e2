internal import Glibc

/// Looks at `condition` again and again until it holds; false if it does not within `timeout`.
@discardableResult
package func waitUntil(
    timeout: Duration,
    interval: Duration = .milliseconds(2),
    _ condition: () throws -> Bool
) rethrows -> Bool {
    let deadline = ContinuousClock.now + timeout
    while true {
        if try condition() { return true }
        guard ContinuousClock.now < deadline else { return false }
        pause(interval)
    }
}

/// Blocks the calling thread. The lab measures with real clocks and blocking calls throughout.
package func pause(_ duration: Duration) {
    let microseconds = max(duration, .zero) / .microseconds(1)
    usleep(useconds_t(min(microseconds, 1e9)))
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}

/// Runs `body` on this thread, which goes before all others of its processor meanwhile (SCHED_FIFO, sched(7)); threads that it starts
/// do so for good. For what is measured while others use the same processor that are on another machine where it matters. Needs root.
package func withRealTimePriority<Result>(_ body: () throws -> Result) rethrows -> Result {
    func adopt(_ policy: Int32, _ priority: Int32) {
        var parameters = sched_param(sched_priority: priority)
        // 0 is the calling thread.
        let result = unsafe sched_setscheduler(0, policy, &parameters)
        precondition(result == 0, "sched_setscheduler: \(errno)")
    }
    adopt(SCHED_FIFO, 1)
    defer { adopt(SCHED_OTHER, 0) }
    return try body()
}
