internal import Admin
internal import ArgumentParser
internal import ClusterState
internal import KernelDataplane
internal import KubernetesAPI
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
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions
    @OptionGroup(title: "Log") var log: LogOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, node: self.node, conntrack: self.conntrack, takeover: self.takeover,
            serving: self.serving, log: self.log
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
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions
    @OptionGroup(title: "Log") var log: LogOptions

    func run() async throws {
        try await NodeRole(
            source: self.source, node: self.node, conntrack: self.conntrack, takeover: self.takeover,
            serving: self.serving, log: self.log
        ).run()
    }
}

/// The node role: a source and a data plane, as services of one group.
private struct NodeRole {
    let source: SourceOptions
    let node: NodeOptions
    let conntrack: ConntrackOptions
    let takeover: TakeoverOptions
    let serving: ServingOptions
    let log: LogOptions

    func run() async throws {
        var configuration = try self.node.configuration()
        configuration.conntrack = try self.conntrack.settings()
        configuration.endsStaleTCP = self.conntrack.endsStaleTCP
        configuration.removesKubeProxy = self.takeover.cleanupKubeProxy
        let level = try self.log.validLevel()
        let directory = try self.source.directory()
        let limits = try self.source.limits()

        let families = HostAddresses.families
        let registry = MetricRegistry()
        registry.registerProcess()
        registry.information(
            "fairlead_build_info", "What this program is.", [MetricLabel("version", Fairlead.versionNumber)])
        let metrics = DataplaneMetrics(registry, families: families)
        let health = HealthPages(
            ProxyHealth(
                timeout: configuration.syncPeriod * 2, families: families,
                isNodeEligible: !configuration.requiresNode), registry)
        let serving = self.serving.serving
        let document = ConfigurationDocument(node: self.node, serving: serving, nodeName: configuration.nodeName)
        let sites = try serving.sites(health: health, registry: registry, configuration: document.text)

        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()

        func logger(_ label: String) -> Logger { Logger(label: label) { TextLogHandler(label: $0, level: level) } }
        do {
            let wakeUp = try WakeUp()
            let queue = ChangeQueue(wakeUp: wakeUp)
            let source = try ManifestSource(
                directory: directory, queue: queue, limits: limits, logger: logger("manifests"))
            let server = AdminServer(sites: sites, logger: logger("health"))
            let dataplane = try KernelDataplane(
                configuration: configuration, queue: queue, wakeUp: wakeUp,
                publish: KernelDataplane.Publishing(
                    checks: { server.serve(HealthCheckState($0)) }, health: { health.update($0) }),
                metrics: metrics, logger: logger("kernel"))
            Self.warnOfForwarding(logger("node"))
            let group = ServiceGroup(
                services: [server, dataplane, source],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger("lifecycle").leveled(.warning)
            )
            try await group.run()
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        logger("node").notice("stopped; the rules stay in force")
        withExtendedLifetime(lock) {}
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
