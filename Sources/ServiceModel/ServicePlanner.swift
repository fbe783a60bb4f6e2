package import KubernetesAPI
package import Networking

/// Holds the objects and says what each Service asks for. Each change names the Services whose plan
/// may now differ; no other plan does.
package struct ServicePlanner: Sendable {
    package private(set) var node: NodeFacts
    private(set) var services: [ObjectName: Service] = [:]
    /// By Service, then by slice.
    private(set) var slices: [ObjectName: [ObjectName: EndpointSlice]] = [:]
    /// Which Service a slice was filed under.
    private(set) var serviceOfSlice: [ObjectName: ObjectName] = [:]
    /// How many endpoints the slices of Services list, in whatever condition.
    package private(set) var endpointCounts: [AddressFamily: Int] = [:]
    /// Who claims a frontend, by seniority.
    private var claims: [Frontend: [ObjectName]] = [:]
    /// Who leads TLS connections to a Service's endpoints by the name of a server.
    private var passthrough = PassthroughIndex()

    package init(node: NodeFacts) {
        self.node = node
    }

    // MARK: - Changes

    /// Takes over a Service, or its disappearance. Returns the Services to plan again.
    package mutating func update(_ name: ObjectName, service: Service?) -> Set<ObjectName> {
        let before = self.services[name].map(self.frontends) ?? []
        // Seniority may change with the creation time, so claims are taken back before they are made anew.
        var affected: Set<ObjectName> = [name]
        for claim in before { affected.formUnion(self.withdraw(claim.frontend, by: name)) }
        self.services[name] = service
        self.passthrough.update(name, service)
        if let service {
            for claim in self.frontends(of: service) { affected.formUnion(self.claim(claim.frontend, by: name)) }
        }
        return self.passthrough.adding(to: affected)
    }

    /// Takes over a slice, or its disappearance. Returns the Services to plan again.
    package mutating func update(_ name: ObjectName, slice: EndpointSlice?) -> Set<ObjectName> {
        var affected: Set<ObjectName> = []
        if let former = self.serviceOfSlice.removeValue(forKey: name) {
            if let slice = self.slices[former]?.removeValue(forKey: name) { self.count(slice, -1) }
            if self.slices[former]?.isEmpty == true { self.slices[former] = nil }
            affected.insert(former)
        }
        if let slice, let service = slice.serviceName {
            self.slices[service, default: [:]][name] = slice
            self.count(slice, 1)
            self.serviceOfSlice[name] = service
            affected.insert(service)
        }
        return self.passthrough.adding(to: affected)
    }

    private mutating func count(_ slice: EndpointSlice, _ sign: Int) {
        if let family = slice.family { self.endpointCounts[family, default: 0] += sign * slice.endpoints.count }
    }

    /// Takes over what is known of the node. Returns the Services to plan again.
    package mutating func update(_ node: NodeFacts) -> Set<ObjectName> {
        guard node != self.node else { return [] }
        guard node.allowsExternalIPs == self.node.allowsExternalIPs else {
            // Claims differ: all are made anew.
            self.node = node
            let services = self.services
            self.claims = [:]
            self.services = [:]
            for (name, service) in services { _ = self.update(name, service: service) }
            return Set(services.keys)
        }
        let former = self.node
        self.node = node
        if former.name != node.name || former.zone != node.zone { return Set(self.services.keys) }
        return Set(self.services.filter { !$0.value.loadBalancerSourceRanges.isEmpty }.keys)
    }

    private mutating func claim(_ frontend: Frontend, by name: ObjectName) -> Set<ObjectName> {
        var claimants = self.claims[frontend] ?? []
        let others = Set(claimants)
        let place = claimants.firstIndex { self.isOlder(name, than: $0) } ?? claimants.endIndex
        claimants.insert(name, at: place)
        self.claims[frontend] = claimants
        return others
    }

    private mutating func withdraw(_ frontend: Frontend, by name: ObjectName) -> Set<ObjectName> {
        guard var claimants = self.claims[frontend] else { return [] }
        claimants.removeAll { $0 == name }
        self.claims[frontend] = claimants.isEmpty ? nil : claimants
        return Set(claimants)
    }

    /// By creation time, an object without one being younger than any with; then by name, so that
    /// the order in which objects arrive never matters.
    private func isOlder(_ left: ObjectName, than right: ObjectName) -> Bool {
        let leftAge = self.services[left]?.metadata.creationTimestamp ?? .max
        let rightAge = self.services[right]?.metadata.creationTimestamp ?? .max
        return leftAge != rightAge ? leftAge < rightAge : left < right
    }

    // MARK: - Plans

    package var serviceNames: some Collection<ObjectName> { self.services.keys }

    package var serviceCount: Int { self.services.count }

    /// What a Service asks for; nil if it is gone or none of ours.
    package func plan(for name: ObjectName) -> ServicePlan? {
        guard let service = self.services[name], Self.isOurs(service) else { return nil }
        let slices = self.slices[name].map { Array($0.values) } ?? []
        let annotations = ServiceAnnotations(service.metadata.annotations)
        let selection = EndpointSelection(slices, node: self.node, zoneWeights: annotations.zoneWeights)
        let policies = ServicePolicies(service, annotations, self.node)
        let serverNames = ServerNameResolution(annotations.stream.serverNames, of: name, self)
        let frontends = self.frontends(of: service)
            .filter { self.claims[$0.frontend]?.first == name }
            .map { claim in
                policies.plan(
                    claim.frontend, claim.role, claim.port,
                    selection.port(claim.port.name, claim.port.transport, claim.frontend.family),
                    serverNames: serverNames.endpoints(of: claim.port, claim.frontend.family))
            }
        let stream = annotations.streamPolicy
        var healthCheck: HealthCheckPlan?
        if let port = service.healthCheckNodePort, service.type == .loadBalancer,
            service.externalTrafficPolicy == .local
        {
            healthCheck = HealthCheckPlan(port: port, localEndpoints: selection.localReadyCount)
        }
        return ServicePlan(
            service: name,
            frontends: frontends,
            clusterIPs: service.clusterIPs,
            hairpins: self.hairpins(among: frontends, of: slices),
            healthCheck: healthCheck,
            draining: selection.draining,
            streamPolicy: stream.needsBalancer || !serverNames.isEmpty ? stream : nil
        )
    }

    /// What a Service says of server names that leads nowhere.
    package func passthroughProblems(of name: ObjectName) -> [String] {
        guard self.passthrough.has(name), let service = self.services[name] else { return [] }
        let names = StreamAnnotations(service.metadata.annotations).serverNames
        return ServerNameResolution(names, of: name, self).problems(of: service)
    }

    /// Where flows of a Service's frontends may still go, by frontend, for one protocol: to endpoints that
    /// serve, whatever the policy says of new ones; or to any that is listed at all.
    package func flowTargets(
        of name: ObjectName,
        _ transport: TransportProtocol,
        _ condition: FlowCondition
    ) -> [Frontend: Set<Backend>] {
        guard let service = self.services[name], service.ports.contains(where: { $0.transport == transport }) else {
            return [:]
        }
        let claims = self.frontends(of: service).filter {
            $0.frontend.transport == transport && self.claims[$0.frontend]?.first == name
        }
        guard !claims.isEmpty else { return [:] }
        let selection = EndpointSelection(self.slices[name].map { Array($0.values) } ?? [], node: self.node)
        var targets: [Frontend: Set<Backend>] = [:]
        for claim in claims {
            let port = selection.port(claim.port.name, claim.port.transport, claim.frontend.family)
            targets[claim.frontend] = condition == .serving ? port.serving : port.listed
        }
        return targets
    }

    /// Which Service a frontend leads to.
    package func holder(of frontend: Frontend) -> ObjectName? { self.claims[frontend]?.first }

    /// Services that have this ClusterIP, whoever serves them, by name.
    package func services(withClusterIP address: IPAddress) -> [ObjectName] {
        self.services.lazy.filter { $0.value.clusterIPs.contains(address) }.map(\.key).sorted()
    }

    /// Frontends that a Service claims and another one holds.
    package func conflicts(of name: ObjectName) -> [FrontendConflict] {
        guard let service = self.services[name] else { return [] }
        return self.frontends(of: service).compactMap { claim in
            guard let holder = self.claims[claim.frontend]?.first, holder != name else { return nil }
            return FrontendConflict(frontend: claim.frontend, holder: holder, loser: name)
        }
    }

    /// Endpoints that may connect to themselves through this node: those on it, and those that do not
    /// say where they are. A remote endpoint's connections do not pass here.
    private func hairpins(among frontends: [FrontendPlan], of slices: [EndpointSlice]) -> [IPAddress] {
        var near: Set<IPAddress> = []
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.nodeName.map({ $0 == self.node.name }) ?? true {
                near.insert(endpoint.address)
            }
        }
        guard !near.isEmpty else { return [] }
        var serving: Set<IPAddress> = []
        for frontend in frontends {
            for route in [frontend.route, frontend.externalRoute].compactMap(\.self) {
                for weighted in route.backends where near.contains(weighted.backend.address) {
                    serving.insert(weighted.backend.address)
                }
            }
        }
        return serving.sorted()
    }

    // MARK: - Frontends

    private struct Claim {
        let frontend: Frontend
        let role: FrontendPlan.Role
        let port: ServicePort
    }

    static func isOurs(_ service: Service) -> Bool {
        service.type != .externalName && !service.isHeadless && !service.clusterIPs.isEmpty
            && service.metadata.labels[KnownKey.serviceProxyName] == nil
    }

    /// The frontends that a Service asks for, each once.
    private func frontends(of service: Service) -> [Claim] {
        guard Self.isOurs(service) else { return [] }
        var claims: [Claim] = []
        var seen: Set<Frontend> = []
        func add(_ location: Frontend.Location, _ number: UInt16, _ role: FrontendPlan.Role, _ port: ServicePort) {
            let frontend = Frontend(location, port.transport, number)
            guard seen.insert(frontend).inserted else { return }
            claims.append(Claim(frontend: frontend, role: role, port: port))
        }
        let families = Set(service.clusterIPs.map(\.family))
        for port in service.ports {
            for address in service.clusterIPs { add(.address(address), port.port, .clusterIP, port) }
            // An address of a family that the Service does not have has no endpoints to lead to.
            for address in service.loadBalancerIPs where families.contains(address.family) {
                add(.address(address), port.port, .loadBalancerIP, port)
            }
            for address in service.externalIPs
            where self.node.allowsExternalIPs && families.contains(address.family) {
                add(.address(address), port.port, .externalIP, port)
            }
            if let nodePort = port.nodePort {
                for family in families.sorted() { add(.node(family), nodePort, .nodePort, port) }
            }
        }
        return claims
    }
}
