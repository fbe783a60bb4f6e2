internal import CNetfilter

// Reading tables of others. Attributes are read as the kernel sends them and not through libnftnl, which
// gives up on a whole rule when one of its expressions is newer than the library. Unsafe invariants of
// this file: attributes are only looked at within the closures that lend them, strings are copied.

extension NetlinkKernel {
    /// Every table of the families that a ``TableReference`` can name, whoever made it.
    public func tables() throws(NftablesError) -> [TableReference] {
        for _ in 0..<Self.dumpAttempts {
            var tables: [TableReference] = []
            let isConsistent = try unsafe self.request(
                NFT_MSG_GETTABLE.rawValue, family: 0, flags: NLM_F_DUMP, subject: "tables"
            ) { _ in
            } _: { header in
                guard let family = unsafe ReplyReader.family(header),
                    let name = unsafe Self.name(header, NFTA_TABLE_NAME)
                else { return }
                tables.append(TableReference(family, name))
            }
            if isConsistent { return tables }
        }
        throw .neverAtRest("tables")
    }

    /// The table's chains and jumps, taken from one generation; empty if there is no such table.
    public func outline(of table: TableReference) throws(NftablesError) -> TableOutline {
        for _ in 0..<Self.dumpAttempts {
            var outline = TableOutline(table: table, generation: try self.generation())
            guard try self.dumpChains(into: &outline), try self.dumpRules(into: &outline),
                try self.generation() == outline.generation
            else { continue }
            return outline
        }
        throw .neverAtRest("\(table)")
    }

    private func dumpChains(into outline: inout TableOutline) throws(NftablesError) -> Bool {
        let table = outline.table
        var chains: Set<String> = []
        var bases: [TableOutline.BaseChain] = []
        let isConsistent = try unsafe self.request(
            NFT_MSG_GETCHAIN.rawValue, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "chains of \(table)"
        ) { _ in
        } _: { header in
            guard unsafe Self.name(header, NFTA_CHAIN_TABLE) == table.name,
                let name = unsafe Self.name(header, NFTA_CHAIN_NAME)
            else { return }
            chains.insert(name)
            if let base = unsafe Self.base(header, name) { bases.append(base) }
        }
        outline.chains = chains
        outline.baseChains = bases
        return isConsistent
    }

    /// What a chain's hook and policy say; nil of a chain without a hook, or with one that has no name here.
    private static func base(_ header: UnsafePointer<nlmsghdr>, _ name: String) -> TableOutline.BaseChain? {
        var hook: Chain.Base.Hook?
        var priority: Int32 = 0
        var dropsByDefault = false
        unsafe ReplyReader.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { attribute in
            switch unsafe UInt32(mnl_attr_get_type(attribute)) {
            case NFTA_CHAIN_HOOK.rawValue:
                let number = unsafe self.number(NFTA_HOOK_HOOKNUM.rawValue, in: attribute)
                hook = number.flatMap(Chain.Base.Hook.init)
                priority =
                    unsafe self.number(NFTA_HOOK_PRIORITY.rawValue, in: attribute).map(Int32.init(bitPattern:)) ?? 0
            case NFTA_CHAIN_POLICY.rawValue:
                // NF_DROP of linux/netfilter.h.
                dropsByDefault = unsafe ReplyReader.number(attribute) == 0
            default: break
            }
        }
        return hook.map { .init(name: name, hook: $0, priority: priority, dropsByDefault: dropsByDefault) }
    }

    private func dumpRules(into outline: inout TableOutline) throws(NftablesError) -> Bool {
        let table = outline.table
        let handle = RuleHandle(table: table.name, chain: nil)
        var jumps: [TableOutline.Jump] = []
        var denials: [TableOutline.Denial] = []
        let isConsistent = try unsafe self.request(
            NFT_MSG_GETRULE.rawValue, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "rules of \(table)"
        ) { message in
            unsafe handle.build(message)
        } _: { header in
            var number: UInt64?
            var targets: [String] = []
            var denial: TableOutline.Denial.Kind?
            unsafe ReplyReader.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { attribute in
                switch unsafe UInt32(mnl_attr_get_type(attribute)) {
                case NFTA_RULE_HANDLE.rawValue: number = unsafe ReplyReader.wideNumber(attribute)
                case NFTA_RULE_EXPRESSIONS.rawValue:
                    unsafe ReplyReader.forEachAttribute(in: attribute) { expression in
                        if let target = unsafe Self.target(expression) { targets.append(target) }
                        if let kind = unsafe Self.denial(expression) { denial = kind }
                    }
                default: break
                }
            }
            guard let number, !targets.isEmpty || denial != nil,
                unsafe Self.name(header, NFTA_RULE_TABLE) == table.name,
                let chain = unsafe Self.name(header, NFTA_RULE_CHAIN)
            else { return }
            for target in targets { jumps.append(TableOutline.Jump(chain: chain, handle: number, target: target)) }
            if let denial { denials.append(TableOutline.Denial(chain: chain, handle: number, kind: denial)) }
        }
        outline.jumps = jumps
        outline.denials = denials
        return isConsistent
    }

    /// The chain that an expression leads to, which only `jump` and `goto` have.
    private static func target(_ expression: UnsafePointer<nlattr>) -> String? {
        guard let verdict = unsafe self.verdict(expression),
            let chain = unsafe ReplyReader.attribute(NFTA_VERDICT_CHAIN.rawValue, in: verdict)
        else { return nil }
        return unsafe ReplyReader.text(chain)
    }

    /// Of an `immediate` expression the data, of that the verdict.
    private static func verdict(_ expression: UnsafePointer<nlattr>) -> UnsafePointer<nlattr>? {
        guard let name = unsafe ReplyReader.attribute(NFTA_EXPR_NAME.rawValue, in: expression),
            unsafe ReplyReader.text(name) == "immediate",
            let data = unsafe ReplyReader.attribute(NFTA_EXPR_DATA.rawValue, in: expression),
            let value = unsafe ReplyReader.attribute(NFTA_IMMEDIATE_DATA.rawValue, in: data)
        else { return nil }
        return unsafe ReplyReader.attribute(NFTA_DATA_VERDICT.rawValue, in: value)
    }

    /// Whether an expression ends packets: the verdict NF_DROP (linux/netfilter.h), or `reject`.
    private static func denial(_ expression: UnsafePointer<nlattr>) -> TableOutline.Denial.Kind? {
        if let name = unsafe ReplyReader.attribute(NFTA_EXPR_NAME.rawValue, in: expression),
            unsafe ReplyReader.text(name) == "reject"
        {
            return .reject
        }
        guard let verdict = unsafe self.verdict(expression),
            unsafe self.number(NFTA_VERDICT_CODE.rawValue, in: verdict) == 0
        else { return nil }
        return .drop
    }

    private static func number(_ type: UInt32, in nest: UnsafePointer<nlattr>) -> UInt32? {
        guard let attribute = unsafe ReplyReader.attribute(type, in: nest) else { return nil }
        return unsafe ReplyReader.number(attribute)
    }

    // MARK: - Attributes

    /// A message's own attribute that is a name.
    private static func name<Attribute: RawRepresentable<UInt32>>(
        _ header: UnsafePointer<nlmsghdr>, _ type: Attribute
    ) -> String? {
        var name: String?
        unsafe ReplyReader.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { attribute in
            guard unsafe UInt32(mnl_attr_get_type(attribute)) == type.rawValue else { return }
            name = unsafe ReplyReader.text(attribute)
        }
        return name
    }
}
