internal import Networking

/// The fields of a Service that are about load balancers.
extension ManifestReader {
    /// To be read after type and policies.
    mutating func readLoadBalancer(of spec: ManifestNode, into service: inout Service) {
        // Whatever the type is: a Service that was a load balancer keeps its addresses until somebody
        // removes them, and with them the promise to serve there.
        if let status = self.mapping("status", of: self.root),
            let loadBalancer = self.mapping("loadBalancer", of: status)
        {
            for entry in self.items("ingress", of: loadBalancer) where self.isMapping(entry) {
                self.readLoadBalancerEntry(entry, into: &service)
            }
        }
        self.readSourceRanges(of: spec, into: &service)
        service.healthCheckNodePort = self.healthCheckNodePort(of: spec, service)
        // Nobody allocates here, so only whether it is well said matters.
        if self.boolean("allocateLoadBalancerNodePorts", of: spec) != nil, service.type != .loadBalancer,
            let value = self.field("allocateLoadBalancerNodePorts", of: spec)
        {
            self.fail(value, "may only be given when type is LoadBalancer")
        }
    }

    private mutating func readLoadBalancerEntry(_ entry: ManifestNode, into service: inout Service) {
        let hostname = self.statusHostname(of: entry)
        var address: IPAddress?
        if let ip = self.field("ip", of: entry), !self.isEmptyText(ip) {
            switch self.choice("ipMode", of: entry, LoadBalancerIPMode.self) ?? .vip {
            case .vip:
                address = self.servedAddress(ip)
                if let address, !service.loadBalancerIPs.contains(address) { service.loadBalancerIPs.append(address) }
            // Packets do not come to the node with this address.
            case .proxy: address = self.address(ip)
            }
        } else if let mode = self.field("ipMode", of: entry) {
            self.fail(mode, "may not be given without ip")
        }
        guard address != nil || hostname != nil else { return }
        service.loadBalancer.append(LoadBalancerAddress(ip: address, hostname: hostname))
    }

    /// `hostname` of an entry of `status.loadBalancer.ingress`.
    mutating func statusHostname(of entry: ManifestNode) -> String? {
        guard let value = self.field("hostname", of: entry), let name = self.string(value), !name.isEmpty else {
            return nil
        }
        guard let reason = IngressRules.hostname(name) else { return name }
        self.fail(value, reason)
        return nil
    }

    private mutating func readSourceRanges(of spec: ManifestNode, into service: inout Service) {
        let nodes = self.items("loadBalancerSourceRanges", of: spec)
        guard !nodes.isEmpty, let list = self.field("loadBalancerSourceRanges", of: spec) else { return }
        guard service.type == .loadBalancer else {
            self.fail(list, "may only be given when type is LoadBalancer")
            return
        }
        service.loadBalancerSourceRanges = nodes.compactMap { self.block($0) }.unique
    }

    private mutating func healthCheckNodePort(of spec: ManifestNode, _ service: Service) -> UInt16? {
        // 0 asks the API server to choose one; here nobody does.
        guard let value = self.field("healthCheckNodePort", of: spec),
            let number = self.integer("healthCheckNodePort", of: spec), number != 0
        else { return nil }
        guard service.type == .loadBalancer, service.externalTrafficPolicy == .local else {
            self.fail(value, "may only be given when type is LoadBalancer and externalTrafficPolicy is Local")
            return nil
        }
        return self.integer("healthCheckNodePort", of: spec, in: 1...65_535).map { UInt16($0) }
    }
}
