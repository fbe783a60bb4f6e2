package import Networking

/// What one Service's health check port answers. A load balancer asks each node there whether it has an
/// endpoint of a Service whose external traffic stays on the node (spec.healthCheckNodePort).
package struct HealthCheck: Hashable, Sendable {
    /// Namespace and name are DNS labels, as the API server lets no other pass.
    package var namespace: String
    package var name: String
    /// `spec.healthCheckNodePort`.
    package var port: UInt16
    /// How many ready endpoints of the Service this node has.
    package var localEndpoints: Int

    package init(namespace: String, name: String, port: UInt16, localEndpoints: Int) {
        self.namespace = namespace
        self.name = name
        self.port = port
        self.localEndpoints = localEndpoints
    }
}

/// Everything that is to be served now.
package struct HealthCheckState: Hashable, Sendable {
    /// In any order. Where two Services claim a port, the first by namespace and name has it.
    package var checks: [HealthCheck]
    /// nil: all addresses of the host, of both families. Otherwise exactly these.
    package var addresses: [IPAddress]?
    /// Whether the data plane does what it should. Without that no endpoint can be reached, so no
    /// port answers that one can.
    package var isProxyHealthy: Bool

    package init(checks: [HealthCheck], addresses: [IPAddress]? = nil, isProxyHealthy: Bool) {
        self.checks = checks
        self.addresses = addresses
        self.isProxyHealthy = isProxyHealthy
    }
}
