/// A whole table as a value: what a program wants the kernel to hold.
public struct Ruleset: Sendable {
    public let table: TableReference
    /// In the order in which they are created.
    public var sets: [NamedSet]
    /// In the order in which they are created, with their rules. A chain may jump to any other.
    public var chains: [(chain: Chain, rules: [Rule])]
    /// By set name.
    public var elements: [String: [Element]]

    public init(
        table: TableReference,
        sets: [NamedSet],
        chains: [(chain: Chain, rules: [Rule])],
        elements: [String: [Element]] = [:]
    ) {
        self.table = table
        self.sets = sets
        self.chains = chains
        self.elements = elements
    }

    /// A transaction that makes the kernel's table this one, whatever stood there before.
    ///
    /// - Parameter table: to be that, instead of its own.
    public func replacement(of table: TableReference? = nil) -> Transaction {
        var transaction = Transaction(table ?? self.table)
        // Adding first makes the deletion succeed where there is no such table.
        transaction.append(.addTable)
        transaction.append(.deleteTable)
        transaction.append(.addTable)
        // Chains before the elements and rules that lead to them.
        for (chain, _) in self.chains { transaction.append(.addChain(chain)) }
        for set in self.sets {
            transaction.append(.addSet(set))
            transaction.add(self.elements[set.name] ?? [], to: set)
        }
        for (chain, rules) in self.chains {
            for rule in rules { transaction.append(.addRule(chain: chain.name, rule)) }
        }
        return transaction
    }

    /// The table in the nft language, in the layout of `nft -s list`, elements sorted by key, one a
    /// line. `nft -f` loads it.
    public func text() -> String {
        var lines = ["\(self.table) {"]
        for set in self.sets {
            lines.append("\t\(set.isMap ? "map" : "set") \(set.name) {")
            lines.append(contentsOf: set.declarationLines.map { "\t\t\($0)" })
            let elements = set.texts(of: self.elements[set.name] ?? [])
            if !elements.isEmpty {
                lines.append("\t\telements = {")
                lines.append(contentsOf: elements.map { "\t\t\t\($0)," })
                lines.append("\t\t}")
            }
            lines.append("\t}")
            lines.append("")
        }
        for (chain, rules) in self.chains {
            lines.append("\tchain \(chain.name) {")
            if let base = chain.base {
                lines.append(
                    "\t\ttype \(base.kind.rawValue) hook \(base.hook) priority \(base.priorityText); policy accept;"
                )
            }
            lines.append(contentsOf: rules.map { "\t\t\($0.text)" })
            lines.append("\t}")
            lines.append("")
        }
        lines.removeLast()
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Chain.Base {
    /// Named priorities where `nft` knows a name for this hook; `dstnat` is one of prerouting only.
    fileprivate var priorityText: String {
        switch (self.priority, self.hook) {
        case (0, _): "filter"
        case (-100, .prerouting): "dstnat"
        case (100, .postrouting): "srcnat"
        default: "\(self.priority)"
        }
    }
}

extension NamedSet {
    fileprivate var declarationLines: [String] {
        var declaration = "\(self.key.isTypeof ? "typeof" : "type") \(self.key.declaration)"
        switch self.data {
        case nil: break
        case .verdict: declaration += " : verdict"
        case .values(let values): declaration += " : \(values.declaration)"
        }
        var lines = [declaration]
        if let size { lines.append("size \(size)") }
        var flags: [String] = []
        if self.flags.contains(.interval) { flags.append("interval") }
        if self.flags.contains(.timeout) { flags.append("timeout") }
        if self.flags.contains(.dynamic) { flags.append("dynamic") }
        if !flags.isEmpty { lines.append("flags \(flags.joined(separator: ","))") }
        if let timeout { lines.append("timeout \(timeout)ms") }
        if self.hasCounters { lines.append("counter") }
        if let comment { lines.append("comment \"\(comment)\"") }
        return lines
    }
}
