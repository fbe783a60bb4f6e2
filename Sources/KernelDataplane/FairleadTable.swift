// KernelDataplane: plans in, nf_tables state out. A constant set of rules works on maps that hold
// all state, so a change of a Service is a few elements, whatever the number of Services. The kernel
// is the database: at start it is read back and only the difference is written; while running,
// Fairlead knows what it wrote and never lists anything. Someone else's edit is repaired.
package import Networking
package import Nftables
internal import ServiceModel

/// The sets and maps of the table, one of each per address family.
package struct FairleadSet: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// (address, protocol, port) -> which chain balances it. Comment: the Service port.
        case frontends
        /// (address, protocol, port, slot) -> endpoint address and port.
        case endpoints
        /// (protocol, port) -> which chain balances it. Comment: the Service port.
        case nodeports
        /// (protocol, port, slot) -> endpoint address and port.
        case nodeportEndpoints = "nodeport-endpoints"
        /// Addresses of which every port is a Service's.
        case clusterIPs = "cluster-ips"
        /// The node's addresses on which NodePorts answer.
        case nodeIPs = "node-ips"
        /// Sources that reach a ClusterIP with their own address.
        case podCIDRs = "pod-cidrs"
        /// (source, destination) of an endpoint that reached itself.
        case hairpins
        /// (address, protocol, port) of frontends whose clients are always masqueraded -> verdict.
        case masqueradeFrontends = "masquerade-frontends"
        /// (protocol, port) of NodePorts whose clients are always masqueraded -> verdict.
        case masqueradeNodeports = "masquerade-nodeports"
    }

    package let kind: Kind
    package let family: AddressFamily

    package init(_ kind: Kind, _ family: AddressFamily) {
        self.kind = kind
        self.family = family
    }

    package static let all: [FairleadSet] = Kind.allCases.flatMap { kind in
        AddressFamily.allCases.map { FairleadSet(kind, $0) }
    }

    /// `frontends4`.
    package var name: String { "\(self.kind.rawValue)\(self.family.rawValue)" }

    /// Room for this many elements from the start; a table with more is made anew with more room.
    package var defaultSize: UInt32? {
        switch self.kind {
        case .endpoints: 65536
        case .frontends, .nodeportEndpoints, .hairpins, .clusterIPs: 16384
        case .nodeports, .masqueradeFrontends, .masqueradeNodeports: 4096
        // Ranges live in a tree, which grows; node addresses are few.
        case .nodeIPs, .podCIDRs: nil
        }
    }

    /// The set as the kernel is told of it, with room for `size` elements.
    package func declaration(size: UInt32?) -> NamedSet {
        let kind: Selector.AddressKind = self.family == .ipv4 ? .ipv4 : .ipv6
        let address: Datatype = self.family == .ipv4 ? .ipv4Address : .ipv6Address
        let frontend = Concatenation.types(address, .transportProtocol, .port)
        let nodePort = Concatenation.types(.transportProtocol, .port)
        let endpoint = NamedSet.Yield.values(.typeof(.address(kind, .destination), .destinationPort))
        switch self.kind {
        case .frontends:
            return NamedSet(name: self.name, key: frontend, data: .verdict, hasCounters: true, size: size)
        case .endpoints:
            let key = Concatenation.typeof(
                .address(kind, .destination), .transportProtocol, .destinationPort, .random(modulus: 65536)
            )
            return NamedSet(name: self.name, key: key, data: endpoint, hasCounters: true, size: size)
        case .nodeports:
            return NamedSet(name: self.name, key: nodePort, data: .verdict, hasCounters: true, size: size)
        case .nodeportEndpoints:
            let key = Concatenation.typeof(.transportProtocol, .destinationPort, .random(modulus: 65536))
            return NamedSet(name: self.name, key: key, data: endpoint, hasCounters: true, size: size)
        case .clusterIPs, .nodeIPs:
            return NamedSet(name: self.name, key: .types(address), size: size)
        case .podCIDRs:
            return NamedSet(name: self.name, key: .types(address), flags: .interval)
        case .hairpins:
            return NamedSet(name: self.name, key: .types(address, address), size: size)
        case .masqueradeFrontends:
            return NamedSet(name: self.name, key: frontend, data: .verdict, size: size)
        case .masqueradeNodeports:
            return NamedSet(name: self.name, key: nodePort, data: .verdict, size: size)
        }
    }
}

/// Names of chains, and the constant rules. `rules/base.nft` is this table in the nft language, with
/// what each part is for.
package enum FairleadTable {
    package static let reference = TableReference(.inet, "fairlead")

    /// Refuses a connection to a Service that has no endpoints.
    static let noEndpoints = "no-endpoints"
    /// Refuses what is sent to a ClusterIP on a port that is no frontend.
    static let undefinedPort = "undefined-port"
    static let reject = "reject-connection"
    static let masquerade = "masquerade-source"
    static let services = "services"
    static let translated = "translated"

    /// Chains that choose among N endpoints.
    package enum Balancer: Hashable, Sendable {
        case frontend(Int)
        case nodePort(Int)

        package var name: String {
            switch self {
            case .frontend(let slots): "balance-\(slots)"
            case .nodePort(let slots): "balance-nodeport-\(slots)"
            }
        }

        /// How many endpoints it chooses among.
        package var slots: Int {
            switch self {
            case .frontend(let slots), .nodePort(let slots): slots
            }
        }

        init?(name: String) {
            if name.hasPrefix("balance-nodeport-"), let slots = Int(name.dropFirst(17)) {
                self = .nodePort(slots)
            } else if name.hasPrefix("balance-"), let slots = Int(name.dropFirst(8)) {
                self = .frontend(slots)
            } else {
                return nil
            }
        }

        /// A draw, a look-up and a translation for each family; then the same with slot 0, which there is
        /// as long as there is any endpoint.
        ///
        /// The kernel decides anew at each look-up which generation of the ruleset a packet sees. One
        /// that was led here while the frontend had N endpoints may look for the last slot when there are
        /// N-1: without the second try it would be refused though endpoints are there. A packet that
        /// finds nothing then either had a Service without endpoints.
        package var rules: [Rule] {
            func rule(_ family: AddressFamily, _ slots: Int) -> Rule {
                let kind: Selector.AddressKind = family == .ipv4 ? .ipv4 : .ipv6
                let key: [Selector] = [.transportProtocol, .destinationPort, .random(modulus: UInt32(slots))]
                switch self {
                case .frontend:
                    let map = FairleadSet(.endpoints, family).name
                    return Rule(.destinationNAT(kind, [.address(kind, .destination)] + key, map: map))
                case .nodePort:
                    let map = FairleadSet(.nodeportEndpoints, family).name
                    return Rule(.networkProtocol(kind), .destinationNAT(kind, key, map: map))
                }
            }
            let families = AddressFamily.allCases
            return families.map { rule($0, self.slots) } + families.map { rule($0, 1) }
                + [Rule(.verdict(.goto(FairleadTable.noEndpoints)))]
        }
    }

    /// The chains that are always there, with their rules.
    package static let chains: [(chain: Chain, rules: [Rule])] = [
        (
            Chain(name: reject),
            [
                // A reset is what a host answers for a closed port; it is not rate limited, ICMP errors are.
                Rule(.transportProtocol(.tcp), .reject(.tcpReset)),
                Rule(.reject(.portUnreachable)),
            ]
        ),
        (Chain(name: noEndpoints), [Rule(.counter, .verdict(.goto(reject)))]),
        (Chain(name: undefinedPort), [Rule(.counter, .verdict(.goto(reject)))]),
        (Chain(name: masquerade), [Rule(.masquerade)]),
        (Chain(name: services), AddressFamily.allCases.flatMap(Self.serviceRules)),
        (Chain(name: translated), AddressFamily.allCases.flatMap(Self.translatedRules)),
        (
            Chain(name: "prerouting", base: Chain.Base(.nat, .prerouting, priority: -100)),
            [Rule(.verdict(.jump(services)))]
        ),
        (
            Chain(name: "output", base: Chain.Base(.nat, .output, priority: -100)),
            [Rule(.verdict(.jump(services)))]
        ),
        (
            Chain(name: "postrouting", base: Chain.Base(.nat, .postrouting, priority: 100)),
            [Rule(.destinationTranslated, .verdict(.jump(translated)))]
        ),
    ]

    /// Whether a connection is for a Service, and which.
    private static func serviceRules(_ family: AddressFamily) -> [Rule] {
        let destination = Selector.address(family == .ipv4 ? .ipv4 : .ipv6, .destination)
        func name(_ set: FairleadSet.Kind) -> String { FairleadSet(set, family).name }
        return [
            Rule(.verdictMap([destination, .transportProtocol, .destinationPort], map: name(.frontends))),
            Rule(.lookup([destination], set: name(.clusterIPs)), .verdict(.goto(undefinedPort))),
            Rule(
                .lookup([destination], set: name(.nodeIPs)),
                .verdictMap([.transportProtocol, .destinationPort], map: name(.nodeports))),
        ]
    }

    /// Whether a connection whose destination was translated gets this node's address as its source.
    private static func translatedRules(_ family: AddressFamily) -> [Rule] {
        let kind: Selector.AddressKind = family == .ipv4 ? .ipv4 : .ipv6
        let source = Selector.address(kind, .source)
        let original = Selector.originalDestination(kind)
        func name(_ set: FairleadSet.Kind) -> String { FairleadSet(set, family).name }
        return [
            Rule(
                .lookup([source, .address(kind, .destination)], set: name(.hairpins)), .verdict(.goto(masquerade))),
            Rule(
                .lookup([original], set: name(.clusterIPs)), .lookup([source], set: name(.podCIDRs), isInverted: true),
                .verdict(.goto(masquerade))),
        ]
            + TransportProtocol.allCases.flatMap { transport in
                // nft types `ct original proto-dst` only once the protocol is known.
                [
                    Rule(
                        .transportProtocol(transport),
                        .verdictMap(
                            [original, .transportProtocol, .originalDestinationPort],
                            map: name(.masqueradeFrontends))),
                    Rule(
                        .transportProtocol(transport), .lookup([original], set: name(.nodeIPs)),
                        .verdictMap(
                            [.transportProtocol, .originalDestinationPort], map: name(.masqueradeNodeports))),
                ]
            }
    }
}
