internal import Networking
internal import Nftables

extension Balancer {
    /// A chain for Service ports with ClientIP affinity.
    ///
    /// Rules in the nft language cannot carry a value from one look-up to the next, except in the packet. So
    /// the packet's own addresses hold, for the length of this chain, the number of the Service port
    /// (source) and the endpoint that is remembered or drawn (destination); the client's address is read from
    /// the conntrack entry. A source is put back before the translation, which overwrites the destination; if
    /// there is none, both are put back. A remembered endpoint counts only while it is a member of the
    /// Service port: one that has left is never used.
    ///
    /// All Service ports share these chains, and a rule of its own for each would not do: the kernel takes
    /// time in proportion to the rules that a map has already, for each that is added.
    func affinityRules(_ timeout: Int) -> [Rule] {
        AddressFamily.allCases.flatMap { self.affinityRules($0, timeout: UInt32(clamping: timeout)) }
            + AddressFamily.allCases.flatMap { family in
                let kind = Selector.AddressKind(family)
                return [Rule(.restoreAddress(kind, .destination)), Rule(.restoreAddress(kind, .source))]
            } + [Rule(.verdict(.goto(FairleadTable.noEndpoints)))]
    }

    private func affinityRules(_ family: AddressFamily, timeout: UInt32) -> [Rule] {
        let kind = Selector.AddressKind(family)
        let (port, endpoint) = (Selector.address(kind, .source), Selector.address(kind, .destination))
        func name(_ set: FairleadSet.Kind) -> String { FairleadSet(set, family).name }

        let client = self.client(kind, port)
        let remember = Statement.update(set: name(.affinity), client, value: [endpoint], timeout: timeout)
        // What stands in a map keeps its value: the old one has to go first.
        let forget = Statement.forget(map: name(.affinity), client, value: [endpoint])
        let translate: [Statement] = [
            .restoreAddress(kind, .source),
            .destinationNAT(kind, [.transportProtocol, endpoint], map: name(.affinityEndpoints)),
        ]
        let base = self.isExternal ? Self.firstExternalSlot : 0
        func draw(_ number: Selector) -> Statement {
            .setAddress(kind, .destination, [port, number], map: name(.affinitySlots))
        }
        let isMember = Statement.lookup(
            [port, endpoint], set: name(self.isExternal ? .affinityLocalMembers : .affinityMembers))
        let random = Selector.random(modulus: UInt32(self.slots), offset: base)
        return [
            self.numberRule(kind),
            // Where the client was, if that is a member still; its time starts anew.
            Rule([.setAddress(kind, .destination, client, map: name(.affinity)), isMember, remember] + translate),
            // A draw, which is remembered.
            Rule([draw(random), forget, remember] + translate),
            // A draw alone, when there is no room to remember; and the first slot, when the packet was led here
            // before the last slot went.
            Rule([draw(random)] + translate),
            Rule([draw(.constant(base))] + translate),
        ]
    }

    /// Puts the number of the Service port into the source address.
    private func numberRule(_ kind: Selector.AddressKind) -> Rule {
        let family: AddressFamily = kind == .ipv4 ? .ipv4 : .ipv6
        switch self.location {
        case .address:
            return Rule(
                .setAddress(
                    kind, .source, [.address(kind, .destination), .transportProtocol, .destinationPort],
                    map: FairleadSet(.affinityFrontends, family).name))
        case .nodePort:
            return Rule(
                .setAddress(
                    kind, .source, [.transportProtocol, .destinationPort],
                    map: FairleadSet(.affinityNodeports, family).name))
        }
    }

    /// The key under which a client of a Service port is remembered.
    private func client(_ kind: Selector.AddressKind, _ port: Selector) -> [Selector] {
        let parts = [Selector.originalAddress(kind, .source), port]
        guard kind == .ipv6 else { return parts }
        return [
            .hash(parts, modulus: .max, seed: Self.hashSeed), .hash(parts, modulus: .max, seed: ~Self.hashSeed),
        ]
    }
}
