internal import Networking
package import Nftables
package import ServiceModel

/// One frontend as it is programmed.
package struct ProgrammedFrontend: Hashable, Sendable {
    package let role: FrontendPlan.Role
    package let servicePort: String
    package let slots: [Backend]

    package init(role: FrontendPlan.Role, servicePort: String, slots: [Backend]) {
        self.role = role
        self.servicePort = servicePort
        self.slots = slots
    }
}

/// An element and the set that it belongs to.
package struct PlacedElement: Hashable, Sendable {
    package let set: FairleadSet
    package let element: Element
}

extension Frontend {
    /// The key of this frontend in its maps: (address, protocol, port) or (protocol, port).
    package var key: ElementBytes {
        var key = ElementBytes()
        if case .address(let address) = self.location { key.append(address) }
        key.append(self.transport)
        key.append(port: self.port)
        return key
    }

    func set(_ address: FairleadSet.Kind, orNodePort nodePort: FairleadSet.Kind) -> FairleadSet {
        switch self.location {
        case .address: FairleadSet(address, self.family)
        case .node: FairleadSet(nodePort, self.family)
        }
    }

    var endpointSet: FairleadSet { self.set(.endpoints, orNodePort: .nodeportEndpoints) }

    /// The chain for `slots` endpoints; nil for none.
    package func balancer(slots: Int) -> FairleadTable.Balancer? {
        guard slots > 0 else { return nil }
        return switch self.location {
        case .address: .frontend(slots)
        case .node: .nodePort(slots)
        }
    }

    /// The element that leads to the balancing chain.
    func verdictElement(_ programmed: ProgrammedFrontend) -> PlacedElement {
        let chain = self.balancer(slots: programmed.slots.count)?.name ?? FairleadTable.noEndpoints
        return PlacedElement(
            set: self.set(.frontends, orNodePort: .nodeports),
            element: Element(
                key: self.key, value: .verdict(.goto(chain)), comment: Element.shortened(programmed.servicePort))
        )
    }

    /// The element that has clients masqueraded; nil where the source decides.
    func masqueradeElement(_ role: FrontendPlan.Role) -> PlacedElement? {
        guard role != .clusterIP else { return nil }
        return PlacedElement(
            set: self.set(.masqueradeFrontends, orNodePort: .masqueradeNodeports),
            element: Element(key: self.key, value: .verdict(.goto(FairleadTable.masquerade)))
        )
    }

    /// The element of one slot.
    func slotElement(_ slot: Int, _ backend: Backend) -> PlacedElement {
        var key = self.key
        key.append(integer: UInt32(slot))
        var value = ElementBytes()
        value.append(backend.address)
        value.append(port: backend.port)
        return PlacedElement(set: self.endpointSet, element: Element(key: key, value: .bytes(value)))
    }

    /// Everything that makes this frontend work.
    func elements(_ programmed: ProgrammedFrontend) -> [PlacedElement] {
        var elements = [self.verdictElement(programmed)]
        if let masquerade = self.masqueradeElement(programmed.role) { elements.append(masquerade) }
        for (slot, backend) in programmed.slots.enumerated() { elements.append(self.slotElement(slot, backend)) }
        return elements
    }
}

extension Element {
    /// An address as a key.
    static func address(_ address: IPAddress) -> Element {
        var key = ElementBytes()
        key.append(address)
        return Element(key: key)
    }

    /// (source, destination), both the same endpoint.
    static func hairpin(_ address: IPAddress) -> Element {
        var key = ElementBytes()
        key.append(address)
        key.append(address)
        return Element(key: key)
    }
}
