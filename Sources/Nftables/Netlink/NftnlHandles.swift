internal import CNetfilter

// Owned libnftnl objects. Unsafe invariants of this file: each handle frees its object exactly once,
// unless ownership was handed on (`consuming` methods that discard self: a rule takes its expressions,
// a set its elements); libnftnl copies whatever it is given; allocation failure traps, as everywhere
// in Swift.

/// Calls `body` with the bytes of an element's key or value.
@inline(__always)
private func withBytes(_ bytes: ElementBytes, _ body: (UnsafeRawPointer, UInt32) -> Void) {
    // The words hold the bytes in memory order on little-endian machines, the only ones Swift has.
    unsafe withUnsafeBytes(of: bytes.words) { buffer in
        guard let base = buffer.baseAddress else { return }
        unsafe body(base, UInt32(bytes.count))
    }
}

@safe
struct ExpressionHandle: ~Copyable {
    private let raw: OpaquePointer

    init(_ name: String) {
        guard let raw = unsafe nftnl_expr_alloc(name) else { fatalError("libnftnl knows no expression \(name)") }
        unsafe self.raw = raw
    }

    deinit { unsafe nftnl_expr_free(self.raw) }

    func set(_ attribute: Int, _ value: UInt32) { unsafe nftnl_expr_set_u32(self.raw, UInt16(attribute), value) }
    func set(_ attribute: Int, wide value: UInt64) { unsafe nftnl_expr_set_u64(self.raw, UInt16(attribute), value) }
    func set(_ attribute: Int, byte value: UInt8) { unsafe nftnl_expr_set_u8(self.raw, UInt16(attribute), value) }
    func set(_ attribute: Int, _ text: String) { unsafe _ = nftnl_expr_set_str(self.raw, UInt16(attribute), text) }

    func set(_ attribute: Int, _ bytes: [UInt8]) {
        unsafe _ = bytes.withUnsafeBytes {
            unsafe nftnl_expr_set(self.raw, UInt16(attribute), $0.baseAddress, UInt32($0.count))
        }
    }

    /// Hands the expression to a rule.
    consuming func move(to rule: OpaquePointer) {
        unsafe nftnl_rule_add_expr(rule, self.raw)
        discard self
    }

    /// Hands the expression to a set: every new element gets a copy.
    consuming func move(toSet set: OpaquePointer) {
        unsafe nftnl_set_add_expr(set, self.raw)
        discard self
    }
}

@safe
struct TableHandle: ~Copyable {
    private let raw: OpaquePointer

    /// - Parameter flags: `NFT_TABLE_F_*`.
    init(_ name: String, flags: UInt32 = 0) {
        guard let raw = unsafe nftnl_table_alloc() else { fatalError("out of memory") }
        unsafe self.raw = raw
        unsafe _ = nftnl_table_set_str(raw, UInt16(NFTNL_TABLE_NAME.rawValue), name)
        if flags != 0 { unsafe nftnl_table_set_u32(raw, UInt16(NFTNL_TABLE_FLAGS.rawValue), flags) }
    }

    deinit { unsafe nftnl_table_free(self.raw) }

    func build(_ message: UnsafeMutablePointer<nlmsghdr>) { unsafe nftnl_table_nlmsg_build_payload(message, self.raw) }
}

@safe
struct ChainHandle: ~Copyable {
    private let raw: OpaquePointer

    init(table: String, _ chain: Chain) {
        guard let raw = unsafe nftnl_chain_alloc() else { fatalError("out of memory") }
        unsafe self.raw = raw
        unsafe _ = nftnl_chain_set_str(raw, UInt16(NFTNL_CHAIN_TABLE.rawValue), table)
        unsafe _ = nftnl_chain_set_str(raw, UInt16(NFTNL_CHAIN_NAME.rawValue), chain.name)
        guard let base = chain.base else { return }
        unsafe _ = nftnl_chain_set_str(raw, UInt16(NFTNL_CHAIN_TYPE.rawValue), base.kind.rawValue)
        unsafe nftnl_chain_set_u32(raw, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), base.hook.rawValue)
        unsafe nftnl_chain_set_s32(raw, UInt16(NFTNL_CHAIN_PRIO.rawValue), base.priority)
        unsafe nftnl_chain_set_u32(raw, UInt16(NFTNL_CHAIN_POLICY.rawValue), 1)  // NF_ACCEPT
    }

    deinit { unsafe nftnl_chain_free(self.raw) }

    func build(_ message: UnsafeMutablePointer<nlmsghdr>) { unsafe nftnl_chain_nlmsg_build_payload(message, self.raw) }
}

@safe
struct RuleHandle: ~Copyable {
    private let raw: OpaquePointer

    /// - Parameter chain: nil means all chains of the table, for dumps.
    init(table: String, chain: String?) {
        guard let raw = unsafe nftnl_rule_alloc() else { fatalError("out of memory") }
        unsafe self.raw = raw
        unsafe _ = nftnl_rule_set_str(raw, UInt16(NFTNL_RULE_TABLE.rawValue), table)
        if let chain { unsafe _ = nftnl_rule_set_str(raw, UInt16(NFTNL_RULE_CHAIN.rawValue), chain) }
    }

    deinit { unsafe nftnl_rule_free(self.raw) }

    func set(comment: String) {
        let notes = UserData.comment(comment)
        unsafe notes.withUnsafeBytes {
            unsafe _ = nftnl_rule_set_data(
                self.raw, UInt16(NFTNL_RULE_USERDATA.rawValue), $0.baseAddress, UInt32($0.count)
            )
        }
    }

    /// Names one rule that stands.
    func set(handle: UInt64) { unsafe nftnl_rule_set_u64(self.raw, UInt16(NFTNL_RULE_HANDLE.rawValue), handle) }

    func append(_ expression: consuming ExpressionHandle) { unsafe expression.move(to: self.raw) }

    func build(_ message: UnsafeMutablePointer<nlmsghdr>) { unsafe nftnl_rule_nlmsg_build_payload(message, self.raw) }
}

@safe
struct SetHandle: ~Copyable {
    private let raw: OpaquePointer

    init(table: String, name: String) {
        guard let raw = unsafe nftnl_set_alloc() else { fatalError("out of memory") }
        unsafe self.raw = raw
        unsafe _ = nftnl_set_set_str(raw, UInt16(NFTNL_SET_TABLE.rawValue), table)
        unsafe _ = nftnl_set_set_str(raw, UInt16(NFTNL_SET_NAME.rawValue), name)
    }

    deinit { unsafe nftnl_set_free(self.raw) }

    /// What the set is declared as; `identifier` is unique within the batch.
    func declare(_ set: NamedSet, identifier: UInt32) {
        let state = set.state
        self.set(NFTNL_SET_ID, identifier)
        self.set(NFTNL_SET_FLAGS, state.flags)
        self.set(NFTNL_SET_KEY_TYPE, state.keyType)
        self.set(NFTNL_SET_KEY_LEN, UInt32(state.keyLength))
        if let dataType = state.dataType {
            self.set(NFTNL_SET_DATA_TYPE, dataType)
            self.set(NFTNL_SET_DATA_LEN, UInt32(state.dataLength))
        }
        if let size = set.size { self.set(NFTNL_SET_DESC_SIZE, size) }
        if set.hasConcatenatedRanges {
            let lengths = set.key.parts.map { UInt8($0.datatype.length) }
            unsafe lengths.withUnsafeBytes {
                unsafe _ = nftnl_set_set_data(
                    self.raw, UInt16(NFTNL_SET_DESC_CONCAT.rawValue), $0.baseAddress, UInt32($0.count))
            }
        }
        if let timeout = set.timeout { unsafe nftnl_set_set_u64(self.raw, UInt16(NFTNL_SET_TIMEOUT.rawValue), timeout) }
        if set.hasCounters { unsafe ExpressionHandle("counter").move(toSet: self.raw) }
        let notes = UserData.set(set)
        unsafe notes.withUnsafeBytes {
            unsafe _ = nftnl_set_set_data(
                self.raw, UInt16(NFTNL_SET_USERDATA.rawValue), $0.baseAddress, UInt32($0.count)
            )
        }
    }

    private func set(_ attribute: nftnl_set_attr, _ value: UInt32) {
        unsafe nftnl_set_set_u32(self.raw, UInt16(attribute.rawValue), value)
    }

    /// Adds an element to this set's list.
    func append(_ element: Element, keyOnly: Bool) {
        guard let item = unsafe nftnl_set_elem_alloc() else { fatalError("out of memory") }
        unsafe withBytes(element.key) { pointer, count in
            unsafe _ = nftnl_set_elem_set(item, UInt16(NFTNL_SET_ELEM_KEY), pointer, count)
        }
        if case .rangeEnd(let end) = element.value {
            unsafe withBytes(end) { pointer, count in
                unsafe _ = nftnl_set_elem_set(item, UInt16(NFTNL_SET_ELEM_KEY_END), pointer, count)
            }
        }
        if element.boundary == .end {
            unsafe nftnl_set_elem_set_u32(
                item, UInt16(NFTNL_SET_ELEM_FLAGS), UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue))
        }
        if !keyOnly {
            switch element.value {
            case nil, .rangeEnd: break
            case .bytes(let bytes):
                unsafe withBytes(bytes) { pointer, count in
                    unsafe _ = nftnl_set_elem_set(item, UInt16(NFTNL_SET_ELEM_DATA), pointer, count)
                }
            case .verdict(let verdict):
                unsafe nftnl_set_elem_set_u32(item, UInt16(NFTNL_SET_ELEM_VERDICT), UInt32(bitPattern: verdict.code))
                if let chain = verdict.chain {
                    unsafe _ = nftnl_set_elem_set_str(item, UInt16(NFTNL_SET_ELEM_CHAIN), chain)
                }
            }
            if let timeout = element.timeout {
                unsafe nftnl_set_elem_set_u64(item, UInt16(NFTNL_SET_ELEM_TIMEOUT), timeout)
            }
            if element.comment != nil || element.boundary == .open {
                let notes = UserData.element(comment: element.comment, isOpen: element.boundary == .open)
                unsafe notes.withUnsafeBytes {
                    unsafe _ = nftnl_set_elem_set(
                        item, UInt16(NFTNL_SET_ELEM_USERDATA), $0.baseAddress, UInt32($0.count)
                    )
                }
            }
        }
        unsafe nftnl_set_elem_add(self.raw, item)
    }

    func build(_ message: UnsafeMutablePointer<nlmsghdr>) { unsafe nftnl_set_nlmsg_build_payload(message, self.raw) }

    /// Puts this set's elements into messages, as many as fit into each, until all are out.
    func buildElements(_ nextMessage: ((UnsafeMutablePointer<nlmsghdr>) -> Void) -> Void) {
        guard let iterator = unsafe nftnl_set_elems_iter_create(self.raw) else { fatalError("out of memory") }
        var isMore: Int32 = 1
        while isMore > 0 {
            unsafe nextMessage { message in
                unsafe isMore = nftnl_set_elems_nlmsg_build_payload_iter(message, iterator)
            }
        }
        unsafe nftnl_set_elems_iter_destroy(iterator)
    }

    /// Names this set in a request for its elements.
    func buildElementRequest(_ message: UnsafeMutablePointer<nlmsghdr>) {
        unsafe nftnl_set_elems_nlmsg_build_payload(message, self.raw)
    }
}

extension Verdict {
    /// `NF_*` and `NFT_*` verdict codes.
    var code: Int32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .continue: -1
        case .jump: -3
        case .goto: -4
        case .return: -5
        }
    }

    init?(code: Int32, chain: String?) {
        switch (code, chain) {
        case (0, _): self = .drop
        case (1, _): self = .accept
        case (-1, _): self = .continue
        case (-3, let chain?): self = .jump(chain)
        case (-4, let chain?): self = .goto(chain)
        case (-5, _): self = .return
        default: return nil
        }
    }
}
