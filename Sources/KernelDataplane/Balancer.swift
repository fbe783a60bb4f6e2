internal import Networking
package import Nftables

/// A chain that chooses among the endpoints of whichever frontend led to it, shared by all frontends
/// with that many slots.
package struct Balancer: Hashable, Sendable {
    package enum Location: Hashable, Sendable {
        case address
        case nodePort
    }

    package enum Method: String, Hashable, Sendable, CaseIterable {
        /// Slots are endpoints in turn; a draw picks one.
        case random = "balance"
        /// Slots are the places of a hash table, looked up by the client's address...
        case clientIPHash = "client-hash"
        /// ... or its address and port.
        case flowHash = "flow-hash"
    }

    package let location: Location
    package let method: Method
    /// Whether it chooses among the endpoints for clients from outside, where those are others.
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

    /// `balance-3`, `client-hash-nodeport-external-4096`.
    package var name: String {
        let location = self.location == .nodePort ? "-nodeport" : ""
        return "\(self.method.rawValue)\(location)\(self.isExternal ? "-external" : "")-\(self.slots)"
    }

    package init?(name: String) {
        guard let method = Method.allCases.first(where: { name.hasPrefix($0.rawValue + "-") }) else { return nil }
        var rest = name.dropFirst(method.rawValue.count)
        func takes(_ word: String) -> Bool {
            guard rest.hasPrefix(word) else { return false }
            rest = rest.dropFirst(word.count)
            return true
        }
        let isNodePort = takes("-nodeport")
        let isExternal = takes("-external")
        guard takes("-"), let slots = Int(rest), slots > 0 else { return nil }
        self.init(isNodePort ? .nodePort : .address, method, isExternal: isExternal, slots: slots)
        guard self.name == name else { return nil }
    }

    /// A draw (or a hash), a look-up and a translation for each family; then the same with the first slot,
    /// which there is as long as there is any endpoint.
    ///
    /// The kernel decides anew at each look-up which generation of the ruleset a packet sees. One
    /// that was led here while the frontend had N endpoints may look for the last slot when there are
    /// N-1: without the second try it would be refused though endpoints are there. A packet that
    /// finds nothing then either had a Service without endpoints.
    package var rules: [Rule] {
        let base = self.isExternal ? Self.firstExternalSlot : 0
        func number(_ kind: Selector.AddressKind) -> Selector {
            switch self.method {
            case .random: .random(modulus: UInt32(self.slots), offset: base)
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
