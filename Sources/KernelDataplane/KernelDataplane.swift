package import ClusterState
internal import KubernetesAPI
package import Linux
package import Logging
internal import Networking
internal import Nftables
internal import ServiceLifecycle
internal import ServiceModel

/// Programs the kernel from a queue of object changes, and keeps what it programmed.
///
/// It owns one thread, because netlink blocks and a network namespace belongs to a thread. On
/// shutdown the rules stay: traffic goes on while no Fairlead runs.
package final class KernelDataplane: ServiceLifecycle.Service, Sendable {
    private let configuration: DataplaneConfiguration
    private let queue: ChangeQueue
    private let wakeUp: WakeUp
    private let stop: WakeUp
    private let stopCleaning: WakeUp
    private let flows: FlowCleaner
    private let publish: @Sendable (HealthReport) -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - queue: where changes come from; it signals `wakeUp`.
    ///   - publish: told, from the data plane's thread, what load balancers are to be answered.
    package init(
        configuration: DataplaneConfiguration,
        queue: ChangeQueue,
        wakeUp: WakeUp,
        publish: @escaping @Sendable (HealthReport) -> Void = { _ in },
        logger: Logger
    ) throws(SystemError) {
        self.configuration = configuration
        self.queue = queue
        self.wakeUp = wakeUp
        self.stop = try WakeUp()
        self.stopCleaning = try WakeUp()
        self.flows = try FlowCleaner(logger: logger)
        self.publish = publish
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
                        let loop = try DataplaneLoop(
                            configuration: self.configuration, queue: self.queue, flows: self.flows,
                            publish: self.publish, logger: self.logger)
                        try loop.run(wakeUp: self.wakeUp, stop: self.stop)
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

    private func cleanFlows() async {
        do throws(SystemError) {
            let failure = try await WorkerThread.run(name: "conntrack") { () -> String? in
                do {
                    try self.flows.run(stop: self.stopCleaning)
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
