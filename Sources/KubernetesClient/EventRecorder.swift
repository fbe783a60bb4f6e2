internal import ClusterState
internal import FoundationEssentials
internal import KubernetesAPI
package import KubernetesWire
internal import Linux
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Writes events to the API server, one after the other. They are worth some attempts and no more: when many come at
/// once, or nobody takes them, the newest are dropped.
package final class EventRecorder: ServiceLifecycle.Service, Sendable {
    /// Events that wait to be written.
    private static let room = 64
    /// Some two minutes: `Starting` is written while the API server may be starting too.
    private static let attempts = 14
    /// What the API server takes as a note.
    private static let longestNote = 1024

    private let client: APIClient
    private let controller: String
    private let instance: String
    private let format: WireFormat
    private let logger: Logger
    private let events: AsyncStream<ClusterEvent>
    private let entry: AsyncStream<ClusterEvent>.Continuation
    private let isForbidden = Atomic(false)

    /// - Parameters:
    ///   - controller: who writes: `fairlead.dev/node`.
    ///   - instance: which of them: the node's name.
    package init(
        _ client: APIClient, controller: String, instance: String, format: WireFormat = .protobuf, logger: Logger
    ) {
        self.client = client
        self.controller = controller
        self.instance = instance
        self.format = format
        self.logger = logger
        (self.events, self.entry) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.room))
    }

    /// Says that something has happened to an object. Returns at once.
    ///
    /// - Parameters:
    ///   - reason: for programs: one word, as `Starting`.
    ///   - action: what was done or tried, one word.
    ///   - note: for people.
    package func record(
        _ severity: ClusterEvent.Severity,
        reason: String,
        action: String,
        note: String,
        regarding object: ObjectReference
    ) {
        let (seconds, nanoseconds) = WallClock.now()
        // Different from all others of the object: time and chance.
        let unique = String(seconds &* 1_000_000_000 &+ nanoseconds, radix: 16)
        let chance = String(UInt16.random(in: 0 ... .max), radix: 16)
        let event = ClusterEvent(
            // Events of what belongs to the cluster are in the namespace `default`, as client-go puts them.
            name: ObjectName(
                namespace: object.namespace.isEmpty ? "default" : object.namespace,
                name: "\(object.name).\(unique)\(chance)"),
            regarding: object, reason: reason, action: action,
            note: String(decoding: note.utf8.prefix(Self.longestNote), as: UTF8.self), severity: severity,
            reportingController: self.controller, reportingInstance: self.instance,
            time: MicroTime(microsecondsSince1970: seconds * 1_000_000 + nanoseconds / 1000))
        if case .dropped = self.entry.yield(event) {
            self.logger.debug("an event was dropped", metadata: ["reason": "\(reason)"])
        }
    }

    /// Until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await event in self.events where !self.isForbidden.load(ordering: .relaxed) { await self.write(event) }
        }
    }

    private func write(_ event: ClusterEvent) async {
        var event = event
        if event.regarding.uid.isEmpty { event.regarding.uid = await self.identity(of: event.regarding) }
        var backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        var random = SystemRandomNumberGenerator()
        for attempt in 1...Self.attempts {
            do throws(APIError) {
                return try await self.post(event)
            } catch {
                if error.status?.code == 403 {
                    // It will not get better while we run, and it is no reason to stop anything.
                    self.isForbidden.store(true, ordering: .relaxed)
                    return self.logger.warning(
                        "events cannot be written",
                        metadata: [
                            "reason": "\(error)",
                            "missing":
                                #"apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"]"#,
                        ])
                }
                let isFinal = error.status.map { (400..<500).contains($0.code) && $0.code != 429 } ?? false
                guard !isFinal, attempt < Self.attempts, error.code != .cancelled else {
                    return self.logger.debug("an event was not written", metadata: ["reason": "\(error)"])
                }
                // Cut short by cancellation alone; the next attempt says so and is the last.
                try? await Task.sleep(for: backoff.pause(&random))
            }
        }
    }

    /// What tells an object from others that had its name before it, by which `kubectl describe` looks for events. Empty if
    /// it cannot be found out, which is no reason not to write.
    private func identity(of object: ObjectReference) async -> String {
        guard let kind = ObjectKind(rawValue: object.kind), kind.apiVersion == object.apiVersion else { return "" }
        let path = kind.path(in: kind.isClusterScoped ? nil : object.namespace) + "/\(object.name)"
        let request = APIRequest(
            .get, path, accept: WireFormat.json.accept, summary: "get \(kind.resource)")
        let bytes = try? await self.client.send(request) { response throws(APIError) in
            try await response.readAll(limit: 4 << 20)
        }
        return bytes.flatMap { try? JSONDecoder().decode(Identity.self, from: Data($0)) }?.metadata.uid ?? ""
    }

    private struct Identity: Decodable {
        struct Metadata: Decodable {
            var uid: String?
        }

        var metadata: Metadata
    }

    private func post(_ event: ClusterEvent) async throws(APIError) {
        var request = APIRequest(
            .post, "/apis/events.k8s.io/v1/namespaces/\(event.name.namespace)/events", accept: self.format.accept,
            summary: "create events")
        request.body = (
            try request.decoding { () throws(WireError) in try event.encoded(as: self.format) }, self.format.mediaType
        )
        try await self.client.send(request) { response throws(APIError) in
            _ = try await response.readAll(limit: 1 << 20)
        }
    }
}
