package import KubernetesAPI
package import Networking
package import Nftables
package import ServiceModel

/// What becomes of some of a frontend's connections, as it is programmed.
package enum ProgrammedRoute: Hashable, Sendable {
    /// One of these, by slot.
    case slots([Backend], Balancer.Method)
    /// The one of so many that the client had.
    case affinity(AffinityRoute)
    case refuse
    case drop

    package var slots: [Backend] {
        if case .slots(let slots, _) = self { slots } else { [] }
    }
}

/// How connections of one frontend are kept together.
package struct AffinityRoute: Hashable, Sendable {
    /// Stands for the Service port, whichever frontend is used.
    package let number: UInt32
    package let slots: Int
    /// Seconds.
    package let timeout: Int
    package let policy: TrafficPolicy
}

/// One frontend as it is programmed.
package struct ProgrammedFrontend: Hashable, Sendable {
    package let service: ObjectName
    /// `namespace/name:port`, or without a port's name.
    package let servicePort: String
    package let masquerade: FrontendPlan.Masquerade
    package let main: ProgrammedRoute
    /// For clients from outside; nil where they are treated like all others.
    package let external: ProgrammedRoute?
    /// nil: everybody may connect.
    package let admittedSources: [AddressRange]?

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

    private func set(_ address: FairleadSet.Kind, orNodePort nodePort: FairleadSet.Kind) -> FairleadSet {
        switch self.location {
        case .address: FairleadSet(address, self.family)
        case .node: FairleadSet(nodePort, self.family)
        }
    }

    /// The shared chain that a route takes; nil if it takes none.
    package func balancer(_ route: ProgrammedRoute, isExternal: Bool = false) -> Balancer? {
        let location: Balancer.Location = if case .address = self.location { .address } else { .nodePort }
        switch route {
        case .slots(let slots, let method) where !slots.isEmpty:
            return Balancer(location, method, isExternal: isExternal, slots: slots.count)
        case .affinity(let affinity):
            return Balancer(
                location, .affinity(affinity.timeout), isExternal: affinity.policy == .local, slots: affinity.slots)
        case .slots, .refuse, .drop:
            return nil
        }
    }

    private func verdict(_ route: ProgrammedRoute, isExternal: Bool) -> Verdict {
        switch route {
        case .slots, .affinity:
            .goto(self.balancer(route, isExternal: isExternal)?.name ?? FairleadTable.noEndpoints)
        case .refuse: .goto(FairleadTable.noEndpoints)
        case .drop: .goto(FairleadTable.noLocalEndpoints)
        }
    }

    private func verdictElement(_ set: FairleadSet, _ verdict: Verdict, comment: String? = nil) -> PlacedElement {
        PlacedElement(set: set, element: Element(key: self.key, value: .verdict(verdict), comment: comment))
    }

    /// The elements that lead a connection to its chain, in the order in which it meets them.
    func verdictElements(_ programmed: ProgrammedFrontend) -> [PlacedElement] {
        var elements: [PlacedElement] = []
        var verdict = self.verdict(programmed.main, isExternal: false)
        if let external = programmed.external {
            elements.append(
                self.verdictElement(self.set(.internalFrontends, orNodePort: .internalNodeports), verdict))
            elements.append(
                self.verdictElement(
                    self.set(.externalFrontends, orNodePort: .externalNodeports),
                    self.verdict(external, isExternal: true)))
            verdict = .goto(FairleadTable.trafficPolicy)
        }
        if let ranges = programmed.admittedSources, case .address(let address) = self.location {
            elements.append(self.verdictElement(FairleadSet(.admittedFrontends, address.family), verdict))
            elements += ranges.map(self.admissionElement)
            verdict = .goto(FairleadTable.admission)
        }
        elements.append(
            self.verdictElement(
                self.set(.frontends, orNodePort: .nodeports), verdict,
                comment: Element.shortened(programmed.servicePort)))
        for case .affinity(let affinity)? in [programmed.main, programmed.external] {
            var number = ElementBytes()
            number.append(number: affinity.number, self.family)
            elements.append(
                PlacedElement(
                    set: self.set(.affinityFrontends, orNodePort: .affinityNodeports),
                    element: Element(key: self.key, value: .bytes(number))))
            // The other route has the same.
            break
        }
        switch programmed.masquerade {
        case .nonPods: break
        case .everybody: elements.append(self.masqueradeElement(.goto(FairleadTable.masquerade)))
        case .thisNode: elements.append(self.masqueradeElement(.goto(FairleadTable.masqueradeOwn)))
        case .nobody:
            // What no map says of a NodePort is not masqueraded either.
            if case .address = self.location { elements.append(self.masqueradeElement(.accept)) }
        }
        return elements
    }

    private func masqueradeElement(_ verdict: Verdict) -> PlacedElement {
        self.verdictElement(self.set(.masqueradeFrontends, orNodePort: .masqueradeNodeports), verdict)
    }

    private func admissionElement(_ range: AddressRange) -> PlacedElement {
        var (first, last) = (self.key, self.key)
        first.append(range.first)
        last.append(range.last)
        return PlacedElement(
            set: FairleadSet(.admittedSources, self.family), element: Element(key: first, value: .rangeEnd(last)))
    }

    /// The element of one slot.
    func slotElement(_ slot: Int, _ backend: Backend, isExternal: Bool) -> PlacedElement {
        var key = self.key
        key.append(integer: UInt32(slot) + (isExternal ? Balancer.firstExternalSlot : 0))
        var value = ElementBytes()
        value.append(backend.address)
        value.append(port: backend.port)
        return PlacedElement(
            set: self.set(.endpoints, orNodePort: .nodeportEndpoints), element: Element(key: key, value: .bytes(value)))
    }

    /// Everything that makes this frontend work.
    func elements(_ programmed: ProgrammedFrontend) -> [PlacedElement] {
        var elements = self.verdictElements(programmed)
        for (slot, backend) in programmed.main.slots.enumerated() {
            elements.append(self.slotElement(slot, backend, isExternal: false))
        }
        for (slot, backend) in (programmed.external?.slots ?? []).enumerated() {
            elements.append(self.slotElement(slot, backend, isExternal: true))
        }
        return elements
    }

    /// What to change when the slots of one route change.
    func changeSlots(
        from old: ProgrammedRoute?,
        to new: ProgrammedRoute?,
        isExternal: Bool,
        in changes: inout ElementChanges
    ) {
        let (oldSlots, newSlots) = (old?.slots ?? [], new?.slots ?? [])
        for slot in 0..<max(oldSlots.count, newSlots.count) {
            let before = slot < oldSlots.count ? oldSlots[slot] : nil
            let after = slot < newSlots.count ? newSlots[slot] : nil
            guard before != after else { continue }
            changes.replace(
                before.map { self.slotElement(slot, $0, isExternal: isExternal) },
                with: after.map { self.slotElement(slot, $0, isExternal: isExternal) })
        }
    }
}

extension Element {
    /// An IP version as a key.
    static func networkProtocol(_ family: AddressFamily, _ verdict: Verdict) -> Element {
        var key = ElementBytes()
        key.append(networkProtocol: family)
        return Element(key: key, value: .verdict(verdict))
    }

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
