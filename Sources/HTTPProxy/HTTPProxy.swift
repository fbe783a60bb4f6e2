internal import HTTP1
package import HealthChecking
package import Linux
package import Logging
package import Reactor
package import Routing
internal import ServiceLifecycle
internal import Synchronization

/// The workers, from outside: what they serve, what they have counted, when they end. Beside them one thread asks endpoints how
/// they are.
package final class HTTPProxy: ServiceLifecycle.Service, Sendable {
    private let configuration: HTTPProxyConfiguration
    private let logger: Logger
    private let starts: [WorkerStart]
    private let checker: HealthChecker
    private let checked = Mutex(CheckedBackends())

    /// Listens at once, so that a port that is taken is known before anything else is done. Connections wait until
    /// ``run()``, and are answered with 503 before the first ``publish(_:)``.
    package init(_ configuration: HTTPProxyConfiguration, logger: Logger) throws(SystemError) {
        precondition(configuration.workers > 0, "no workers")
        self.configuration = configuration
        self.logger = logger
        // The first worker's listeners choose the ports where none is given; the others' are at the same.
        var addresses =
            configuration.plainAddresses.map { ($0, false) } + configuration.secureAddresses.map { ($0, true) }
        var starts: [WorkerStart] = []
        var random = SystemRandomNumberGenerator()
        for _ in 0..<configuration.workers {
            var listeners: [WorkerStart.Listener] = []
            for (index, (address, isSecure)) in addresses.enumerated() {
                let socket = try ListeningSocket(
                    at: address, backlog: Int32(clamping: configuration.limits.listenBacklog),
                    isShared: configuration.workers > 1)
                addresses[index].0 = socket.address
                listeners.append(WorkerStart.Listener(socket: socket, isSecure: isSecure))
            }
            starts.append(
                WorkerStart(
                    configuration: configuration, listeners: listeners, mailbox: try Mailbox(), board: CounterBoard(),
                    seed: random.next(), logger: logger))
        }
        self.starts = starts
        let mailboxes = starts.map(\.mailbox)
        self.checker = try HealthChecker(limit: configuration.limits.healthChecks, logger: logger) { snapshot in
            for mailbox in mailboxes { mailbox.post(.health(snapshot)) }
        }
    }

    /// Where it listens: the addresses that were asked for, with the ports that they got.
    package var plainAddresses: [SocketAddress] {
        self.starts[0].listeners.filter { !$0.isSecure }.map(\.socket.address)
    }

    package var secureAddresses: [SocketAddress] {
        self.starts[0].listeners.filter(\.isSecure).map(\.socket.address)
    }

    /// Hands all workers what is to be served from now on. From any thread; the workers have it within a turn.
    package func publish(_ snapshot: ProxySnapshot) {
        for start in self.starts { start.mailbox.post(.serve(snapshot)) }
        self.checker.check(self.checked.withLock { $0.adopt(snapshot) })
    }

    /// How the endpoints are that are checked, by the plan's index of their backend.
    package var health: HealthSnapshot { self.checker.snapshot }

    /// Until graceful shutdown: then no connection is accepted any more, what is in flight may finish within
    /// ``ProxyLimits/drainTimeout``, and it returns.
    package func run() async throws {
        let processors = Processors.usable
        let isPinned = self.configuration.pinsWorkers && processors.count >= self.starts.count
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, start) in self.starts.enumerated() {
                let processor = isPinned ? processors[index] : nil
                group.addTask {
                    try await WorkerThread.run(name: "http-\(index)") { () -> SystemError? in
                        if let processor { _ = Processors.pin(to: processor) }
                        return Worker.serve(start)
                    }.map { throw $0 }
                }
            }
            group.addTask { try await self.checker.run() }
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    do {
                        for try await _ in group {}
                    } catch {
                        // Connections to the listeners of a worker that did not start would wait for ever.
                        self.drain(0)
                        throw error
                    }
                } onGracefulShutdown: {
                    self.drain(self.configuration.limits.drainTimeout)
                }
            } onCancel: {
                self.drain(0)
            }
        }
    }

    private func drain(_ milliseconds: Int) {
        for start in self.starts { start.mailbox.post(.drain(UInt64(milliseconds))) }
        self.checker.stop()
    }

    /// What all workers have counted together, at most a quarter of a second old.
    package func report() -> ProxyReport {
        var report = ProxyReport()
        for start in self.starts { report.add(start.board.latest) }
        report.health = self.checker.report
        return report
    }

    /// What they have counted by route, at this moment. nil: they do not answer. From any thread; waits for them.
    ///
    /// - Parameter meters: which routes are counted by themselves, of the plan that was published last.
    package func routeReport(_ meters: RouteMeters, within patience: Duration) -> RouteReport? {
        guard let inquiry = try? Inquiry<[RouteCounts.Place]>(of: self.starts.count) else { return nil }
        for start in self.starts { start.mailbox.post(.countRoutes(inquiry)) }
        return inquiry.wait(patience).map { RouteReport($0, meters) }
    }
}

extension Worker {
    /// Lives on the calling thread until it has drained. What it could not start with, if so.
    static func serve(_ start: WorkerStart) -> SystemError? {
        do throws(SystemError) {
            var worker = try Worker(start)
            worker.run()
            return nil
        } catch {
            return error
        }
    }
}
