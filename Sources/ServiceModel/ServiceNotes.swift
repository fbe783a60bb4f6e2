package import KubernetesAPI
internal import Networking

extension Service {
    /// What an operator should know about how this Service is served: what it asks for that has no
    /// effect, in words. Empty for most.
    package var notes: [String] {
        guard self.type != .externalName, !self.isHeadless else { return [] }
        var notes: [String] = []
        if self.clusterIPs.isEmpty {
            notes.append(
                "spec.clusterIP is not set, and without a cluster nothing assigns one: the Service has no virtual IP"
            )
        }
        if self.externalTrafficPolicy == .local {
            notes.append("externalTrafficPolicy Local is not implemented yet and is treated as Cluster")
        }
        if self.internalTrafficPolicy == .local {
            notes.append("internalTrafficPolicy Local is not implemented yet and is treated as Cluster")
        }
        if case .clientIP = self.sessionAffinity {
            notes.append("sessionAffinity ClientIP is not implemented yet and is ignored")
        }
        return notes
    }
}

extension EndpointSlice {
    /// What an operator should know about these endpoints.
    package var notes: [String] {
        guard let loopback = self.endpoints.first(where: { $0.address.isLoopback }) else { return [] }
        let cure =
            loopback.address.family == .ipv4
            ? "for clients from outside set net.ipv4.conf.<interface>.route_localnet=1, or use an address of this host"
            : "for clients from outside use an address of this host: IPv6 never routes to ::1"
        return ["endpoint \(loopback.address) is on loopback, which only this host reaches; \(cure)"]
    }
}
