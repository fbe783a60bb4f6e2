internal import Balancing
internal import HealthChecking
package import Linux
package import Logging
package import Networking
internal import Reactor
internal import ServiceLifecycle
package import ServiceModel
internal import Synchronization

/// The workers, from outside: what they serve, what they have counted, when they end. Beside them one thread asks endpoints how
/// they are, where a Service wants that.
package final class StreamBalancer: ServiceLifecycle.Service, StreamServing {
    fileprivate struct State {
        var board = StreamBoard()
        var listeners: ListenerSet
        var detection = ClientDetection()
        var checked: [Int: CheckedBackend] = [:]
    }

    private let limits: StreamLimits
    private let starts: [StreamWorkerStart]
    private let checker: HealthChecker
    private let state: Mutex<State>

    /// - Parameter workers: threads.
    package init(_ limits: StreamLimits, workers: Int, logger: Logger) throws(SystemError) {
        precondition(workers > 0, "no workers")
        self.limits = limits
        let book = ClientBook(capacity: limits.rememberedClients)
        var random = SystemRandomNumberGenerator()
        var starts: [StreamWorkerStart] = []
        for index in 0..<workers {
            starts.append(
                StreamWorkerStart(
                    limits: limits, mailbox: try Mailbox(), counterBoard: StreamCounterBoard(), book: book,
                    index: index, workers: workers, seed: random.next(), logger: logger))
        }
        self.starts = starts
        self.state = Mutex(State(listeners: ListenerSet(workers: workers, backlog: limits.listenBacklog)))
        let mailboxes = starts.map(\.mailbox)
        self.checker = try HealthChecker(limit: limits.healthChecks, logger: logger) { snapshot in
            for mailbox in mailboxes { mailbox.post(.health(snapshot)) }
        }
    }

    package func apply(_ changes: [StreamChange], clients: ClientDetection) -> [StreamProblem] {
        self.state.withLock { state in
            let delta = state.board.apply(changes)
            let isOther = clients != state.detection
            guard !delta.isEmpty || isOther else { return [] }
            state.detection = clients
            var problems: [StreamProblem] = []
            var offers = self.starts.map { _ in [StreamAddress: StreamSocketOffer]() }
            for address in delta.withdrawn + delta.released { state.listeners.remove(address) }
            for address in delta.reserved { state.listeners.reserve(address) }
            // Whoever clients are now, filters know it.
            let frontends = isOther ? Array(state.board.frontends.values) : delta.frontends
            for frontend in frontends {
                do throws(StreamListenError) {
                    for (index, offer) in try state.listeners.adopt(frontend, clients).enumerated() {
                        offers[index][frontend.address] = offer
                    }
                } catch {
                    problems.append(StreamProblem(frontend.address, frontend.port, reason: "\(error)"))
                    // So that the next change tries again.
                    state.board.forget(frontend.address)
                    state.listeners.remove(frontend.address)
                }
            }
            for (start, offers) in zip(self.starts, offers) {
                start.mailbox.post(.change(delta, sockets: offers, clients))
            }
            self.checker.check(state.check(delta))
            return problems
        }
    }

    package func openConnections(at address: IPAddress) -> Int {
        guard let inquiry = try? Inquiry<Int>(of: self.starts.count) else { return 1 }
        for start in self.starts { start.mailbox.post(.census(address, inquiry)) }
        // Who does not answer may well have some.
        return inquiry.wait(.seconds(1))?.reduce(0, +) ?? 1
    }

    /// Until graceful shutdown: then nothing is accepted any more, what is open may end within ``StreamLimits/drainTimeout``, and it
    /// returns.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, start) in self.starts.enumerated() {
                group.addTask {
                    try await WorkerThread.run(name: "stream-\(index)") { () -> SystemError? in
                        StreamWorker.serve(start)
                    }.map { throw $0 }
                }
            }
            group.addTask { try await self.checker.run() }
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    do {
                        for try await _ in group {}
                    } catch {
                        self.drain(0)
                        throw error
                    }
                } onGracefulShutdown: {
                    self.drain(self.limits.drainTimeout)
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
    package func report() -> StreamReport {
        var counters = StreamCounters()
        for start in self.starts { counters.add(start.counterBoard.latest) }
        return StreamReport(counters, health: self.checker.report)
    }

    /// What is known of endpoints, at this moment: those that are not among them have no connections, their full share, and
    /// are not checked. nil: the workers do not answer. From any thread; waits for them.
    package func endpoints(within patience: Duration) -> [StreamEndpoint: StreamEndpointReport]? {
        guard let inquiry = try? Inquiry<[EndpointTally]>(of: self.starts.count) else { return nil }
        for start in self.starts { start.mailbox.post(.tally(inquiry)) }
        guard let tallies = inquiry.wait(patience) else { return nil }
        return StreamEndpointReport.merge(
            tallies, checked: self.state.withLock { $0.board.checkedGroups }, self.checker.snapshot, at: .now)
    }
}

extension StreamBalancer.State {
    /// What the checker is to be told of a change.
    fileprivate mutating func check(_ delta: StreamBoard.Delta) -> [HealthCheckChange] {
        var changes: [HealthCheckChange] = []
        for plan in delta.retired where self.checked.removeValue(forKey: plan.number) != nil {
            changes.append(HealthCheckChange(key: plan.number, backend: nil))
        }
        for plan in delta.groups {
            guard let policy = plan.policy.healthCheck else {
                if self.checked.removeValue(forKey: plan.number) != nil {
                    changes.append(HealthCheckChange(key: plan.number, backend: nil))
                }
                continue
            }
            let backend = CheckedBackend(
                name: plan.healthName, policy: policy, transport: .plain,
                endpoints: plan.endpoints.map { SocketAddress($0.address, $0.port) })
            self.checked[plan.number] = backend
            changes.append(HealthCheckChange(key: plan.number, backend: backend))
        }
        return changes
    }
}
