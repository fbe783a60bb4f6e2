package import Logging
internal import Synchronization

/// How much is logged, of all loggers of a process. It can change while it runs.
package final class LogThreshold: Sendable {
    private let configured: Logger.Level
    /// An index of `Logger.Level.allCases`, which go from the most to the least that is said.
    private let current: Atomic<Int>

    package init(_ level: Logger.Level) {
        self.configured = level
        self.current = Atomic(Self.index(level))
    }

    package var level: Logger.Level { Logger.Level.allCases[self.current.load(ordering: .relaxed)] }

    /// From the configured level to `debug`, to `trace`, and back. A step that would say less than the configured level, or the same, is left out.
    ///
    /// - Returns: what holds now.
    package func advance() -> Logger.Level {
        let steps = [self.configured] + [.debug, .trace].filter { $0 < self.configured }
        let place = steps.firstIndex(of: self.level) ?? 0
        let next = steps[(place + 1) % steps.count]
        self.current.store(Self.index(next), ordering: .relaxed)
        return next
    }

    private static func index(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}
