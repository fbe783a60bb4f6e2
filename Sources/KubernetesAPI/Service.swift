package import Networking

/// A Service (core/v1), as far as the data plane reads it.
package struct Service: Hashable, Sendable {
    package var metadata: ObjectMeta
    package var type: ServiceType
    /// `clusterIP: None`.
    package var isHeadless: Bool
    /// At most one per family, the first is the primary one. Empty if headless or none assigned.
    package var clusterIPs: [IPAddress]
    package var externalIPs: [IPAddress]
    /// `status.loadBalancer.ingress[].ip` of the entries that packets reach unchanged (`ipMode` VIP).
    package var loadBalancerIPs: [IPAddress]
    /// Who may use the load balancer's addresses; empty for everybody. Addresses of both families.
    package var loadBalancerSourceRanges: [CIDR]
    package var ports: [ServicePort]
    package var externalTrafficPolicy: TrafficPolicy
    package var internalTrafficPolicy: TrafficPolicy
    package var sessionAffinity: SessionAffinity
    /// Where load balancers ask whether this node has endpoints (`externalTrafficPolicy: Local`).
    package var healthCheckNodePort: UInt16?
    /// The name that stands for the Service when its type is ExternalName.
    package var externalName: String?
    /// All of `status.loadBalancer.ingress`, for who publishes this Service's addresses as those of an Ingress.
    /// ``loadBalancerIPs`` are those that packets arrive with.
    package var loadBalancer: [LoadBalancerAddress]

    package init(
        metadata: ObjectMeta,
        type: ServiceType = .clusterIP,
        isHeadless: Bool = false,
        clusterIPs: [IPAddress] = [],
        externalIPs: [IPAddress] = [],
        loadBalancerIPs: [IPAddress] = [],
        loadBalancerSourceRanges: [CIDR] = [],
        ports: [ServicePort] = [],
        externalTrafficPolicy: TrafficPolicy = .cluster,
        internalTrafficPolicy: TrafficPolicy = .cluster,
        sessionAffinity: SessionAffinity = .none,
        healthCheckNodePort: UInt16? = nil,
        externalName: String? = nil,
        loadBalancer: [LoadBalancerAddress] = []
    ) {
        self.metadata = metadata
        self.type = type
        self.isHeadless = isHeadless
        self.clusterIPs = clusterIPs
        self.externalIPs = externalIPs
        self.loadBalancerIPs = loadBalancerIPs
        self.loadBalancerSourceRanges = loadBalancerSourceRanges
        self.ports = ports
        self.externalTrafficPolicy = externalTrafficPolicy
        self.internalTrafficPolicy = internalTrafficPolicy
        self.sessionAffinity = sessionAffinity
        self.healthCheckNodePort = healthCheckNodePort
        self.externalName = externalName
        self.loadBalancer = loadBalancer
    }
}

/// How a Service is exposed; the raw value is the spelling of the API.
package enum ServiceType: String, Hashable, Sendable, CaseIterable {
    case clusterIP = "ClusterIP"
    case nodePort = "NodePort"
    case loadBalancer = "LoadBalancer"
    case externalName = "ExternalName"
}

/// Which endpoints traffic may go to: all, or those on this node.
package enum TrafficPolicy: String, Hashable, Sendable, CaseIterable {
    case cluster = "Cluster"
    case local = "Local"
}

/// What happens before packets reach a load balancer's address here; the raw value is the spelling of the API.
package enum LoadBalancerIPMode: String, Hashable, Sendable, CaseIterable {
    /// Packets arrive with the load balancer's address.
    case vip = "VIP"
    /// The load balancer rewrites or ends connections; the address is its own business.
    case proxy = "Proxy"
}

/// Whether connections of one client stay with one endpoint.
package enum SessionAffinity: Hashable, Sendable {
    case none
    /// For so long after the client's last connection.
    case clientIP(timeoutSeconds: Int)

    /// Three hours, as the API server defaults it.
    package static let defaultTimeoutSeconds = 10_800
    /// What the API server accepts: up to a day.
    package static let timeoutRange = 1...86_400

    /// The spellings of the API.
    package enum Name: String, CaseIterable {
        case none = "None"
        case clientIP = "ClientIP"
    }
}

/// One port of a Service. Its identity is its name and protocol.
package struct ServicePort: Hashable, Sendable {
    /// Empty if unnamed.
    package var name: String
    package var transport: TransportProtocol
    package var port: UInt16
    package var nodePort: UInt16?
    /// What the endpoints' containers call the port; nil if nothing was said. EndpointSlices decide, not this.
    package var targetPort: PortReference?
    /// What is spoken on the port, as `kubernetes.io/h2c` or a name IANA registered.
    package var appProtocol: String?

    package init(
        name: String = "",
        transport: TransportProtocol = .tcp,
        port: UInt16,
        nodePort: UInt16? = nil,
        targetPort: PortReference? = nil,
        appProtocol: String? = nil
    ) {
        self.name = name
        self.transport = transport
        self.port = port
        self.nodePort = nodePort
        self.targetPort = targetPort
        self.appProtocol = appProtocol
    }
}
