/// A table of iptables' own kernel interface, as `iptables-legacy-save` prints it: its chains, and the
/// rules that may lead to others. Nothing but iptables' programs reads that interface: the kernel gives
/// out structures of which each extension knows its own part.
struct LegacyTable: Sendable, Hashable {
    enum Family: Sendable, Hashable, CaseIterable {
        case ipv4
        case ipv6

        /// The file of /proc/net that names the tables that exist in a namespace.
        var listOfTables: String { self == .ipv4 ? "ip_tables_names" : "ip6_tables_names" }

        /// The name of a program for this family: ip6tables for iptables.
        func program(_ name: String) -> String {
            self == .ipv4 ? name : name.replacing("iptables", with: "ip6tables", maxReplacements: 1)
        }
    }

    /// A rule that ends in a `-j` or `-g`.
    struct Rule: Sendable, Hashable {
        let chain: String
        let target: String
        /// What follows `-A CHAIN `.
        let specification: String
    }

    let name: String
    var chains: [String] = []
    var rules: [Rule] = []

    /// The tables of one listing.
    static func parse(_ listing: String) -> [LegacyTable] {
        var tables: [LegacyTable] = []
        for line in listing.split(separator: "\n") {
            switch line.first {
            case "*": tables.append(LegacyTable(name: String(line.dropFirst())))
            case ":":
                guard !tables.isEmpty else { continue }
                tables[tables.count - 1].chains.append(String(line.dropFirst().prefix { $0 != " " }))
            case "-":
                guard !tables.isEmpty, let rule = Rule(line) else { continue }
                tables[tables.count - 1].rules.append(rule)
            default: continue  // comments, COMMIT
            }
        }
        return tables
    }
}

extension LegacyTable.Rule {
    /// Nil unless the line appends a rule that leads to a chain: then the last two words say so, as nothing
    /// follows the name of a chain that is jumped to. (`-j` elsewhere may be a word of a comment.)
    fileprivate init?(_ line: Substring) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 4, words[0] == "-A", words[words.count - 2] == "-j" || words[words.count - 2] == "-g"
        else { return nil }
        self.chain = String(words[1])
        self.target = String(words[words.count - 1])
        self.specification = String(line[words[2].startIndex...])
    }
}

extension KubeProxyChains<LegacyTable.Rule> {
    init?(in table: LegacyTable) {
        self.init(of: table.chains, jumps: table.rules, chain: \.chain, target: \.target)
    }

    /// What `iptables-legacy-restore --noflush` reads to take them out of the table, all at once.
    func removal(from table: String) -> String {
        var text = "*\(table)\n"
        for rule in self.jumps { text += "-D \(rule.chain) \(rule.specification)\n" }
        for chain in self.chains { text += "-F \(chain)\n" }
        for chain in self.chains { text += "-X \(chain)\n" }
        return text + "COMMIT\n"
    }
}
