internal import Admin
internal import ArgumentParser
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
internal import UnixSignals

/// The node role: its options, and what they start, as services of one group.
struct NodeRole: ParsableArguments {
    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup(title: "Serving") var serving: ServingOptions
    @OptionGroup(title: "Log") var log: LogOptions
    @OptionGroup var tolerated: ToleratedOptions

    func run() async throws {
        let start = try NodeStart(
            config: self.node.config,
            flags: self.cluster.given + self.node.given + self.conntrack.given + self.takeover.given + self.log.given
                + self.serving.given + self.tolerated.given)
        let level = try self.log.validLevel(start.configuration)
        func logger(_ label: String) -> Logger { Logger(label: label) { TextLogHandler(label: $0, level: level) } }
        if let errand = try self.takeover.errand() { return try Errands(start, logger("node")).run(errand) }

        let source = try ObjectSource.resolve(self.source, self.cluster, start.configuration)
        let limits = try self.source.limits()

        let configuration = self.configuration(start, source)
        let pages = try NodePages(configuration, ServingOptions.serving(start), start.configuration)

        try Privileges.requireNetworkAdministration()
        let lock = try Privileges.takeNodeLock()
        start.report(source, logger("node"))
        OutOfMemoryScore.set(start.configuration, logger("node"))
        do {
            let wakeUp = try WakeUp()
            let queue = ChangeQueue(wakeUp: wakeUp)
            let (objects, events) = try source.open(
                start.configuration, nodeName: configuration.nodeName, queue: queue, limits: limits,
                logger: logger)
            let server = AdminServer(sites: pages.sites, logger: logger("health")) { trouble in
                events?.record(trouble, node: configuration.nodeName)
            }
            let dataplane = try KernelDataplane(
                configuration: configuration, queue: queue, wakeUp: wakeUp,
                publish: KernelDataplane.Publishing(
                    checks: { server.serve(HealthCheckState($0)) }, health: { pages.health.update($0) }),
                metrics: pages.metrics, logger: logger("kernel"))
            var services: [any ServiceLifecycle.Service] = [server, dataplane, objects]
            if let file = start.file { services.append(try ConfigurationWatch(file, logger: logger("node"))) }
            Self.warnOfForwarding(logger("node"))
            events?.recordStart(node: configuration.nodeName)
            let group = ServiceGroup(
                services: services,
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

    private func configuration(_ start: NodeStart, _ source: ObjectSource) -> DataplaneConfiguration {
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        configuration.requiresNode = source.isCluster
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
