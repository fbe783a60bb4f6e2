internal import Nftables

/// What kube-proxy left in a network namespace, of whichever of its modes, and what could not be found
/// out. A value: it says what of a listing is kube-proxy's, it looks at nothing itself.
struct KubeProxyLeftovers: Sendable, Hashable {
    /// What is removed at one go.
    enum Part: Sendable, Hashable {
        /// A table of nftables mode.
        case table(TableReference, chains: Int)
        /// Chains among those of others, made by iptables as it is today, over nf_tables.
        case chains(TableReference, KubeProxyChains<TableOutline.Jump>)
        /// The same, made by iptables over its own kernel interface.
        case legacyChains(LegacyTable.Family, table: String, KubeProxyChains<LegacyTable.Rule>)
        /// Virtual servers of ipvs mode and the interface that holds their addresses.
        case virtualServers(Int)
    }

    var parts: [Part] = []
    /// What could not be looked at, and why.
    var obstacles: [String] = []

    /// The interface of ipvs mode.
    static let interface = "kube-ipvs0"
    /// The tables of iptables that kube-proxy has chains in.
    static let iptablesTables: Set<String> = ["nat", "filter", "mangle"]

    /// The tables of nftables mode. One of the family `inet` is somebody else's.
    static func isOwn(_ table: TableReference) -> Bool {
        table.name == "kube-proxy" && table.family != .inet
    }

    /// Whether iptables over nf_tables makes the table, and kube-proxy uses it.
    static func isShared(_ table: TableReference) -> Bool {
        table.family != .inet && self.iptablesTables.contains(table.name)
    }
}

/// Chains of kube-proxy by their names.
///
/// Not the kubelet's, which begin with KUBE- as well: KUBE-FIREWALL, KUBE-KUBELET-CANARY,
/// KUBE-IPTABLES-HINT, KUBE-MARK-DROP. What is not in these lists is not kube-proxy's.
enum KubeProxyChainNames {
    /// Those of iptables mode, then those that ipvs mode has beside them.
    private static let names: Set<String> = [
        "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ",
        "KUBE-FORWARD", "KUBE-PROXY-FIREWALL", "KUBE-PROXY-CANARY",
        "KUBE-LOAD-BALANCER", "KUBE-NODE-PORT", "KUBE-SOURCE-RANGES-FIREWALL", "KUBE-IPVS-FILTER",
        "KUBE-IPVS-OUT-FILTER",
    ]

    /// One for each Service port, endpoint or protocol.
    private static let prefixes = [
        "KUBE-SVC-", "KUBE-SEP-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-XLB-", "KUBE-NODE-PORT-",
    ]

    static func contain(_ chain: String) -> Bool {
        guard chain.hasPrefix("KUBE-") else { return false }
        return self.names.contains(chain) || self.prefixes.contains { chain.hasPrefix($0) }
    }
}

/// The chains of kube-proxy in a table, and the rules of others' chains that lead to them.
struct KubeProxyChains<Jump: Sendable & Hashable>: Sendable, Hashable {
    var chains: [String]
    var jumps: [Jump]
}

extension KubeProxyChains {
    /// Nil if none is kube-proxy's.
    init?(of chains: some Sequence<String>, jumps: [Jump], chain: (Jump) -> String, target: (Jump) -> String) {
        self.chains = chains.filter(KubeProxyChainNames.contain).sorted()
        guard !self.chains.isEmpty else { return nil }
        // A rule inside one of them goes with its chain.
        self.jumps = jumps.filter {
            !KubeProxyChainNames.contain(chain($0)) && KubeProxyChainNames.contain(target($0))
        }
    }
}

extension KubeProxyChains<TableOutline.Jump> {
    init?(in outline: TableOutline) {
        self.init(of: outline.chains, jumps: outline.jumps, chain: \.chain, target: \.target)
    }

    /// Deletes the rules that lead there, each once though it may lead there twice, then the chains: all are
    /// emptied before the first goes, as they lead to each other.
    func removal(from table: TableReference, generation: UInt32) -> Transaction {
        var transaction = Transaction(table)
        transaction.expectedGeneration = generation
        var handles: Set<UInt64> = []
        for jump in self.jumps where handles.insert(jump.handle).inserted {
            transaction.append(.deleteRule(chain: jump.chain, handle: jump.handle))
        }
        for chain in self.chains { transaction.append(.flushChain(chain)) }
        for chain in self.chains { transaction.append(.deleteChain(chain)) }
        return transaction
    }
}

extension KubeProxyLeftovers.Part: CustomStringConvertible {
    /// What it is and how much: for the log.
    var description: String {
        switch self {
        case .table(let table, let chains): "\(table) with \(Self.count(chains, "chain"))"
        case .chains(let table, let part): "\(Self.text(part)) in \(table)"
        case .legacyChains(let family, let table, let part):
            "\(Self.text(part)) in table \(table) of \(family.program("iptables-legacy"))"
        case .virtualServers(let count):
            "\(Self.count(count, "IPVS virtual server")) and interface \(KubeProxyLeftovers.interface)"
        }
    }

    private static func text<Jump>(_ part: KubeProxyChains<Jump>) -> String {
        "\(self.count(part.chains.count, "chain")) and \(self.count(part.jumps.count, "rule")) that lead there"
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
}
