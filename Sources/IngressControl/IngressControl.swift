package import ClusterState
package import HTTPProxy
package import KubernetesAPI
package import Linux
package import Logging
internal import Observability
package import Routing
internal import ServiceLifecycle
internal import TLS

/// Turns changes of objects into snapshots for the workers. It owns one thread.
package final class IngressControl: ServiceLifecycle.Service, Sendable {
    /// Who is told, from the loop's thread. They must not wait.
    package struct Publishing: Sendable {
        /// The workers. Gets every plan that changes anything for them, in order, and none before everything has been
        /// listed.
        package var snapshot: @Sendable (ProxySnapshot) -> Void
        /// Who writes statuses.
        package var news: @Sendable (IngressNews) -> Void
        /// Who writes events: problems that have come up.
        package var problems: @Sendable ([IngressProblem]) -> Void

        package init(
            snapshot: @escaping @Sendable (ProxySnapshot) -> Void,
            news: @escaping @Sendable (IngressNews) -> Void = { _ in },
            problems: @escaping @Sendable ([IngressProblem]) -> Void = { _ in }
        ) {
            self.snapshot = snapshot
            self.news = news
            self.problems = problems
        }
    }

    private let board: IngressBoard
    private let configuration: IngressControlConfiguration
    private let publishService: ObjectName?
    private let queue: ChangeQueue
    private let wakeUp: WakeUp
    private let stop: WakeUp
    private let questions: Questions<IngressPlanner>
    private let publish: Publishing
    private let metrics: IngressMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - publishService: the Service that ``IngressNews`` is to tell of.
    ///   - board: where what is in force is shown.
    ///   - queue: where changes come from; it signals `wakeUp`.
    package init(
        _ configuration: IngressControlConfiguration,
        publishService: ObjectName? = nil,
        board: IngressBoard = IngressBoard(),
        queue: ChangeQueue,
        wakeUp: WakeUp,
        publish: Publishing,
        metrics: IngressMetrics,
        logger: Logger
    ) throws(SystemError) {
        self.configuration = configuration
        self.publishService = publishService
        self.board = board
        self.queue = queue
        self.wakeUp = wakeUp
        self.stop = try WakeUp()
        self.questions = try Questions()
        self.publish = publish
        self.metrics = metrics
        self.logger = logger
    }

    /// What it has been told and has planned by now; nil: it is busy for longer than that, or does not run. From any thread; waits. A value:
    /// whoever asked can take their time with it, and costs the thread a copy of the tables that change before it is let go, once.
    package func planner(within patience: Duration) -> IngressPlanner? { self.questions.ask(within: patience) }

    /// Runs until graceful shutdown or cancellation.
    package func run() async throws {
        let failure = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "ingress") { () -> (any Error)? in
                    do {
                        var loop = try IngressLoop(
                            self.configuration, publishService: self.publishService, queue: self.queue,
                            board: self.board, publish: self.publish, metrics: self.metrics, logger: self.logger)
                        try loop.run(wakeUp: self.wakeUp, stop: self.stop, questions: self.questions)
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
        if let failure { throw failure }
    }
}

/// What the writer of statuses has to know of a plan.
package struct IngressNews: Sendable, Hashable {
    /// Those that are ours, by name.
    package var served: [ServedIngress]
    /// Those that were ours until now.
    package var released: [ServedIngress]
    /// The one whose addresses are to be published; nil if there is none.
    package var service: KubernetesAPI.Service?

    package init(
        served: [ServedIngress], released: [ServedIngress] = [], service: KubernetesAPI.Service? = nil
    ) {
        self.served = served
        self.released = released
        self.service = service
    }
}
