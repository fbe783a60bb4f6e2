package import KubernetesAPI
package import KubernetesWire
internal import Linux
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Takes part in the election of a leader by a Lease, and tells whoever asks: the shell around ``LeaderElection``.
package final class LeaseElector: ServiceLifecycle.Service, Sendable {
    private let client: APIClient
    private let name: ObjectName
    private let format: WireFormat
    private let logger: Logger
    private let timing: LeaderElection.Timing
    private let election: Mutex<LeaderElection>
    /// What was told last.
    private let leads = Mutex(false)
    private let changed: @Sendable (Bool) -> Void

    /// - Parameters:
    ///   - identity: this instance: different from all others.
    ///   - changed: told when this instance begins to lead, and when it no longer does.
    package init(
        _ client: APIClient,
        lease name: ObjectName,
        identity: String,
        timing: LeaderElection.Timing = .init(),
        format: WireFormat = .protobuf,
        logger: Logger,
        changed: @escaping @Sendable (Bool) -> Void
    ) {
        self.client = client
        self.name = name
        self.format = format
        self.logger = logger
        self.timing = timing
        self.election = Mutex(LeaderElection(lease: name, identity: identity, timing: timing))
        self.changed = changed
    }

    package var isLeader: Bool { self.election.withLock { $0.isLeader(at: .now) } }

    /// Until graceful shutdown or cancellation; a leader lets go of the Lease then.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.takePart() }
                // Whatever a request waits for: a leader that could not renew in time is none.
                group.addTask {
                    while !Task.isCancelled {
                        // Cut short by cancellation alone, which ends the loop.
                        try? await Task.sleep(for: self.timing.retryPeriod / 4)
                        self.tellIfChanged { self.isLeader }
                    }
                }
            }
        }
        self.tellIfChanged { false }
        // The task is cancelled by now, and this is to be said all the same.
        await Task { await self.release() }.value
    }

    private func takePart() async {
        var said: APIError.Code?
        while !Task.isCancelled {
            do throws(APIError) {
                try await self.step()
                said = nil
            } catch {
                if error.code != said, error.code != .cancelled { self.tell(error) }
                said = error.code
            }
            self.tellIfChanged { self.isLeader }
            // The same.
            try? await Task.sleep(for: self.timing.retryPeriod)
        }
    }

    private func tellIfChanged(_ isLeader: () -> Bool) {
        // Looked at and told under the lock: who looked before another told would take back what is so by now.
        self.leads.withLock { former in
            let leads = isLeader()
            guard former != leads else { return }
            former = leads
            self.logger.notice(leads ? "leading" : "no longer leading")
            self.changed(leads)
        }
    }

    private func tell(_ error: APIError) {
        var metadata: Logger.Metadata = ["reason": "\(error)", "lease": "\(self.name)"]
        if error.status?.isForbidden == true { metadata["missing"] = "\(Self.rule)" }
        self.logger.warning("the lease of the leader cannot be seen to", metadata: metadata)
    }

    private static let rule =
        #"apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"]"#

    private var path: String { "/apis/coordination.k8s.io/v1/namespaces/\(self.name.namespace)/leases" }

    // MARK: - One look

    private func step() async throws(APIError) {
        let lease = try await self.get()
        switch self.election.withLock({ $0.look(lease, now: .now, date: Self.date()) }) {
        case .wait: break
        case .create(let lease): try await self.hold(lease, .post, self.path)
        case .update(let lease): try await self.hold(lease, .put, "\(self.path)/\(self.name.name)")
        }
    }

    private func get() async throws(APIError) -> Lease? {
        let request = APIRequest(
            .get, "\(self.path)/\(self.name.name)", accept: self.format.accept, summary: "get leases")
        do throws(APIError) {
            return try await self.client.send(request, timeout: Self.timeout) { response throws(APIError) in
                let bytes = try await response.readAll(limit: 1 << 20)
                return try request.decoding { () throws(WireError) in
                    try Lease(decoding: bytes, format: response.format ?? .json)
                }
            }
        } catch  where error.status?.code == 404 {
            return nil
        }
    }

    /// Writes a Lease with which this instance leads.
    private func hold(_ lease: Lease, _ method: APIRequest.Method, _ path: String) async throws(APIError) {
        let asked = ContinuousClock.now
        do throws(APIError) {
            try await self.write(lease, method, path)
        } catch {
            let isConflict = error.status?.code == 409
            self.election.withLock { $0.failed(isConflict: isConflict) }
            // An election is for that.
            if isConflict { return }
            throw error
        }
        self.election.withLock { $0.wrote(asked: asked) }
    }

    /// The version that was read goes with it: the server refuses it if anybody was faster.
    private func write(_ lease: Lease, _ method: APIRequest.Method, _ path: String) async throws(APIError) {
        var request = APIRequest(
            method, path, accept: self.format.accept, summary: method == .post ? "create leases" : "update leases")
        request.body = (
            try request.decoding { () throws(WireError) in try lease.encoded(as: self.format) }, self.format.mediaType
        )
        try await self.client.send(request, timeout: Self.timeout) { response throws(APIError) in
            _ = try await response.readAll(limit: 1 << 20)
        }
    }

    private func release() async {
        guard let lease = try? await self.get(),
            let free = self.election.withLock({ $0.release(lease, date: Self.date()) })
        else { return }
        try? await self.write(free, .put, "\(self.path)/\(self.name.name)")
    }

    private static let timeout = Duration.seconds(5)

    private static func date() -> MicroTime {
        let (seconds, nanoseconds) = WallClock.now()
        return MicroTime(microsecondsSince1970: seconds * 1_000_000 + nanoseconds / 1000)
    }
}
