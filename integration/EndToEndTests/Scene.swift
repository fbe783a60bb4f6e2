import Lab
import Linux
import Networking
import Testing

/// All end-to-end tests, one after the other: several measure time, and each has a kernel to itself.
/// They need root and fail without it.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct EndToEnd {}

/// A lab with an echo server in every pod, a folder of manifests, and a Fairlead that follows it on
/// the node.
final class Scene {
    /// Where every pod answers, over TCP and UDP.
    static let targetPort: UInt16 = 8080

    let lab: Lab
    let folder: ManifestFolder
    let servers: [EchoServer]
    /// The Fairlead of now; after ``start()`` another one.
    private(set) var fairlead: FairleadProcess
    private let arguments: [String]
    private var settledTimes: UInt8 = 0

    init(pods: Int = 3, clusterCIDR: String? = Lab.clusterCIDR, _ further: [String] = []) throws {
        let lab = try Lab(pods: pods)
        let folder = try ManifestFolder()
        self.lab = lab
        self.folder = folder
        self.servers = try lab.pods.map { try EchoServer(on: $0, port: Self.targetPort) }
        let clusterOption = clusterCIDR.map { ["--cluster-cidr", $0] } ?? []
        self.arguments = ["node", "--manifests", folder.path] + clusterOption + further
        self.fairlead = try FairleadProcess(on: lab.node, self.arguments)
        try self.awaitStart()
    }

    var client: Host { self.lab.client }
    var node: Host { self.lab.node }
    var pods: [Host] { self.lab.pods }

    /// One host of each place a connection can come from: outside, the node itself, a pod.
    var vantagePoints: [Host] { [self.lab.client, self.lab.node, self.lab.pods[0]] }

    func tearDown() {
        _ = self.fairlead.terminate()
        for server in self.servers { server.stop() }
        self.lab.tearDown()
        self.folder.delete()
    }

    // MARK: - The program

    /// Starts another Fairlead as the first was started, and waits until its rules are in force.
    func start(_ further: [String] = []) throws {
        self.fairlead = try FairleadProcess(on: self.node, self.arguments + further)
        try self.awaitStart()
    }

    private func awaitStart() throws {
        guard self.fairlead.waitForLog(containing: "in force: ") != nil else {
            throw LabError("Fairlead does not start: \(self.fairlead.log)")
        }
    }

    // MARK: - Objects

    /// Puts objects into force as the file `NAME.yaml`.
    func put(_ name: String, _ objects: [any Manifest]) throws {
        try self.folder.write("\(name).yaml", objects)
        try self.settle()
    }

    func put(_ application: Application) throws { try self.put(application.name, application.manifests) }

    /// Removes the file `NAME.yaml`.
    func remove(_ name: String) throws {
        try self.folder.remove("\(name).yaml")
        try self.settle()
    }

    /// Waits until all that was written before is in force: a Service without endpoints, written last,
    /// is refused, as packets tell. Its address has been nobody's before.
    func settle() throws {
        self.settledTimes += 1
        let address = IPAddress(10, 97, 0, self.settledTimes)
        try self.folder.write(
            "zz-settled.yaml", [ServiceManifest("settled", clusterIPs: [address], ports: [.init(1)])])
        let isInForce = try self.node.run {
            try waitUntil(timeout: .seconds(5)) {
                try Probe.tcp(to: address, port: 1, timeout: .milliseconds(10)).isRefused
            }
        }
        guard isInForce else { throw LabError("a change is not in force after 5 s: \(self.fairlead.log.suffix(5))") }
    }
}

/// A Service with TCP and UDP on port 80, and its endpoints on ``Scene/targetPort``.
struct Application {
    static let port: UInt16 = 80

    var name = "web"
    /// The last part of its addresses.
    var number: UInt8 = 10
    var families = AddressFamily.allCases
    var endpoints: [Host]
    var nodePort: UInt16?
    var hasExternalIPs = false
    var creationTimestamp: String?

    init(_ name: String = "web", number: UInt8 = 10, on endpoints: [Host]) {
        self.name = name
        self.number = number
        self.endpoints = endpoints
    }

    func clusterIP(_ family: AddressFamily) -> SocketAddress { .clusterIP(self.number, family) }
    func externalIP(_ family: AddressFamily) -> SocketAddress { .externalIP(self.number, family) }

    var service: ServiceManifest {
        var service = ServiceManifest(
            self.name, clusterIPs: self.families.map { self.clusterIP($0).address },
            ports: [
                .init(Self.port, name: "http", transport: .tcp, nodePort: self.nodePort),
                .init(Self.port, name: "http-udp", transport: .udp, nodePort: self.nodePort),
            ])
        if self.nodePort != nil { service.type = "NodePort" }
        if self.hasExternalIPs { service.externalIPs = self.families.map { self.externalIP($0).address } }
        service.creationTimestamp = self.creationTimestamp
        return service
    }

    var slices: [EndpointSliceManifest] {
        self.families.map { family in self.slice(family, self.endpoints.map { .init($0.address(family)) }) }
    }

    func slice(
        _ family: AddressFamily, _ endpoints: [EndpointSliceManifest.Endpoint], name: String? = nil
    ) -> EndpointSliceManifest {
        EndpointSliceManifest(
            of: self.name, name: name, family: family, endpoints: endpoints,
            ports: [
                .init(Scene.targetPort, name: "http", transport: .tcp),
                .init(Scene.targetPort, name: "http-udp", transport: .udp),
            ])
    }

    var manifests: [any Manifest] { [self.service] + self.slices }
}

extension SocketAddress {
    static func clusterIP(_ number: UInt8, _ family: AddressFamily, port: UInt16 = Application.port) -> SocketAddress {
        let address =
            family == .ipv4
            ? IPAddress(10, 96, 0, number) : IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: UInt64(number))
        return SocketAddress(address, port)
    }

    /// An address that is on no interface anywhere.
    static func externalIP(_ number: UInt8, _ family: AddressFamily, port: UInt16 = Application.port) -> SocketAddress {
        let address =
            family == .ipv4
            ? IPAddress(203, 0, 113, number) : IPAddress(ipv6High: 0x2001_0db8_0000_0000, low: UInt64(number))
        return SocketAddress(address, port)
    }

    func port(_ port: UInt16) -> SocketAddress { SocketAddress(self.address, port) }
}
