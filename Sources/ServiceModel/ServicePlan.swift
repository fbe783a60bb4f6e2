package import KubernetesAPI
package import Networking

/// One frontend of a Service and where its connections go.
package struct FrontendPlan: Hashable, Sendable {
    /// What the frontend is, which decides whose connections are masqueraded (l4 matrix in
    /// docs/semantics.md).
    package enum Role: Hashable, Sendable {
        case clusterIP
        case externalIP
        case nodePort
    }

    package let frontend: Frontend
    package let role: Role
    /// `namespace/name:port`, or `namespace/name` for an unnamed port.
    package let servicePort: String
    /// Sorted, each once. Empty: connections are refused.
    package let backends: [Backend]

    package init(frontend: Frontend, role: Role, servicePort: String, backends: [Backend]) {
        self.frontend = frontend
        self.role = role
        self.servicePort = servicePort
        self.backends = backends
    }
}

/// All that one Service asks of a data plane.
package struct ServicePlan: Hashable, Sendable {
    package let service: ObjectName
    package let frontends: [FrontendPlan]
    /// Addresses at which every port is the Service's: what is not a frontend is refused there.
    package let clusterIPs: [IPAddress]
    /// Addresses of endpoints that may be clients of their own Service on this node.
    package let hairpins: [IPAddress]

    package init(
        service: ObjectName,
        frontends: [FrontendPlan] = [],
        clusterIPs: [IPAddress] = [],
        hairpins: [IPAddress] = []
    ) {
        self.service = service
        self.frontends = frontends
        self.clusterIPs = clusterIPs
        self.hairpins = hairpins
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
