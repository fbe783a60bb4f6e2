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
        let annotations = ServiceAnnotations(self.metadata.annotations)
        notes.append(contentsOf: annotations.problems)
        if case .clientIP = self.sessionAffinity, [.clientIPHash, .flowHash].contains(annotations.algorithm) {
            notes.append("\(ServiceAnnotations.Key.algorithm) has no effect beside sessionAffinity ClientIP")
        }
        notes += self.streamNotes(annotations)
        let ranges = self.loadBalancerSourceRanges
        for family in AddressFamily.allCases
        where !ranges.isEmpty && !ranges.contains(where: { $0.family == family })
            && self.loadBalancerIPs.contains(where: { $0.family == family })
        {
            notes.append(
                "loadBalancerSourceRanges names nobody of IPv\(family.rawValue): its load balancer address of that "
                    + "family is closed to everybody")
        }
        if !annotations.deniedSources.isEmpty, self.loadBalancerIPs.isEmpty {
            notes.append(
                "\(ServiceAnnotations.Key.deniedSources) has no effect: the Service has no load balancer address")
        }
        return notes
    }

    private func streamNotes(_ annotations: ServiceAnnotations) -> [String] {
        let policy = annotations.streamPolicy
        guard policy.needsBalancer || !annotations.stream.serverNames.isEmpty else { return [] }
        var notes: [String] = []
        if !self.ports.contains(where: { $0.transport == .tcp }) {
            let names = [
                (policy.healthCheck != nil, HealthCheckAnnotations.Key.kind.name),
                (policy.sendsProxyProtocol, StreamAnnotations.Key.proxyProtocol.name),
                (!annotations.stream.serverNames.isEmpty, StreamAnnotations.Key.passthrough.name),
            ]
            for (isAsked, name) in names where isAsked {
                notes.append("\(name) has no effect: the Service has no TCP port")
            }
        }
        for port in self.ports where port.transport == .sctp {
            notes.append("port \(port.port)/SCTP stays with the kernel: the userspace balancer has TCP and UDP")
        }
        return notes
    }
}

extension EndpointSlice {
    /// What an operator should know about these endpoints.
    package var notes: [String] {
        var notes: [String] = []
        if let text = self.metadata.labels[ServiceAnnotations.Key.weight],
            ServiceAnnotations.weight(ofSlice: self.metadata.labels) == nil
        {
            notes.append("label \(ServiceAnnotations.Key.weight): must be a number from 0 to 100, not \"\(text)\"")
        }
        guard let loopback = self.endpoints.first(where: { $0.address.isLoopback }) else { return notes }
        let cure =
            loopback.address.family == .ipv4
            ? "for clients from outside set net.ipv4.conf.<interface>.route_localnet=1, or use an address of this host"
            : "for clients from outside use an address of this host: IPv6 never routes to ::1"
        return notes + ["endpoint \(loopback.address) is on loopback, which only this host reaches; \(cure)"]
    }
}
