package import KubernetesAPI
package import Networking

/// A port of a Service: what session affinity and metrics are about, whichever frontend is used.
package struct ServicePortIdentity: Hashable, Sendable, CustomStringConvertible {
    package let service: ObjectName
    /// Empty if unnamed.
    package let name: String
    package let transport: TransportProtocol

    package init(service: ObjectName, name: String, transport: TransportProtocol) {
        self.service = service
        self.name = name
        self.transport = transport
    }

    /// `namespace/name:port`, or `namespace/name` for an unnamed port.
    package var description: String { self.name.isEmpty ? "\(self.service)" : "\(self.service):\(self.name)" }
}

/// What becomes of new connections.
package enum Route: Hashable, Sendable {
    /// They go to one of these (sorted, not empty), chosen by that policy.
    case backends(TrafficPolicy, [WeightedBackend])
    /// Nobody anywhere could answer.
    case refuse
    /// Nobody here may answer, somebody elsewhere could.
    case drop

    package var backends: [WeightedBackend] {
        if case .backends(_, let backends) = self { backends } else { [] }
    }
}

/// How one of several endpoints is chosen.
package enum Balancing: Hashable, Sendable {
    case random
    /// By a table of so many places.
    case clientIPHash(Int)
    case flowHash(Int)
    /// The one the client had; timeout in seconds since its last connection.
    case clientIPAffinity(Int)
}

/// One frontend of a Service and where its connections go.
package struct FrontendPlan: Hashable, Sendable {
    package enum Role: Hashable, Sendable {
        case clusterIP
        case externalIP
        case loadBalancerIP
        case nodePort
    }

    /// Whose connections get this node's address as their source (matrix in docs/semantics.md).
    package enum Masquerade: Hashable, Sendable {
        /// Those from sources that are no pods of the cluster.
        case nonPods
        case everybody
        /// Those that this node itself makes.
        case thisNode
        /// The endpoint is the balancer of this node, which is to see who its clients are.
        case nobody
    }

    package let frontend: Frontend
    package let role: Role
    package let port: ServicePortIdentity
    /// For pods and for this node; for everybody where `externalRoute` is nil.
    package let route: Route
    /// For clients from outside, where they are treated differently: `externalTrafficPolicy: Local`.
    package let externalRoute: Route?
    package let balancing: Balancing
    package let masquerade: Masquerade
    /// Who may connect, merged and in order; nil for everybody, empty for nobody.
    package let admittedSources: [AddressRange]?
    /// Where TLS connections go by the name they ask for: the balancer's business (``ServicePlan/streamPolicy(at:)``).
    package let serverNames: [StreamPolicy.ServerNameRoute]

    package init(
        frontend: Frontend,
        role: Role,
        port: ServicePortIdentity,
        route: Route,
        externalRoute: Route? = nil,
        balancing: Balancing = .random,
        masquerade: Masquerade = .nonPods,
        admittedSources: [AddressRange]? = nil,
        serverNames: [StreamPolicy.ServerNameRoute] = []
    ) {
        self.frontend = frontend
        self.role = role
        self.port = port
        self.route = route
        self.externalRoute = externalRoute
        self.balancing = balancing
        self.masquerade = masquerade
        self.admittedSources = admittedSources
        self.serverNames = serverNames
    }

    /// The endpoints of `route`.
    package var backends: [Backend] { self.route.backends.map(\.backend) }
}

/// The port at which load balancers ask whether this node has endpoints.
package struct HealthCheckPlan: Hashable, Sendable {
    package let port: UInt16
    /// Ready endpoints on this node.
    package let localEndpoints: Int
}

/// All that one Service asks of a data plane.
package struct ServicePlan: Hashable, Sendable {
    package let service: ObjectName
    package let frontends: [FrontendPlan]
    /// Addresses at which every port is the Service's: what is not a frontend is refused there.
    package let clusterIPs: [IPAddress]
    /// Addresses of endpoints that may be clients of their own Service on this node.
    package let hairpins: [IPAddress]
    package let healthCheck: HealthCheckPlan?
    /// Endpoints that are terminating and still serve, of all ports.
    package let draining: [Backend]
    /// What the Service asks of the userspace balancer; nil: the kernel does all it asks for. By port and frontend
    /// ``streamPolicy(at:)`` says more.
    package let streamPolicy: StreamPolicy?

    package init(
        service: ObjectName,
        frontends: [FrontendPlan] = [],
        clusterIPs: [IPAddress] = [],
        hairpins: [IPAddress] = [],
        healthCheck: HealthCheckPlan? = nil,
        draining: [Backend] = [],
        streamPolicy: StreamPolicy? = nil
    ) {
        self.service = service
        self.frontends = frontends
        self.clusterIPs = clusterIPs
        self.hairpins = hairpins
        self.healthCheck = healthCheck
        self.draining = draining
        self.streamPolicy = streamPolicy
    }
}

extension ServicePlan {
    /// What the balancer is to do at one of the frontends beyond what its plan says.
    package func streamPolicy(at frontend: FrontendPlan) -> StreamPolicy {
        var policy = self.streamPolicy ?? StreamPolicy()
        policy.serverNames = frontend.serverNames
        return frontend.port.transport == .tcp ? policy : policy.withoutTCP
    }

    /// Whether a frontend is the balancer's, wherever the kernel works: the Service asks there for what the kernel cannot do.
    package func needsBalancer(at frontend: FrontendPlan) -> Bool {
        self.streamPolicy != nil && frontend.port.transport != .sctp
            && self.streamPolicy(at: frontend).needsBalancer
    }

    /// Whether connections of one client are kept together.
    package var hasAffinity: Bool {
        self.frontends.contains { if case .clientIPAffinity = $0.balancing { true } else { false } }
    }
}

/// A frontend that several Services claim: the oldest holds it, the others do without.
package struct FrontendConflict: Hashable, Sendable, CustomStringConvertible {
    package let frontend: Frontend
    package let holder: ObjectName
    package let loser: ObjectName

    package var description: String {
        "Service \(self.loser): \(self.frontend) is held by the older Service \(self.holder)"
    }
}
