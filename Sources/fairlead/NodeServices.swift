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
internal import StreamBalancer

/// The node role as services, wired to each other.
struct NodeServices {
    let configuration: DataplaneConfiguration
    let health: HealthPages
    /// Where the source leaves what it has.
    let queue: ChangeQueue
    private let start: NodeStart
    private let metrics: DataplaneMetrics
    private let wakeUp: WakeUp
    /// Listens nowhere before it is told to.
    private let balancer: StreamBalancer
    /// To be asked for after the services.
    private(set) var interface: NodeInterface?
    private let logger: (_ label: String) -> Logger

    init(
        _ role: NodeRole,
        _ start: NodeStart,
        _ source: ObjectSource,
        registry: MetricRegistry,
        logger: @escaping (_ label: String) -> Logger
    ) throws {
        let families = HostAddresses.families
        self.configuration = try role.configuration(start, source)
        var limits = try role.balancerLimits.limits()
        limits.leaveDescriptors(of: DescriptorLimit.raise())
        let balancer = try StreamBalancer(
            limits, workers: try role.balancerLimits.workers(), logger: logger("balancer"))
        StreamMetrics.register(registry) { balancer.report() }
        self.balancer = balancer
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

    /// Whether nothing can be served without `CAP_NET_ADMIN`.
    var requiresNetworkAdministration: Bool { self.configuration.dataplane == .nftables }

    /// What is to run, in the order in which it starts; it ends in the opposite one: the balancer after the kernel has been told.
    ///
    /// - Parameter recorder: who writes events; nil without an API server.
    mutating func services(
        server: AdminServer, recorder: EventRecorder?
    ) throws -> [any ServiceLifecycle.Service] {
        let health = self.health
        let node = self.configuration.nodeName
        let dataplane = try KernelDataplane(
            configuration: self.configuration, queue: self.queue, wakeUp: self.wakeUp, streams: self.balancer,
            publish: KernelDataplane.Publishing(
                checks: { server.serve(HealthCheckState($0)) }, health: { health.update($0) },
                mode: { mode in
                    if health.update(mode) { recorder?.record(mode, node: node) }
                }, problem: { recorder?.record($0, node: node) }),
            metrics: self.metrics, logger: self.logger("kernel"))
        var services: [any ServiceLifecycle.Service] = [self.balancer, dataplane]
        self.interface = NodeInterface(dataplane: dataplane, balancer: self.balancer)
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
