internal import ClusterState
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Networking
internal import Nftables
internal import Observability
internal import ServiceModel

/// Says in the log what the data plane did and what it could not honour, each thing once; and in the metrics
/// how much there was of it.
final class SyncReporter {
    /// Who may have changed the table.
    enum Interference {
        /// Another program, by its name and number.
        case commit(by: String)
        /// Nobody knows: announcements were lost.
        case lost
    }

    enum Reason {
        /// `isRecovery`: after a failure, and not for the first time.
        case start(isRecovery: Bool)
        case repair(Interference)
        case change(Set<ObjectName>)
        /// What was known of the node before.
        case settings(NodeSettings)
    }

    /// What was tried.
    enum Work {
        /// Reading the table back and writing the difference.
        case full
        /// Writing what has changed.
        case partial
        case removingChains
    }

    let metrics: DataplaneMetrics
    var pendingChanges: PendingChanges
    private let logger: Logger
    /// What has been said of an object, so that it is not said at every change of it.
    private var notes: [ObjectKey: [String]] = [:]
    private var conflicts: [ObjectName: [FrontendConflict]] = [:]
    private var passthrough: [ObjectName: [String]] = [:]

    init(metrics: DataplaneMetrics, logger: Logger) {
        self.metrics = metrics
        let now = WallTime.now
        self.pendingChanges = PendingChanges(since: now.seconds * 1_000_000_000 + now.nanoseconds)
        self.logger = logger
    }

    // MARK: - Objects

    func changed(_ changes: [ObjectChange], affected: Set<ObjectName>, planner: ServicePlanner) {
        self.pendingChanges.take(changes)
        self.countPending()
        self.metrics.kubeProxy.serviceChanges.increment(by: changes.count { $0.key.kind == .service })
        self.metrics.kubeProxy.endpointChanges.increment(by: changes.count { $0.key.kind == .endpointSlice })
        for change in changes {
            let notes =
                switch change.object {
                case .service(let service)?: service.notes
                case .endpointSlice(let slice)?: slice.notes
                case .node?, .serviceCIDR?, .ingress?, .ingressClass?, .secret?, nil: [String]()
                }
            let said = self.notes[change.key] ?? []
            for note in notes where !said.contains(note) {
                self.logger.warning(
                    "not all of an object can be honoured", metadata: ["object": "\(change.key)", "reason": "\(note)"])
            }
            self.notes[change.key] = notes.isEmpty ? nil : notes
        }
        for name in affected {
            let conflicts = planner.conflicts(of: name)
            let said = self.conflicts[name] ?? []
            for conflict in conflicts where !said.contains(conflict) {
                self.logger.warning(
                    "a frontend is claimed twice, the older Service keeps it",
                    metadata: [
                        "object": "Service \(name)", "frontend": "\(conflict.frontend)",
                        "holder": "Service \(conflict.holder)",
                    ])
            }
            self.conflicts[name] = conflicts.isEmpty ? nil : conflicts
            self.sayPassthrough(planner.passthroughProblems(of: name), of: name)
        }
    }

    private func sayPassthrough(_ problems: [String], of name: ObjectName) {
        let said = self.passthrough[name] ?? []
        for problem in problems where !said.contains(problem) {
            self.logger.warning(
                "not all of an object can be honoured", metadata: ["object": "Service \(name)", "reason": "\(problem)"])
        }
        self.passthrough[name] = problems.isEmpty ? nil : problems
    }

    // MARK: - Synchronisations

    func synchronized(
        _ reason: Reason,
        _ report: KernelSynchronizer.Report,
        _ synchronizer: KernelSynchronizer,
        took duration: Duration
    ) {
        self.record(reason, report, synchronizer, took: duration)
        var metadata: Logger.Metadata = [
            "elements": "\(report.elementOperations)", "bytes": "\(report.bytes)", "took": "\(Self.text(duration))",
        ]
        switch reason {
        case .change(let services):
            guard report.kind != .unchanged else { return }
            if let only = services.first, services.count == 1 {
                metadata["service"] = "\(only)"
            } else {
                metadata["services"] = "\(services.count)"
            }
            self.logger.info(
                report.kind == .replaced ? "table made anew with more room" : "programmed a change", metadata: metadata)
        case .settings(let former):
            let settings = synchronizer.program.node
            if settings.nodePortAddresses != former.nodePortAddresses {
                metadata["addresses"] = "\(Self.list(settings.nodePortAddresses))"
                self.logger.notice("NodePorts answer on other addresses now", metadata: metadata)
            }
            if settings.serviceCIDRs != former.serviceCIDRs {
                metadata["blocks"] = "\(Self.list(settings.serviceCIDRs))"
                self.logger.notice("addresses of no Service are dropped in other blocks now", metadata: metadata)
            }
            if settings.pods != former.pods { self.logger.notice("pods have other addresses now", metadata: metadata) }
        case .start:
            metadata["services"] = "\(synchronizer.planner.serviceCount)"
            metadata["frontends"] = "\(synchronizer.program.frontends.count)"
            metadata["read"] = "\(report.elementsRead ?? 0)"
            let message: Logger.Message =
                switch report.kind {
                case .unchanged: "in force: the kernel already held everything, nothing was written"
                case .updated: "in force: wrote the difference to what the kernel held"
                case .replaced: "in force: wrote the whole table"
                }
            self.logger.notice(message, metadata: metadata)
        case .repair(let interference):
            metadata["by"] = "\(interference)"
            if report.kind == .unchanged {
                self.logger.info("table was touched by another program, and holds what it should", metadata: metadata)
            } else {
                self.logger.warning("table was changed by another program and has been repaired", metadata: metadata)
            }
        }
    }

    /// - Parameter isExpected: it has failed for a while, and somebody else serves.
    func failed(
        _ error: any Error, _ work: Work, took duration: Duration, retryIn pause: Duration, isExpected: Bool = false
    ) {
        self.recordFailure(of: work, took: duration)
        self.logger.log(
            level: isExpected ? .debug : .error, "programming failed, the kernel will be read back",
            metadata: ["reason": "\(error)", "retry-in": "\(Self.text(pause))"])
    }

    // MARK: - Who serves

    func serves(_ mode: DataplaneMode) {
        for name in DataplaneMode.Name.allCases { self.metrics.mode[name]?.set(name == mode.name ? 1 : 0) }
    }

    /// The userspace balancer serves what the kernel would have.
    func tookOver(_ mode: DataplaneMode, _ disarming: (any Error)?) {
        self.serves(mode)
        var metadata: Logger.Metadata = [:]
        if case .userspace(let reason?) = mode { metadata["reason"] = "\(reason)" }
        self.logger.error(
            "nftables cannot be programmed: the userspace balancer serves every virtual IP and NodePort until it can",
            metadata: metadata)
        if let disarming {
            self.logger.warning(
                "what the kernel's table leads to stays in force for new connections, as it was",
                metadata: ["reason": "\(disarming)"])
        }
    }

    func handedBack(_ mode: DataplaneMode) {
        self.serves(mode)
        self.logger.notice("nftables serves again; connections of the userspace balancer go on to their ends")
    }

    /// The balancer, and not the kernel, got these Services' plans.
    func served(_ services: Set<ObjectName>, addresses: Int, took duration: Duration) {
        var metadata: Logger.Metadata = ["addresses": "\(addresses)", "took": "\(Self.text(duration))"]
        if let only = services.first, services.count == 1 {
            metadata["service"] = "\(only)"
        } else {
            metadata["services"] = "\(services.count)"
        }
        self.logger.info("the userspace balancer serves a change", metadata: metadata)
        self.recordServed()
    }

    /// Nobody but the balancer ever serves, and it does so from now on.
    func startedInUserspace(services: Int, addresses: Int) {
        self.logger.notice(
            "in force: the userspace balancer serves, and no kernel",
            metadata: ["services": "\(services)", "addresses": "\(addresses)"])
    }

    private static func list<Value: Comparable & CustomStringConvertible>(_ values: Set<Value>) -> String {
        values.sorted().map(\.description).joined(separator: ",")
    }

    /// `0.83 ms`.
    private static func text(_ duration: Duration) -> String {
        let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        return "\(microseconds / 1000).\(String(microseconds % 1000 / 10 + 100).dropFirst()) ms"
    }
}

extension SyncReporter.Interference: CustomStringConvertible {
    var description: String {
        switch self {
        case .commit(let process): process
        case .lost: "unknown: announcements were lost"
        }
    }
}
