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
