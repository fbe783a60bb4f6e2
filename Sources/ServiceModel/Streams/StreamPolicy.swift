/// What a Service asks of the userspace balancer beyond what the kernel can do. Times are in milliseconds.
package struct StreamPolicy: Hashable, Sendable {
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// As the kernel does: ``FrontendPlan/balancing``.
        case asInKernel = "random"
        /// Of two by chance the one with fewer open connections for its weight.
        case leastConnections = "least-connections"
    }

    /// Where TLS connections go by the name that their ClientHello asks for (SNI, RFC 6066 section 3).
    package struct ServerNameRoute: Hashable, Sendable {
        /// `shop.example`, or `*.shop.example` for one label more; in lower case.
        package let name: String
        package let route: Route
        /// For clients from outside, as ``FrontendPlan/externalRoute``: nil where they are treated like all others.
        package let externalRoute: Route?

        package init(name: String, route: Route, externalRoute: Route? = nil) {
            self.name = name
            self.route = route
            self.externalRoute = externalRoute
        }
    }

    package var algorithm = Algorithm.asInKernel
    /// Endpoints are told who the client is, by a PROXY protocol header of version 2. TCP only.
    package var sendsProxyProtocol = false
    package var healthCheck: HealthCheckPolicy?
    /// How long an endpoint that is new, or well again, takes to get its full share; 0: it has it at once.
    package var slowStart: UInt32 = 0
    /// Open connections, or UDP sessions, of one client address; 0: any number.
    package var connectionsPerClient = 0
    /// New connections of one client address in a second; 0: any number.
    package var connectionRatePerClient = 0
    /// Empty: TLS is not looked at. A name that none of these is goes to the Service's own endpoints.
    package var serverNames: [ServerNameRoute] = []

    package init() {}

    /// Whether this is more than the kernel can do.
    package var needsBalancer: Bool { self != StreamPolicy() }

    /// What of it has a meaning for datagrams.
    package var withoutTCP: StreamPolicy {
        var policy = self
        policy.sendsProxyProtocol = false
        policy.healthCheck = nil
        policy.serverNames = []
        return policy
    }
}
