internal import KubernetesAPI
internal import KubernetesMessages
internal import Networking

extension WireIngress: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        var ingress = Ingress(metadata: metadata, uid: self.metadata.uid)
        if !self.spec.ingressClassName.isEmpty {
            ingress.ingressClassName = conversion.strings.shared(self.spec.ingressClassName)
        }
        if self.spec.hasDefaultBackend {
            ingress.defaultBackend = self.spec.defaultBackend.backend("spec.defaultBackend", &conversion)
        }
        for (index, wire) in self.spec.rules.enumerated() {
            guard let rule = wire.rule("spec.rules[\(index)]", &conversion) else { continue }
            ingress.rules.append(rule)
        }
        for (index, wire) in self.spec.tls.enumerated() {
            guard let tls = wire.tls("spec.tls[\(index)]", &conversion) else { continue }
            ingress.tls.append(tls)
        }
        for (index, entry) in self.status.loadBalancer.ingress.enumerated() {
            let field = "status.loadBalancer.ingress[\(index)].ip"
            let address = LoadBalancerAddress(
                ip: entry.ip.isEmpty ? nil : conversion.address(entry.ip, field),
                hostname: entry.hostname.isEmpty ? nil : entry.hostname
            )
            if address != LoadBalancerAddress() { ingress.loadBalancer.append(address) }
        }
        return .ingress(ingress)
    }
}

extension WireIngressRule {
    /// nil if it is for a host that no request can have. Left out as a whole: without the host it would be for all.
    fileprivate func rule(_ field: String, _ conversion: inout Conversion) -> IngressRule? {
        // Case is of no matter in a host, so old objects with capitals are served.
        if !self.host.isEmpty, let reason = IngressRules.host(self.host.lowercased()) {
            conversion.note("\(field).host", reason)
            return nil
        }
        var rule = IngressRule(host: self.host)
        let isGiven = self.hasHTTP || self.ingressRuleValue.hasHTTP
        guard isGiven else { return rule }
        let wires = self.hasHTTP ? self.http.paths : self.ingressRuleValue.http.paths
        var paths: [IngressPath] = []
        paths.reserveCapacity(wires.count)
        for (index, wire) in wires.enumerated() {
            guard let path = wire.path("\(field).http.paths[\(index)]", &conversion) else { continue }
            paths.append(path)
        }
        // Not nil where none is left: that would send all that they were for to the default backend.
        rule.paths = paths
        return rule
    }
}

extension WireHTTPIngressPath {
    /// nil if it cannot be matched, or leads nowhere.
    fileprivate func path(_ field: String, _ conversion: inout Conversion) -> IngressPath? {
        // Objects from before there were types have none, which meant this one.
        var type = IngressPathType.implementationSpecific
        if !self.pathType.isEmpty {
            guard let known = IngressPathType(rawValue: self.pathType) else {
                conversion.note("\(field).pathType", "is not known: \(FieldRules.quote(self.pathType))")
                return nil
            }
            type = known
        }
        if let reason = IngressRules.path(self.path, type) {
            conversion.note("\(field).path", reason)
            return nil
        }
        guard self.hasBackend else {
            conversion.note("\(field).backend", "is required")
            return nil
        }
        return self.backend.backend("\(field).backend", &conversion).map {
            IngressPath(path: self.path, pathType: type, backend: $0)
        }
    }
}

extension WireIngressBackend {
    /// nil if it names nothing, or nothing in particular.
    fileprivate func backend(_ field: String, _ conversion: inout Conversion) -> IngressBackend? {
        switch (self.hasService, self.hasResource) {
        case (true, true):
            conversion.note(field, "must not have both a service and a resource")
        case (false, false):
            conversion.note(field, "needs a service or a resource")
        case (false, true):
            return .resource(
                apiGroup: conversion.strings.shared(self.resource.apiGroup),
                kind: conversion.strings.shared(self.resource.kind), name: self.resource.name)
        case (true, false):
            let port = self.service.port
            guard !self.service.name.isEmpty else {
                conversion.note("\(field).service.name", "is required")
                return nil
            }
            let name = conversion.strings.shared(self.service.name)
            switch (port.name.isEmpty, port.number) {
            case (true, 0):
                conversion.note("\(field).service.port", "needs a name or a number")
            case (false, 0):
                return .service(name: name, port: conversion.shared(.name(port.name)))
            case (true, _):
                return conversion.port(port.number, "\(field).service.port.number")
                    .map { .service(name: name, port: .number($0)) }
            case (false, _):
                conversion.note("\(field).service.port", "must not have both a name and a number")
            }
        }
        return nil
    }
}

extension WireIngressTLS {
    /// nil if all hosts it names are none. Left out then: without hosts it would be for all.
    fileprivate func tls(_ field: String, _ conversion: inout Conversion) -> IngressTLS? {
        var tls = IngressTLS(secretName: self.secretName.isEmpty ? nil : self.secretName)
        if let name = tls.secretName, let reason = IngressRules.secretName(name) {
            // Kept all the same: the hosts are still meant to have TLS, and there is no Secret of that name.
            conversion.note("\(field).secretName", reason)
        }
        for (index, host) in self.hosts.enumerated() {
            if let reason = IngressRules.tlsHost(host.lowercased()) {
                conversion.note("\(field).hosts[\(index)]", reason)
            } else {
                tls.hosts.append(host)
            }
        }
        return tls.hosts.isEmpty && !self.hosts.isEmpty ? nil : tls
    }
}

extension WireIngressClass: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        .ingressClass(
            IngressClass(
                metadata: metadata,
                controller: self.spec.controller,
                isDefault: self.metadata.annotations[KnownKey.isDefaultClass] == "true",
                hasParameters: self.spec.hasParameters
            ))
    }
}
