import Lab
import Networking

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
    var isLoadBalancer = false
    var externalPolicy: String?
    var internalPolicy: String?
    var creationTimestamp: String?
    var annotations: [String: String] = [:]

    init(_ name: String = "web", number: UInt8 = 10, on endpoints: [Host] = []) {
        self.name = name
        self.number = number
        self.endpoints = endpoints
    }

    /// One that has every kind of frontend.
    static func everywhere(_ name: String = "web", number: UInt8 = 10, on endpoints: [Host] = []) -> Application {
        var application = Application(name, number: number, on: endpoints)
        application.nodePort = 30000 + UInt16(number)
        application.hasExternalIPs = true
        application.isLoadBalancer = true
        return application
    }

    func clusterIP(_ family: AddressFamily) -> SocketAddress { .clusterIP(self.number, family) }
    func externalIP(_ family: AddressFamily) -> SocketAddress { .externalIP(self.number, family) }
    func loadBalancerIP(_ family: AddressFamily) -> SocketAddress { .loadBalancerIP(self.number, family) }

    /// The node's own address and the NodePort.
    func nodePort(_ family: AddressFamily, on node: Host) -> SocketAddress {
        SocketAddress(node.address(family), self.nodePort ?? 0)
    }

    /// Where clients outside of the cluster come in: all frontends but the ClusterIP.
    func externalFrontends(_ family: AddressFamily, on node: Host) -> [SocketAddress] {
        (self.nodePort == nil ? [] : [self.nodePort(family, on: node)])
            + (self.hasExternalIPs ? [self.externalIP(family)] : [])
            + (self.isLoadBalancer ? [self.loadBalancerIP(family)] : [])
    }

    func frontends(_ family: AddressFamily, on node: Host) -> [SocketAddress] {
        [self.clusterIP(family)] + self.externalFrontends(family, on: node)
    }

    // MARK: - Objects

    var service: ServiceManifest {
        var service = ServiceManifest(
            self.name, clusterIPs: self.families.map { self.clusterIP($0).address },
            ports: [
                .init(Self.port, name: "http", transport: .tcp, nodePort: self.nodePort),
                .init(Self.port, name: "http-udp", transport: .udp, nodePort: self.nodePort),
            ])
        if self.nodePort != nil { service.type = "NodePort" }
        if self.isLoadBalancer {
            service.type = "LoadBalancer"
            service.loadBalancerIPs = self.families.map { self.loadBalancerIP($0).address }
        }
        if self.hasExternalIPs { service.externalIPs = self.families.map { self.externalIP($0).address } }
        service.externalTrafficPolicy = self.externalPolicy
        service.internalTrafficPolicy = self.internalPolicy
        service.creationTimestamp = self.creationTimestamp
        service.annotations = self.annotations
        return service
    }

    var slices: [EndpointSliceManifest] { self.slices(of: self.endpoints.map { Backend($0) }) }

    func slices(of backends: [Backend]) -> [EndpointSliceManifest] {
        self.families.map { family in self.slice(family, backends.map { $0.endpoint(family) }) }
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

    func manifests(of backends: [Backend]) -> [any Manifest] { [self.service] + self.slices(of: backends) }
}

/// A pod as an endpoint: on which node it says it is, in which state, and for whom it is meant. To
/// Fairlead a node is a name, so the pods of the one lab can be anywhere.
struct Backend {
    /// The conditions that the API server gives.
    enum State: CaseIterable {
        case ready
        case notReady
        /// Terminating, and still serving.
        case draining
        /// Terminating, and not serving any more.
        case ended
    }

    let host: Host
    var node: String?
    var state = State.ready
    /// Where it is; not for whom it is.
    var zone: String?
    var zoneHints: [String] = []
    var nodeHints: [String] = []

    init(_ host: Host, on node: String? = nil, _ state: State = .ready, zones: [String] = [], nodes: [String] = []) {
        self.host = host
        self.node = node
        self.state = state
        self.zoneHints = zones
        self.nodeHints = nodes
    }

    /// On the node of the scene.
    static func here(_ host: Host, _ state: State = .ready) -> Backend { Backend(host, on: Scene.here, state) }

    /// On another node.
    static func elsewhere(_ host: Host, _ state: State = .ready) -> Backend {
        Backend(host, on: Scene.elsewhere, state)
    }

    func endpoint(_ family: AddressFamily) -> EndpointSliceManifest.Endpoint {
        var endpoint = EndpointSliceManifest.Endpoint(self.host.address(family), nodeName: self.node)
        endpoint.ready = self.state == .ready
        endpoint.serving = self.state == .ready || self.state == .draining
        endpoint.terminating = self.state == .draining || self.state == .ended
        endpoint.zone = self.zone
        endpoint.zoneHints = self.zoneHints
        endpoint.nodeHints = self.nodeHints
        return endpoint
    }
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

    /// Another one.
    static func loadBalancerIP(
        _ number: UInt8, _ family: AddressFamily, port: UInt16 = Application.port
    ) -> SocketAddress {
        let address =
            family == .ipv4
            ? IPAddress(198, 51, 100, number) : IPAddress(ipv6High: 0x2001_0db8_0001_0000, low: UInt64(number))
        return SocketAddress(address, port)
    }

    func port(_ port: UInt16) -> SocketAddress { SocketAddress(self.address, port) }
}
