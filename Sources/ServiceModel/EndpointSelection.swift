package import KubernetesAPI
package import Networking

/// Which endpoints of a Service take new connections, by service port name, protocol and family.
///
/// Traffic policies of KEP-1669 and KEP-2086, each with its own fallback to endpoints that are
/// terminating and still serve; hints of KEP-2433 and KEP-3015 for the Cluster policy.
package struct EndpointSelection {
    struct PortKey: Hashable {
        let name: String
        let transport: TransportProtocol
        let family: AddressFamily
    }

    /// What is known of an endpoint, seen from this node.
    fileprivate struct Traits: OptionSet {
        let rawValue: UInt16

        static let ready = Traits(rawValue: 1 << 0)
        /// Terminating, and serving still.
        static let draining = Traits(rawValue: 1 << 1)
        /// Serving, whatever else it is.
        static let serving = Traits(rawValue: 1 << 2)
        static let local = Traits(rawValue: 1 << 3)
        static let hasNodeHint = Traits(rawValue: 1 << 4)
        static let hintsThisNode = Traits(rawValue: 1 << 5)
        static let hasZoneHint = Traits(rawValue: 1 << 6)
        static let hintsThisZone = Traits(rawValue: 1 << 7)
        static let terminating = Traits(rawValue: 1 << 8)
        static let sameZone = Traits(rawValue: 1 << 9)

        /// Of two entries for one address and port the higher one counts: the other is of a Pod that had the
        /// address before.
        var rank: Int { (self.contains(.terminating) ? 0 : 2) + (self.contains(.ready) ? 1 : 0) }
    }

    fileprivate struct Candidate {
        var traits: Traits
        var weight: Int
    }

    private var candidates: [PortKey: [Backend: Candidate]] = [:]

    /// Slices are merged in any order with the same result: an address and port that several of them
    /// list counts once, and an entry that is terminating gives way to one that is not. Slices of headless Services
    /// count for who goes to endpoints directly, and not for who serves virtual IPs.
    package init(
        _ slices: some Sequence<EndpointSlice>,
        node: NodeFacts,
        zoneWeights: [String: Int] = [:],
        includesHeadless: Bool = false
    ) {
        for slice in slices {
            guard let family = slice.family else { continue }
            guard includesHeadless || slice.metadata.labels[KnownKey.headless] == nil else { continue }
            let weight = ServiceAnnotations.weight(ofSlice: slice.metadata.labels) ?? 1
            let described = slice.endpoints.map { endpoint in
                let zoneWeight = zoneWeights.isEmpty ? 1 : endpoint.zone.flatMap { zoneWeights[$0] } ?? 1
                return (endpoint.address, Candidate(traits: Self.traits(endpoint, node), weight: weight * zoneWeight))
            }
            for port in slice.ports {
                let key = PortKey(name: port.name, transport: port.transport, family: family)
                Self.merge(described, at: port.port, into: &self.candidates[key, default: [:]])
            }
        }
    }

    private static func traits(_ endpoint: Endpoint, _ node: NodeFacts) -> Traits {
        var traits: Traits = []
        if endpoint.isReady { traits.insert(.ready) }
        if endpoint.isTerminating { traits.insert(.terminating) }
        if endpoint.isServing && endpoint.isTerminating { traits.insert(.draining) }
        if endpoint.isServing || endpoint.isReady { traits.insert(.serving) }
        if endpoint.nodeName == node.name { traits.insert(.local) }
        if let zone = endpoint.zone, zone == node.zone { traits.insert(.sameZone) }
        if !endpoint.nodeHints.isEmpty {
            traits.insert(.hasNodeHint)
            if endpoint.nodeHints.contains(node.name) { traits.insert(.hintsThisNode) }
        }
        if !endpoint.zoneHints.isEmpty {
            traits.insert(.hasZoneHint)
            if let zone = node.zone, endpoint.zoneHints.contains(zone) { traits.insert(.hintsThisZone) }
        }
        return traits
    }

    private static func merge(
        _ endpoints: [(IPAddress, Candidate)],
        at port: UInt16,
        into known: inout [Backend: Candidate]
    ) {
        known.reserveCapacity(known.count + endpoints.count)
        for (address, candidate) in endpoints {
            let backend = Backend(address, port)
            guard let former = known.updateValue(candidate, forKey: backend) else { continue }
            if former.traits.rank == candidate.traits.rank {
                known[backend] = Candidate(
                    traits: former.traits.union(candidate.traits), weight: max(former.weight, candidate.weight))
            } else if former.traits.rank > candidate.traits.rank {
                known[backend] = former
            }
        }
    }

    // MARK: - Of one service port

    /// The endpoints of one service port and family.
    package struct Port {
        fileprivate let candidates: [Backend: Candidate]

        /// Whether any endpoint could take a connection, on whichever node: what tells a refusal from a
        /// drop where the policy is Local.
        var hasUsable: Bool {
            self.candidates.values.contains { !$0.traits.isDisjoint(with: [.ready, .draining]) }
        }

        /// Those that new connections go to, sorted, with weights of at least 1.
        package func backends(_ policy: TrafficPolicy) -> [WeightedBackend] {
            let scope: Traits = policy == .local ? .local : []
            var filter = scope.union(.ready)
            if policy == .cluster { filter.formUnion(self.topology) }
            var chosen = self.having(filter)
            if chosen.isEmpty { chosen = self.having(scope.union(.draining)) }
            return WeightedBackend.list(chosen)
        }

        /// Whether an endpoint is in this node's zone.
        package func isSameZone(_ backend: Backend) -> Bool {
            self.candidates[backend]?.traits.contains(.sameZone) ?? false
        }

        private func having(_ traits: Traits) -> [(Backend, Int)] {
            self.candidates.compactMap { $0.value.traits.isSuperset(of: traits) ? ($0.key, $0.value.weight) : nil }
        }

        /// What an endpoint must have for this node's clients: its hint, if all that are ready have hints
        /// of the kind and one is for here. Nodes go before zones.
        private var topology: Traits {
            var all: Traits = [.hasNodeHint, .hasZoneHint]
            var any: Traits = []
            for candidate in self.candidates.values where candidate.traits.contains(.ready) {
                all.formIntersection(candidate.traits)
                any.formUnion(candidate.traits)
            }
            if all.contains(.hasNodeHint), any.contains(.hintsThisNode) { return .hintsThisNode }
            if all.contains(.hasZoneHint), any.contains(.hintsThisZone) { return .hintsThisZone }
            return []
        }

        /// Those that may go on with the flows they have, whatever the policy says of new ones.
        var serving: Set<Backend> { Set(self.candidates.filter { $0.value.traits.contains(.serving) }.keys) }

        /// All that slices list, in whatever condition.
        var listed: Set<Backend> { Set(self.candidates.keys) }
    }

    package func port(_ name: String, _ transport: TransportProtocol, _ family: AddressFamily) -> Port {
        Port(candidates: self.candidates[PortKey(name: name, transport: transport, family: family)] ?? [:])
    }

    /// Endpoints of all ports that are terminating and still serve, sorted.
    var draining: [Backend] {
        var draining: Set<Backend> = []
        for candidates in self.candidates.values {
            for (backend, candidate) in candidates where candidate.traits.contains(.draining) {
                draining.insert(backend)
            }
        }
        return draining.sorted()
    }

    /// How many endpoints on this node are ready, as addresses: two ports of one endpoint are one. Of two
    /// families the one that has more.
    var localReadyCount: Int {
        var addresses: Set<IPAddress> = []
        for candidates in self.candidates.values {
            for (backend, candidate) in candidates where candidate.traits.isSuperset(of: [.local, .ready]) {
                addresses.insert(backend.address)
            }
        }
        return AddressFamily.allCases.map { family in addresses.count { $0.family == family } }.max() ?? 0
    }
}
