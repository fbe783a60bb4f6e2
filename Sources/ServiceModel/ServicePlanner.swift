package import KubernetesAPI
internal import Networking

/// Holds the objects and says what each Service asks for. Each change names the Services whose plan
/// may now differ; no other plan does.
package struct ServicePlanner {
    private let nodeName: String
    private var services: [ObjectName: Service] = [:]
    /// By Service, then by slice.
    private var slices: [ObjectName: [ObjectName: EndpointSlice]] = [:]
    /// Which Service a slice was filed under.
    private var serviceOfSlice: [ObjectName: ObjectName] = [:]
    /// Who claims a frontend, by seniority.
    private var claims: [Frontend: [ObjectName]] = [:]

    /// - Parameter nodeName: this node's name as EndpointSlices spell it.
    package init(nodeName: String) {
        self.nodeName = nodeName
    }

    // MARK: - Changes

    /// Takes over a Service, or its disappearance. Returns the Services to plan again.
    package mutating func update(_ name: ObjectName, service: Service?) -> Set<ObjectName> {
        let before = self.services[name].map(Self.frontends) ?? []
        // Seniority may change with the creation time, so claims are taken back before they are made anew.
        var affected: Set<ObjectName> = [name]
        for claim in before { affected.formUnion(self.withdraw(claim.frontend, by: name)) }
        self.services[name] = service
        guard let service else { return affected }
        for claim in Self.frontends(of: service) { affected.formUnion(self.claim(claim.frontend, by: name)) }
        return affected
    }

    /// Takes over a slice, or its disappearance. Returns the Services to plan again.
    package mutating func update(_ name: ObjectName, slice: EndpointSlice?) -> Set<ObjectName> {
        var affected: Set<ObjectName> = []
        if let former = self.serviceOfSlice.removeValue(forKey: name) {
            self.slices[former]?[name] = nil
            if self.slices[former]?.isEmpty == true { self.slices[former] = nil }
            affected.insert(former)
        }
        if let slice, let service = slice.serviceName {
            self.slices[service, default: [:]][name] = slice
            self.serviceOfSlice[name] = service
            affected.insert(service)
        }
        return affected
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
        let selection = EndpointSelection(slices)
        let frontends = Self.frontends(of: service)
            .filter { self.claims[$0.frontend]?.first == name }
            .map { claim in
                FrontendPlan(
                    frontend: claim.frontend,
                    role: claim.role,
                    servicePort: claim.port.name.isEmpty ? "\(name)" : "\(name):\(claim.port.name)",
                    backends: selection.backends(claim.port.name, claim.port.transport, claim.frontend.family)
                )
            }
        return ServicePlan(
            service: name,
            frontends: frontends,
            clusterIPs: service.clusterIPs,
            hairpins: self.hairpins(among: frontends, of: slices)
        )
    }

    /// Frontends that a Service claims and another one holds.
    package func conflicts(of name: ObjectName) -> [FrontendConflict] {
        guard let service = self.services[name] else { return [] }
        return Self.frontends(of: service).compactMap { claim in
            guard let holder = self.claims[claim.frontend]?.first, holder != name else { return nil }
            return FrontendConflict(frontend: claim.frontend, holder: holder, loser: name)
        }
    }

    /// Endpoints that may connect to themselves through this node: those on it, and those that do not
    /// say where they are. A remote endpoint's connections do not pass here.
    private func hairpins(among frontends: [FrontendPlan], of slices: [EndpointSlice]) -> [IPAddress] {
        var near: Set<IPAddress> = []
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.nodeName.map({ $0 == self.nodeName }) ?? true {
                near.insert(endpoint.address)
            }
        }
        guard !near.isEmpty else { return [] }
        var serving: Set<IPAddress> = []
        for frontend in frontends {
            for backend in frontend.backends where near.contains(backend.address) { serving.insert(backend.address) }
        }
        return serving.sorted()
    }

    // MARK: - Frontends

    private struct Claim {
        let frontend: Frontend
        let role: FrontendPlan.Role
        let port: ServicePort
    }

    private static func isOurs(_ service: Service) -> Bool {
        service.type != .externalName && !service.isHeadless && !service.clusterIPs.isEmpty
            && service.metadata.labels[KnownKey.serviceProxyName] == nil
    }

    /// The frontends that a Service asks for, each once.
    private static func frontends(of service: Service) -> [Claim] {
        guard self.isOurs(service) else { return [] }
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
            // An external IP of a family that the Service does not have has no endpoints to lead to.
            for address in service.externalIPs where families.contains(address.family) {
                add(.address(address), port.port, .externalIP, port)
            }
            if let nodePort = port.nodePort {
                for family in families.sorted() { add(.node(family), nodePort, .nodePort, port) }
            }
        }
        return claims
    }
}
