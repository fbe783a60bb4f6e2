// KernelDataplane: plans in, nf_tables state out. A constant set of rules works on maps that hold
// all state, so a change of a Service is a few elements, whatever the number of Services. The kernel
// is the database: at start it is read back and only the difference is written; while running,
// Fairlead knows what it wrote and never lists anything. Someone else's edit is repaired.
internal import Networking
package import Nftables
internal import ServiceModel

/// Names of chains, and the constant rules. `rules/base.nft` is this table in the nft language, with
/// what each part is for.
package enum FairleadTable {
    package static let reference = TableReference(.inet, "fairlead")

    /// Refuses a connection to a Service that has no endpoints.
    static let noEndpoints = "no-endpoints"
    /// Refuses what is sent to a ClusterIP on a port that is no frontend.
    static let undefinedPort = "undefined-port"
    /// Drops a connection whose policy wants an endpoint here, when there are some only elsewhere.
    static let noLocalEndpoints = "no-local-endpoints"
    /// Drops what is sent to a ClusterIP that is nobody's.
    static let unallocatedAddress = "unallocated-address"
    /// Drops a connection from a source that may not use the load balancer's address.
    static let deniedSource = "denied-source"
    static let reject = "reject-connection"
    static let refusal = "send-refusal"
    static let masquerade = "masquerade-source"
    static let masqueradeOwn = "masquerade-own-source"
    static let admission = "admission"
    static let trafficPolicy = "traffic-policy"
    static let internalTraffic = "internal-traffic"
    static let services = "services"
    static let translated = "translated"

    /// The chains that are always there, with their rules.
    package static func chains(_ node: NodeSettings) -> [(chain: Chain, rules: [Rule])] {
        self.verdicts + self.decisions(node) + [
            (
                Chain(name: "prerouting", base: Chain.Base(.nat, .prerouting, priority: -100)),
                [self.balancersOwn] + self.podLearning(node) + [Rule(.verdict(.jump(services)))]
            ),
            (
                Chain(name: "output", base: Chain.Base(.nat, .output, priority: -100)),
                [self.balancersOwn, Rule(.verdict(.jump(services)))]
            ),
            (
                Chain(name: "postrouting", base: Chain.Base(.nat, .postrouting, priority: 100)),
                [Rule(.destinationTranslated, .verdict(.jump(translated)))]
            ),
        ]
    }

    /// Connections that the userspace balancer took at addresses of this host, before the kernel could: connection tracking
    /// meets them in the middle, and they stay where they are. At other addresses nobody could answer.
    private static let balancersOwn = Rule(.segmentWithoutSYN, .isLocal(.destination), .verdict(.accept))

    /// What becomes of a connection at last.
    private static let verdicts: [(chain: Chain, rules: [Rule])] = [
        (
            // By a map, so that nobody is refused by a table that is being taken away: from one moment to the next its maps are empty,
            // while its sets keep their elements for the packets that are still among its rules. Whose frontend is not found then is
            // passed on, and sends its first segment again.
            Chain(name: reject),
            AddressFamily.allCases.map {
                Rule(.verdictMap([.networkProtocol], map: FairleadSet(.refusals, $0).name))
            }
        ),
        (
            Chain(name: refusal),
            [
                // A reset is what a host answers for a closed port; it is not rate limited, ICMP errors are.
                Rule(.transportProtocol(.tcp), .reject(.tcpReset)),
                Rule(.reject(.portUnreachable)),
            ]
        ),
        (Chain(name: noEndpoints), [Rule(.counter, .verdict(.goto(reject)))]),
        (Chain(name: undefinedPort), [Rule(.counter, .verdict(.goto(reject)))]),
        (Chain(name: noLocalEndpoints), [Rule(.counter, .verdict(.drop))]),
        (Chain(name: unallocatedAddress), [Rule(.counter, .verdict(.drop))]),
        (Chain(name: deniedSource), [Rule(.counter, .verdict(.drop))]),
        (Chain(name: masquerade), [Rule(.masquerade)]),
        (Chain(name: masqueradeOwn), [Rule(.isLocal(.source), .verdict(.goto(masquerade)))]),
    ]

    private static func decisions(_ node: NodeSettings) -> [(chain: Chain, rules: [Rule])] {
        [
            (
                Chain(name: internalTraffic),
                verdictMaps(.internalFrontends, .internalNodeports) + [Rule(.verdict(.goto(noEndpoints)))]
            ),
            (
                Chain(name: trafficPolicy),
                AddressFamily.allCases.flatMap(Self.podRules) + [
                    Rule(.isLocal(.source), .verdict(.goto(internalTraffic)))
                ] + verdictMaps(.externalFrontends, .externalNodeports) + [Rule(.verdict(.goto(noEndpoints)))]
            ),
            (
                Chain(name: admission),
                AddressFamily.allCases.map(Self.admissionRule) + [Rule(.verdict(.goto(deniedSource)))]
            ),
            (Chain(name: services), AddressFamily.allCases.flatMap(Self.serviceRules)),
            (Chain(name: translated), AddressFamily.allCases.flatMap { self.translatedRules($0, node) }),
        ]
    }

    /// How long the address of a pod that is known by its interface is remembered: from the first
    /// packet's arrival to its departure is enough.
    private static let podMemory: UInt32 = 60

    /// Where pods are known by their interface, the addresses they come from are noted: when a packet
    /// leaves, by which interface it came is no longer to be seen.
    private static func podLearning(_ node: NodeSettings) -> [Rule] {
        guard case .interface(let name) = node.pods else { return [] }
        return AddressFamily.allCases.map { family in
            Rule(
                .inputInterface(name),
                .update(
                    set: FairleadSet(.podAddresses, family).name, [.address(Selector.AddressKind(family), .source)],
                    timeout: podMemory))
        }
    }

    /// Pods' connections are this node's own business.
    private static func podRules(_ family: AddressFamily) -> [Rule] {
        [FairleadSet.Kind.podCIDRs, .podAddresses].map { kind in
            Rule(
                .lookup([.address(Selector.AddressKind(family), .source)], set: FairleadSet(kind, family).name),
                .verdict(.goto(internalTraffic)))
        }
    }

    private static func frontendKey(_ family: AddressFamily) -> [Selector] {
        [.address(Selector.AddressKind(family), .destination), .transportProtocol, .destinationPort]
    }

    private static func verdictMaps(_ frontends: FairleadSet.Kind, _ nodePorts: FairleadSet.Kind) -> [Rule] {
        AddressFamily.allCases.flatMap { family in
            [
                Rule(.verdictMap(self.frontendKey(family), map: FairleadSet(frontends, family).name)),
                Rule(
                    .networkProtocol(Selector.AddressKind(family)),
                    .verdictMap([.transportProtocol, .destinationPort], map: FairleadSet(nodePorts, family).name)),
            ]
        }
    }

    private static func admissionRule(_ family: AddressFamily) -> Rule {
        let key = self.frontendKey(family)
        return Rule(
            .lookup(
                key + [.address(Selector.AddressKind(family), .source)],
                set: FairleadSet(.admittedSources, family).name),
            .verdictMap(key, map: FairleadSet(.admittedFrontends, family).name))
    }

    /// Whether a connection is for a Service, and which.
    private static func serviceRules(_ family: AddressFamily) -> [Rule] {
        let destination = Selector.address(Selector.AddressKind(family), .destination)
        func name(_ set: FairleadSet.Kind) -> String { FairleadSet(set, family).name }
        return [
            Rule(.verdictMap(self.frontendKey(family), map: name(.frontends))),
            Rule(.lookup([destination], set: name(.clusterIPs)), .verdict(.goto(undefinedPort))),
            // An address that is nobody's but this host's is the host's business.
            Rule(
                .lookup([destination], set: name(.serviceCIDRs)), .isLocal(.destination, isInverted: true),
                .verdict(.goto(unallocatedAddress))),
            Rule(
                .lookup([destination], set: name(.nodeIPs)),
                .verdictMap([.transportProtocol, .destinationPort], map: name(.nodeports))),
        ]
    }

    /// Whether a connection whose destination was translated gets this node's address as its source.
    private static func translatedRules(_ family: AddressFamily, _ node: NodeSettings) -> [Rule] {
        let kind = Selector.AddressKind(family)
        let source = Selector.address(kind, .source)
        let original = Selector.originalAddress(kind, .destination)
        var knownPods: [Statement] = []
        if case .interface = node.pods, !node.masqueradeAll {
            knownPods = [.lookup([source], set: FairleadSet(.podAddresses, family).name, isInverted: true)]
        }
        func name(_ set: FairleadSet.Kind) -> String { FairleadSet(set, family).name }
        return [
            Rule(
                .lookup([source, .address(kind, .destination)], set: name(.hairpins)), .verdict(.goto(masquerade)))
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
            } + [
                // After the maps, which may say otherwise for one port of a ClusterIP.
                Rule(
                    [
                        .lookup([original], set: name(.clusterIPs)),
                        .lookup([source], set: name(.plainSources), isInverted: true),
                    ] + knownPods + [.verdict(.goto(masquerade))])
            ]
    }
}
