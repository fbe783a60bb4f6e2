package import Linux
package import Logging
internal import Reactor
internal import Synchronization

/// Asks endpoints how they are, from one thread of its own, and says who is not well.
package final class HealthChecker: Sendable {
    private let mailbox: Mailbox<HealthLetter>
    private let limit: Int
    private let logger: Logger
    private let publish: @Sendable (HealthSnapshot) -> Void
    private let latest = Mutex(HealthSnapshot())
    private let counters = Mutex(HealthReport())

    /// - Parameters:
    ///   - limit: checks that may be under way at once; the others wait for their turn.
    ///   - publish: gets every snapshot in which anything is another than in the one before, in order. Called on the thread of the
    ///     checks; must not wait.
    package init(
        limit: Int, logger: Logger, publish: @escaping @Sendable (HealthSnapshot) -> Void
    ) throws(SystemError) {
        self.mailbox = try Mailbox()
        self.limit = max(1, limit)
        self.logger = logger
        self.publish = publish
    }

    /// Who is to be checked from now on, of the backends that change. Endpoints that stay keep what is known of them; where
    /// something else is asked it stands until the first check. From any thread.
    package func check(_ changes: [HealthCheckChange]) {
        guard !changes.isEmpty else { return }
        self.mailbox.post(.change(changes))
    }

    /// ``run()`` returns. What was found stands.
    package func stop() { self.mailbox.post(.stop) }

    package var snapshot: HealthSnapshot { self.latest.withLock { $0 } }

    package var report: HealthReport { self.counters.withLock { $0 } }

    /// Until ``stop()``.
    package func run() async throws(SystemError) {
        let failure = try await WorkerThread.run(name: "health") { () -> SystemError? in
            do throws(SystemError) {
                var loop = try HealthLoop(
                    self.mailbox, limit: self.limit, log: HealthLog(self.logger),
                    publish: { snapshot in
                        self.latest.withLock { $0 = snapshot }
                        self.publish(snapshot)
                    },
                    count: { report in self.counters.withLock { $0 = report } })
                loop.run()
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
