package import KubernetesAPI
package import Networking
package import Nftables
package import ServiceModel

/// Endpoints among which clients of one Service port are kept together, of one family and policy.
package struct AffinityPool: Hashable, Sendable {
    /// By slot; an endpoint of weight n has n slots.
    package var slots: [Backend]
    /// Seconds from a client's last connection.
    package var timeout: Int
}

/// What a pool belongs to.
package struct AffinityPoolKey: Hashable, Sendable {
    package let port: ServicePortIdentity
    package let policy: TrafficPolicy
    package let family: AddressFamily

    package init(_ port: ServicePortIdentity, _ policy: TrafficPolicy, _ family: AddressFamily) {
        self.port = port
        self.policy = policy
        self.family = family
    }
}

/// The chain that balances one Service port with ClientIP affinity: all its frontends lead there, so a
/// client is remembered whichever it uses.
///
/// Rules in the nft language cannot carry a value from one look-up to the next, except in the packet. So
/// the packet's own destination address holds, for the length of this chain, the endpoint that is
/// remembered or drawn; if it is one of the pool's (`affinity-endpoints`), the translation
/// overwrites it, and if not, what was there is put back from the conntrack entry. An endpoint that has
/// left is therefore never used, whatever is remembered.
package struct AffinityChain: Hashable, Sendable {
    /// What stands for the Service port among the remembered clients; even.
    package let number: UInt32
    package let transport: TransportProtocol
    package let policy: TrafficPolicy

    /// The number that a Service port has unless another one has it already: the same at every start, so
    /// that what is remembered keeps its meaning. A hash (FNV-1a, 64 bits).
    static func preferredNumber(_ port: ServicePortIdentity) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(port)/\(port.transport)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32) & ~1
    }

    /// The number of the pool in `affinity-slots` and `affinity-endpoints`.
    package var pool: UInt32 { self.policy == .local ? self.number + 1 : self.number }

    private static let prefix = "affinity-"

    /// `affinity-4711`; the comments of `frontends` say whose it is.
    package var name: String { "\(Self.prefix)\(self.pool)" }

    package static func isName(_ name: String) -> Bool {
        name.hasPrefix(self.prefix) && UInt32(name.dropFirst(self.prefix.count)) != nil
    }

    /// - Parameter pools: by family; a family without endpoints has none.
    package func rules(_ pools: [AddressFamily: AffinityPool]) -> [Rule] {
        let tries = AddressFamily.allCases.flatMap { family in
            pools[family].map { self.rules(family, $0) } ?? []
        }
        let restorations = AddressFamily.allCases.map { Rule(.restoreDestination(Selector.AddressKind($0))) }
        return tries + restorations + [Rule(.verdict(.goto(FairleadTable.noEndpoints)))]
    }

    private func rules(_ family: AddressFamily, _ pool: AffinityPool) -> [Rule] {
        let kind = Selector.AddressKind(family)
        let destination = Selector.address(kind, .destination)
        let client = self.client(family)
        let affinity = FairleadSet(.affinity, family).name
        let slots = FairleadSet(.affinitySlots, family).name
        let translation = Statement.destinationNAT(
            kind, [.transportProtocol, .constant(self.pool), destination],
            map: FairleadSet(.affinityEndpoints, family).name)
        let remember = Statement.update(
            set: affinity, client, value: [destination], timeout: UInt32(clamping: pool.timeout))
        // What stands in a map keeps its value: the old one has to go first.
        let forget = Statement.forget(map: affinity, client, value: [destination])
        func draw(_ count: Int) -> Statement {
            .setDestination(
                kind, [.constant(self.pool), .random(modulus: UInt32(count))], map: slots)
        }
        return [
            // Where the client was, if that is still an endpoint.
            Rule(.setDestination(kind, client, map: affinity), remember, translation),
            // A draw, which is remembered.
            Rule(draw(pool.slots.count), forget, remember, translation),
            // A draw alone, when there is no room to remember; and the first slot, when the packet was led here
            // before the last slot went.
            Rule(draw(pool.slots.count), translation),
            Rule(draw(1), translation),
        ]
    }

    private func client(_ family: AddressFamily) -> [Selector] {
        switch family {
        case .ipv4:
            return [.constant(self.number), .address(.ipv4, .source)]
        case .ipv6:
            let source = [Selector.address(.ipv6, .source)]
            return [
                .constant(self.number), .hash(source, modulus: .max, seed: Balancer.hashSeed),
                .hash(source, modulus: .max, seed: ~Balancer.hashSeed),
            ]
        }
    }

    // MARK: - Elements

    /// The elements of a pool.
    func elements(_ family: AddressFamily, _ pool: AffinityPool) -> [PlacedElement] {
        var elements: [PlacedElement] = []
        for (slot, backend) in pool.slots.enumerated() {
            var key = ElementBytes()
            key.append(integer: self.pool)
            key.append(integer: UInt32(slot))
            var value = ElementBytes()
            value.append(backend.address)
            elements.append(
                PlacedElement(
                    set: FairleadSet(.affinitySlots, family), element: Element(key: key, value: .bytes(value))))
        }
        // One port for each address: the lowest, where an address has several.
        var known: [IPAddress: Backend] = [:]
        for backend in pool.slots { known[backend.address] = min(known[backend.address] ?? backend, backend) }
        for backend in known.values {
            var key = ElementBytes()
            key.append(self.transport)
            key.append(integer: self.pool)
            key.append(backend.address)
            var value = ElementBytes()
            value.append(backend.address)
            value.append(port: backend.port)
            elements.append(
                PlacedElement(
                    set: FairleadSet(.affinityEndpoints, family), element: Element(key: key, value: .bytes(value))))
        }
        return elements
    }
}
