internal import Networking

extension ManifestReader {
    /// An Ingress by the API server's rules; nil if it broke one.
    mutating func ingress(_ strings: inout StringPool) -> Ingress? {
        guard let metadata = self.metadata(of: .ingress) else { return nil }
        let uid = self.mapping("metadata", of: self.root).flatMap { self.string("uid", of: $0) }
        var ingress = Ingress(metadata: metadata, uid: uid ?? "")
        guard let spec = self.mapping("spec", of: self.root) else {
            if !self.hasErrors { self.fail(self.root, "spec", "is required") }
            return nil
        }
        ingress.ingressClassName = self.className(of: spec, metadata).map { strings.shared($0) }
        let rules = self.items("rules", of: spec)
        let backend = self.field("defaultBackend", of: spec)
        if rules.isEmpty, backend == nil, !self.hasErrors {
            self.fail(spec, "needs rules, defaultBackend or both")
        }
        if backend != nil { ingress.defaultBackend = self.backend("defaultBackend", of: spec, &strings) }
        for node in rules where self.isMapping(node) {
            ingress.rules.append(self.ingressRule(node, &strings))
        }
        for node in self.items("tls", of: spec) where self.isMapping(node) {
            ingress.tls.append(self.ingressTLS(node))
        }
        if let status = self.mapping("status", of: self.root),
            let loadBalancer = self.mapping("loadBalancer", of: status)
        {
            for entry in self.items("ingress", of: loadBalancer) where self.isMapping(entry) {
                let ip = self.field("ip", of: entry).flatMap { self.isEmptyText($0) ? nil : self.address($0) }
                let address = LoadBalancerAddress(ip: ip, hostname: self.statusHostname(of: entry))
                if address != LoadBalancerAddress() { ingress.loadBalancer.append(address) }
            }
        }
        return self.hasErrors ? nil : ingress
    }

    private mutating func className(of spec: ManifestNode, _ metadata: ObjectMeta) -> String? {
        guard let value = self.field("ingressClassName", of: spec), let name = self.string(value) else { return nil }
        if let reason = IngressRules.className(name) {
            self.fail(value, reason)
        } else if let annotation = metadata.annotations[KnownKey.ingressClass], annotation != name {
            // The API server refuses this where an Ingress is made and not where it is changed, so clusters have them.
            self.fail(
                spec, "ingressClassName",
                "counts, and not the annotation \(KnownKey.ingressClass), which is \(FieldRules.quote(annotation))",
                severity: .warning)
        }
        return name
    }

    // MARK: Rules

    private mutating func ingressRule(_ node: ManifestNode, _ strings: inout StringPool) -> IngressRule {
        var rule = IngressRule()
        if let value = self.field("host", of: node), let host = self.string(value), !host.isEmpty {
            if let reason = IngressRules.host(host) { self.fail(value, reason) }
            rule.host = host
        }
        guard let http = self.mapping("http", of: node) else { return rule }
        let nodes = self.items("paths", of: http)
        if nodes.isEmpty, self.field("paths", of: http).map({ $0.kind == .sequence }) ?? true {
            self.fail(http, "paths", "is required")
        }
        var paths: [IngressPath] = []
        paths.reserveCapacity(nodes.count)
        for node in nodes where self.isMapping(node) {
            if let path = self.ingressPath(node, &strings) { paths.append(path) }
        }
        rule.paths = paths
        return rule
    }

    private mutating func ingressPath(_ node: ManifestNode, _ strings: inout StringPool) -> IngressPath? {
        let type = self.choice("pathType", of: node, IngressPathType.self)
        if type == nil, self.field("pathType", of: node) == nil { self.fail(node, "pathType", "is required") }
        let value = self.field("path", of: node)
        let path = value.map { self.string($0) } ?? ""
        if let type, let path, let reason = IngressRules.path(path, type) {
            self.fail(value ?? node, value == nil ? "path" : "", reason)
        }
        guard let backend = self.backend("backend", of: node, &strings), let type, let path else { return nil }
        return IngressPath(path: path, pathType: type, backend: backend)
    }

    private mutating func ingressTLS(_ node: ManifestNode) -> IngressTLS {
        var tls = IngressTLS()
        for value in self.items("hosts", of: node) {
            guard let host = self.string(value) else { continue }
            if let reason = IngressRules.tlsHost(host) { self.fail(value, reason) }
            tls.hosts.append(host)
        }
        if let value = self.field("secretName", of: node), let name = self.string(value), !name.isEmpty {
            if let reason = IngressRules.secretName(name) { self.fail(value, reason) }
            tls.secretName = name
        }
        return tls
    }

    // MARK: Backends

    private mutating func backend(
        _ name: String,
        of parent: ManifestNode,
        _ strings: inout StringPool
    ) -> IngressBackend? {
        guard let found = self.field(name, of: parent) else {
            self.fail(parent, name, "is required")
            return nil
        }
        guard self.isMapping(found) else { return nil }
        switch (self.field("service", of: found), self.field("resource", of: found)) {
        case (nil, nil):
            self.fail(found, "needs a service or a resource")
            return nil
        case (_?, _?):
            self.fail(found, "must not have both a service and a resource")
            return nil
        case (let service?, nil):
            return self.isMapping(service) ? self.serviceBackend(service, &strings) : nil
        case (nil, let resource?):
            return self.isMapping(resource) ? self.resourceBackend(resource) : nil
        }
    }

    private mutating func serviceBackend(_ node: ManifestNode, _ strings: inout StringPool) -> IngressBackend? {
        let name = self.required("name", of: node, NameRules.label1035)
        guard let port = self.mapping("port", of: node) else {
            if self.field("port", of: node) == nil { self.fail(node, "port", "is required") }
            return nil
        }
        let portName = self.field("name", of: port).flatMap { self.isEmptyText($0) ? nil : $0 }
        let number = self.integer("number", of: port) ?? 0
        let reference: PortReference
        if let portName {
            if number != 0 { self.fail(port, "must not have both a name and a number") }
            guard let text = self.string(portName) else { return nil }
            if let reason = IngressRules.portName(text) { self.fail(portName, reason) }
            reference = .name(strings.shared(text))
        } else if number != 0 {
            guard let number = self.integer("number", of: port, in: 1...65_535) else { return nil }
            reference = .number(UInt16(number))
        } else {
            if self.field("number", of: port).map({ $0.isScalar && $0.form == .integer(0) }) ?? true {
                self.fail(port, "needs a name or a number")
            }
            return nil
        }
        return name.map { .service(name: strings.shared($0), port: reference) }
    }

    private mutating func resourceBackend(_ node: ManifestNode) -> IngressBackend? {
        let group = self.groupOfReference(node)
        guard let kind = self.required("kind", of: node, NameRules.pathStep),
            let name = self.required("name", of: node, NameRules.pathStep)
        else { return nil }
        return .resource(apiGroup: group, kind: kind, name: name)
    }

    /// `apiGroup` of a reference to an object of any kind; empty for the core.
    mutating func groupOfReference(_ node: ManifestNode) -> String {
        guard let value = self.field("apiGroup", of: node), let group = self.string(value) else { return "" }
        if let reason = NameRules.subdomain(group) { self.fail(value, reason) }
        return group
    }

    /// A string that has to be there and keep a rule; nil, and a problem, if not.
    mutating func required(_ name: String, of node: ManifestNode, _ rule: (String) -> String?) -> String? {
        guard let value = self.field(name, of: node), !self.isEmptyText(value) else {
            self.fail(node, name, "is required")
            return nil
        }
        guard let text = self.string(value) else { return nil }
        guard let reason = rule(text) else { return text }
        self.fail(value, reason)
        return nil
    }
}
