internal import Networking

extension ManifestReader {
    /// An EndpointSlice by the API server's rules; nil if it broke one.
    ///
    /// One rule is wider: loopback addresses are allowed. Without a cluster an endpoint may be a
    /// server on this host.
    mutating func endpointSlice(_ strings: inout StringPool) -> EndpointSlice? {
        guard let metadata = self.metadata(of: .endpointSlice) else { return nil }
        var slice = EndpointSlice(metadata: metadata)
        let type = self.choice("addressType", of: self.root, EndpointSlice.AddressType.self)
        if type == nil, self.field("addressType", of: self.root) == nil {
            self.fail(self.root, "addressType", "is required")
        }
        if let type { slice.family = type.family }
        if let service = metadata.labels[KnownKey.serviceName], !service.isEmpty {
            slice.serviceName = ObjectName(namespace: metadata.name.namespace, name: service)
        }
        for node in self.items("endpoints", of: self.root, limit: self.limits.maximumEndpointsPerSlice) {
            guard self.isMapping(node), let type else { continue }
            if let endpoint = self.endpoint(node, type, &strings) { slice.endpoints.append(endpoint) }
        }
        var names: Set<String> = []
        for node in self.items("ports", of: self.root, limit: self.limits.maximumPortsPerSlice)
        where self.isMapping(node) {
            if let port = self.endpointPort(node, names: &names, &strings) { slice.ports.append(port) }
        }
        if let changed = self.annotation(KnownKey.lastChangeTriggerTime) {
            // A measurement's starting point: what is no time only leaves out one of them.
            slice.lastChangeTriggerTime = Timestamp.unixNanoseconds(changed)
        }
        guard !self.hasErrors else { return nil }
        if slice.serviceName == nil {
            self.fail(
                self.root,
                "metadata.labels",
                "without \(KnownKey.serviceName) the slice belongs to no Service",
                severity: .warning
            )
        }
        return slice
    }

    /// nil if it is wrong, and if it has no address or only names: no proxy of packets can use it then.
    private mutating func endpoint(
        _ node: ManifestNode,
        _ type: EndpointSlice.AddressType,
        _ strings: inout StringPool
    ) -> Endpoint? {
        var first: IPAddress?
        for value in self.items("addresses", of: node, limit: self.limits.maximumAddressesPerEndpoint) {
            guard let family = type.family else {
                if let name = self.string(value), let reason = NameRules.subdomain(name) { self.fail(value, reason) }
                continue
            }
            guard let address = self.address(value) else { continue }
            if address.family != family {
                self.fail(value, "must be an \(type.rawValue) address, not \(address)")
            } else if let range = FieldRules.specialRange(of: address, refusingLoopback: false) {
                self.fail(value, "must not be \(range): \(address)")
            } else if first == nil {
                first = address
            }
        }
        let conditions = self.mapping("conditions", of: node)
        let isReady = conditions.flatMap { self.boolean("ready", of: $0) } ?? true
        let isServing = conditions.flatMap { self.boolean("serving", of: $0) } ?? true
        let isTerminating = conditions.flatMap { self.boolean("terminating", of: $0) } ?? false
        let nodeName = self.string("nodeName", of: node)
        if let nodeName, let reason = NameRules.subdomain(nodeName) {
            self.fail(self.field("nodeName", of: node) ?? node, reason)
            return nil
        }
        let zone = self.string("zone", of: node)
        let hints = self.mapping("hints", of: node)
        let zoneHints = hints.map { self.hints("forZones", of: $0, NameRules.labelValue, &strings) } ?? []
        let nodeHints = hints.map { self.hints("forNodes", of: $0, NameRules.subdomain, &strings) } ?? []
        guard let first else { return nil }
        return Endpoint(
            address: first,
            isReady: isReady,
            isServing: isServing,
            isTerminating: isTerminating,
            nodeName: nodeName.map { strings.shared($0) },
            zone: zone.map { strings.shared($0) },
            zoneHints: zoneHints,
            nodeHints: nodeHints
        )
    }

    /// The names in one list of hints, all different.
    private mutating func hints(
        _ list: String,
        of hints: ManifestNode,
        _ rule: (String) -> String?,
        _ strings: inout StringPool
    ) -> [String] {
        var names: [String] = []
        for hint in self.items(list, of: hints, limit: self.limits.maximumHintsPerEndpoint)
        where self.isMapping(hint) {
            guard let value = self.field("name", of: hint), !self.isEmptyText(value) else {
                self.fail(hint, "name", "is required")
                continue
            }
            guard let name = self.string(value) else { continue }
            if let reason = rule(name) {
                self.fail(value, reason)
            } else if names.contains(name) {
                self.fail(value, "is given twice: \(FieldRules.quote(name))")
            } else {
                names.append(strings.shared(name))
            }
        }
        return names
    }

    /// nil if it is wrong, and if it has no number: that stands for all ports, which no proxy serves.
    private mutating func endpointPort(
        _ node: ManifestNode,
        names: inout Set<String>,
        _ strings: inout StringPool
    ) -> EndpointPort? {
        let name = self.portName(of: node, isRequired: false, names: &names)
        let transport = self.transport(of: node)
        guard let number = self.integer("port", of: node), number != 0,
            let number = self.integer("port", of: node, in: 1...65_535), let name, let transport
        else { return nil }
        return EndpointPort(name: strings.shared(name), transport: transport, port: UInt16(number))
    }
}
