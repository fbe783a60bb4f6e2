internal import CNetfilter

// Unsafe invariants of this file: an `nftnl_expr` is borrowed from its rule for the time of the call;
// pointers that libnftnl lends are copied from before it returns.

extension Expression {
    /// What a libnftnl object says.
    static func decode(_ raw: OpaquePointer) -> Expression {
        let name = unsafe text(raw, Int(NFTNL_EXPR_NAME)) ?? ""
        return unsafe decode(raw, name: name) ?? .other(name)
    }

    private static func decode(_ raw: OpaquePointer, name: String) -> Expression? {
        switch name {
        case "meta":
            guard let key = unsafe MetaKey(rawValue: word(raw, NFTNL_EXPR_META_KEY)) else { return nil }
            if let from = unsafe register(raw, NFTNL_EXPR_META_SREG) { return .setMeta(key, from: from) }
            return unsafe register(raw, NFTNL_EXPR_META_DREG).map { .meta(key, into: $0) }
        case "payload" where unsafe has(raw, NFTNL_EXPR_PAYLOAD_SREG):
            return unsafe decodeWrite(raw)
        case "payload":
            guard let base = unsafe PayloadBase(rawValue: word(raw, NFTNL_EXPR_PAYLOAD_BASE)),
                let into = unsafe register(raw, NFTNL_EXPR_PAYLOAD_DREG)
            else { return nil }
            return unsafe .payload(
                base, offset: word(raw, NFTNL_EXPR_PAYLOAD_OFFSET), length: word(raw, NFTNL_EXPR_PAYLOAD_LEN),
                into: into
            )
        case "ct":
            guard let key = unsafe ConntrackKey(rawValue: word(raw, NFTNL_EXPR_CT_KEY)),
                let into = unsafe register(raw, NFTNL_EXPR_CT_DREG)
            else { return nil }
            let isDirected = unsafe has(raw, NFTNL_EXPR_CT_DIR)
            guard unsafe !isDirected || nftnl_expr_get_u8(raw, UInt16(NFTNL_EXPR_CT_DIR)) == 0 else { return nil }
            return .conntrack(key, isDirected: isDirected, into: into)
        case "cmp":
            guard let comparison = unsafe Comparison(rawValue: word(raw, NFTNL_EXPR_CMP_OP)),
                let from = unsafe register(raw, NFTNL_EXPR_CMP_SREG)
            else { return nil }
            return unsafe .compare(comparison, from, bytes(raw, NFTNL_EXPR_CMP_DATA))
        case "bitwise":
            guard let from = unsafe register(raw, NFTNL_EXPR_BITWISE_SREG),
                let into = unsafe register(raw, NFTNL_EXPR_BITWISE_DREG), from == into,
                unsafe word(raw, NFTNL_EXPR_BITWISE_OP) == 0,  // NFT_BITWISE_BOOL
                unsafe bytes(raw, NFTNL_EXPR_BITWISE_XOR).allSatisfy({ $0 == 0 })
            else { return nil }
            return unsafe .mask(from, with: bytes(raw, NFTNL_EXPR_BITWISE_MASK))
        case "numgen":
            guard let into = unsafe register(raw, NFTNL_EXPR_NG_DREG),
                unsafe word(raw, NFTNL_EXPR_NG_TYPE) == NFT_NG_RANDOM.rawValue
            else { return nil }
            return unsafe .random(
                modulus: word(raw, NFTNL_EXPR_NG_MODULUS), offset: word(raw, NFTNL_EXPR_NG_OFFSET), into: into)
        case "fib":
            return unsafe decodeFIB(raw)
        case "hash":
            return unsafe decodeHash(raw)
        // Of iptables; which one is all that is told of it.
        case "target":
            return unsafe text(raw, Int(NFTNL_EXPR_TG_NAME)).map { .other("target \($0)") }
        case "dynset":
            return unsafe decodeSetChange(raw)
        case "lookup":
            return unsafe decodeLookup(raw)
        case "immediate":
            if let into = unsafe register(raw, NFTNL_EXPR_IMM_DREG) {
                return unsafe .load(bytes(raw, NFTNL_EXPR_IMM_DATA), into: into)
            }
            guard unsafe has(raw, NFTNL_EXPR_IMM_VERDICT) else { return nil }
            let code = unsafe Int32(bitPattern: word(raw, NFTNL_EXPR_IMM_VERDICT))
            return unsafe Verdict(code: code, chain: text(raw, NFTNL_EXPR_IMM_CHAIN)).map(Expression.verdict)
        case "nat":
            guard unsafe word(raw, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT.rawValue,
                let family = unsafe TableReference.Family(rawValue: UInt8(clamping: word(raw, NFTNL_EXPR_NAT_FAMILY))),
                let address = unsafe register(raw, NFTNL_EXPR_NAT_REG_ADDR_MIN),
                let port = unsafe register(raw, NFTNL_EXPR_NAT_REG_PROTO_MIN),
                // The kernel notes by itself that addresses and ports are mapped (bits 0 and 1).
                unsafe word(raw, NFTNL_EXPR_NAT_FLAGS) & ~0x3 == 0
            else { return nil }
            return .destinationNAT(family, address: address, port: port)
        case "masq":
            return unsafe .masquerade(flags: word(raw, NFTNL_EXPR_MASQ_FLAGS))
        case "reject":
            return unsafe .reject(
                kind: word(raw, NFTNL_EXPR_REJECT_TYPE),
                code: nftnl_expr_get_u8(raw, UInt16(NFTNL_EXPR_REJECT_CODE))
            )
        case "limit":
            guard unsafe nftnl_expr_get_u64(raw, UInt16(NFTNL_EXPR_LIMIT_UNIT)) == 1,
                unsafe word(raw, NFTNL_EXPR_LIMIT_TYPE) == NFT_LIMIT_PKTS.rawValue,
                unsafe word(raw, NFTNL_EXPR_LIMIT_FLAGS) == 0
            else { return nil }
            return unsafe .limit(
                perSecond: nftnl_expr_get_u64(raw, UInt16(NFTNL_EXPR_LIMIT_RATE)),
                burst: word(raw, NFTNL_EXPR_LIMIT_BURST))
        case "counter":
            return .counter
        default:
            return nil
        }
    }

    private static func decodeLookup(_ raw: OpaquePointer) -> Expression? {
        guard let key = unsafe register(raw, NFTNL_EXPR_LOOKUP_SREG),
            let set = unsafe text(raw, NFTNL_EXPR_LOOKUP_SET)
        else { return nil }
        let isInverted = unsafe word(raw, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV.rawValue != 0
        guard unsafe has(raw, NFTNL_EXPR_LOOKUP_DREG) else {
            return .lookup(set: set, key: key, into: nil, isInverted: isInverted)
        }
        if unsafe word(raw, NFTNL_EXPR_LOOKUP_DREG) == 0 { return .lookupVerdict(map: set, key: key) }
        guard let into = unsafe register(raw, NFTNL_EXPR_LOOKUP_DREG) else { return nil }
        return .lookup(set: set, key: key, into: into, isInverted: isInverted)
    }

    private static func decodeWrite(_ raw: OpaquePointer) -> Expression? {
        let base = unsafe PayloadBase(rawValue: word(raw, NFTNL_EXPR_PAYLOAD_BASE))
        let checksum = unsafe Checksum(
            kind: word(raw, NFTNL_EXPR_PAYLOAD_CSUM_TYPE), offset: word(raw, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET))
        guard let base, let from = unsafe register(raw, NFTNL_EXPR_PAYLOAD_SREG),
            unsafe word(raw, NFTNL_EXPR_PAYLOAD_FLAGS) == 1
        else { return nil }
        return unsafe .writePayload(
            base, offset: word(raw, NFTNL_EXPR_PAYLOAD_OFFSET), length: word(raw, NFTNL_EXPR_PAYLOAD_LEN), from: from,
            checksum)
    }

    private static func decodeFIB(_ raw: OpaquePointer) -> Expression? {
        let flags = unsafe word(raw, NFTNL_EXPR_FIB_FLAGS)
        guard let into = unsafe register(raw, NFTNL_EXPR_FIB_DREG),
            unsafe word(raw, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE.rawValue,
            flags == NFTA_FIB_F_SADDR.rawValue || flags == NFTA_FIB_F_DADDR.rawValue
        else { return nil }
        return .addressType(isSource: flags == NFTA_FIB_F_SADDR.rawValue, into: into)
    }

    private static func decodeHash(_ raw: OpaquePointer) -> Expression? {
        guard let from = unsafe register(raw, NFTNL_EXPR_HASH_SREG),
            let into = unsafe register(raw, NFTNL_EXPR_HASH_DREG),
            unsafe word(raw, NFTNL_EXPR_HASH_TYPE) == NFT_HASH_JENKINS.rawValue
        else { return nil }
        return unsafe .hash(
            from: from, length: word(raw, NFTNL_EXPR_HASH_LEN), modulus: word(raw, NFTNL_EXPR_HASH_MODULUS),
            offset: word(raw, NFTNL_EXPR_HASH_OFFSET), seed: word(raw, NFTNL_EXPR_HASH_SEED), into: into)
    }

    private static func decodeSetChange(_ raw: OpaquePointer) -> Expression? {
        guard let operation = unsafe SetOperation(rawValue: word(raw, NFTNL_EXPR_DYNSET_OP)),
            let set = unsafe text(raw, NFTNL_EXPR_DYNSET_SET_NAME),
            let key = unsafe register(raw, NFTNL_EXPR_DYNSET_SREG_KEY)
        else { return nil }
        let timeout =
            unsafe has(raw, NFTNL_EXPR_DYNSET_TIMEOUT)
            ? nftnl_expr_get_u64(raw, UInt16(NFTNL_EXPR_DYNSET_TIMEOUT)) : 0
        return unsafe .changeSet(
            operation, set: set, key: key, value: register(raw, NFTNL_EXPR_DYNSET_SREG_DATA), timeout: timeout)
    }

    // MARK: - Attributes

    private static func has(_ raw: OpaquePointer, _ attribute: Int) -> Bool {
        unsafe nftnl_expr_is_set(raw, UInt16(attribute))
    }

    private static func word(_ raw: OpaquePointer, _ attribute: Int) -> UInt32 {
        unsafe has(raw, attribute) ? nftnl_expr_get_u32(raw, UInt16(attribute)) : 0
    }

    private static func register(_ raw: OpaquePointer, _ attribute: Int) -> Register? {
        unsafe Register(kernelNumber: word(raw, attribute))
    }

    private static func text(_ raw: OpaquePointer, _ attribute: Int) -> String? {
        guard let text = unsafe nftnl_expr_get_str(raw, UInt16(attribute)) else { return nil }
        return unsafe String(cString: text)
    }

    private static func bytes(_ raw: OpaquePointer, _ attribute: Int) -> [UInt8] {
        var count: UInt32 = 0
        guard let data = unsafe nftnl_expr_get(raw, UInt16(attribute), &count) else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: Int(count)))
    }
}
