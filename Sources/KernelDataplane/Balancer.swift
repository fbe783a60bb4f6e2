internal import Networking
package import Nftables

/// A chain that chooses among the endpoints of whichever frontend led to it, shared by all frontends
/// with that many slots.
package struct Balancer: Hashable, Sendable {
    package enum Location: Hashable, Sendable {
        case address
        case nodePort
    }

    package enum Method: Hashable, Sendable {
        /// Slots are endpoints in turn; a draw picks one.
        case random
        /// Slots are the places of a hash table, looked up by the client's address...
        case clientIPHash
        /// ... or its address and port.
        case flowHash
        /// The endpoint that the client had for so many seconds after its last connection; for a new client
        /// a draw.
        case affinity(Int)

        fileprivate var prefix: String {
            switch self {
            case .random: "balance"
            case .clientIPHash: "client-hash"
            case .flowHash: "flow-hash"
            case .affinity(let timeout): "affinity-\(timeout)s"
            }
        }
    }

    package let location: Location
    package let method: Method
    /// Whether it chooses among the endpoints for clients from outside, where those are others; with affinity,
    /// among those on this node.
    package let isExternal: Bool
    package let slots: Int

    package init(_ location: Location, _ method: Method = .random, isExternal: Bool = false, slots: Int) {
        self.location = location
        self.method = method
        self.isExternal = isExternal
        self.slots = slots
    }

    /// Endpoints for clients from outside have slots of their own behind all others.
    static let firstExternalSlot: UInt32 = 1 << 24

    /// Any number: hash tables of all nodes must be read alike.
    static let hashSeed: UInt32 = 0x66_61_69_72

    /// `balance-3`, `client-hash-nodeport-external-4096`, `affinity-10800s-3`.
    package var name: String {
        let location = self.location == .nodePort ? "-nodeport" : ""
        return "\(self.method.prefix)\(location)\(self.isExternal ? "-external" : "")-\(self.slots)"
    }

    package init?(name: String) {
        var parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard let slots = parts.popLast().flatMap({ Int($0) }), (1...Int(Self.firstExternalSlot)).contains(slots)
        else { return nil }
        var (isExternal, location) = (false, Location.address)
        if parts.last == "external" {
            isExternal = true
            parts.removeLast()
        }
        if parts.last == "nodeport" {
            location = .nodePort
            parts.removeLast()
        }
        var methods: [Method] = [.random, .clientIPHash, .flowHash]
        if parts.count == 2, parts[1].hasSuffix("s"), let timeout = Int(parts[1].dropLast()) {
            methods.append(.affinity(timeout))
        }
        let prefix = parts.joined(separator: "-")
        guard let method = methods.first(where: { $0.prefix == prefix }) else { return nil }
        self.init(location, method, isExternal: isExternal, slots: slots)
        guard self.name == name else { return nil }
    }

    package var rules: [Rule] {
        if case .affinity(let timeout) = self.method { self.affinityRules(timeout) } else { self.slotRules }
    }

    /// A draw (or a hash), a look-up and a translation for each family; then the same with the first slot,
    /// which there is as long as there is any endpoint.
    ///
    /// The kernel decides anew at each look-up which generation of the ruleset a packet sees. One
    /// that was led here while the frontend had N endpoints may look for the last slot when there are
    /// N-1: without the second try it would be refused though endpoints are there. A packet that
    /// finds nothing then either had a Service without endpoints.
    private var slotRules: [Rule] {
        let base = self.isExternal ? Self.firstExternalSlot : 0
        func number(_ kind: Selector.AddressKind) -> Selector {
            switch self.method {
            case .random, .affinity: .random(modulus: UInt32(self.slots), offset: base)
            case .clientIPHash:
                .hash([.address(kind, .source)], modulus: UInt32(self.slots), offset: base, seed: Self.hashSeed)
            case .flowHash:
                .hash(
                    [.address(kind, .source), .sourcePort], modulus: UInt32(self.slots), offset: base,
                    seed: Self.hashSeed)
            }
        }
        func rule(_ family: AddressFamily, _ number: Selector) -> Rule {
            let kind = Selector.AddressKind(family)
            switch self.location {
            case .address:
                let map = FairleadSet(.endpoints, family).name
                return Rule(
                    .destinationNAT(
                        kind, [.address(kind, .destination), .transportProtocol, .destinationPort, number], map: map))
            case .nodePort:
                let map = FairleadSet(.nodeportEndpoints, family).name
                return Rule(
                    .networkProtocol(kind),
                    .destinationNAT(kind, [.transportProtocol, .destinationPort, number], map: map))
            }
        }
        let families = AddressFamily.allCases
        return families.map { rule($0, number(Selector.AddressKind($0))) } + families.map { rule($0, .constant(base)) }
            + [Rule(.verdict(.goto(FairleadTable.noEndpoints)))]
    }
}

extension Selector.AddressKind {
    init(_ family: AddressFamily) { self = family == .ipv4 ? .ipv4 : .ipv6 }
}
