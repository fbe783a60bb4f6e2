import KubernetesAPI
import LineSupport
import Logging
import Networking
import Reactor
import Routing
import ServiceLifecycle
import ServiceModel
import Synchronization
import Testing

@testable import HTTPProxy

/// A proxy that runs, and the objects that it serves. The test is its clients and its endpoints.
///
/// What ``publish()`` says counts for every request that is sent after it: a worker's loop tells of letters and bytes in the
/// order in which they came.
final class Stage {
    private var planner: IngressPlanner
    let proxy: HTTPProxy
    let group: ServiceGroup
    private let ended = Flag()
    private var running: Task<Void, any Error>?
    private var endpoints = 0
    private var ingresses = 0

    private init(_ limits: ProxyLimits, _ settings: RouteSettings, workers: Int) throws {
        var options = IngressPlannerOptions()
        options.settings = settings
        options.watchesWithoutClass = true
        self.planner = IngressPlanner(options)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.proxy = try HTTPProxy(
            HTTPProxyConfiguration(workers: workers, plainAddresses: [.anyPort], limits: limits), logger: logger)
        self.group = ServiceGroup(services: [self.proxy], logger: logger)
    }

    /// Ends the proxy when `body` has ended, by cancelling: each connection that is open then is reset.
    static func run(
        limits: ProxyLimits = ProxyLimits(), settings: RouteSettings = RouteSettings(), workers: Int = 1,
        _ body: (Stage) async throws -> Void
    ) async throws {
        let stage = try Stage(limits, settings, workers: workers)
        stage.start()
        let outcome: Result<Void, any Error>
        do {
            try await body(stage)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        stage.cancel()
        let hasEnded = try await stage.hasEnded()
        #expect(hasEnded, "a worker that turns in circles reads no letters")
        try outcome.get()
    }

    private func start() {
        let (group, ended) = (self.group, self.ended)
        self.running = Task {
            defer { ended.set() }
            try await group.run()
        }
    }

    func cancel() { self.running?.cancel() }

    /// Whether the proxy returns from running; waited for.
    func hasEnded() async throws -> Bool {
        let start = ContinuousClock.now
        while !self.ended.isSet {
            guard ContinuousClock.now - start < Line.patience else { return false }
            try await Task.sleep(for: .milliseconds(1))
        }
        return true
    }

    var address: SocketAddress { self.proxy.plainAddresses[0] }

    func connect() throws -> Line { try Line.connect(to: self.address) }

    /// Once the workers have told it, which they do five times a second.
    func report(when isRight: (ProxyReport) -> Bool) async throws -> ProxyReport {
        let start = ContinuousClock.now
        while true {
            let report = self.proxy.report()
            if isRight(report) { return report }
            try await Line.wait(since: start, "\(report)")
        }
    }

    // MARK: - Objects

    func publish() { self.proxy.publish(ProxySnapshot(plan: self.planner.plan(), tls: nil)) }

    private func apply(_ object: KubernetesObject) { self.planner.apply(object.key, object) }

    private static func name(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }

    /// An Ingress for `a.example` where nothing else is said, and its Service.
    func route(
        _ path: String = "/", to service: String = "web", host: String = "a.example",
        annotations: [String: String] = [:]
    ) {
        self.service(service)
        self.ingress(service, path, to: service, host: host, annotations: annotations)
    }

    func service(_ name: String, port: UInt16 = 80) {
        self.apply(
            .service(
                Service(
                    metadata: ObjectMeta(name: Self.name(name), annotations: [:]), type: .clusterIP, isHeadless: false,
                    clusterIPs: [IPAddress(10, 96, 0, 1)], ports: [ServicePort(name: "http", port: port)],
                    externalName: nil)))
    }

    func ingress(
        _ name: String, _ path: String = "/", to service: String, host: String = "a.example",
        annotations: [String: String] = [:]
    ) {
        let backend = IngressBackend.service(name: service, port: .number(80))
        let annotations = Dictionary(uniqueKeysWithValues: annotations.map { ("fairlead.dev/\($0)", $1) })
        self.apply(
            .ingress(
                Ingress(
                    metadata: ObjectMeta(name: Self.name(name), annotations: annotations, creationTimestamp: nil),
                    ingressClassName: nil, defaultBackend: nil, tls: [],
                    rules: [
                        IngressRule(host: host, paths: [IngressPath(path: path, pathType: .prefix, backend: backend)])
                    ],
                    loadBalancer: [])))
    }

    /// An EndpointSlice of its own; its name.
    @discardableResult
    func add(port: UInt16, to service: String = "web") -> String {
        self.endpoints += 1
        let name = "\(service)-\(self.endpoints)"
        self.apply(
            .endpointSlice(
                EndpointSlice(
                    metadata: ObjectMeta(name: Self.name(name), labels: [:]), serviceName: Self.name(service),
                    family: .ipv4,
                    endpoints: [
                        Endpoint(
                            address: IPAddress(127, 0, 0, 1), isReady: true, isServing: true, isTerminating: false,
                            zone: nil, zoneHints: [])
                    ],
                    ports: [EndpointPort(name: "http", port: port)])))
        return name
    }

    func remove(_ kind: ObjectKind, _ name: String) {
        self.planner.apply(ObjectKey(kind: kind, name: Self.name(name)), nil)
    }

    /// One route with these endpoints, published.
    func serve(_ endpoints: TestEndpoint..., annotations: [String: String] = [:]) {
        self.route(annotations: annotations)
        for endpoint in endpoints { self.add(port: endpoint.port) }
        self.publish()
    }
}

/// Set once, by another task.
private final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { self.value.withLock { $0 } }

    func set() { self.value.withLock { $0 = true } }
}
