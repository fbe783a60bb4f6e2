internal import KubernetesAPI
internal import KubernetesWire
internal import Linux
package import Logging
package import ServiceLifecycle
internal import SwiftProtobuf
internal import Synchronization

/// Takes part in the election of a leader by a Lease, and tells whoever asks: the shell around ``LeaderElection``.
package final class LeaseElector: ServiceLifecycle.Service, Sendable {
    private let client: APIClient
    private let namespace: String
    private let name: String
    private let format: WireFormat
    private let logger: Logger
    private let election: Mutex<LeaderElection>
    private let changed: @Sendable (Bool) -> Void

    /// - Parameters:
    ///   - identity: this instance: different from all others.
    ///   - changed: told when this instance begins to lead, and when it no longer does.
    package init(
        _ client: APIClient,
        namespace: String,
        name: String,
        identity: String,
        timing: LeaderElection.Timing = .init(),
        format: WireFormat = .protobuf,
        logger: Logger,
        changed: @escaping @Sendable (Bool) -> Void
    ) {
        self.client = client
        self.namespace = namespace
        self.name = name
        self.format = format
        self.logger = logger
        self.election = Mutex(LeaderElection(identity: identity, timing: timing))
        self.changed = changed
    }

    package var isLeader: Bool { self.election.withLock { $0.isLeader(at: .now) } }

    /// Until graceful shutdown or cancellation; a leader lets go of the Lease then.
    package func run() async throws {
        var leads = false
        var said = ""
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do throws(APIError) {
                    try await self.step()
                    said = ""
                } catch {
                    if "\(error.code)" != said, error.code != .cancelled {
                        var metadata: Logger.Metadata = ["reason": "\(error)", "lease": "\(self.namespace)/\(self.name)"]
                        if error.status?.isForbidden == true { metadata["missing"] = "\(Self.rule)" }
                        self.logger.warning("the lease of the leader cannot be seen to", metadata: metadata)
                        said = "\(error.code)"
                    }
                }
                if self.isLeader != leads {
                    leads.toggle()
                    self.logger.notice(leads ? "leading" : "no longer leading")
                    self.changed(leads)
                }
                try? await Task.sleep(for: self.election.withLock { $0.timing.retryPeriod })
            }
        }
        if leads { self.changed(false) }
        await Task { await self.release() }.value
    }

    private static let rule =
        #"apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"]"#

    private static let type = ObjectType(apiVersion: "coordination.k8s.io/v1", kind: "Lease")

    private var path: String { "/apis/coordination.k8s.io/v1/namespaces/\(self.namespace)/leases" }

    // MARK: - One look

    private func step() async throws(APIError) {
        let lease = try await self.get()
        let record = lease.map(LeaderElection.Record.init)
        let action = self.election.withLock { $0.look(record, now: .now, date: Self.microseconds()) }
        switch action {
        case .wait: break
        case .create(let record): try await self.write(record, over: nil)
        case .update(let record): try await self.write(record, over: lease)
        }
    }

    private func get() async throws(APIError) -> WireLease? {
        let request = APIRequest(
            .get, "\(self.path)/\(self.name)", accept: self.format.accept, summary: "get leases")
        do throws(APIError) {
            return try await self.client.send(request, timeout: .seconds(5)) { response throws(APIError) in
                let bytes = try await response.readAll(limit: 1 << 20)
                do throws(WireError) {
                    return try MessageCoding.decodeObject(
                        WireLease.self, bytes[...], as: Self.type, response.format ?? .json)
                } catch {
                    throw APIError(.malformed, request: request.summary, message: "\(error)")
                }
            }
        } catch  where error.status?.code == 404 {
            return nil
        }
    }

    private func write(_ record: LeaderElection.Record, over lease: WireLease?) async throws(APIError) {
        var message = lease ?? WireLease()
        message.metadata.name = self.name
        message.metadata.namespace = self.namespace
        record.write(to: &message)
        let summary = lease == nil ? "create leases" : "update leases"
        let body: [UInt8]
        do throws(WireError) {
            body = try MessageCoding.encode(message, as: Self.type, self.format)
        } catch {
            throw APIError(.malformed, request: summary, message: "\(error)")
        }
        // The version that was read goes with it: the server refuses it if anybody was faster.
        let request = APIRequest(
            lease == nil ? .post : .put, lease == nil ? self.path : "\(self.path)/\(self.name)",
            accept: self.format.accept, body: (body, self.format.mediaType), summary: summary)
        let asked = ContinuousClock.now
        do throws(APIError) {
            try await self.client.send(request, timeout: .seconds(5)) { response throws(APIError) in
                _ = try await response.readAll(limit: 1 << 20)
            }
        } catch {
            let isConflict = error.status?.code == 409
            self.election.withLock { $0.failed(isConflict: isConflict) }
            // An election is for that.
            if isConflict { return }
            throw error
        }
        self.election.withLock { $0.wrote(record, asked: asked) }
    }

    private func release() async {
        guard let record = self.election.withLock({ $0.release(date: Self.microseconds()) }) else { return }
        guard let lease = try? await self.get(), lease.spec.holderIdentity == self.election.withLock({ $0.identity })
        else { return }
        try? await self.write(record, over: lease)
    }

    private static func microseconds() -> Int64 {
        let (seconds, nanoseconds) = WallClock.now()
        return seconds * 1_000_000 + nanoseconds / 1000
    }
}

extension LeaderElection.Record {
    fileprivate init(_ lease: WireLease) {
        self.init(
            holder: lease.spec.holderIdentity, durationSeconds: Int(lease.spec.leaseDurationSeconds),
            acquired: Self.microseconds(lease.spec.acquireTime), renewed: Self.microseconds(lease.spec.renewTime),
            transitions: Int(lease.spec.leaseTransitions))
    }

    fileprivate func write(to lease: inout WireLease) {
        lease.spec.holderIdentity = self.holder
        lease.spec.leaseDurationSeconds = Int32(clamping: self.durationSeconds)
        lease.spec.leaseTransitions = Int32(clamping: self.transitions)
        lease.spec.acquireTime = Self.time(self.acquired)
        lease.spec.renewTime = Self.time(self.renewed)
    }

    private static func microseconds(_ time: Google_Protobuf_Timestamp) -> Int64 {
        time.seconds * 1_000_000 + Int64(time.nanos) / 1000
    }

    private static func time(_ microseconds: Int64) -> Google_Protobuf_Timestamp {
        Google_Protobuf_Timestamp(
            seconds: microseconds / 1_000_000, nanos: Int32(microseconds % 1_000_000) * 1000)
    }
}
