internal import KubernetesAPI
internal import KubernetesMessages
internal import Networking
internal import SwiftProtobuf

extension WireService: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        var service = Service(metadata: metadata)
        // An unknown type is served by what its other fields say: addresses, node ports.
        service.type = conversion.choice(self.spec.type, .clusterIP, "spec.type")
        self.readClusterIPs(into: &service, &conversion)
        for (index, text) in self.spec.externalIps.enumerated() {
            let field = "spec.externalIPs[\(index)]"
            guard let address = conversion.usableAddress(text, refusingLoopback: true, field) else { continue }
            service.externalIPs.append(address)
        }
        self.readPorts(into: &service, &conversion)
        service.externalTrafficPolicy = conversion.choice(
            self.spec.externalTrafficPolicy,
            .cluster,
            "spec.externalTrafficPolicy"
        )
        service.internalTrafficPolicy = conversion.choice(
            self.spec.internalTrafficPolicy,
            .cluster,
            "spec.internalTrafficPolicy"
        )
        service.sessionAffinity = self.sessionAffinity(&conversion)
        self.readLoadBalancer(into: &service, &conversion)
        if service.type == .externalName, !self.spec.externalName.isEmpty {
            service.externalName = self.spec.externalName
        }
        return .service(service)
    }

    private func readClusterIPs(into service: inout Service, _ conversion: inout Conversion) {
        let single = self.spec.clusterIp.isEmpty ? [] : [self.spec.clusterIp]
        let texts = self.spec.clusterIps.isEmpty ? single : self.spec.clusterIps
        if texts.contains("None") {
            service.isHeadless = true
            return
        }
        for (index, text) in texts.enumerated() {
            let field = "spec.clusterIPs[\(index)]"
            guard let address = conversion.address(text, field) else { continue }
            if service.clusterIPs.contains(where: { $0.family == address.family }) {
                conversion.note(field, "is left out: a second address of its family")
            } else {
                service.clusterIPs.append(address)
            }
        }
    }

    private func readPorts(into service: inout Service, _ conversion: inout Conversion) {
        for (index, wire) in self.spec.ports.enumerated() {
            let field = "spec.ports[\(index)]"
            guard let transport = conversion.transport(wire.protocol, "\(field).protocol") else { continue }
            guard let number = conversion.port(wire.port, "\(field).port") else {
                if wire.port == 0 { conversion.note("\(field).port", "is required") }
                continue
            }
            // The API server allows neither; what serves packets could not tell the two apart.
            if service.ports.contains(where: {
                $0.transport == transport && ($0.port == number || $0.name == wire.name)
            }) {
                conversion.note(field, "is left out: another port has its number, or its name, for \(transport)")
                continue
            }
            service.ports.append(
                ServicePort(
                    name: conversion.strings.shared(wire.name),
                    transport: transport,
                    port: number,
                    nodePort: conversion.port(wire.nodePort, "\(field).nodePort"),
                    targetPort: wire.targetPortReference.map { conversion.shared($0) },
                    appProtocol: wire.appProtocol.isEmpty ? nil : conversion.strings.shared(wire.appProtocol)
                )
            )
        }
    }

    private func sessionAffinity(_ conversion: inout Conversion) -> SessionAffinity {
        switch conversion.choice(self.spec.sessionAffinity, SessionAffinity.Name.none, "spec.sessionAffinity") {
        case .none: return .none
        case .clientIP:
            let config = self.spec.sessionAffinityConfig.clientIp
            guard config.hasTimeoutSeconds else {
                return .clientIP(timeoutSeconds: SessionAffinity.defaultTimeoutSeconds)
            }
            let range = SessionAffinity.timeoutRange
            let timeout = Int(config.timeoutSeconds)
            if !range.contains(timeout) {
                let reason = "must be between \(range.lowerBound) and \(range.upperBound), not \(timeout)"
                conversion.note("spec.sessionAffinityConfig.clientIP.timeoutSeconds", reason)
            }
            return .clientIP(timeoutSeconds: min(max(timeout, range.lowerBound), range.upperBound))
        }
    }

    /// To be read after type and policies.
    private func readLoadBalancer(into service: inout Service, _ conversion: inout Conversion) {
        // Whatever the type is: a Service that was a load balancer keeps its addresses until somebody
        // removes them, and with them the promise to serve there.
        for (index, entry) in self.status.loadBalancer.ingress.enumerated() {
            let published = LoadBalancerAddress(
                ip: FieldRules.address(entry.ip), hostname: entry.hostname.isEmpty ? nil : entry.hostname)
            if published != LoadBalancerAddress() { service.loadBalancer.append(published) }
            guard !entry.ip.isEmpty else { continue }
            let field = "status.loadBalancer.ingress[\(index)]"
            // A mode of the future is served as those before modes were: packets that do not come cost nothing.
            guard conversion.choice(entry.ipMode, LoadBalancerIPMode.vip, "\(field).ipMode") == .vip,
                let address = conversion.usableAddress(entry.ip, refusingLoopback: true, "\(field).ip"),
                !service.loadBalancerIPs.contains(address)
            else { continue }
            service.loadBalancerIPs.append(address)
        }
        service.loadBalancerSourceRanges = self.sourceRanges(&conversion)
        if service.type == .loadBalancer, service.externalTrafficPolicy == .local {
            service.healthCheckNodePort = conversion.port(self.spec.healthCheckNodePort, "spec.healthCheckNodePort")
        }
    }

    /// Who may come. A range that cannot be read lets nobody in, and never, as the only one of its family,
    /// everybody.
    private func sourceRanges(_ conversion: inout Conversion) -> [CIDR] {
        var ranges: [CIDR] = []
        var nobody: [CIDR] = []
        for (index, text) in self.spec.loadBalancerSourceRanges.enumerated() {
            if let range = conversion.block(text, "spec.loadBalancerSourceRanges[\(index)]") {
                ranges.append(range)
            } else {
                let none = text.utf8.contains(UInt8(ascii: ":")) ? IPAddress(ipv6High: 0, low: 0) : IPAddress(ipv4: 0)
                nobody.append(CIDR(host: none))
            }
        }
        return (ranges + nobody.filter { none in !ranges.contains { $0.family == none.family } }).unique
    }
}

extension WireServicePort {
    /// nil if nothing was said; a number or a name is believed.
    fileprivate var targetPortReference: PortReference? {
        if self.hasTargetPortMessage {
            let wire = self.targetPortMessage
            return wire.type == WireIntOrString.textType ? .named(wire.strVal) : .numbered(wire.intVal)
        }
        switch self.targetPort.kind {
        case .numberValue(let number): return Int32(exactly: number).flatMap { .numbered($0) }
        case .stringValue(let name): return .named(name)
        case .nullValue, .boolValue, .structValue, .listValue, nil: return nil
        }
    }
}

extension WireIntOrString {
    /// `type` of one that holds a string.
    package static let textType: Int64 = 1
}

extension PortReference {
    fileprivate static func named(_ name: String) -> PortReference? { name.isEmpty ? nil : .name(name) }

    fileprivate static func numbered(_ number: Int32) -> PortReference? {
        number == 0 ? nil : UInt16(exactly: number).map { .number($0) }
    }
}
