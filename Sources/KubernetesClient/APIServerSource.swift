package import ClusterState
package import KubernetesAPI
package import KubernetesWire
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Follows the objects of an API server, and submits what changes. Nothing it submits is to be acted upon before it has
/// marked the queue as synced. While the server is away nothing is taken back.
package final class APIServerSource: ServiceLifecycle.Service, Sendable {
    private struct State {
        var gate: SyncGate
        var failing: [ObjectSelection: String] = [:]
        /// Notes that have been told.
        var notes: [ObjectKey: [String]] = [:]
        var hasListed: Set<ObjectSelection> = []
        /// What is forbidden, or not served.
        var hopeless: Set<ObjectSelection> = []

        /// Tells the gate how far a kind is, of which there may be several selections. Returns whether it opens.
        mutating func settle(_ kind: ObjectKind, of selections: [ObjectSelection]) -> Bool {
            let missing = selections.filter { $0.kind == kind && !self.hasListed.contains($0) }
            if missing.isEmpty { return self.gate.settled(kind, at: .now) }
            return missing.allSatisfy(self.hopeless.contains) && self.gate.givenUp(kind, at: .now)
        }
    }

    private let client: APIClient
    private let selections: [ObjectSelection]
    private let needed: Set<ObjectKind>
    private let format: WireFormat
    private let queue: ChangeQueue
    private let logger: Logger
    private let state: Mutex<State>
    /// A kind has been settled, or given up.
    private let gateMoved: AsyncStream<Void>
    private let gateMoves: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - selections: what is followed; no object is in two of them.
    ///   - needed: the kinds without which nothing may be programmed.
    package init(
        _ client: APIClient,
        selections: [ObjectSelection],
        needed: Set<ObjectKind>,
        format: WireFormat = .protobuf,
        queue: ChangeQueue,
        logger: Logger
    ) {
        self.client = client
        self.selections = selections
        self.format = format
        self.queue = queue
        self.logger = logger
        self.needed = needed
        let gate = SyncGate(Set(selections.map(\.kind)), needed: needed)
        self.state = Mutex(State(gate: gate))
        (self.gateMoved, self.gateMoves) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for selection in self.selections {
                    let follower = ObjectFollower(
                        selection, client: self.client, format: self.format, queue: self.queue,
                        isNeeded: self.needed.contains(selection.kind)
                    ) { [weak self] in self?.take($0, $1) }
                    group.addTask { await follower.run() }
                }
                group.addTask { await self.watchGate() }
            }
        }
    }

    /// Opens the gate when kinds that are only wanted have been waited for long enough.
    private func watchGate() async {
        await withDiscardingTaskGroup { group in
            for await _ in self.gateMoved {
                guard let deadline = self.state.withLock({ $0.gate.deadline }) else { continue }
                // One for each deadline: it may come nearer, as what is given up is not waited for.
                group.addTask {
                    // Ends early only when all of this ends, and then nothing is due.
                    try? await Task.sleep(until: deadline, clock: .continuous)
                    self.openGateIfDue()
                }
            }
        }
    }

    private func openGateIfDue() {
        let (opens, missing) = self.state.withLock { ($0.gate.tryOpen(at: .now), $0.gate.waitingFor) }
        guard opens else { return }
        self.logger.warning(
            "beginning without objects that the API server has not given out",
            metadata: ["kinds": "\(missing.map(\.rawValue).joined(separator: ", "))"])
        self.queue.markSynced()
    }

    // MARK: - What followers tell

    private func take(_ selection: ObjectSelection, _ event: SourceEvent) {
        let kind = selection.kind
        switch event {
        case .inStep(let count):
            let (isFirst, former, opens) = self.state.withLock { state in
                let isFirst = state.hasListed.insert(selection).inserted
                let opens = isFirst && state.settle(kind, of: self.selections)
                return (isFirst, state.failing.removeValue(forKey: selection), opens)
            }
            var metadata = selection.metadata
            metadata["objects"] = "\(count)"
            if isFirst { self.logger.info("listed", metadata: metadata) }
            if kind == .node, count == 0, isFirst {
                self.logger.warning("the cluster has no Node of this name", metadata: ["mend": "--hostname-override"])
            }
            if former != nil { self.logger.notice("following objects again", metadata: metadata) }
            if opens { self.queue.markSynced() } else if isFirst { self.gateMoves.yield() }
        case .failed(let error):
            self.failed(selection, error)
        case .noted(let key, let notes):
            let isNew = self.state.withLock { state in
                guard !notes.isEmpty else {
                    state.notes[key] = nil
                    return false
                }
                return state.notes.updateValue(notes, forKey: key) != notes
            }
            guard isNew else { return }
            for note in notes {
                self.logger.warning(
                    "not all of an object can be honoured", metadata: ["object": "\(key)", "reason": "\(note)"])
            }
        }
    }

    /// Told once for each reason, not at each attempt.
    private func failed(_ selection: ObjectSelection, _ error: APIError) {
        let reason = "\(error.code) \(error.status?.code ?? 0)"
        // Nobody is about to allow it, or to serve it: an optional kind is not waited for.
        let isHopeless = error.status.map { $0.code == 403 || $0.code == 404 } ?? false
        let (isNew, opens) = self.state.withLock { state in
            let isNew = state.failing.updateValue(reason, forKey: selection) != reason
            guard isHopeless else { return (isNew, false) }
            state.hopeless.insert(selection)
            return (isNew, state.settle(selection.kind, of: self.selections))
        }
        if opens { self.queue.markSynced() } else if isHopeless { self.gateMoves.yield() }
        // A kind that the server does not have: ServiceCIDRs are younger than the oldest servers that are supported.
        if error.status?.code == 404 {
            guard isNew else { return }
            return self.logger.info("the API server does not serve a kind", metadata: selection.metadata)
        }
        var metadata = selection.metadata
        metadata["reason"] = "\(error)"
        if let rule = error.missingRule(selection.kind) { metadata["missing"] = "\(rule)" }
        self.logger.log(
            level: isNew ? .warning : .debug, "objects cannot be followed; what is known stays in force",
            metadata: metadata)
    }
}

extension ObjectSelection {
    /// For the log.
    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["kind": "\(self.kind.rawValue)"]
        if let namespace = self.namespace { metadata["namespace"] = "\(namespace)" }
        return metadata
    }
}

extension APIError {
    /// The RBAC rule that would allow what was refused (403).
    func missingRule(_ kind: ObjectKind) -> String? {
        guard self.status?.code == 403 else { return nil }
        return #"apiGroups: ["\#(kind.group)"], resources: ["\#(kind.resource)"], verbs: ["list", "watch"]"#
    }
}
