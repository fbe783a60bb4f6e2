import ClusterState
import HTTPProxy
import IngressControl
import KubernetesAPI
import Lab
import Linux
import Logging
import Networking
import Observability
import Routing
import ServiceLifecycle
import Synchronization
import TLS
import TestSupport
import Testing

/// The loop, fed from a directory of manifests or by hand, with everybody whom it tells.
final class Ingresses: Sendable {
    let folder: ManifestFolder
    let log = CollectedLog()
    let board = IngressBoard()
    let registry = MetricRegistry()
    let queue: ChangeQueue
    private let wakeUp: WakeUp
    private let told = Mutex(Told())

    struct Told: Sendable {
        var snapshots: [ProxySnapshot] = []
        var news: [IngressNews] = []
        var problems: [IngressProblem] = []
    }

    /// - Parameter isByHand: whether the queue is left to the test.
    static func with(
        _ configuration: IngressControlConfiguration = IngressControlConfiguration(),
        publishService: ObjectName? = nil,
        isByHand: Bool = false,
        prepare: (ManifestFolder) throws -> Void = { try $0.write("base.yaml", Site.base) },
        _ body: (Ingresses) async throws -> Void
    ) async throws {
        let ingresses = try Ingresses()
        try prepare(ingresses.folder)
        let group = try ingresses.group(configuration, publishService, isByHand: isByHand)
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(ingresses)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    private init() throws {
        self.folder = try ManifestFolder()
        self.wakeUp = try WakeUp()
        self.queue = ChangeQueue(wakeUp: self.wakeUp, kinds: ObjectKind.ofIngress)
    }

    private func group(
        _ configuration: IngressControlConfiguration, _ publishService: ObjectName?, isByHand: Bool
    ) throws -> ServiceGroup {
        let metrics = IngressMetrics(self.registry, board: self.board) { ProxyReport() }
        let control = try IngressControl(
            configuration, publishService: publishService, board: self.board, queue: self.queue, wakeUp: self.wakeUp,
            publish: IngressControl.Publishing(
                snapshot: { snapshot in self.told.withLock { $0.snapshots.append(snapshot) } },
                news: { news in self.told.withLock { $0.news.append(news) } },
                problems: { problems in self.told.withLock { $0.problems += problems } }),
            metrics: metrics, logger: self.log.logger)
        var services: [any ServiceLifecycle.Service] = [control]
        if !isByHand {
            services.append(
                try ManifestSource(
                    directory: self.folder.path, kinds: ObjectKind.ofIngress, queue: self.queue,
                    logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() })))
        }
        return ServiceGroup(
            services: services, logger: Logger(label: "", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    var snapshots: [ProxySnapshot] { self.told.withLock { $0.snapshots } }
    var news: [IngressNews] { self.told.withLock { $0.news } }
    var problems: [IngressProblem] { self.told.withLock { $0.problems } }
    var last: ProxySnapshot? { self.snapshots.last }

    /// Waits for a snapshot that is as it should be.
    @discardableResult
    func snapshot(_ what: String, where condition: (ProxySnapshot) -> Bool = { _ in true }) async throws
        -> ProxySnapshot
    {
        try await eventually(what) { self.last.map(condition) ?? false }
        return try #require(self.last)
    }
}

func eventually(_ what: String, within timeout: Duration = .seconds(30), _ condition: () async throws -> Bool)
    async throws
{
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, "not within \(timeout): \(what)")
        try await Task.sleep(for: .milliseconds(2))
    }
}

extension ProxySnapshot {
    /// Where a request goes; nil for 404.
    func route(_ host: String, _ path: String = "/") -> Route? {
        let match = self.plan.routes.match(host: Array(host.utf8).span, path: Array(path.utf8).span)
        return match.isRoute ? self.plan.routes.route(match.route) : nil
    }

    /// The endpoints of a backend as `address:port`, sorted.
    func endpoints(_ service: String) -> [String] {
        self.plan.backends.compactMap(\.self).first { $0.id.service.name == service }?.endpoints
            .map { "\($0.address):\($0.port)" } ?? []
    }

    /// The names of the certificate that a client gets.
    func certificate(_ host: String) -> [String]? { self.tls?.hosts.certificate(for: host).facts.dnsNames }
}

/// Manifests of a small site.
enum Site {
    static let fairleadClass = """
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata: {name: fairlead}
        spec: {controller: fairlead.dev/ingress-controller}

        """

    static func ingress(
        _ name: String, host: String, secret: String? = nil, service: String = "web", className: String = "fairlead",
        annotations: String = ""
    ) -> String {
        let tls = secret.map { "\n  tls: [{hosts: [\(host)], secretName: \($0)}]" } ?? ""
        return """
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata: {name: \(name), annotations: {\(annotations)}}
            spec:
              ingressClassName: \(className)\(tls)
              rules:
              - host: \(host)
                http:
                  paths:
                  - {path: /, pathType: Prefix, backend: {service: {name: \(service), port: {name: http}}}}

            """
    }

    static func service(_ name: String, appProtocol: String? = nil) -> String {
        """
        apiVersion: v1
        kind: Service
        metadata: {name: \(name)}
        spec: {clusterIP: 10.96.0.10, ports: [{name: http, port: 80\(appProtocol.map { ", appProtocol: \($0)" } ?? "")}]}

        """
    }

    static func slice(_ service: String, _ addresses: String...) -> String {
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: \(service)-1, labels: {kubernetes.io/service-name: \(service)}}
        addressType: IPv4
        endpoints: [\(addresses.map { "{addresses: [\($0)]}" }.joined(separator: ", "))]
        ports: [{name: http, port: 8080}]

        """
    }

    static func secret(_ name: String, _ certificate: TestCertificate, authority: TestCertificate? = nil) -> String {
        func block(_ key: String, _ bytes: [UInt8]) -> String {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { "    \($0)\n" }
            return "  \(key): |\n\(lines.joined())"
        }
        return """
            apiVersion: v1
            kind: Secret
            metadata: {name: \(name)}
            type: kubernetes.io/tls
            stringData:
            \(block("tls.crt", certificate.chain))\(block("tls.key", certificate.key))\
            \(authority.map { block("ca.crt", $0.chain) } ?? "")
            """
    }

    static func join(_ documents: String...) -> String { documents.joined(separator: "\n---\n") }

    static let base = Self.join(
        Self.fairleadClass, Self.ingress("web", host: "shop.example", secret: "shop"), Self.service("web"),
        Self.slice("web", "10.244.0.1"))
}
