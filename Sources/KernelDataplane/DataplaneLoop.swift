internal import ClusterState
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Networking
internal import Nftables
internal import ServiceModel

/// The data plane's thread: waits for changes of objects, for other programs' commits, and for the
/// time to try again.
final class DataplaneLoop {
    /// First pause after a failure; it doubles up to the sync period.
    static let shortestRetry = Duration.milliseconds(100)
    /// Repairs that are made at once. A table that is gone for 200 ms can cost a connection: the segment
    /// that is sent again meanwhile goes where nobody knows it.
    static let promptRepairs = 8
    /// After so many within `repairWindow` there is this pause between two, so that a program that keeps
    /// editing the table cannot keep this one busy.
    static let repairPause = Duration.milliseconds(250)
    static let repairWindow = Duration.seconds(10)
    /// How long a chain that nothing uses is kept.
    static let unusedChainLifetime = Duration.seconds(2)

    let clock = ContinuousClock()
    let configuration: DataplaneConfiguration
    private let addresses: AddressEvents
    private let queue: ChangeQueue
    private let kernel = OnDemandKernel()
    let synchronizer: KernelSynchronizer
    let reporter: SyncReporter
    let flows: FlowCleaner
    /// nil: there is no userspace balancer.
    let streams: StreamControl?
    /// For who asks; nothing is programmed by it.
    var history = EndpointHistory()
    /// The balancer has served everything once.
    var hasServed = false
    var fallback: DataplaneFallback
    let publish: KernelDataplane.Publishing
    private let logger: Logger

    private(set) var events: NetlinkEvents?
    private(set) var isSynced = false
    var cluster: ClusterFacts
    /// What is known of the node may have changed: addresses of the host, or objects of the cluster.
    var settingsAreStale = false
    var published: HealthReport?
    /// Where NodePorts answered when connections were last looked at.
    var enforcedNodeAddresses: Set<IPAddress> = []
    var health: ProxyHealth
    var publishedHealth: ProxyHealth?
    /// Programming has failed when it was tried last.
    private var hasFailed = false
    var pending: Set<ObjectName> = []
    private(set) var retry: (at: ContinuousClock.Instant, pause: Duration)?
    private(set) var repairAt: ContinuousClock.Instant?
    private var recentRepairs: [ContinuousClock.Instant] = []
    private var interference = SyncReporter.Interference.lost
    /// When the host is asked again for its addresses, where that failed while the balancer serves.
    var addressesAt: ContinuousClock.Instant?
    /// Since when a balancing chain has had no use.
    private var unusedSince: [Balancer: ContinuousClock.Instant] = [:]

    init(
        configuration: DataplaneConfiguration,
        queue: ChangeQueue,
        flows: FlowCleaner,
        streams: (any StreamServing)?,
        publish: KernelDataplane.Publishing,
        metrics: DataplaneMetrics,
        logger: Logger
    ) throws {
        self.configuration = configuration
        // Listening before looking: no address that comes in between is missed.
        self.addresses = try AddressEvents()
        self.queue = queue
        self.cluster = ClusterFacts(nodeName: configuration.nodeName)
        let (settings, facts) = try configuration.settings(self.cluster)
        // Without a balancer there is nobody to fall back to.
        self.fallback = DataplaneFallback(streams == nil ? .nftables : configuration.dataplane)
        self.streams = streams.map { streams in
            StreamControl(
                streams,
                settings: configuration.streamSettings(
                    settings, servesEverything: configuration.dataplane == .userspace),
                report: publish.problem, logger: logger)
        }
        self.synchronizer = KernelSynchronizer(
            kernel: self.kernel, streams: self.streams, node: facts, settings: settings)
        self.flows = flows
        self.publish = publish
        self.health = ProxyHealth(timeout: configuration.syncPeriod * 2, families: HostAddresses.families)
        self.reporter = SyncReporter(metrics: metrics, logger: logger)
        self.logger = logger
        if self.fallback.choice == .nftables { _ = try self.kernel.open() }
        self.reporter.serves(self.fallback.mode)
        publish.mode(self.fallback.mode)
    }

    func run(
        wakeUp: WakeUp, stop: WakeUp, questions: Questions<DataplaneView>, planQuestions: Questions<TablePlan>
    ) throws {
        while true {
            var descriptors = [
                stop.number, wakeUp.number, self.addresses.number, questions.number, planQuestions.number,
            ]
            if let events { descriptors.append(events.descriptor) }
            let ready = try Poller.wait(readable: descriptors, timeout: self.timeToNextDeadline())
            if ready.contains(stop.number) { return self.end() }
            if ready.contains(wakeUp.number) {
                wakeUp.clear()
                self.takeChanges()
            }
            if let events, ready.contains(events.descriptor) {
                do throws(NftablesError) {
                    try self.takeEvents(events)
                } catch {
                    guard self.fallback.isUserspace else { throw error }
                    self.events = nil
                }
            }
            if ready.contains(self.addresses.number) {
                self.addresses.clear()
                self.settingsAreStale = true
            }
            if ready.contains(questions.number) { questions.answer { self.view } }
            if ready.contains(planQuestions.number) { planQuestions.answer { self.plan } }
            // Before and after: programming may take long, or hang.
            self.noteQueued(hasNews: ready.contains { $0 != questions.number && $0 != planQuestions.number })
            self.act()
            self.noteUpdated()
        }
    }

    // MARK: - Inputs

    private func takeChanges() {
        let (changes, isSynced) = self.queue.take()
        self.noteHistory(changes)
        let affected = self.synchronizer.take(changes)
        for change in changes where self.cluster.take(change.key, change.object) { self.settingsAreStale = true }
        self.reporter.changed(changes, affected: affected, planner: self.synchronizer.planner)
        self.pending.formUnion(affected)
        // A change may be the cure: it does not wait for the end of a long pause.
        if let retry, !affected.isEmpty, !self.fallback.isUserspace {
            self.retry = (min(retry.at, self.clock.now + Self.shortestRetry), retry.pause)
        }
        if isSynced, !self.isSynced {
            self.isSynced = true
            self.settingsAreStale = true
            if self.fallback.usesKernel { self.retry = (self.clock.now, Self.shortestRetry) }
        }
    }

    private func takeEvents(_ events: NetlinkEvents) throws(NftablesError) {
        var isTouched = false
        for event in try events.receive() {
            switch event {
            case .changed(FairleadTable.reference): isTouched = true
            case .changed: break
            case .committed(_, let process, let name):
                if isTouched { self.interference = .commit(by: "\(name) (process \(process))") }
            case .lost:
                isTouched = true
                self.interference = .lost
            }
        }
        guard isTouched, self.repairAt == nil else { return }
        let now = self.clock.now
        // It may be the cure of what has failed, or one thing more to mend: neither waits for a long pause.
        if let retry { self.retry = (min(retry.at, now + Self.repairPause), retry.pause) }
        self.recentRepairs.removeAll { $0 + Self.repairWindow < now }
        let isPrompt = self.recentRepairs.count < Self.promptRepairs
        self.repairAt = isPrompt ? now : self.recentRepairs.last.map { max(now, $0 + Self.repairPause) } ?? now
    }

    // MARK: - Deadlines

    private func timeToNextDeadline() -> Duration? {
        // Of the kernel nothing else is done before a retry, so nothing else is worth waking up for.
        let kernel = self.retry.map { [$0.at] } ?? [self.repairAt, self.chainsDueAt].compactMap(\.self)
        let userspace = self.isSynced ? [self.streams?.deadline, self.addressesAt].compactMap(\.self) : []
        let deadlines = kernel + userspace
        return deadlines.min().map { max(.zero, $0 - self.clock.now) }
    }

    private func isDue(_ deadline: ContinuousClock.Instant?) -> Bool {
        deadline.map { $0 <= self.clock.now } ?? false
    }

    // MARK: - Acting

    private func act() {
        // Nothing is programmed before the source has listed everything: what is missing in half a
        // list would be taken away.
        guard self.isSynced else { return }
        if self.fallback.isUserspace { self.serveEverything() }
        if self.fallback.usesKernel { self.program() }
        self.streams?.tick(at: self.clock.now)
        self.reporter.countMissing(self.streams?.missingCount ?? 0)
    }

    private func program() {
        if let retry {
            guard self.isDue(retry.at) else { return }
            self.attempt(.full) {
                if self.fallback.isUserspace { try self.synchronizer.probe() }
                try self.start()
            }
        } else if self.isDue(self.repairAt) {
            self.attempt(.full) { try self.repair() }
        } else {
            if self.settingsAreStale { self.attempt(.partial) { try self.updateSettings() } }
            if self.retry == nil, !self.pending.isEmpty { self.attempt(.partial) { try self.update() } }
        }
        self.removeUnusedChains()
    }

    private var chainsDueAt: ContinuousClock.Instant? {
        self.unusedSince.values.min().map { $0 + Self.unusedChainLifetime }
    }

    private func removeUnusedChains() {
        let unused = self.synchronizer.unusedChains
        let now = self.clock.now
        self.unusedSince = self.unusedSince.filter { unused.contains($0.key) }
        for chain in unused where self.unusedSince[chain] == nil { self.unusedSince[chain] = now }
        let old = self.unusedSince.filter { $0.value + Self.unusedChainLifetime <= now }
        guard self.retry == nil, !old.isEmpty else { return }
        self.attempt(.removingChains) { try self.synchronizer.remove(Set(old.keys)) }
    }

    /// Runs `body`; a failure means to read the kernel back after a pause.
    private func attempt(_ work: SyncReporter.Work, _ body: () throws -> Void) {
        let start = self.clock.now
        let pause = self.retry?.pause ?? Self.shortestRetry
        self.retry = nil
        do {
            try body()
            self.hasFailed = false
            self.streams?.settle(at: self.clock.now)
            if work != .removingChains, self.fallback.succeeded() { self.handBack() }
        } catch {
            self.hasFailed = true
            let wasUserspace = self.fallback.isUserspace
            let takesOver = (error as? NftablesError).map { self.fallback.failed($0, isFull: work == .full) } ?? false
            let longest = self.fallback.isUserspace ? DataplaneFallback.longestPause : self.configuration.syncPeriod
            self.retry = (self.clock.now + pause, min(pause * 2, longest, self.configuration.syncPeriod))
            self.reporter.failed(
                error, work, took: self.clock.now - start, retryIn: pause, isExpected: wasUserspace)
            if takesOver { self.takeOver() }
        }
    }

    /// Brings the kernel up to date from whatever it holds.
    private func start() throws {
        // Objects of the cluster may have come since.
        let (settings, facts) = try self.currentSettings()
        self.settingsAreStale = false
        _ = self.synchronizer.take(facts)
        self.synchronizer.adopt(settings)
        _ = self.adoptStreams(settings)
        let generation = try self.readBack(.start(isRecovery: self.hasFailed))
        guard self.events == nil else { return }
        // Subscribed only now, so that a first full programming announces nothing to nobody. If anyone
        // has committed since, the generation is another.
        let kernel = try self.kernel.open()
        let events = try NetlinkEvents(ignoring: kernel)
        if try self.kernel.generation() != generation {
            _ = try self.readBack(.start(isRecovery: self.hasFailed))
        }
        self.events = events
        ConntrackTuning(self.configuration.conntrack, logger: self.logger).apply()
        KubeProxyReport(
            search: KubeProxySearch(kernel: kernel), removes: self.configuration.removesKubeProxy, logger: self.logger
        ).handle()
    }

    private func repair() throws {
        self.recentRepairs.append(self.clock.now)
        _ = try self.readBack(.repair(self.interference))
    }

    /// Returns the ruleset's generation at which the table was as it should be.
    private func readBack(_ reason: SyncReporter.Reason) throws -> UInt32? {
        let start = self.clock.now
        // Those that are gone are among the pending ones.
        let services = self.pending.union(self.synchronizer.planner.serviceNames)
        let rules = self.flowRules(of: services)
        self.flows.announce(rules)
        let report = try self.synchronizer.readBack()
        self.pending = []
        self.repairAt = nil
        self.enforce(rules, of: services, report)
        self.reporter.synchronized(reason, report, self.synchronizer, took: self.clock.now - start)
        return report.generation
    }

    func currentSettings() throws(SystemError) -> (settings: NodeSettings, facts: NodeFacts) {
        self.configuration.settings(
            self.cluster, local: try HostAddresses.all(), keeping: self.synchronizer.program.node.nodePortAddresses)
    }

    /// Takes over what is known of the node now.
    private func updateSettings() throws {
        let (settings, facts) = try self.currentSettings()
        self.settingsAreStale = false
        self.pending.formUnion(self.synchronizer.take(facts))
        if self.adoptStreams(settings) { self.pending.formUnion(self.synchronizer.planner.serviceNames) }
        let former = self.synchronizer.program.node
        guard settings != former else { return }
        let start = self.clock.now
        let report = try self.synchronizer.synchronize(settings)
        if settings.nodePortAddresses != former.nodePortAddresses {
            let services = Set(self.synchronizer.planner.serviceNames)
            self.enforce(self.flowRules(of: services), of: services, report)
        }
        self.reporter.synchronized(.settings(former), report, self.synchronizer, took: self.clock.now - start)
    }

    private func update() throws {
        let services = self.pending
        let start = self.clock.now
        let rules = self.flowRules(of: services)
        self.flows.announce(rules)
        let report = try self.synchronizer.synchronize(services)
        self.pending = []
        self.enforce(rules, of: services, report)
        self.reporter.synchronized(.change(services), report, self.synchronizer, took: self.clock.now - start)
    }
}
