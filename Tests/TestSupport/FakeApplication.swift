import Nftables

/// How one operation changes the fake kernel's tables, and which errno it is refused with.
enum FakeApplication {
    // Errno values of asm-generic/errno-base.h.
    private static let noSuchEntry: Int32 = 2
    private static let busy: Int32 = 16
    private static let exists: Int32 = 17
    private static let invalid: Int32 = 22
    private static let full: Int32 = 23
    private static let tooManyLinks: Int32 = 31
    private static let notSupported: Int32 = 95

    typealias Tables = [TableReference: FakeKernel.Table]

    static func apply(
        _ operation: Transaction.Operation,
        to reference: TableReference,
        in tables: inout Tables
    ) throws(NftablesError) {
        func refuse(_ number: Int32, element: Int? = nil) -> NftablesError {
            NftablesError(
                .refused, number: number, subject: operation.subject(in: reference, element: element),
                reason: "errno \(number)")
        }
        switch operation {
        // Whose table it is, is between the kernel and its sockets.
        case .addTable, .addOwnedTable:
            if tables[reference] == nil { tables[reference] = FakeKernel.Table() }
            return
        default: break
        }
        guard var table = tables[reference] else { throw refuse(noSuchEntry) }
        switch operation {
        case .addTable, .addOwnedTable:
            break
        case .deleteTable:
            tables[reference] = nil
            return
        case .addChain(let chain):
            if let standing = table.chains[chain.name] {
                // Adding what stands changes nothing; a base chain stays what it is.
                if standing.base != chain.base { throw refuse(chain.base == nil ? exists : notSupported) }
            } else {
                table.chains[chain.name] = chain
            }
        case .deleteChain(let name):
            guard table.chains[name] != nil else { throw refuse(noSuchEntry) }
            let isUsed = self.isLedTo(name, in: table)
            if isUsed || table.rules[name]?.isEmpty == false { throw refuse(busy) }
            table.chains[name] = nil
            table.rules[name] = nil
        case .flushChain(let name):
            guard table.chains[name] != nil else { throw refuse(noSuchEntry) }
            table.rules[name] = nil
        case .addRule(let chain, let rule):
            guard table.chains[chain] != nil else { throw refuse(noSuchEntry) }
            for statement in rule.statements {
                if case .verdict(let verdict) = statement, let target = verdict.chain {
                    guard let standing = table.chains[target] else { throw refuse(noSuchEntry) }
                    if standing.base != nil { throw refuse(notSupported) }
                }
                guard let (name, width, isMap) = self.lookup(statement) else { continue }
                guard let set = table.sets[name] else { throw refuse(noSuchEntry) }
                if case .update = statement, isMap, !set.isMap { throw refuse(notSupported) }
                guard width == set.key.length, isMap == set.isMap else { throw refuse(invalid) }
            }
            table.rules[chain, default: []].append(rule)
        case .deleteRule:
            // Its rules have no handles: nobody can have read one.
            throw refuse(noSuchEntry)
        case .addSet(let set):
            if let standing = table.sets[set.name] {
                if standing.state != set.state { throw refuse(exists) }
            } else {
                table.sets[set.name] = set
            }
        case .deleteSet(let name):
            guard table.sets[name] != nil else { throw refuse(noSuchEntry) }
            let isUsed = table.rules.values.joined().contains {
                $0.statements.contains { self.lookup($0)?.name == name }
            }
            if isUsed { throw refuse(busy) }
            table.sets[name] = nil
            table.elements[name] = nil
        case .addElements(let declared, let elements):
            guard let set = table.sets[declared.name] else { throw refuse(noSuchEntry) }
            for (index, element) in elements.enumerated() {
                if let number = self.add(element, to: set, in: &table) { throw refuse(number, element: index) }
            }
            if self.hasNestedRanges(set, in: table) { throw refuse(exists) }
        case .deleteElements(let declared, let elements):
            guard table.sets[declared.name] != nil else { throw refuse(noSuchEntry) }
            for (index, element) in elements.enumerated() {
                let key = FakeKernel.ElementKey(element)
                guard table.elements[declared.name]?.removeValue(forKey: key) != nil else {
                    throw refuse(noSuchEntry, element: index)
                }
            }
        }
        tables[reference] = table
    }

    private static func add(_ element: Element, to set: NamedSet, in table: inout FakeKernel.Table) -> Int32? {
        guard element.key.count == set.key.length else { return invalid }
        switch (set.data, element.value) {
        case (nil, nil), (.verdict, .verdict): break
        case (.values(let values), .bytes(let bytes)): if bytes.count != values.length { return invalid }
        case (nil, .rangeEnd(let end)):
            guard set.flags.contains(.interval), end.count == set.key.length, element.key <= end else { return invalid }
            let overlaps = (table.elements[set.name] ?? [:]).values.contains { standing in
                guard case .rangeEnd(let last)? = standing.value else { return false }
                // Only whether its ends are in one that stands: a range around another one is let in.
                let hasEnd = [element.key, end].contains { standing.key <= $0 && $0 <= last }
                return hasEnd && !(standing.key == element.key && last == end)
            }
            if overlaps { return exists }
        // The end of a range carries no value even in a map.
        case (_, nil) where element.boundary == .end: break
        default: return invalid
        }
        if case .verdict(let verdict)? = element.value, let target = verdict.chain {
            guard let chain = table.chains[target] else { return noSuchEntry }
            if chain.base != nil { return notSupported }
        }
        if element.timeout != nil, !set.flags.contains(.timeout) { return invalid }
        let key = FakeKernel.ElementKey(element)
        if let standing = table.elements[set.name]?[key] { return standing.value == element.value ? nil : exists }
        if let size = set.size, table.elements[set.name]?.count ?? 0 >= Int(size) { return full }
        table.elements[set.name, default: [:]][key] = element
        return nil
    }

    /// Whether a range of boundaries starts or ends inside of another one.
    private static func hasNestedRanges(_ set: NamedSet, in table: FakeKernel.Table) -> Bool {
        guard set.flags.contains(.interval), set.key.parts.count == 1 else { return false }
        let boundaries = (table.elements[set.name] ?? [:]).values.sorted {
            $0.key != $1.key ? $0.key < $1.key : $0.boundary == .end && $1.boundary != .end
        }
        return zip(boundaries, boundaries.dropFirst()).contains { ($0.boundary == .end) == ($1.boundary == .end) }
    }

    /// Whether a rule or an element leads to the chain.
    private static func isLedTo(_ chain: String, in table: FakeKernel.Table) -> Bool {
        let byRule = table.rules.values.joined().contains { rule in
            rule.statements.contains { if case .verdict(let verdict) = $0 { verdict.chain == chain } else { false } }
        }
        return byRule
            || table.elements.values.contains { elements in
                elements.values.contains {
                    if case .verdict(let verdict)? = $0.value { verdict.chain == chain } else { false }
                }
            }
    }

    /// The set that a statement looks into, the bytes it looks for, and whether it wants a value.
    private static func lookup(_ statement: Statement) -> (name: String, width: Int, isMap: Bool)? {
        func width(_ selectors: [Selector]) -> Int {
            selectors.count == 1
                ? selectors[0].datatype.length : selectors.reduce(0) { $0 + $1.datatype.paddedLength }
        }
        return switch statement {
        case .lookup(let selectors, let set, _): (set, width(selectors), false)
        case .verdictMap(let selectors, let map): (map, width(selectors), true)
        case .destinationNAT(_, let selectors, let map): (map, width(selectors), true)
        case .setAddress(_, _, let selectors, let map): (map, width(selectors), true)
        case .update(let set, let key, let value, _): (set, width(key), !value.isEmpty)
        case .forget(let map, let key, _): (map, width(key), true)
        default: nil
        }
    }

    // MARK: - Validation of the whole

    /// The kernel walks every path from a base chain when a commit could have made a loop.
    static func validate(_ table: FakeKernel.Table?, of reference: TableReference) throws(NftablesError) {
        guard let table else { return }
        for chain in table.chains.values where chain.base != nil {
            guard self.ends(chain.name, in: table, depth: 0) else {
                throw NftablesError(
                    .refused, number: tooManyLinks, subject: "chain \(chain.name) in \(reference)",
                    reason: "errno \(tooManyLinks)")
            }
        }
    }

    /// NFT_JUMP_STACK_SIZE
    private static let deepest = 16

    private static func ends(_ chain: String, in table: FakeKernel.Table, depth: Int) -> Bool {
        guard depth < deepest else { return false }
        for rule in table.rules[chain] ?? [] {
            for statement in rule.statements {
                switch statement {
                case .verdict(let verdict):
                    if let next = verdict.chain, !self.ends(next, in: table, depth: depth + 1) { return false }
                case .verdictMap(_, let map):
                    var targets: Set<String> = []
                    for element in table.elements[map]?.values ?? [:].values {
                        if case .verdict(let verdict)? = element.value, let next = verdict.chain {
                            targets.insert(next)
                        }
                    }
                    for next in targets where !self.ends(next, in: table, depth: depth + 1) { return false }
                default:
                    break
                }
            }
        }
        return true
    }
}
