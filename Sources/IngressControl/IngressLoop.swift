internal import ClusterState
internal import HTTPProxy
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Routing
internal import ServiceModel
internal import TLS

/// The thread: waits for changes, and for the time to look at keys and certificates.
struct IngressLoop {
    /// How often it is looked whether certificates are about to expire and ticket keys are too old.
    static let housekeepingInterval = Duration.seconds(600)

    private let clock = ContinuousClock()
    private let configuration: IngressControlConfiguration
    private let publishService: ObjectName?
    private let queue: ChangeQueue
    private let board: IngressBoard
    private let publish: IngressControl.Publishing
    private var reporter: IngressReporter

    private var planner: IngressPlanner
    private var store = CertificateStore()
    private var tls: TLSAssembly?
    private var backends = BackendAssembly()
    /// What workers have of it.
    private var published: (context: TLSServerContext, policies: [Int32: ClientCertificatePolicy.ID])?
    private var isSynced = false
    private var hasPublished = false
    /// A certificate is another one, whatever the plan says.
    private var certificatesAreStale = true
    private var uids: [ObjectName: String] = [:]
    private var service: KubernetesAPI.Service?
    private var serviceIsNews = false
    private var generation: UInt64 = 0
    private var housekeepingAt: ContinuousClock.Instant

    init(
        _ configuration: IngressControlConfiguration,
        publishService: ObjectName?,
        queue: ChangeQueue,
        board: IngressBoard,
        publish: IngressControl.Publishing,
        metrics: IngressMetrics,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.publishService = publishService
        self.queue = queue
        self.board = board
        self.publish = publish
        self.reporter = IngressReporter(
            expiry: CertificateExpiry(notice: configuration.expiryNotice), metrics: metrics, logger: logger)
        self.planner = IngressPlanner(configuration.planner, node: NodeFacts(name: configuration.nodeName))
        self.tls = try configuration.tls.map {
            try TLSAssembly($0, ticketKeyInterval: configuration.ticketKeyInterval)
        }
        self.housekeepingAt = self.clock.now + Self.housekeepingInterval
        if let secret = configuration.planner.defaultCertificate { _ = self.store.want([secret]) }
    }

    mutating func run(wakeUp: WakeUp, stop: WakeUp, questions: Questions<IngressPlanner>) throws {
        while true {
            let timeout = max(.zero, self.housekeepingAt - self.clock.now)
            let ready = try Poller.wait(
                readable: [stop.number, wakeUp.number, questions.number], timeout: timeout)
            if ready.contains(stop.number) { return }
            if ready.contains(wakeUp.number) {
                wakeUp.clear()
                self.takeChanges()
            }
            if ready.contains(questions.number) {
                let planner = self.planner
                questions.answer { planner }
            }
            if self.clock.now >= self.housekeepingAt { try self.keepHouse() }
        }
    }

    // MARK: - Inputs

    private mutating func takeChanges() {
        let start = self.clock.now
        let (changes, isSynced) = self.queue.take()
        for change in changes { self.take(change) }
        // What is missing in half a list would be taken away.
        self.isSynced = self.isSynced || isSynced
        guard self.isSynced else { return }
        self.update(since: start)
    }

    private mutating func take(_ change: ObjectChange) {
        let name = change.key.name
        switch (change.key.kind, change.object) {
        case (.secret, .secret(let secret)?): self.take(name, secret)
        case (.secret, nil): self.take(name, nil as Secret?)
        case (.node, .node(let node)?) where name.name == self.configuration.nodeName:
            self.planner.update(NodeFacts(name: name.name, zone: node.zone))
        case (.node, nil) where name.name == self.configuration.nodeName:
            self.planner.update(NodeFacts(name: name.name))
        default: break
        }
        // Before it is planned, so that it has its certificate from the beginning.
        if case .ingress(let ingress)? = change.object {
            _ = self.want(ingress.secrets)
            if !ingress.uid.isEmpty, self.uids[name] != ingress.uid { self.uids[name] = ingress.uid }
        } else if change.key.kind == .ingress {
            self.uids[name] = nil
        }
        if change.key.kind == .service, name == self.publishService {
            if case .service(let service)? = change.object { self.service = service } else { self.service = nil }
            self.serviceIsNews = true
        }
        self.planner.apply(change.key, change.object)
    }

    private mutating func take(_ name: ObjectName, _ secret: Secret?) {
        guard self.store.update(name, secret) else { return }
        self.tell(name)
    }

    /// - Returns: whether the planner has been told anything.
    private mutating func want(_ secrets: some Sequence<ObjectName>) -> Bool {
        let new = self.store.want(secrets)
        for name in new { self.tell(name) }
        return !new.isEmpty
    }

    /// Tells the planner what a Secret is.
    private mutating func tell(_ name: ObjectName) {
        self.certificatesAreStale = true
        if let reading = self.store.reading(name) {
            self.planner.apply(reading.facts)
        } else {
            self.planner.removeFacts(of: name)
        }
    }

    // MARK: - Acting

    private mutating func update(since start: ContinuousClock.Instant) {
        self.adopt(self.planner.plan(), since: start)
        let secrets = self.planner.referencedSecrets
        // Those that the planner sees and `Ingress.secrets` does not.
        if self.want(secrets) { self.adopt(self.planner.plan(), since: start) }
        self.store.keep(secrets)
    }

    private mutating func adopt(_ plan: IngressPlan, since start: ContinuousClock.Instant) {
        let changes = plan.changes
        let changesTLS = self.tls != nil && (changes.certificates || self.certificatesAreStale)
        if changesTLS || !self.hasPublished {
            self.published = self.tls?.assemble(plan.certificates, &self.store)
        }
        let isForWorkers =
            !self.hasPublished || changesTLS || changes.routes || changes.certificates || !changes.backends.isEmpty
        let failures = self.backends.assemble(plan, isFirst: !self.hasPublished, &self.store)
        self.reporter.cannotConnect(failures)
        guard isForWorkers || !changes.isEmpty || self.serviceIsNews else { return }
        if isForWorkers {
            self.publish.snapshot(
                ProxySnapshot(
                    plan: plan, tls: self.published?.context, clientPolicies: self.published?.policies ?? [:],
                    backendContexts: self.backends.contexts))
            self.generation += 1
        }
        let latency = self.clock.now - start
        let state = IngressState(
            plan: plan, uids: self.uids, generation: self.generation, publishedAt: .now, latency: latency,
            certificates: self.certificates(plan, reusing: changesTLS ? nil : self.board.state))
        self.board.show(state)
        if isForWorkers { self.reporter.published(state, isFirst: !self.hasPublished) }
        self.reporter.changed(state)
        if !self.hasPublished || changes.ingresses || self.serviceIsNews {
            self.publish.news(
                IngressNews(served: plan.ingresses, released: changes.released, service: self.service))
        }
        if !changes.problemsAppeared.isEmpty { self.publish.problems(changes.problemsAppeared) }
        self.hasPublished = true
        self.certificatesAreStale = false
        self.serviceIsNews = false
    }

    private func certificates(_ plan: IngressPlan, reusing former: IngressState?) -> [CertificateState] {
        if let former { return former.certificates }
        guard let tls = self.tls else { return [] }
        return CertificateListing(
            plan.certificates, referenced: self.planner.referencedSecrets,
            ofBackends: Set(plan.backends.compactMap { $0?.tls?.secret }), generated: tls.generated, store: self.store,
            expiry: self.reporter.expiry, now: WallTime.now.seconds
        ).states
    }

    /// What time alone changes.
    private mutating func keepHouse() throws {
        self.housekeepingAt = self.clock.now + Self.housekeepingInterval
        guard self.tls != nil else { return }
        self.tls?.tickets.advance()
        _ = try self.tls?.renew(at: WallTime.now.seconds)
        guard self.hasPublished else { return }
        // So that certificates are looked at again by today's date.
        self.certificatesAreStale = true
        self.update(since: self.clock.now)
    }
}
