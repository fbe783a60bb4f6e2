import ClusterState
import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Linux
import Logging
import Networking
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// A fake API server, and a source that follows it into a mirror.
final class Cluster: Sendable {
    let server: FakeAPIServer
    let connection: ClusterConnection
    let log = CollectedLog()
    private let queue: ChangeQueue
    private let mirror = Mutex<(objects: [ObjectKey: KubernetesObject], isSynced: Bool)>(([:], false))

    /// How a test's cluster differs from a good one.
    struct Setting: Sendable {
        var format = WireFormat.protobuf
        var limits = ClientLimits.forTests
        var server = FakeAPIServerConfiguration()
        var selections = ObjectSelection.node(named: "node-1")
        var needed: Set<ObjectKind> = [.service, .endpointSlice]
        /// Changes the client's configuration.
        var client: @Sendable (inout ClientConfiguration) -> Void = { _ in }
        /// In place of a kubeconfig with a good token.
        var kubeconfig: (@Sendable (FakeAPIServer) -> String)?
    }

    /// Runs `body` with a server that `prepare` has filled, and a source that follows it.
    static func with(
        _ setting: Setting = Setting(),
        prepare: @Sendable (FakeAPIServer) async throws -> Void = { try await $0.apply(.service(.web())) },
        _ body: @Sendable (Cluster) async throws -> Void
    ) async throws {
        let server = try await FakeAPIServer.start(setting.server)
        let outcome: Result<Void, any Error>
        do {
            try await prepare(server)
            let cluster = try Cluster(server, setting)
            try await cluster.run(body)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try await server.stop()
        try outcome.get()
    }

    private init(_ server: FakeAPIServer, _ setting: Setting) throws {
        self.server = server
        self.queue = ChangeQueue(wakeUp: try WakeUp())
        let file = try TemporaryFile(setting.kubeconfig?(server) ?? server.kubeconfig())
        var configuration = try ClientConfiguration.kubeconfig(at: file.path)
        configuration.limits = setting.limits
        setting.client(&configuration)
        self.connection = ClusterConnection(
            configuration, selections: setting.selections, needed: setting.needed,
            controller: "fairlead.dev/node", instance: "node-1", format: setting.format, queue: self.queue,
            logger: self.log.logger)
    }

    private func run(_ body: @Sendable (Cluster) async throws -> Void) async throws {
        let group = ServiceGroup(
            services: [self.connection], logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(self)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    // MARK: - What has come

    private func take() {
        let (changes, isSynced) = self.queue.take()
        self.mirror.withLock { mirror in
            for change in changes { mirror.objects[change.key] = change.object }
            mirror.isSynced = isSynced
        }
    }

    var isSynced: Bool {
        self.take()
        return self.mirror.withLock { $0.isSynced }
    }

    /// The names of the objects of a kind, sorted.
    func names(_ kind: ObjectKind) -> [String] {
        self.take()
        return self.mirror.withLock { mirror in
            mirror.objects.keys.filter { $0.kind == kind }.map { $0.name.description }.sorted()
        }
    }

    func object(_ kind: ObjectKind, _ namespace: String, _ name: String) -> KubernetesObject? {
        self.take()
        let key = ObjectKey(kind: kind, name: ObjectName(namespace: namespace, name: name))
        return self.mirror.withLock { $0.objects[key] }
    }

    func service(_ name: String) -> KubernetesAPI.Service? {
        self.take()
        let key = ObjectKey(kind: .service, name: ObjectName(namespace: "default", name: name))
        guard case .service(let service)? = self.mirror.withLock({ $0.objects[key] }) else { return nil }
        return service
    }

    /// What the server has, as it would be decoded.
    private func wanted() async throws -> [ObjectKey: KubernetesObject] {
        var wanted: [ObjectKey: KubernetesObject] = [:]
        let kinds: [(ObjectKind, Resource)] = [
            (.service, .services), (.endpointSlice, .endpointSlices), (.serviceCIDR, .serviceCIDRs),
        ]
        for (kind, resource) in kinds {
            for text in try await self.server.names(resource) {
                let parts = text.split(separator: "/").map(String.init)
                let name = ObjectName(namespace: parts.count > 1 ? parts[0] : "", name: parts.last ?? "")
                guard let json = try await self.server.json(resource, namespace: name.namespace, name: name.name)
                else { continue }
                let decoded = try DecodedObject(decoding: Array(json.utf8), kind: kind, format: .json)
                wanted[ObjectKey(kind: kind, name: name)] = decoded.object
            }
        }
        return wanted
    }

    /// Waits until what has come is what the server has, to the last field.
    func settle(_ what: String = "", within timeout: Duration = .seconds(30)) async throws {
        try await eventually("in step \(what)", within: timeout) {
            let wanted = try await self.wanted()
            self.take()
            return self.mirror.withLock { mirror in
                mirror.isSynced && mirror.objects.filter { $0.key.kind != .node } == wanted
            }
        }
    }
}

func eventually(
    _ what: String,
    within timeout: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NotInTime(description: "not within \(timeout): \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

struct NotInTime: Error, CustomStringConvertible {
    let description: String
}

extension ClientLimits {
    /// Short enough for tests, long enough for a machine that is busy with others.
    static var forTests: ClientLimits {
        var limits = ClientLimits()
        limits.connectTimeout = .seconds(10)
        limits.answerTimeout = .seconds(10)
        return limits
    }
}

extension KubernetesAPI.Service {
    static func web(_ name: String = "web", _ address: UInt8 = 10) -> KubernetesAPI.Service {
        KubernetesAPI.Service(
            metadata: ObjectMeta(name: ObjectName(namespace: "default", name: name)),
            clusterIPs: [IPAddress(10, 96, 0, address)], ports: [ServicePort(name: "http", port: 80)])
    }
}

extension EndpointSlice {
    static func web(_ name: String = "web-1", _ addresses: UInt8...) -> EndpointSlice {
        EndpointSlice(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "default", name: name), labels: [KnownKey.serviceName: "web"]),
            serviceName: ObjectName(namespace: "default", name: "web"),
            endpoints: addresses.map { Endpoint(address: IPAddress(10, 244, 0, $0)) },
            ports: [EndpointPort(name: "http", port: 8080)])
    }
}

/// A file that is removed with it.
final class TemporaryFile: Sendable {
    let path: String

    init(_ text: String, isExecutable: Bool = false) throws {
        self.path = "/tmp/fairlead-test-\(UInt64.random(in: 0 ... .max))"
        let file = try Descriptor.open(
            self.path, flags: 0o1 | 0o100 | 0o1000, mode: isExecutable ? 0o700 : 0o600)
        try file.write(text.utf8)
    }

    func replace(_ text: String) throws {
        try Descriptor.open(self.path, flags: 0o1 | 0o1000).write(text.utf8)
    }

    deinit { _ = try? ChildProcess.run(["rm", "-f", self.path]) }
}
