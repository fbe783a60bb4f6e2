// TestSupport: what several test targets share. The fake kernel applies transactions in memory and
// refuses what the real one refuses; a conformance suite runs the same cases on both.
public import Nftables

/// An nf_tables in memory: same protocol, same refusals, no privilege.
public final class FakeKernel: NftablesKernel {
    struct Table {
        var chains: [String: Chain] = [:]
        var rules: [String: [Rule]] = [:]
        var sets: [String: NamedSet] = [:]
        var elements: [String: [ElementKey: Element]] = [:]
    }

    /// A range's end may have the same bytes as another range's start.
    struct ElementKey: Hashable {
        let bytes: ElementBytes
        let isEnd: Bool

        init(_ element: Element) {
            self.bytes = element.key
            self.isEnd = element.boundary == .end
        }
    }

    private(set) var tables: [TableReference: Table] = [:]
    private var generationCount: UInt32 = 1
    /// Every transaction that was committed, in order.
    public private(set) var committed: [Transaction] = []
    /// Answers that the next commits get instead of being applied.
    public var failures: [NftablesError] = []
    /// Runs just before a commit, as another program would.
    public var beforeCommit: (() -> Void)?

    public init() {}

    public func commit(_ transaction: Transaction) throws(NftablesError) -> CommitReceipt {
        guard !transaction.isEmpty else { return CommitReceipt(bytes: 0, messages: 0) }
        if let beforeCommit {
            self.beforeCommit = nil
            beforeCommit()
        }
        if !self.failures.isEmpty { throw self.failures.removeFirst() }
        if let expected = transaction.expectedGeneration, expected != self.generationCount {
            throw NftablesError(
                .changedMeanwhile, number: 85, subject: "\(transaction.table)",
                reason: "another program changed the ruleset meanwhile")
        }
        var tables = self.tables
        for operation in transaction.operations {
            try FakeApplication.apply(operation, to: transaction.table, in: &tables)
        }
        try FakeApplication.validate(tables[transaction.table], of: transaction.table)
        self.tables = tables
        self.generationCount += 1
        self.committed.append(transaction)
        return CommitReceipt(bytes: transaction.elementOperationCount * 64, messages: transaction.operations.count + 2)
    }

    public func generation() throws(NftablesError) -> UInt32 { self.generationCount }

    public func snapshot(
        of reference: TableReference, _ scope: SnapshotScope
    ) throws(NftablesError) -> TableSnapshot? {
        guard let table = self.tables[reference] else { return nil }
        var snapshot = TableSnapshot(table: reference, generation: self.generationCount)
        snapshot.chains = table.chains
        for (chain, rules) in table.rules where !rules.isEmpty {
            snapshot.rules[chain] = rules.map {
                TableSnapshot.RuleState(expressions: $0.expressions(in: reference.family))
            }
        }
        for (name, set) in table.sets {
            snapshot.sets[name] = set.state
            // What rules put into a set is left out, as the real kernel's snapshot leaves it out.
            guard !set.flags.contains(.dynamic) else { continue }
            let elements = table.elements[name] ?? [:]
            switch scope {
            case .all: snapshot.elements[name] = Array(elements.values)
            case .elements(let wanted):
                snapshot.elements[name] = wanted[name]?.compactMap { elements[ElementKey($0)] }
            }
        }
        return snapshot
    }

    public func counters(of set: NamedSet, in table: TableReference) throws(NftablesError) -> [ElementBytes: Counter] {
        guard set.hasCounters else { return [:] }
        var counters: [ElementBytes: Counter] = [:]
        for key in self.tables[table]?.elements[set.name]?.keys ?? [:].keys {
            counters[key.bytes] = Counter(packets: 0, bytes: 0)
        }
        return counters
    }
}
