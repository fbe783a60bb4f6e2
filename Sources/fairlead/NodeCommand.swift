internal import ArgumentParser
internal import ClusterState
internal import HealthChecks
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
internal import UnixSignals

/// `fairlead node`: Services.
struct Node: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make Services answer at their virtual IPs on this node.",
        discussion: """
            Needs CAP_NET_ADMIN. The rules stay in force when it ends, so traffic goes on; `fairlead cleanup` \
            removes them.
            """
    )

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup var tolerated: ToleratedOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, cluster: self.cluster, node: self.node, conntrack: self.conntrack,
            takeover: self.takeover, log: self.log, tolerated: self.tolerated
        ).run()
    }
}

/// `fairlead run`: every role this version has, in one process.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run all roles in one process, for a host without a cluster.",
        discussion: "This version has the node role; the ingress role is still to come."
    )

    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup var tolerated: ToleratedOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, cluster: self.cluster, node: self.node, conntrack: self.conntrack,
            takeover: self.takeover, log: self.log, tolerated: self.tolerated
        ).run()
    }
}

/// The node role: a source and a data plane, as services of one group.
private struct NodeRole {
    let source: SourceOptions
    let cluster: ClusterOptions
    let node: NodeOptions
    let conntrack: ConntrackOptions
    let takeover: TakeoverOptions
    let log: LogOptions
    let tolerated: ToleratedOptions

    func run() async throws {
        let start = try NodeStart(
            config: self.node.config,
            flags: self.cluster.given + self.node.given + self.conntrack.given + self.takeover.given + self.log.given
                + self.tolerated.given)
        let level = try self.log.validLevel(start.configuration)
        func logger(_ label: String) -> Logger { Logger(label: label) { TextLogHandler(label: $0, level: level) } }
        if let errand = try self.takeover.errand() { return try Errands(start, logger("node")).run(errand) }

        let source = try ObjectSource.resolve(self.source, self.cluster, start.configuration)
        let limits = try self.source.limits()
        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()
        start.report(source, logger("node"))
        OutOfMemoryScore.set(start.configuration, logger("node"))
        do {
            let wakeUp = try WakeUp()
            let queue = ChangeQueue(wakeUp: wakeUp)
            let configuration = self.configuration(start)
            let (objects, events) = try source.open(
                start.configuration, nodeName: configuration.nodeName, queue: queue, limits: limits,
                logger: logger("source"))
            let healthChecks = HealthCheckServer(logger: logger("health"))
            let dataplane = try KernelDataplane(
                configuration: configuration, queue: queue, wakeUp: wakeUp,
                publish: { healthChecks.serve(HealthCheckState($0)) }, logger: logger("kernel"))
            var services: [any ServiceLifecycle.Service] = [healthChecks, dataplane, objects]
            if let file = start.file { services.append(try ConfigurationWatch(file, logger: logger("node"))) }
            Self.warnOfForwarding(logger("node"))
            events?.record(
                .normal, reason: "Starting", action: "StartKubeProxy", note: "fairlead is starting",
                regarding: .node(configuration.nodeName))
            let group = ServiceGroup(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger("lifecycle").leveled(.warning)
            )
            try await group.run()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        logger("node").notice("stopped; the rules stay in force")
        withExtendedLifetime(lock) {}
    }

    private func configuration(_ start: NodeStart) -> DataplaneConfiguration {
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        configuration.affinityClients = self.node.maximumAffinityClients
        configuration.endsStaleTCP = self.conntrack.endsStaleTCP
        configuration.removesKubeProxy = self.takeover.cleanupKubeProxy
        return configuration
    }

    /// Connections that pass through this host need forwarding; those of the host itself do not.
    private static func warnOfForwarding(_ logger: Logger) {
        let settings = [("net.ipv4.ip_forward", "IPv4"), ("net.ipv6.conf.all.forwarding", "IPv6")]
        for (setting, family) in settings where HostSystem.setting(setting) == "0" {
            logger.warning(
                "\(family) forwarding is off: its Services answer this host alone, not pods or clients outside",
                metadata: ["setting": "\(setting)", "mend": "sysctl -w \(setting)=1"])
        }
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

extension Logger {
    fileprivate func leveled(_ level: Logger.Level) -> Logger {
        var logger = self
        logger.logLevel = level
        return logger
    }
}

extension ObjectReference {
    /// As the kubelet and kube-proxy refer to their Node: by its name in place of its uid, which they need not know.
    fileprivate static func node(_ name: String) -> ObjectReference {
        ObjectReference(apiVersion: "v1", kind: "Node", name: name, uid: name)
    }
}
