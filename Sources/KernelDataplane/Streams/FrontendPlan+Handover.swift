internal import KubernetesAPI
internal import ServiceModel

extension FrontendPlan {
    private var routes: [Route] {
        ([self.route, self.externalRoute] + self.serverNames.flatMap { [$0.route, $0.externalRoute] })
            .compactMap(\.self)
    }

    /// Whether anybody who comes here is to be heard, or at least to be dropped. Where nobody is, nothing listens: the host
    /// answers that the port is closed.
    var hasEndpoints: Bool { self.routes.contains { $0 != .refuse } }

    /// Whether any connection that comes here goes to an endpoint.
    var hasBackends: Bool { self.routes.contains { !$0.backends.isEmpty } }

    /// As the balancer has it behind the kernel, which has told clients apart and looked at their sources already.
    func entrance(isOutside: Bool) -> FrontendPlan {
        FrontendPlan(
            frontend: self.frontend, role: self.role, port: self.port,
            route: isOutside ? self.externalRoute ?? self.route : self.route, balancing: self.balancing,
            masquerade: .nobody, serverNames: self.serverNames.map { $0.entrance(isOutside: isOutside) })
    }

    /// As the kernel has it, with the balancer as the one endpoint; nil where there is none for the balancer either, and what the
    /// plan says becomes of connections.
    func leading(to main: Backend?, outside: Backend?) -> FrontendPlan {
        FrontendPlan(
            frontend: self.frontend, role: self.role, port: self.port,
            route: main.map { .backends(.cluster, [WeightedBackend($0)]) } ?? self.route,
            externalRoute: outside.map { .backends(.local, [WeightedBackend($0)]) } ?? self.externalRoute,
            masquerade: .nobody, admittedSources: self.admittedSources)
    }
}

extension StreamPolicy.ServerNameRoute {
    fileprivate func entrance(isOutside: Bool) -> StreamPolicy.ServerNameRoute {
        StreamPolicy.ServerNameRoute(name: self.name, route: isOutside ? self.externalRoute ?? self.route : self.route)
    }
}

extension StreamPolicy {
    func entrance(isOutside: Bool) -> StreamPolicy {
        var policy = self
        policy.serverNames = self.serverNames.map { $0.entrance(isOutside: isOutside) }
        return policy
    }

    /// Whether endpoints would take it ill, or the wrong ones be reached, if the kernel led connections to them for a while.
    var isExclusive: Bool { self.sendsProxyProtocol || !self.serverNames.isEmpty }
}

extension ServicePlan {
    func with(_ frontends: [FrontendPlan]) -> ServicePlan {
        ServicePlan(
            service: self.service, frontends: frontends, clusterIPs: self.clusterIPs, hairpins: self.hairpins,
            healthCheck: self.healthCheck, draining: self.draining, streamPolicy: self.streamPolicy)
    }
}
