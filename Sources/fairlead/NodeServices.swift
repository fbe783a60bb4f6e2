internal import Admin
internal import ClusterState
internal import KernelDataplane
internal import KubernetesAPI
internal import KubernetesClient
internal import KubernetesWire
internal import Linux
internal import Logging
internal import Networking
internal import Observability
internal import ServiceLifecycle
internal import ServiceModel

/// The node role as services, wired to each other.
struct NodeServices {
    let configuration: DataplaneConfiguration
    let health: HealthPages
    /// Where the source leaves what it has.
    let queue: ChangeQueue
    private let start: NodeStart
    private let metrics: DataplaneMetrics
    private let wakeUp: WakeUp
    private let logger: (_ label: String) -> Logger

    init(
        _ role: NodeRole,
        _ start: NodeStart,
        _ source: ObjectSource,
        registry: MetricRegistry,
        logger: @escaping (_ label: String) -> Logger
    ) throws {
        let families = HostAddresses.families
        self.configuration = role.configuration(start, source)
        self.start = start
        self.metrics = DataplaneMetrics(registry, families: families)
        self.health = HealthPages(
            ProxyHealth(
                timeout: self.configuration.syncPeriod * 2, families: families,
                isNodeEligible: !self.configuration.requiresNode), registry)
        self.wakeUp = try WakeUp()
        self.queue = ChangeQueue(wakeUp: self.wakeUp, kinds: ObjectKind.ofNode)
        self.logger = logger
    }

    /// What `/configz` answers, as JSON.
    var document: String { #"{"kubeproxy.config.k8s.io":\#(self.start.configuration.json)}"# }

    /// What is to run, in the order in which it starts.
    func services(server: AdminServer) throws -> [any ServiceLifecycle.Service] {
        let health = self.health
        let dataplane = try KernelDataplane(
            configuration: self.configuration, queue: self.queue, wakeUp: self.wakeUp,
            publish: KernelDataplane.Publishing(
                checks: { server.serve(HealthCheckState($0)) }, health: { health.update($0) }),
            metrics: self.metrics, logger: self.logger("kernel"))
        var services: [any ServiceLifecycle.Service] = [dataplane]
        if let file = self.start.file { services.append(try ConfigurationWatch(file, logger: self.logger("node"))) }
        return services
    }
}

extension HealthCheckState {
    /// Link-local addresses need a zone to be listened on, and no load balancer asks there.
    fileprivate init(_ report: HealthReport) {
        self.init(
            checks: report.checks.map { name, plan in
                HealthCheck(
                    namespace: name.namespace, name: name.name, port: plan.port, localEndpoints: plan.localEndpoints)
            },
            addresses: report.addresses.filter { !$0.isLinkLocal }.sorted(), isProxyHealthy: report.isHealthy)
    }
}
