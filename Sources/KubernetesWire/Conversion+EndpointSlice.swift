internal import KubernetesAPI
internal import KubernetesMessages
internal import Networking

extension WireEndpointSlice: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        var slice = EndpointSlice(metadata: metadata, family: nil)
        if let service = metadata.labels[KnownKey.serviceName], !service.isEmpty {
            slice.serviceName = ObjectName(namespace: metadata.name.namespace, name: service)
        }
        if let changed = self.metadata.annotations[KnownKey.lastChangeTriggerTime] {
            slice.lastChangeTriggerTime = Timestamp.unixNanoseconds(changed)
        }
        guard let type = EndpointSlice.AddressType(rawValue: self.addressType) else {
            conversion.note("addressType", "is not known: \(FieldRules.quote(self.addressType)), no endpoint is used")
            return .endpointSlice(slice)
        }
        slice.family = type.family
        if let family = type.family {
            slice.endpoints.reserveCapacity(self.endpoints.count)
            for (index, wire) in self.endpoints.enumerated() {
                guard let endpoint = wire.endpoint(of: family, index, &conversion) else { continue }
                slice.endpoints.append(endpoint)
            }
        }
        for (index, wire) in self.ports.enumerated() {
            let field = "ports[\(index)]"
            // Without a number it stands for all ports, which no proxy serves.
            guard let number = conversion.port(wire.port, "\(field).port"),
                let transport = conversion.transport(wire.protocol, "\(field).protocol")
            else { continue }
            slice.ports.append(
                EndpointPort(name: conversion.strings.shared(wire.name), transport: transport, port: number)
            )
        }
        return .endpointSlice(slice)
    }
}

extension WireEndpoint {
    /// nil if it has no address that can be used.
    fileprivate func endpoint(
        of family: AddressFamily,
        _ index: Int,
        _ conversion: inout Conversion
    ) -> Endpoint? {
        var address: IPAddress?
        for (position, text) in self.addresses.enumerated() where address == nil {
            let field = { "endpoints[\(index)].addresses[\(position)]" }
            guard let usable = conversion.usableAddress(text, refusingLoopback: false, field()) else { continue }
            if usable.family == family {
                address = usable
            } else {
                conversion.note(field(), "must be of the slice's addressType: \(usable)")
            }
        }
        guard let address else { return nil }
        return Endpoint(
            address: address,
            isReady: self.conditions.hasReady ? self.conditions.ready : true,
            isServing: self.conditions.hasServing ? self.conditions.serving : true,
            isTerminating: self.conditions.terminating,
            nodeName: self.nodeName.isEmpty ? nil : conversion.strings.shared(self.nodeName),
            zone: self.zone.isEmpty ? nil : conversion.strings.shared(self.zone),
            zoneHints: self.hasHints ? Self.names(self.hints.forZones.map(\.name), &conversion) : [],
            nodeHints: self.hasHints ? Self.names(self.hints.forNodes.map(\.name), &conversion) : []
        )
    }

    private static func names(_ names: [String], _ conversion: inout Conversion) -> [String] {
        names.count < 2 && names.first?.isEmpty != true
            ? names.map { conversion.strings.shared($0) }
            : names.filter { !$0.isEmpty }.unique.map { conversion.strings.shared($0) }
    }
}
