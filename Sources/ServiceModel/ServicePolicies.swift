internal import KubernetesAPI
internal import Networking

/// Which endpoints a flow may keep.
package enum FlowCondition: Sendable {
    /// Those that serve, terminating or not.
    case serving
    /// All that slices list.
    case listed
}

/// How the connections of one Service are treated, whichever of its frontends they come to.
struct ServicePolicies {
    private let service: Service
    private let annotations: ServiceAnnotations
    private let node: NodeFacts
    private let balancing: Balancing

    init(_ service: Service, _ annotations: ServiceAnnotations, _ node: NodeFacts) {
        self.service = service
        self.annotations = annotations
        self.node = node
        self.balancing =
            switch (service.sessionAffinity, annotations.algorithm) {
            case (.clientIP(let seconds), _): .clientIPAffinity(seconds)
            case (.none, .random), (.none, .leastConnections): .random
            case (.none, .clientIPHash): .clientIPHash(annotations.tableSize)
            case (.none, .flowHash): .flowHash(annotations.tableSize)
            }
    }

    /// - Parameter serverNames: the endpoints that TLS connections go to by the name they ask for.
    func plan(
        _ frontend: Frontend,
        _ role: FrontendPlan.Role,
        _ port: ServicePort,
        _ endpoints: EndpointSelection.Port,
        serverNames: [(name: String, endpoints: EndpointSelection.Port?)] = []
    ) -> FrontendPlan {
        let isInternal = role == .clusterIP
        // internalTrafficPolicy is about ClusterIPs only, externalTrafficPolicy about all others.
        let isLocal = !isInternal && self.service.externalTrafficPolicy == .local
        let policy = isInternal ? self.service.internalTrafficPolicy : .cluster
        return FrontendPlan(
            frontend: frontend,
            role: role,
            port: ServicePortIdentity(
                service: self.service.metadata.name, name: port.name, transport: port.transport),
            route: Self.route(policy, endpoints),
            externalRoute: isLocal ? Self.route(.local, endpoints) : nil,
            balancing: self.balancing,
            masquerade: isInternal ? .nonPods : isLocal ? .thisNode : .everybody,
            admittedSources: role == .loadBalancerIP ? self.admittedSources(frontend) : nil,
            serverNames: serverNames.map { name, endpoints in
                guard let endpoints else { return StreamPolicy.ServerNameRoute(name: name, route: .refuse) }
                return StreamPolicy.ServerNameRoute(
                    name: name, route: Self.route(policy, endpoints),
                    externalRoute: isLocal ? Self.route(.local, endpoints) : nil)
            }
        )
    }

    private static func route(_ policy: TrafficPolicy, _ endpoints: EndpointSelection.Port) -> Route {
        let backends = endpoints.backends(policy)
        if !backends.isEmpty { return .backends(policy, backends) }
        return endpoints.hasUsable ? .drop : .refuse
    }

    /// Who may use a load balancer's address: those in `loadBalancerSourceRanges`, less those denied by
    /// annotation. Ranges of one family close the other one: a list admits whom it names.
    private func admittedSources(_ frontend: Frontend) -> [AddressRange]? {
        let family = frontend.family
        let ranges = self.service.loadBalancerSourceRanges
        let denied = self.annotations.deniedSources.filter { $0.family == family }.map { AddressRange($0) }
        guard !ranges.isEmpty || !denied.isEmpty else { return nil }
        var admitted = ranges.isEmpty ? [.all(family)] : ranges.filter { $0.family == family }.map { AddressRange($0) }
        // Where the node's own address is admitted, so is the load balancer's: a host that has that
        // address on an interface speaks from it to itself.
        if case .address(let address) = frontend.location,
            self.node.addresses.contains(where: { node in
                node.family == family && ranges.contains { $0.contains(node) }
            })
        {
            admitted.append(AddressRange(CIDR(host: address)))
        }
        let result = AddressRange.subtracting(denied, from: admitted)
        return result == [.all(family)] ? nil : result
    }
}
