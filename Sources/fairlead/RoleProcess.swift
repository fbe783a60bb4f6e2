internal import Admin
internal import ArgumentParser
internal import ClusterState
internal import FoundationEssentials
internal import KernelDataplane
internal import KubernetesAPI
internal import KubernetesClient
internal import KubernetesWire
internal import Linux
internal import Logging
internal import Observability
internal import ServiceLifecycle
internal import UnixSignals

/// Options of every command that runs on.
struct CommonOptions: ParsableArguments {
    @OptionGroup(title: "Source") var source: SourceOptions
    @OptionGroup(title: "API server") var cluster: ClusterOptions
    @OptionGroup(title: "Log") var log: LogOptions

    var given: [GivenFlag] { self.cluster.given + self.log.given }
}

/// One or both roles, as one process: one source of objects, one server for the pages, one orderly end.
struct RoleProcess {
    let common: CommonOptions
    var node: NodeRole?
    var ingress: IngressRole?
    let admin: AdminSocketOptions
    /// Of options that only one of the commands has.
    var given: [GivenFlag] = []
    /// This node's name, where the ingress role is alone.
    var nodeName: String?
    let site: (NodeStart) throws -> Serving

    func run() async throws {
        let start = try NodeStart(
            config: self.node?.node.config, flags: self.common.given + (self.node?.given ?? []) + self.given)
        let level = try self.common.log.validLevel(start.configuration)
        let threshold = LogThreshold(level)
        func logger(_ label: String) -> Logger {
            Logger(label: label) { LineLogHandler(label: $0, threshold: threshold, format: self.common.log.format) }
        }
        if let errand = try self.node?.takeover.errand() { return try Errands(start, logger("node")).run(errand) }

        let source = try ObjectSource.resolve(self.common.source, self.common.cluster, start.configuration)
        let limits = try self.common.source.limits()
        let registry = Self.registry()
        let identity = ReplicaIdentity(environment: ProcessInfo.processInfo.environment, nodeName: self.nodeName)
        var node = try self.node.map {
            try NodeServices($0, start, source, registry: registry, logger: logger)
        }
        let settings = try self.ingress?.settings(
            source, nodeName: node?.configuration.nodeName ?? identity.nodeName)
        let serving = try self.site(start)
        try serving.validate()
        let portal = try self.admin.portal()

        let lock = try node.map { node in
            if node.requiresNetworkAdministration { try Privileges.requireNetworkAdministration() }
            return HeldLock(try Privileges.takeNodeLock())
        }
        let socket = try self.admin.open(
            node == nil ? .ingress : .node, logger(node == nil ? "ingress" : "node"))
        defer { socket?.remove() }
        if node != nil {
            start.report(source, logger("node"))
            OutOfMemoryScore.set(start.configuration, logger("node"))
        }
        do {
            var ingress = try settings.map { try IngressServices($0, identity, registry: registry, logger: logger) }
            let queues = [node?.queue, ingress?.queue].compactMap(\.self)
            let feed = try source.open(
                start.configuration, Self.needs(node, settings, identity),
                queue: queues.count == 1 ? queues[0] : ChangeQueue(feeding: queues), limits: limits, logger: logger)
            let recorders = Self.recorders(feed, node, ingress, identity, logger)
            var later = try ingress?.services(feed, recorder: recorders.ingress) ?? []
            if node != nil, let recorder = recorders.ingress { later.insert(recorder, at: 0) }
            let nodeName = node?.configuration.nodeName
            let server = AdminServer(
                sites: try serving.sites(
                    Serving.Content(
                        registry: registry, node: node?.health, document: node?.document, ingress: ingress?.health,
                        ingressPort: settings?.healthzPort ?? 0, ingressPages: ingress?.pages ?? [:])),
                logger: logger("health")
            ) { trouble in
                if let nodeName { recorders.node?.record(trouble, node: nodeName) }
            }
            var services: [any ServiceLifecycle.Service] = [LogLevelSignal(threshold, logger("log")), server]
            services += try node?.services(server: server, recorder: recorders.node) ?? []
            let interface = AdminInterface(node: node?.interface, ingress: ingress?.interface)
            var sites = socket.map { [Site(name: "admin", socket: $0) { interface.answer($0) }] } ?? []
            if let portal {
                let page = AdminPortal(interface: interface, registry: registry, token: portal.token)
                sites.append(Site(name: "admin", address: portal.address, isRequired: true) { page.answer($0) })
            }
            if !sites.isEmpty { services.append(AdminServer(sites: sites, logger: logger("admin"))) }
            services += [feed.service] + later
            if let nodeName {
                NodeRole.warnOfForwarding(logger("node"))
                recorders.node?.recordStart(node: nodeName)
            }
            ingress?.announce()
            try await ServiceGroup(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger("lifecycle").leveled(.warning)
            ).run()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure.failed("\(error)")
        }
        if node != nil { logger("node").notice("stopped; the rules stay in force") }
        if settings != nil { logger("ingress").notice("stopped") }
        withExtendedLifetime(lock) {}
    }

    private static func registry() -> MetricRegistry {
        let registry = MetricRegistry()
        registry.registerProcess()
        registry.information(
            "fairlead_build_info", "What this program is.", [MetricLabel("version", Fairlead.versionNumber)])
        return registry
    }

    private static func needs(
        _ node: NodeServices?, _ ingress: IngressSettings?, _ identity: ReplicaIdentity
    ) -> SourceNeeds {
        guard let ingress else { return .node(node?.configuration.nodeName ?? "") }
        guard let node else { return .ingress(ingress.scope, instance: identity.instance) }
        return .both(node: node.configuration.nodeName, ingress.scope)
    }

    /// Who writes events in the name of which role. That of the connection is the node's where there are both.
    private static func recorders(
        _ feed: ObjectSource.Feed, _ node: NodeServices?, _ ingress: IngressServices?, _ identity: ReplicaIdentity,
        _ logger: (_ label: String) -> Logger
    ) -> (node: EventRecorder?, ingress: EventRecorder?) {
        guard let connection = feed.connection else { return (nil, nil) }
        guard node != nil else { return (nil, connection.events) }
        guard ingress != nil else { return (connection.events, nil) }
        let recorder = EventRecorder(
            connection.client, controller: SourceNeeds.ingressController, instance: identity.instance,
            format: feed.format, logger: logger("source"))
        return (connection.events, recorder)
    }
}

extension Logger {
    fileprivate func leveled(_ level: Logger.Level) -> Logger {
        var logger = self
        logger.logLevel = level
        return logger
    }
}
