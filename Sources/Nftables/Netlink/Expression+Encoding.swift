internal import CNetfilter

extension ExpressionHandle {
    /// The libnftnl object of an expression.
    static func encode(_ expression: Expression) -> ExpressionHandle {
        switch expression {
        case .meta(let key, let register):
            let handle = ExpressionHandle("meta")
            handle.set(NFTNL_EXPR_META_KEY, key.rawValue)
            handle.set(NFTNL_EXPR_META_DREG, register.kernelNumber)
            return handle
        case .setMeta(let key, let register):
            let handle = ExpressionHandle("meta")
            handle.set(NFTNL_EXPR_META_KEY, key.rawValue)
            handle.set(NFTNL_EXPR_META_SREG, register.kernelNumber)
            return handle
        case .load(let bytes, let register):
            let handle = ExpressionHandle("immediate")
            handle.set(NFTNL_EXPR_IMM_DREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_IMM_DATA, bytes)
            return handle
        case .payload(let base, let offset, let length, let register):
            let handle = ExpressionHandle("payload")
            handle.set(NFTNL_EXPR_PAYLOAD_BASE, base.rawValue)
            handle.set(NFTNL_EXPR_PAYLOAD_OFFSET, offset)
            handle.set(NFTNL_EXPR_PAYLOAD_LEN, length)
            handle.set(NFTNL_EXPR_PAYLOAD_DREG, register.kernelNumber)
            return handle
        case .conntrack(let key, let isDirected, let register):
            let handle = ExpressionHandle("ct")
            handle.set(NFTNL_EXPR_CT_KEY, key.rawValue)
            if isDirected { handle.set(NFTNL_EXPR_CT_DIR, byte: 0) }  // IP_CT_DIR_ORIGINAL
            handle.set(NFTNL_EXPR_CT_DREG, register.kernelNumber)
            return handle
        case .compare(let comparison, let register, let bytes):
            let handle = ExpressionHandle("cmp")
            handle.set(NFTNL_EXPR_CMP_SREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_CMP_OP, comparison.rawValue)
            handle.set(NFTNL_EXPR_CMP_DATA, bytes)
            return handle
        case .mask(let register, let mask):
            let handle = ExpressionHandle("bitwise")
            handle.set(NFTNL_EXPR_BITWISE_SREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_BITWISE_DREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_BITWISE_OP, 0)  // NFT_BITWISE_BOOL
            handle.set(NFTNL_EXPR_BITWISE_LEN, UInt32(mask.count))
            handle.set(NFTNL_EXPR_BITWISE_MASK, mask)
            handle.set(NFTNL_EXPR_BITWISE_XOR, [UInt8](repeating: 0, count: mask.count))
            return handle
        case .writePayload(let base, let offset, let length, let register, let checksum):
            let handle = ExpressionHandle("payload")
            handle.set(NFTNL_EXPR_PAYLOAD_SREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_PAYLOAD_BASE, base.rawValue)
            handle.set(NFTNL_EXPR_PAYLOAD_OFFSET, offset)
            handle.set(NFTNL_EXPR_PAYLOAD_LEN, length)
            handle.set(NFTNL_EXPR_PAYLOAD_CSUM_TYPE, checksum.kind)
            handle.set(NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, checksum.offset)
            handle.set(NFTNL_EXPR_PAYLOAD_FLAGS, 1)  // NFT_PAYLOAD_L4CSUM_PSEUDOHDR
            return handle
        case .addressType(let isSource, let register):
            let handle = ExpressionHandle("fib")
            handle.set(NFTNL_EXPR_FIB_DREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_FIB_RESULT, UInt32(NFT_FIB_RESULT_ADDRTYPE.rawValue))
            handle.set(NFTNL_EXPR_FIB_FLAGS, UInt32((isSource ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR).rawValue))
            return handle
        case .hash(let source, let length, let modulus, let offset, let seed, let register):
            let handle = ExpressionHandle("hash")
            handle.set(NFTNL_EXPR_HASH_SREG, source.kernelNumber)
            handle.set(NFTNL_EXPR_HASH_DREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_HASH_LEN, length)
            handle.set(NFTNL_EXPR_HASH_MODULUS, modulus)
            handle.set(NFTNL_EXPR_HASH_OFFSET, offset)
            handle.set(NFTNL_EXPR_HASH_SEED, seed)
            handle.set(NFTNL_EXPR_HASH_TYPE, UInt32(NFT_HASH_JENKINS.rawValue))
            return handle
        case .changeSet(let operation, let set, let key, let value, let timeout):
            let handle = ExpressionHandle("dynset")
            handle.set(NFTNL_EXPR_DYNSET_OP, operation.rawValue)
            handle.set(NFTNL_EXPR_DYNSET_SET_NAME, set)
            handle.set(NFTNL_EXPR_DYNSET_SREG_KEY, key.kernelNumber)
            if let value { handle.set(NFTNL_EXPR_DYNSET_SREG_DATA, value.kernelNumber) }
            if timeout > 0 { handle.set(NFTNL_EXPR_DYNSET_TIMEOUT, wide: timeout) }
            return handle
        case .random(let modulus, let offset, let register):
            let handle = ExpressionHandle("numgen")
            handle.set(NFTNL_EXPR_NG_DREG, register.kernelNumber)
            handle.set(NFTNL_EXPR_NG_TYPE, UInt32(NFT_NG_RANDOM.rawValue))
            handle.set(NFTNL_EXPR_NG_MODULUS, modulus)
            handle.set(NFTNL_EXPR_NG_OFFSET, offset)
            return handle
        case .lookup(let set, let key, let register, let isInverted):
            let handle = ExpressionHandle("lookup")
            handle.set(NFTNL_EXPR_LOOKUP_SREG, key.kernelNumber)
            handle.set(NFTNL_EXPR_LOOKUP_SET, set)
            if let register { handle.set(NFTNL_EXPR_LOOKUP_DREG, register.kernelNumber) }
            if isInverted { handle.set(NFTNL_EXPR_LOOKUP_FLAGS, UInt32(NFT_LOOKUP_F_INV.rawValue)) }
            return handle
        case .lookupVerdict(let map, let key):
            let handle = ExpressionHandle("lookup")
            handle.set(NFTNL_EXPR_LOOKUP_SREG, key.kernelNumber)
            handle.set(NFTNL_EXPR_LOOKUP_SET, map)
            handle.set(NFTNL_EXPR_LOOKUP_DREG, 0)  // NFT_REG_VERDICT
            return handle
        case .verdict(let verdict):
            let handle = ExpressionHandle("immediate")
            handle.set(NFTNL_EXPR_IMM_DREG, 0)  // NFT_REG_VERDICT
            handle.set(NFTNL_EXPR_IMM_VERDICT, UInt32(bitPattern: verdict.code))
            if let chain = verdict.chain { handle.set(NFTNL_EXPR_IMM_CHAIN, chain) }
            return handle
        case .destinationNAT(let family, let address, let port):
            let handle = ExpressionHandle("nat")
            handle.set(NFTNL_EXPR_NAT_TYPE, UInt32(NFT_NAT_DNAT.rawValue))
            handle.set(NFTNL_EXPR_NAT_FAMILY, UInt32(family.rawValue))
            handle.set(NFTNL_EXPR_NAT_REG_ADDR_MIN, address.kernelNumber)
            handle.set(NFTNL_EXPR_NAT_REG_PROTO_MIN, port.kernelNumber)
            return handle
        case .masquerade(let flags):
            let handle = ExpressionHandle("masq")
            handle.set(NFTNL_EXPR_MASQ_FLAGS, flags)
            return handle
        case .reject(let kind, let code):
            let handle = ExpressionHandle("reject")
            handle.set(NFTNL_EXPR_REJECT_TYPE, kind)
            handle.set(NFTNL_EXPR_REJECT_CODE, byte: code)
            return handle
        case .counter:
            return ExpressionHandle("counter")
        case .limit(let rate, let burst):
            let handle = ExpressionHandle("limit")
            handle.set(NFTNL_EXPR_LIMIT_RATE, wide: rate)
            handle.set(NFTNL_EXPR_LIMIT_UNIT, wide: 1)  // seconds
            handle.set(NFTNL_EXPR_LIMIT_BURST, burst)
            handle.set(NFTNL_EXPR_LIMIT_TYPE, UInt32(NFT_LIMIT_PKTS.rawValue))
            return handle
        case .other(let name):
            preconditionFailure("an expression of kind \(name) is only read")
        }
    }
}
