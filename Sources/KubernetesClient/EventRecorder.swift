internal import ClusterState
internal import KubernetesAPI
internal import KubernetesWire
internal import Linux
package import Logging
package import ServiceLifecycle
internal import SwiftProtobuf
internal import Synchronization

/// Something that those who look after the cluster are told with `kubectl get events` (events.k8s.io/v1).
package struct ClusterEvent: Hashable, Sendable {
    package enum Severity: String, Hashable, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// The object it is about.
    package struct Subject: Hashable, Sendable {
        package let apiVersion: String
        package let kind: String
        /// Empty for what belongs to the cluster.
        package let namespace: String
        package let name: String

        package init(apiVersion: String = "v1", kind: String, namespace: String = "", name: String) {
            self.apiVersion = apiVersion
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }
    }

    package let severity: Severity
    /// For programs: one word, as `Starting`.
    package let reason: String
    /// What was done or tried, one word.
    package let action: String
    /// For people; at most 1 KiB counts.
    package let note: String
    package let subject: Subject

    package init(_ severity: Severity, reason: String, action: String, note: String, subject: Subject) {
        self.severity = severity
        self.reason = reason
        self.action = action
        self.note = note
        self.subject = subject
    }
}

/// Writes events to the API server, one after the other. They are worth a few attempts and no more: when many come at
/// once, or nobody takes them, the newest are dropped.
package final class EventRecorder: ServiceLifecycle.Service, Sendable {
    /// Events that wait to be written.
    private static let room = 64
    private static let attempts = 3
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

    /// Returns at once.
    package func record(_ event: ClusterEvent) {
        if case .dropped = self.entry.yield(event) {
            self.logger.debug("an event was dropped", metadata: ["reason": "\(event.reason)"])
        }
    }

    /// Until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await event in self.events where !self.isForbidden.load(ordering: .relaxed) { await self.write(event) }
        }
    }

    private func write(_ event: ClusterEvent) async {
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
                                #"apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"]"#,
                        ])
                }
                let isFinal = error.status.map { (400..<500).contains($0.code) && $0.code != 429 } ?? false
                guard !isFinal, attempt < Self.attempts, error.code != .cancelled else {
                    return self.logger.debug("an event was not written", metadata: ["reason": "\(error)"])
                }
                try? await Task.sleep(for: backoff.pause(&random))
            }
        }
    }

    private func post(_ event: ClusterEvent) async throws(APIError) {
        // Events of what belongs to the cluster are in the namespace `default`, as client-go puts them.
        let namespace = event.subject.namespace.isEmpty ? "default" : event.subject.namespace
        let summary = "create events"
        let message = self.message(event, namespace)
        let body: [UInt8]
        do throws(WireError) {
            body = try MessageCoding.encode(
                message, as: ObjectType(apiVersion: "events.k8s.io/v1", kind: "Event"), self.format)
        } catch {
            throw APIError(.malformed, request: summary, message: "\(error)")
        }
        let request = APIRequest(
            .post, "/apis/events.k8s.io/v1/namespaces/\(namespace)/events", accept: self.format.accept,
            body: (body, self.format.mediaType), summary: summary)
        try await self.client.send(request) { response throws(APIError) in
            _ = try await response.readAll(limit: 1 << 20)
        }
    }

    private func message(_ event: ClusterEvent, _ namespace: String) -> WireEvent {
        let (seconds, nanoseconds) = WallClock.now()
        var message = WireEvent()
        // Different from all others of the object: time and chance.
        let unique = String(seconds &* 1_000_000_000 &+ nanoseconds, radix: 16)
        message.metadata.name = "\(event.subject.name).\(unique)\(String(UInt16.random(in: 0 ... .max), radix: 16))"
        message.metadata.namespace = namespace
        message.eventTime.seconds = seconds
        message.eventTime.nanos = Int32(nanoseconds)
        message.reportingController = self.controller
        message.reportingInstance = self.instance
        message.action = event.action
        message.reason = event.reason
        message.note = String(decoding: event.note.utf8.prefix(Self.longestNote), as: UTF8.self)
        message.type = event.severity.rawValue
        message.regarding.apiVersion = event.subject.apiVersion
        message.regarding.kind = event.subject.kind
        message.regarding.namespace = event.subject.namespace
        message.regarding.name = event.subject.name
        return message
    }
}
