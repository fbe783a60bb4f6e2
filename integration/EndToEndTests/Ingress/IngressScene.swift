import Lab
import Linux
import Networking
import Synchronization
import Testing

/// A Fairlead in the ingress role, a folder of manifests, and backends, all on the loopback interface of one network
/// namespace: 127.0.0.0/8 has room for everybody.
final class IngressScene: Sendable {
    static let http = SocketAddress(IPAddress(127, 0, 0, 1), 80)
    static let https = SocketAddress(IPAddress(127, 0, 0, 1), 443)
    static let health = SocketAddress(IPAddress(127, 0, 0, 1), 10254)
    static let admin = SocketAddress(IPAddress(127, 0, 0, 1), 10255)
    /// Peers whose `X-Forwarded-*` counts, and peers that begin with a PROXY protocol header.
    static let trustedPeer = IPAddress(127, 8, 0, 1)
    static let proxyProtocolPeer = IPAddress(127, 9, 0, 1)
    static let untrustedPeer = IPAddress(127, 7, 0, 1)

    static let className = "fairlead"
    static let controller = "fairlead.dev/ingress-controller"

    /// A connection holds little, as over a real network: otherwise loopback takes megabytes before anybody has to wait.
    private static let kernelParameters: [(path: String, value: String)] = [
        ("net/ipv4/tcp_rmem", "4096 131072 262144"), ("net/ipv4/tcp_wmem", "4096 65536 262144"),
    ]

    let sandbox: Sandbox
    let folder: ManifestFolder
    /// What the program is started with.
    let arguments: [String]
    private let prefix: [String]
    private let process: Mutex<FairleadProcess>
    private let backends = Mutex<[HTTPBackend]>([])
    private let http2Backends = Mutex<[HTTP2Backend]>([])
    private let settledTimes = Atomic<Int>(0)

    init(
        objects: [any Manifest] = [], withClass: Bool = true, prefix: [String] = [], _ further: [String] = []
    ) throws {
        let sandbox = try Sandbox()
        try sandbox.host.setKernelParameters(Self.kernelParameters)
        let folder = try ManifestFolder()
        let standing: [any Manifest] =
            (withClass ? [IngressClassManifest(Self.className, controller: Self.controller)] : []) + objects
        if !standing.isEmpty { try folder.write("standing.yaml", standing) }
        self.sandbox = sandbox
        self.folder = folder
        self.arguments =
            [
                "ingress", "--manifests", folder.path, "--http-port", "80", "--https-port", "443", "--healthz-port",
                "10254", "--metrics-bind-address", "\(Self.admin)", "--ingress-class", Self.className, "--workers", "2",
                "--trusted-proxies", "127.8.0.0/16", "--proxy-protocol-trusted", "127.9.0.0/16",
                "--publish-status-address", "192.0.2.80", "--admin-socket", Self.adminSocket(folder),
            ] + further
        self.prefix = prefix
        self.process = Mutex(try FairleadProcess(on: sandbox.host, self.arguments, prefix: prefix))
        try self.awaitHealth()
    }

    /// Where `fairlead get` asks. Not a manifest by its name.
    var adminSocket: String { Self.adminSocket(self.folder) }

    private static func adminSocket(_ folder: ManifestFolder) -> String { "\(folder.path)/.admin.sock" }

    var host: Host { self.sandbox.host }

    /// The Fairlead of now; after ``start(_:)`` another one.
    var fairlead: FairleadProcess { self.process.withLock { $0 } }

    func tearDown() {
        _ = self.fairlead.terminate()
        for backend in self.backends.withLock({ $0 }) { backend.stop() }
        for backend in self.http2Backends.withLock({ $0 }) { backend.stop() }
        self.sandbox.tearDown()
        self.folder.delete()
    }

    // MARK: - The program

    /// Starts another Fairlead as the first was started.
    func start(_ further: [String] = []) throws {
        let fairlead = try FairleadProcess(on: self.host, self.arguments + further, prefix: self.prefix)
        self.process.withLock { $0 = fairlead }
        try self.awaitHealth()
    }

    private func awaitHealth() throws {
        let isReady = waitUntil(timeout: .seconds(20), interval: .milliseconds(10)) {
            (try? self.page("/healthz", at: Self.health).status) == 200 || !self.fairlead.process.isRunning
        }
        guard isReady, self.fairlead.process.isRunning else {
            throw LabError("Fairlead does not start: \(self.fairlead.log.suffix(10))")
        }
    }

    /// One of its own pages.
    func page(_ path: String, at address: SocketAddress = admin) throws -> HTTPResponse {
        let conversation = try self.host.converseByHTTP(with: address, timeout: .seconds(5))
        return try conversation.exchange(HTTPRequest("GET", path, host: "localhost", ["Connection: close"]))
    }

    // MARK: - Backends

    /// The backend of that name, which is made with its first mention. All listen on port 3000 of their own address.
    func backend(_ name: String) throws -> HTTPBackend {
        try self.backends.withLock { backends in
            if let known = backends.first(where: { $0.name == name }) { return known }
            let number = backends.count + 1
            let address = SocketAddress(IPAddress(127, 1, UInt8(number / 250), UInt8(number % 250)), 3000)
            let new = try HTTPBackend(on: self.host, address, name: name)
            backends.append(new)
            return new
        }
    }

    /// The h2c backend of that name, made with its first mention, which alone can say what its settings and manners are.
    func http2Backend(
        _ name: String, _ settings: [HTTP2Setting] = [], _ manners: HTTP2Backend.Manners = .init()
    ) throws -> HTTP2Backend {
        try self.http2Backends.withLock { backends in
            if let known = backends.first(where: { $0.name == name }) { return known }
            let number = backends.count + 1
            let address = SocketAddress(IPAddress(127, 2, UInt8(number / 250), UInt8(number % 250)), 3000)
            let new = try HTTP2Backend(on: self.host, address, name: name, settings, manners)
            backends.append(new)
            return new
        }
    }

    /// A Service `name` whose port says h2c, and its endpoints.
    func http2Service(_ name: String, on backends: [HTTP2Backend]) -> [any Manifest] {
        self.service(
            name, endpoints: backends.map { .init($0.address.address) }, appProtocol: "kubernetes.io/h2c")
    }

    /// A Service `name` with port 80, called `http`, and its endpoints: the backend of the same name unless others are given.
    func service(
        _ name: String, namespace: String = "default", on backends: [String]? = nil, ready: [String]? = nil
    ) throws -> [any Manifest] {
        let names = backends ?? [name]
        let endpoints = try names.map { backend in
            var endpoint = EndpointSliceManifest.Endpoint(try self.backend(backend).address.address)
            if let ready, !ready.contains(backend) {
                endpoint.ready = false
                endpoint.serving = false
            }
            return endpoint
        }
        return self.service(name, namespace: namespace, endpoints: endpoints)
    }

    func service(
        _ name: String, namespace: String = "default", endpoints: [EndpointSliceManifest.Endpoint], port: UInt16 = 3000,
        appProtocol: String? = nil
    ) -> [any Manifest] {
        var service = ServiceManifest(
            name, clusterIPs: [], ports: [.init(80, targetPort: port, appProtocol: appProtocol)])
        service.namespace = namespace
        var slice = EndpointSliceManifest(of: name, family: .ipv4, endpoints: endpoints, ports: [.init(port)])
        slice.namespace = namespace
        return [service, slice]
    }

    // MARK: - Objects

    /// Puts objects into force as the file `NAME.yaml`.
    func put(_ name: String, _ objects: [any Manifest]) throws {
        try self.folder.write("\(name).yaml", objects)
        try self.settle()
    }

    /// Removes the file `NAME.yaml`.
    func remove(_ name: String) throws {
        try self.folder.remove("\(name).yaml")
        try self.settle()
    }

    /// Has objects in force while `body` runs.
    func with(_ name: String, _ objects: [any Manifest], _ body: () throws -> Void) throws {
        try self.put(name, objects)
        defer { try? self.remove(name) }
        try body()
    }

    /// A file for other programs, in the folder of manifests, where it counts for nothing. Returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        try self.folder.write(name, text)
        return "\(self.folder.path)/\(name)"
    }

    /// Waits until all that was written before is in force: so is a route to nowhere that is written last. Each worker takes
    /// a change over by itself, so several new connections have to say so in a row.
    func settle() throws {
        let number = self.settledTimes.add(1, ordering: .relaxed).newValue
        let host = "settled-\(number).test"
        let ingress = ingress("settled", [.init(host, [.prefix("/", .service("nobody", port: 80))])])
        try self.folder.write("zz-settled.yaml", [ingress])
        let isInForce = waitUntil(timeout: .seconds(10)) {
            !self.fairlead.process.isRunning
                || (0..<6).allSatisfy { _ in (try? self.fetch("http://\(host)/").status) == 503 }
        }
        if let status = self.fairlead.process.status {
            throw LabError("Fairlead has ended, \(status): \(self.fairlead.log.joined(separator: "\n"))")
        }
        guard isInForce else { throw LabError("a change is not in force after 10 s: \(self.fairlead.log.suffix(5))") }
    }

    // MARK: - Requests

    func connect(
        from source: IPAddress? = nil, to target: SocketAddress = http, receiveBuffer: Int? = nil
    ) throws -> HTTPConversation {
        try self.host.converseByHTTP(with: target, from: source, receiveBuffer: receiveBuffer)
    }

    /// One request on a connection of its own to `http://HOST/PATH` or `https://HOST/PATH`; the host may have a port,
    /// which goes into the field alone.
    func fetch(
        _ url: String, method: String = "GET", _ fields: [String] = [], body: String? = nil,
        from source: IPAddress? = nil,
        timeout: Duration = HTTPConversation.patience
    ) throws -> HTTPResponse {
        let (isSecure, host, target) = try Self.split(url)
        let name = host.split(separator: ":").first.map(String.init)
        let conversation =
            isSecure
            ? try self.host.converseByHTTPS(with: Self.https, name: name)
            : try self.connect(from: source)
        return try conversation.exchange(
            HTTPRequest(method, target, host: host, fields, body: body), timeout: timeout)
    }

    private static func split(_ url: String) throws -> (isSecure: Bool, host: String, target: String) {
        for (scheme, isSecure) in [("http://", false), ("https://", true)] where url.hasPrefix(scheme) {
            let rest = url.dropFirst(scheme.count)
            let host = rest.prefix { $0 != "/" }
            return (isSecure, String(host), host.endIndex == rest.endIndex ? "/" : String(rest[host.endIndex...]))
        }
        throw LabError("no URL: \(url)")
    }
}

/// An Ingress of the scene's class.
func ingress(_ name: String, _ rules: [IngressManifest.Rule], _ annotations: [String: String] = [:]) -> IngressManifest
{
    var ingress = IngressManifest(name, className: IngressScene.className, rules: rules)
    ingress.annotations = Dictionary(uniqueKeysWithValues: annotations.map { ("fairlead.dev/\($0.key)", $0.value) })
    return ingress
}

extension IngressManifest.Backend {
    /// Port 80 of a Service.
    static func to(_ service: String) -> IngressManifest.Backend { .service(service, port: 80) }
}

extension IngressManifest.Path {
    static func free(_ path: String?, _ backend: IngressManifest.Backend) -> IngressManifest.Path {
        .init(path, "ImplementationSpecific", backend)
    }
}

/// What comes of a request: a backend's name, or the status of an error.
extension HTTPResponse {
    var outcome: String { self.status == 200 ? self.backend ?? "somebody" : "\(self.status)" }
}

/// Requests by GET and where they lead: a backend's name or a status.
func expectRoutes(
    _ scene: IngressScene, _ routes: KeyValuePairs<String, String>, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    for (url, expected) in routes {
        let outcome = try scene.fetch(url).outcome
        #expect(outcome == expected, "\(url)", sourceLocation: sourceLocation)
    }
}

/// A host of one's own, `NAME.test`, and its backends, which have scripts and failures of their own.
func withApplication(
    _ name: String, _ pods: [String], _ annotations: [String: String] = [:],
    _ body: (_ scene: IngressScene, _ pods: [HTTPBackend]) throws -> Void
) throws {
    let scene = try Stage.scene
    let names = pods.map { "\(name)-\($0)" }
    let backends = try names.map { try scene.backend($0) }
    let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])], annotations)
    try scene.with(name, try scene.service(name, on: names) + [rules]) { try body(scene, backends) }
}
