internal import KubernetesAPI
internal import Networking

/// Which Services lead TLS connections to the endpoints of which others.
struct PassthroughIndex: Sendable {
    private var targets: [ObjectName: Set<ObjectName>] = [:]
    private var users: [ObjectName: Set<ObjectName>] = [:]

    func has(_ name: ObjectName) -> Bool { self.targets[name] != nil }

    mutating func update(_ name: ObjectName, _ service: Service?) {
        for target in self.targets.removeValue(forKey: name) ?? [] {
            self.users[target]?.remove(name)
            if self.users[target]?.isEmpty == true { self.users[target] = nil }
        }
        guard let service, service.metadata.annotations[StreamAnnotations.Key.passthrough.name] != nil else { return }
        let targets = Set(
            StreamAnnotations(service.metadata.annotations).serverNames.map {
                ObjectName(namespace: name.namespace, name: $0.service)
            })
        guard !targets.isEmpty else { return }
        self.targets[name] = targets
        for target in targets { self.users[target, default: []].insert(name) }
    }

    /// With a Service those are to be planned again that lead to its endpoints.
    func adding(to affected: Set<ObjectName>) -> Set<ObjectName> {
        guard !self.users.isEmpty else { return affected }
        return affected.reduce(into: affected) { all, name in
            if let users = self.users[name] { all.formUnion(users) }
        }
    }
}

/// Finds the endpoints that the names of `tls-passthrough` lead to.
struct ServerNameResolution {
    private let serverNames: [StreamAnnotations.ServerName]
    private let namespace: String
    private let planner: ServicePlanner
    private let selections: [String: EndpointSelection]

    init(_ serverNames: [StreamAnnotations.ServerName], of name: ObjectName, _ planner: ServicePlanner) {
        self.serverNames = serverNames
        self.namespace = name.namespace
        self.planner = planner
        var selections: [String: EndpointSelection] = [:]
        for serverName in serverNames where selections[serverName.service] == nil {
            let target = ObjectName(namespace: name.namespace, name: serverName.service)
            guard let service = planner.services[target], service.type != .externalName else { continue }
            let zoneWeights = ServiceAnnotations(service.metadata.annotations).zoneWeights
            selections[serverName.service] = EndpointSelection(
                planner.slices[target].map { Array($0.values) } ?? [], node: planner.node, zoneWeights: zoneWeights,
                includesHeadless: service.isHeadless)
        }
        self.selections = selections
    }

    var isEmpty: Bool { self.serverNames.isEmpty }

    /// By name in the order of the annotation; nil where there is no such Service or port.
    func endpoints(
        of port: ServicePort, _ family: AddressFamily
    ) -> [(name: String, endpoints: EndpointSelection.Port?)] {
        guard port.transport == .tcp else { return [] }
        return self.serverNames.map { serverName in
            guard let target = self.port(serverName, from: port) else { return (serverName.name, nil) }
            return (serverName.name, self.selections[serverName.service]?.port(target.name, .tcp, family))
        }
    }

    private func port(_ serverName: StreamAnnotations.ServerName, from port: ServicePort) -> ServicePort? {
        let target = ObjectName(namespace: self.namespace, name: serverName.service)
        let ports = self.planner.services[target]?.ports.filter { $0.transport == .tcp } ?? []
        switch serverName.port {
        case .number(let number)?: return ports.first { $0.port == number }
        case .name(let name)?: return ports.first { $0.name == name }
        case nil: return ports.first { $0.port == port.port } ?? (ports.count == 1 ? ports.first : nil)
        }
    }

    /// Names that lead nowhere from any of the Service's ports.
    func problems(of service: Service) -> [String] {
        let ports = service.ports.filter { $0.transport == .tcp }
        return self.serverNames.compactMap { serverName in
            let start = "\(StreamAnnotations.Key.passthrough.name): \(serverName.name) is refused:"
            guard self.selections[serverName.service] != nil else {
                return "\(start) there is no Service \(self.namespace)/\(serverName.service) with endpoints of its own"
            }
            guard !ports.isEmpty, !ports.contains(where: { self.port(serverName, from: $0) != nil }) else { return nil }
            let wanted = serverName.port.map { "TCP port \($0)" } ?? "one TCP port"
            return "\(start) Service \(self.namespace)/\(serverName.service) does not have \(wanted)"
        }
    }
}
