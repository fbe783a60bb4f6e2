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

/// Runs `body` on this thread while it gets the processor only when nobody else wants it: load that comes from other machines
/// where it matters, and must not be taken for what it does to the one that it is for. Needs root, to go back.
package func withLowestPriority<Result>(_ body: () throws -> Result) rethrows -> Result {
    // On Linux a thread has a priority of its own; 0 is the calling one.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    defer { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 0) }
    return try body()
}
