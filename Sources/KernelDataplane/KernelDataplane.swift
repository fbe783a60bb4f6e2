package import ClusterState
internal import KubernetesAPI
package import Linux
package import Logging
internal import Networking
internal import Nftables
internal import Observability
internal import ServiceLifecycle
package import ServiceModel
internal import Synchronization

/// Programs the kernel from a queue of object changes, and keeps what it programmed.
///
/// It owns one thread, because netlink blocks and a network namespace belongs to a thread. On
/// shutdown the rules stay: traffic goes on while no Fairlead runs.
package final class KernelDataplane: ServiceLifecycle.Service, Sendable {
    /// Who is told, from the data plane's thread, how things are. They must not wait.
    package struct Publishing: Sendable {
        /// What load balancers are to be answered that ask about a Service.
        package var checks: @Sendable (HealthReport) -> Void
        /// What those are that ask about the node.
        package var health: @Sendable (ProxyHealth) -> Void
        /// Who serves from now on.
        package var mode: @Sendable (DataplaneMode) -> Void
        /// An address that the userspace balancer could not have.
        package var problem: @Sendable (StreamProblem) -> Void

        package init(
            checks: @escaping @Sendable (HealthReport) -> Void = { _ in },
            health: @escaping @Sendable (ProxyHealth) -> Void = { _ in },
            mode: @escaping @Sendable (DataplaneMode) -> Void = { _ in },
            problem: @escaping @Sendable (StreamProblem) -> Void = { _ in }
        ) {
            self.checks = checks
            self.health = health
            self.mode = mode
            self.problem = problem
        }
    }

    private let configuration: DataplaneConfiguration
    private let queue: ChangeQueue
    private let wakeUp: WakeUp
    private let stop: WakeUp
    private let stopCleaning: WakeUp
    private let questions: Questions<DataplaneView>
    private let planQuestions: Questions<TablePlan>
    let knownAudit = Mutex<KnownAudit?>(nil)
    private let flows: FlowCleaner
    private let streams: (any StreamServing)?
    private let namespace: NetworkNamespace?
    private let publish: Publishing
    private let metrics: DataplaneMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - queue: where changes come from; it signals `wakeUp`.
    ///   - streams: the userspace balancer; without one the kernel serves everything, and what it cannot is left out.
    ///   - namespace: the network namespace that is programmed; nil: that of the process.
    ///   - publish: whom to tell how things are.
    ///   - metrics: what is measured.
    package init(
        configuration: DataplaneConfiguration,
        queue: ChangeQueue,
        wakeUp: WakeUp,
        streams: (any StreamServing)? = nil,
        namespace: NetworkNamespace? = nil,
        publish: Publishing = Publishing(),
        metrics: DataplaneMetrics = DataplaneMetrics(MetricRegistry()),
        logger: Logger
    ) throws(SystemError) {
        self.configuration = configuration
        self.queue = queue
        self.wakeUp = wakeUp
        self.stop = try WakeUp()
        self.stopCleaning = try WakeUp()
        self.questions = try Questions<DataplaneView>()
        self.planQuestions = try Questions<TablePlan>()
        self.flows = try FlowCleaner(metrics: metrics, logger: logger)
        self.streams = streams
        self.namespace = namespace
        self.publish = publish
        self.metrics = metrics
        self.logger = logger
    }

    /// Runs until graceful shutdown or cancellation.
    package func run() async throws {
        async let cleaning: Void = self.cleanFlows()
        defer { self.stopCleaning.signal() }
        let failure = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "nftables") { () -> (any Error)? in
                    do {
                        try self.inNamespace {
                            let loop = try DataplaneLoop(
                                configuration: self.configuration, queue: self.queue, flows: self.flows,
                                streams: self.streams, publish: self.publish, metrics: self.metrics,
                                logger: self.logger)
                            try loop.run(
                                wakeUp: self.wakeUp, stop: self.stop, questions: self.questions,
                                planQuestions: self.planQuestions)
                        }
                        return nil
                    } catch {
                        return error
                    }
                }
            } onGracefulShutdown: {
                self.stop.signal()
            }
        } onCancel: {
            self.stop.signal()
        }
        self.stopCleaning.signal()
        await cleaning
        if let failure { throw failure }
    }

    /// What it goes by now; nil: it is busy for longer than that, or does not run. From any thread; waits.
    package func view(within patience: Duration) -> DataplaneView? { self.questions.ask(within: patience) }

    /// What the kernel is to hold now; nil, and waiting, as ``view(within:)``.
    func plan(within patience: Duration) -> TablePlan? { self.planQuestions.ask(within: patience) }

    func inNamespace(_ body: () throws -> Void) throws {
        if let namespace { try namespace.run(body) } else { try body() }
    }

    private func cleanFlows() async {
        do throws(SystemError) {
            let failure = try await WorkerThread.run(name: "conntrack") { () -> String? in
                do {
                    try self.inNamespace { try self.flows.run(stop: self.stopCleaning) }
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            if let failure { throw SystemError(number: 0, call: "conntrack", subject: failure) }
        } catch {
            self.logger.error(
                "connections are not looked after: clients of UDP Services may stay with endpoints that are gone",
                metadata: ["reason": "\(error)"])
        }
    }
}
