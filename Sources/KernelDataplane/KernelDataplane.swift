package import ClusterState
internal import KubernetesAPI
package import Linux
package import Logging
package import Networking
internal import Nftables
internal import ServiceLifecycle
internal import ServiceModel

/// Programs the kernel from a queue of object changes, and keeps what it programmed.
///
/// It owns one thread, because netlink blocks and a network namespace belongs to a thread. On
/// shutdown the rules stay: traffic goes on while no Fairlead runs.
package final class KernelDataplane: ServiceLifecycle.Service, Sendable {
    /// What the operator chose.
    package struct Configuration: Sendable {
        /// This node's name, as EndpointSlices spell it.
        package var nodeName: String
        package var clusterCIDRs: [CIDR] = []
        package var masqueradeAll = false
        package var nodePortAddresses: NodePortAddressPolicy = .primary
        /// Whether what kube-proxy left is removed at the start; otherwise it is only said.
        package var removesKubeProxy = false

        package init(nodeName: String) {
            self.nodeName = nodeName
        }

        /// With the addresses that this host has now.
        ///
        /// - Parameter keeping: the addresses that took NodePorts so far.
        package func nodeSettings(keeping: Set<IPAddress> = []) throws(SystemError) -> NodeSettings {
            NodeSettings(
                clusterCIDRs: self.clusterCIDRs,
                masqueradeAll: self.masqueradeAll,
                nodePortAddresses: self.nodePortAddresses.resolve(
                    local: try HostAddresses.all(), primary: HostAddresses.primary(), keeping: keeping)
            )
        }
    }

    private let configuration: Configuration
    private let queue: ChangeQueue
    private let wakeUp: WakeUp
    private let stop: WakeUp
    private let logger: Logger

    /// - Parameters:
    ///   - queue: where changes come from; it signals `wakeUp`.
    package init(configuration: Configuration, queue: ChangeQueue, wakeUp: WakeUp, logger: Logger) throws(SystemError) {
        self.configuration = configuration
        self.queue = queue
        self.wakeUp = wakeUp
        self.stop = try WakeUp()
        self.logger = logger
    }

    /// Runs until graceful shutdown or cancellation.
    package func run() async throws {
        let failure = try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await WorkerThread.run(name: "nftables") { () -> (any Error)? in
                    do {
                        let loop = try DataplaneLoop(
                            configuration: self.configuration, queue: self.queue, logger: self.logger)
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
        if let failure { throw failure }
    }
}
