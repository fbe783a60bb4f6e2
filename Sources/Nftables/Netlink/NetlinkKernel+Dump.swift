internal import CNetfilter
internal import Glibc

// Reading the kernel back. Unsafe invariants of this file: libnftnl objects are made, parsed into
// and freed within one closure; what they lend (names, keys) is copied before.

extension NetlinkKernel {
    public func generation() throws(NftablesError) -> UInt32 {
        var generation: UInt32 = 0
        _ = try unsafe self.request(
            NFT_MSG_GETGEN.rawValue, family: 0, flags: NLM_F_ACK, subject: "ruleset generation"
        ) { _ in
        } _: { header in
            guard let parsed = unsafe nftnl_gen_alloc() else { return }
            if unsafe nftnl_gen_nlmsg_parse(header, parsed) == 0 {
                generation = unsafe nftnl_gen_get_u32(parsed, UInt16(NFTNL_GEN_ID))
            }
            unsafe nftnl_gen_free(parsed)
        }
        return generation
    }

    public func snapshot(of table: TableReference, _ scope: SnapshotScope) throws(NftablesError) -> TableSnapshot? {
        for _ in 0..<Self.dumpAttempts {
            let generation = try self.generation()
            do throws(NftablesError) {
                var snapshot = TableSnapshot(table: table, generation: generation)
                guard try self.dumpTable(into: &snapshot) else { return nil }
                guard try self.dumpOthers(into: &snapshot), try self.dumpChains(into: &snapshot),
                    try self.dumpRules(into: &snapshot),
                    try self.dumpSets(into: &snapshot), try self.readElements(scope, into: &snapshot),
                    try self.generation() == generation
                else { continue }
                return snapshot
            } catch  where error.code == .refused && error.number == ENOENT {
                // Something that the dump had listed was gone when it was asked for.
                continue
            }
        }
        throw .neverAtRest("\(table)")
    }

    /// Returns false if there is no such table.
    private func dumpTable(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        let table = snapshot.table
        do throws(NftablesError) {
            let handle = TableHandle(table.name)
            var flags: UInt32 = 0
            _ = try unsafe self.request(
                NFT_MSG_GETTABLE.rawValue, family: table.family.rawValue, flags: NLM_F_ACK, subject: "\(table)"
            ) { message in
                unsafe handle.build(message)
            } _: { header in
                guard let raw = unsafe nftnl_table_alloc() else { return }
                if unsafe nftnl_table_nlmsg_parse(header, raw) == 0 {
                    flags = unsafe nftnl_table_get_u32(raw, UInt16(NFTNL_TABLE_FLAGS.rawValue))
                }
                unsafe nftnl_table_free(raw)
            }
            snapshot.flags = flags
            return true
        } catch  where error.number == ENOENT {
            return false
        }
    }

    /// Notes whether the table holds stateful objects or flow tables.
    private func dumpOthers(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        let table = snapshot.table
        var hasMore = false
        for type in [NFT_MSG_GETOBJ.rawValue, NFT_MSG_GETFLOWTABLE.rawValue] {
            do throws(NftablesError) {
                let isConsistent = try unsafe self.request(
                    type, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "objects of \(table)"
                ) { _ in
                } _: { header in
                    // Attribute 1 of both is the table's name.
                    unsafe ReplyReader.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { attribute in
                        guard unsafe mnl_attr_get_type(attribute) == UInt16(NFTA_OBJ_TABLE.rawValue) else { return }
                        if unsafe Self.text(mnl_attr_get_str(attribute)) == table.name { hasMore = true }
                    }
                }
                guard isConsistent else { return false }
            } catch  where error.number == EOPNOTSUPP || error.number == EINVAL {
                // A kernel without them.
                continue
            }
        }
        snapshot.hasMore = hasMore
        return true
    }

    private func dumpChains(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        let table = snapshot.table
        var chains: [String: Chain] = [:]
        var hasPolicies = false
        let isConsistent = try unsafe self.request(
            NFT_MSG_GETCHAIN.rawValue, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "chains of \(table)"
        ) { _ in
        } _: { header in
            guard let raw = unsafe nftnl_chain_alloc() else { return }
            defer { unsafe nftnl_chain_free(raw) }
            guard unsafe nftnl_chain_nlmsg_parse(header, raw) == 0,
                unsafe Self.text(nftnl_chain_get_str(raw, UInt16(NFTNL_CHAIN_TABLE.rawValue))) == table.name,
                let name = unsafe Self.text(nftnl_chain_get_str(raw, UInt16(NFTNL_CHAIN_NAME.rawValue)))
            else { return }
            var base: Chain.Base?
            if unsafe nftnl_chain_is_set(raw, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue)),
                let kind = unsafe Self.text(nftnl_chain_get_str(raw, UInt16(NFTNL_CHAIN_TYPE.rawValue)))
                    .flatMap(Chain.Base.Kind.init),
                let hook = unsafe Chain.Base.Hook(
                    rawValue: nftnl_chain_get_u32(raw, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue))
                )
            {
                base = unsafe Chain.Base(
                    kind, hook, priority: nftnl_chain_get_s32(raw, UInt16(NFTNL_CHAIN_PRIO.rawValue))
                )
            }
            if base != nil, unsafe nftnl_chain_get_u32(raw, UInt16(NFTNL_CHAIN_POLICY.rawValue)) != UInt32(NF_ACCEPT) {
                hasPolicies = true
            }
            chains[name] = Chain(name: name, base: base)
        }
        snapshot.chains = chains
        snapshot.hasMore = snapshot.hasMore || hasPolicies
        return isConsistent
    }

    /// What each rule of a table does, by the handle that the kernel gave it, whoever made it. Rules with something that libnftnl does
    /// not know are left out.
    public func rules(of table: TableReference) throws(NftablesError) -> [UInt64: [Expression]] {
        for _ in 0..<Self.dumpAttempts {
            var rules: [UInt64: [Expression]] = [:]
            if try self.forEachRule(of: table, { _, handle, expressions in rules[handle] = expressions }) {
                return rules
            }
        }
        throw .neverAtRest("rules of \(table)")
    }

    private func dumpRules(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        var rules: [String: [TableSnapshot.RuleState]] = [:]
        let isConsistent = try self.forEachRule(of: snapshot.table) { chain, _, expressions in
            rules[chain, default: []].append(TableSnapshot.RuleState(expressions: expressions))
        }
        snapshot.rules = rules
        return isConsistent
    }

    /// - Parameter body: gets chain, handle and expressions of each rule, in the order of each chain.
    private func forEachRule(
        of table: TableReference, _ body: (String, UInt64, [Expression]) -> Void
    ) throws(NftablesError) -> Bool {
        let handle = RuleHandle(table: table.name, chain: nil)
        return try unsafe self.request(
            NFT_MSG_GETRULE.rawValue, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "rules of \(table)"
        ) { message in
            unsafe handle.build(message)
        } _: { header in
            guard let raw = unsafe nftnl_rule_alloc() else { return }
            defer { unsafe nftnl_rule_free(raw) }
            guard unsafe nftnl_rule_nlmsg_parse(header, raw) == 0,
                unsafe Self.text(nftnl_rule_get_str(raw, UInt16(NFTNL_RULE_TABLE.rawValue))) == table.name,
                let chain = unsafe Self.text(nftnl_rule_get_str(raw, UInt16(NFTNL_RULE_CHAIN.rawValue))),
                let iterator = unsafe nftnl_expr_iter_create(raw)
            else { return }
            var expressions: [Expression] = []
            while let expression = unsafe nftnl_expr_iter_next(iterator) {
                expressions.append(unsafe Expression.decode(expression))
            }
            unsafe nftnl_expr_iter_destroy(iterator)
            body(chain, unsafe nftnl_rule_get_u64(raw, UInt16(NFTNL_RULE_HANDLE.rawValue)), expressions)
        }
    }

    private func dumpSets(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        let table = snapshot.table
        let handle = TableHandle(table.name)
        var sets: [String: TableSnapshot.SetState] = [:]
        let isConsistent = try unsafe self.request(
            NFT_MSG_GETSET.rawValue, family: table.family.rawValue, flags: NLM_F_DUMP, subject: "sets of \(table)"
        ) { message in
            // NFTA_SET_TABLE and NFTA_TABLE_NAME are the same attribute.
            unsafe handle.build(message)
        } _: { header in
            guard let raw = unsafe nftnl_set_alloc() else { return }
            defer { unsafe nftnl_set_free(raw) }
            guard unsafe nftnl_set_nlmsg_parse(header, raw) == 0,
                unsafe Self.text(nftnl_set_get_str(raw, UInt16(NFTNL_SET_TABLE.rawValue))) == table.name,
                let name = unsafe Self.text(nftnl_set_get_str(raw, UInt16(NFTNL_SET_NAME.rawValue)))
            else { return }
            let isMap = unsafe Self.word(raw, NFTNL_SET_FLAGS) & NFT_SET_MAP.rawValue != 0
            let dataType = unsafe Self.word(raw, NFTNL_SET_DATA_TYPE)
            var hasCounters = false
            if unsafe nftnl_set_is_set(raw, UInt16(NFTNL_SET_EXPR.rawValue)),
                let expression = unsafe nftnl_set_get(raw, UInt16(NFTNL_SET_EXPR.rawValue))
            {
                hasCounters = unsafe Expression.decode(OpaquePointer(expression)) == .counter
            }
            let size = unsafe Self.word(raw, NFTNL_SET_DESC_SIZE)
            sets[name] = unsafe TableSnapshot.SetState(
                flags: Self.word(raw, NFTNL_SET_FLAGS),
                keyType: Self.word(raw, NFTNL_SET_KEY_TYPE),
                keyLength: Int(Self.word(raw, NFTNL_SET_KEY_LEN)),
                dataType: isMap ? dataType : nil,
                // The kernel says 16 bytes for a verdict, which is its own structure's size.
                dataLength: isMap && dataType != NamedSet.verdictType ? Int(Self.word(raw, NFTNL_SET_DATA_LEN)) : 0,
                size: size == 0 ? nil : size,
                hasCounters: hasCounters
            )
        }
        snapshot.sets = sets
        return isConsistent
    }

    // MARK: - Attributes

    private static func word(_ raw: OpaquePointer, _ attribute: nftnl_set_attr) -> UInt32 {
        let attribute = UInt16(attribute.rawValue)
        return unsafe nftnl_set_is_set(raw, attribute) ? nftnl_set_get_u32(raw, attribute) : 0
    }

    static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }
}
