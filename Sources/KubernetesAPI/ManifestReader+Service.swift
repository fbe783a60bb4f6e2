internal import Networking

extension ManifestReader {
    /// A Service by the API server's rules; nil if it broke one.
    mutating func service() -> Service? {
        guard let metadata = self.metadata(of: .service) else { return nil }
        var service = Service(metadata: metadata)
        guard let spec = self.mapping("spec", of: self.root) else {
            if !self.hasErrors { self.fail(self.root, "spec", "is required") }
            return nil
        }
        service.type = self.choice("type", of: spec, ServiceType.self) ?? .clusterIP
        self.readClusterIPs(of: spec, into: &service)
        service.externalIPs = self.items("externalIPs", of: spec).compactMap { self.servedAddress($0) }
        self.readPorts(of: spec, into: &service)
        self.readPolicies(of: spec, into: &service)
        self.readLoadBalancer(of: spec, into: &service)
        service.sessionAffinity = self.sessionAffinity(of: spec)
        if service.type == .externalName { service.externalName = self.externalName(of: spec) }
        return self.hasErrors ? nil : service
    }

    // MARK: Addresses

    private mutating func readClusterIPs(of spec: ManifestNode, into service: inout Service) {
        let single = self.field("clusterIP", of: spec).flatMap { self.isEmptyText($0) ? nil : $0 }
        let list = self.items("clusterIPs", of: spec)
        let nodes = list.isEmpty ? single.map { [$0] } ?? [] : list
        if let single, let first = list.first, !self.isSame(single, first) {
            self.fail(first, "must be the same as spec.clusterIP")
            return
        }
        if let none = nodes.first(where: { $0.isText("None") }) {
            service.isHeadless = true
            if nodes.count > 1 {
                self.fail(none, "None must be the only one")
            } else if service.type == .nodePort || service.type == .loadBalancer {
                self.fail(none, "may not be None when type is \(service.type.rawValue)")
            }
            return
        }
        guard nodes.count <= 2 else {
            self.fail(nodes[2], "must not be given: at most one address per family")
            return
        }
        service.clusterIPs = nodes.compactMap { self.address($0) }
        if service.clusterIPs.count == 2, service.clusterIPs[0].family == service.clusterIPs[1].family {
            self.fail(nodes[1], "must be of the other family than \(service.clusterIPs[0])")
        }
    }

    func isEmptyText(_ node: ManifestNode) -> Bool {
        node.isScalar && node.form == .text && node.count == 0
    }

    /// Whether two nodes name the same address, however it is padded.
    private func isSame(_ left: ManifestNode, _ right: ManifestNode) -> Bool {
        guard left.isScalar, right.isScalar else { return false }
        if left.bytes == right.bytes { return true }
        var quiet = ManifestReader(file: self.file, limits: self.limits, root: self.root)
        guard let address = quiet.address(left) else { return false }
        return address == quiet.address(right)
    }

    /// An address to be served at: one that other hosts can send to.
    mutating func servedAddress(_ node: ManifestNode) -> IPAddress? {
        guard let address = self.address(node) else { return nil }
        if let range = FieldRules.specialRange(of: address, refusingLoopback: true) {
            self.fail(node, "must not be \(range): \(address)")
            return nil
        }
        return address
    }

    // MARK: Ports

    private mutating func readPorts(of spec: ManifestNode, into service: inout Service) {
        let nodes = self.items("ports", of: spec)
        if nodes.isEmpty, !service.isHeadless, service.type != .externalName,
            self.field("ports", of: spec).map({ $0.kind == .sequence }) ?? true
        {
            self.fail(spec, "ports", "is required")
        }
        var names: Set<String> = []
        var numbers: Set<PortKey> = []
        var nodePorts: Set<PortKey> = []
        for node in nodes where self.isMapping(node) {
            let name = self.portName(of: node, isRequired: nodes.count > 1, names: &names)
            let transport = self.transport(of: node)
            let number = self.integer("port", of: node, in: 1...65_535)
            if number == nil, self.field("port", of: node) == nil { self.fail(node, "port", "is required") }
            let nodePort = self.nodePort(of: node, type: service.type)
            guard let name, let transport, let number else { continue }
            if !numbers.insert(PortKey(transport: transport, number: number)).inserted {
                self.fail(node, "port \(number)/\(transport) is given twice")
            }
            if let nodePort, !nodePorts.insert(PortKey(transport: transport, number: nodePort)).inserted {
                self.fail(node, "nodePort", "\(nodePort)/\(transport) is given twice")
            }
            service.ports.append(
                ServicePort(
                    name: name,
                    transport: transport,
                    port: UInt16(number),
                    nodePort: nodePort.map { UInt16($0) },
                    targetPort: self.targetPort(of: node),
                    appProtocol: self.appProtocol(of: node)
                )
            )
        }
    }

    private struct PortKey: Hashable {
        let transport: TransportProtocol
        let number: Int
    }

    /// A port's name, which is empty, or a label unlike the others'; nil if it is wrong.
    mutating func portName(of node: ManifestNode, isRequired: Bool, names: inout Set<String>) -> String? {
        let value = self.field("name", of: node)
        guard let value, !self.isEmptyText(value) else {
            if isRequired {
                self.fail(node, "name", "is required when there are several ports")
                return nil
            }
            guard names.insert("").inserted else {
                self.fail(node, "name", "is given twice: \"\"")
                return nil
            }
            return ""
        }
        guard let name = self.string(value) else { return nil }
        if let reason = NameRules.label(name) {
            self.fail(value, reason)
            return nil
        }
        guard names.insert(name).inserted else {
            self.fail(value, "is given twice: \(FieldRules.quote(name))")
            return nil
        }
        return name
    }

    private mutating func nodePort(of node: ManifestNode, type: ServiceType) -> Int? {
        // 0 asks the API server to choose one; here nobody does.
        guard let value = self.field("nodePort", of: node), let number = self.integer("nodePort", of: node),
            number != 0
        else { return nil }
        guard type == .nodePort || type == .loadBalancer else {
            self.fail(value, "may not be given when type is \(type.rawValue)")
            return nil
        }
        return self.integer("nodePort", of: node, in: 1...65_535)
    }

    /// nil if the Service's own port is meant.
    private mutating func targetPort(of node: ManifestNode) -> PortReference? {
        guard let value = self.field("targetPort", of: node), !self.isEmptyText(value) else { return nil }
        if value.isScalar, case .integer(let number) = value.form {
            guard number != 0 else { return nil }
            return self.integer("targetPort", of: node, in: 1...65_535).map { .number(UInt16($0)) }
        }
        guard value.isScalar, value.form == .text else {
            self.fail(value, "must be an integer or a string, not \(Self.describe(value))")
            return nil
        }
        let name = value.text
        if let reason = NameRules.portName(name) { self.fail(value, reason) }
        return .name(name)
    }

    private mutating func appProtocol(of node: ManifestNode) -> String? {
        guard let value = self.field("appProtocol", of: node), let name = self.string(value) else { return nil }
        if let reason = NameRules.labelKey(name) { self.fail(value, reason) }
        return name
    }

    private mutating func externalName(of spec: ManifestNode) -> String? {
        guard let value = self.field("externalName", of: spec), !self.isEmptyText(value) else {
            self.fail(spec, "externalName", "is required when type is ExternalName")
            return nil
        }
        guard let name = self.string(value) else { return nil }
        if let reason = NameRules.subdomain(name.hasSuffix(".") ? String(name.dropLast()) : name) {
            self.fail(value, reason)
        }
        return name
    }

    // MARK: Policies

    private mutating func readPolicies(of spec: ManifestNode, into service: inout Service) {
        service.internalTrafficPolicy = self.choice("internalTrafficPolicy", of: spec, TrafficPolicy.self) ?? .cluster
        guard let value = self.field("externalTrafficPolicy", of: spec), !self.isEmptyText(value) else { return }
        let isExternal =
            switch service.type {
            case .nodePort, .loadBalancer: true
            case .clusterIP: !service.externalIPs.isEmpty
            case .externalName: false
            }
        let policy = self.choice("externalTrafficPolicy", of: spec, TrafficPolicy.self)
        guard isExternal else {
            self.fail(value, "may only be given when type is NodePort or LoadBalancer, or with externalIPs")
            return
        }
        service.externalTrafficPolicy = policy ?? .cluster
    }

    private mutating func sessionAffinity(of spec: ManifestNode) -> SessionAffinity {
        let affinity = self.choice("sessionAffinity", of: spec, SessionAffinity.Name.self) ?? .none
        guard let config = self.mapping("sessionAffinityConfig", of: spec) else {
            return affinity == .none ? .none : .clientIP(timeoutSeconds: SessionAffinity.defaultTimeoutSeconds)
        }
        guard affinity == .clientIP else {
            if config.count > 0 { self.fail(config, "must not be given when sessionAffinity is None") }
            return .none
        }
        let timeout = self.mapping("clientIP", of: config).flatMap {
            self.integer("timeoutSeconds", of: $0, in: SessionAffinity.timeoutRange)
        }
        return .clientIP(timeoutSeconds: timeout ?? SessionAffinity.defaultTimeoutSeconds)
    }
}
