internal import CNetfilter
internal import Glibc

// Reading the elements of sets. Unsafe invariants of this file: as NetlinkKernel+Dump.swift has them.

extension NetlinkKernel {
    /// Elements that one request asks for, at most: their answers, a message each, fit into the socket's buffer, also where it cannot be
    /// made larger than others' are.
    private static let lookUpSize = 128

    public func counters(of set: NamedSet, in table: TableReference) throws(NftablesError) -> [ElementBytes: Counter] {
        for _ in 0..<Self.dumpAttempts {
            var counters: [ElementBytes: Counter] = [:]
            let isConsistent = try unsafe self.forEachElement(of: set.name, in: table) { element in
                guard let key = unsafe Self.bytes(element, NFTNL_SET_ELEM_KEY) else { return }
                var length: UInt32 = 0
                guard let raw = unsafe nftnl_set_elem_get(element, UInt16(NFTNL_SET_ELEM_EXPR), &length) else { return }
                let expression = OpaquePointer(raw)
                counters[key] = unsafe Counter(
                    packets: nftnl_expr_get_u64(expression, UInt16(NFTNL_EXPR_CTR_PACKETS)),
                    bytes: nftnl_expr_get_u64(expression, UInt16(NFTNL_EXPR_CTR_BYTES))
                )
            }
            if isConsistent { return counters }
        }
        throw .neverAtRest("\(set.description) in \(table)")
    }

    /// Returns false if the ruleset changed meanwhile.
    func readElements(_ scope: SnapshotScope, into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        switch scope {
        case .all: return try self.dumpElements(into: &snapshot)
        case .elements(let wanted):
            for (name, elements) in wanted where snapshot.sets[name] != nil {
                guard try self.lookUp(elements, of: name, into: &snapshot) else { return false }
            }
            return true
        }
    }

    /// Reads those that there are, by their keys. Returns false if the ruleset changed meanwhile.
    private func lookUp(
        _ wanted: [Element], of set: String, into snapshot: inout TableSnapshot
    ) throws(NftablesError) -> Bool {
        let table = snapshot.table
        var found: [Element] = []
        var isComplete = true
        var (next, size) = (0, Self.lookUpSize)
        while next < wanted.count {
            let request = wanted[next..<min(next + size, wanted.count)]
            let handle = SetHandle(table: table.name, name: set)
            for element in request { handle.append(element, keyOnly: true) }
            var answers = 0
            do throws(NftablesError) {
                let isConsistent = try unsafe self.request(
                    NFT_MSG_GETSETELEM.rawValue, family: table.family.rawValue, flags: NLM_F_ACK,
                    subject: "elements of set \(set) in \(table)"
                ) { message in
                    unsafe handle.buildElementRequest(message)
                } _: { header in
                    answers += 1
                    unsafe Self.forEachElement(in: header) { raw in
                        if let element = unsafe Self.element(raw) { found.append(element) } else { isComplete = false }
                    }
                }
                guard isConsistent else { return false }
                next += request.count
                size = min(size * 2, Self.lookUpSize)
            } catch  where error.code == .refused && error.number == ENOENT {
                // Each that is there is answered by a message of its own, in their order, up to the first that is not
                // (nf_tables_getsetelem). Were it the set that is gone, the generation would tell. Where one is missing
                // others may be: what is asked for behind it is asked for once more.
                next += answers + 1
                size = max(1, answers)
            } catch  where error.code == .refused && error.number == EINVAL {
                // Keys of another shape than this set's: somebody has made it anew, which its description tells.
                next = wanted.count
            }
        }
        snapshot.elements[set] = found
        if !isComplete { snapshot.hasMore = true }
        return true
    }

    private func dumpElements(into snapshot: inout TableSnapshot) throws(NftablesError) -> Bool {
        // What rules put into a set is not what anybody asked for: it is left out, and left alone.
        for (name, set) in snapshot.sets where set.flags & NFT_SET_EVAL.rawValue == 0 {
            var elements: [Element] = []
            var isComplete = true
            let isConsistent = try unsafe self.forEachElement(of: name, in: snapshot.table) { raw in
                if let element = unsafe Self.element(raw) { elements.append(element) } else { isComplete = false }
            }
            guard isConsistent else { return false }
            snapshot.elements[name] = elements
            if !isComplete { snapshot.hasMore = true }
        }
        return true
    }

    private func forEachElement(
        of set: String,
        in table: TableReference,
        _ body: (OpaquePointer) -> Void
    ) throws(NftablesError) -> Bool {
        let handle = SetHandle(table: table.name, name: set)
        return try unsafe self.request(
            NFT_MSG_GETSETELEM.rawValue,
            family: table.family.rawValue,
            flags: NLM_F_DUMP,
            subject: "elements of set \(set) in \(table)"
        ) { message in
            unsafe handle.buildElementRequest(message)
        } _: { header in
            unsafe Self.forEachElement(in: header, body)
        }
    }

    private static func forEachElement(in message: UnsafePointer<nlmsghdr>, _ body: (OpaquePointer) -> Void) {
        guard let raw = unsafe nftnl_set_alloc() else { return }
        defer { unsafe nftnl_set_free(raw) }
        guard unsafe nftnl_set_elems_nlmsg_parse(message, raw) == 0,
            let iterator = unsafe nftnl_set_elems_iter_create(raw)
        else { return }
        while let element = unsafe nftnl_set_elems_iter_next(iterator) { unsafe body(element) }
        unsafe nftnl_set_elems_iter_destroy(iterator)
    }

    /// nil for what an `Element` cannot be: one without a key, which is a catch-all.
    private static func element(_ raw: OpaquePointer) -> Element? {
        guard let key = unsafe self.bytes(raw, NFTNL_SET_ELEM_KEY) else { return nil }
        var element = Element(key: key)
        if unsafe nftnl_set_elem_is_set(raw, UInt16(NFTNL_SET_ELEM_KEY_END)) {
            guard let end = unsafe self.bytes(raw, NFTNL_SET_ELEM_KEY_END) else { return nil }
            element.value = .rangeEnd(end)
        }
        if unsafe nftnl_set_elem_is_set(raw, UInt16(NFTNL_SET_ELEM_VERDICT)) {
            let code = unsafe Int32(bitPattern: nftnl_set_elem_get_u32(raw, UInt16(NFTNL_SET_ELEM_VERDICT)))
            let chain = unsafe self.text(nftnl_set_elem_get_str(raw, UInt16(NFTNL_SET_ELEM_CHAIN)))
            guard let verdict = Verdict(code: code, chain: chain) else { return nil }
            element.value = .verdict(verdict)
        } else if let bytes = unsafe self.bytes(raw, NFTNL_SET_ELEM_DATA) {
            element.value = .bytes(bytes)
        }
        if unsafe nftnl_set_elem_is_set(raw, UInt16(NFTNL_SET_ELEM_TIMEOUT)) {
            element.timeout = unsafe nftnl_set_elem_get_u64(raw, UInt16(NFTNL_SET_ELEM_TIMEOUT))
        }
        if unsafe nftnl_set_elem_is_set(raw, UInt16(NFTNL_SET_ELEM_FLAGS)),
            unsafe nftnl_set_elem_get_u32(raw, UInt16(NFTNL_SET_ELEM_FLAGS)) & NFT_SET_ELEM_INTERVAL_END.rawValue != 0
        {
            element.boundary = .end
        }
        var count: UInt32 = 0
        if let notes = unsafe nftnl_set_elem_get(raw, UInt16(NFTNL_SET_ELEM_USERDATA), &count) {
            let parsed = unsafe UserData.parseElement(UnsafeRawBufferPointer(start: notes, count: Int(count)))
            element.comment = parsed.comment
            if parsed.isOpen { element.boundary = .open }
        }
        return element
    }

    private static func bytes(_ raw: OpaquePointer, _ attribute: Int) -> ElementBytes? {
        var count: UInt32 = 0
        guard unsafe nftnl_set_elem_is_set(raw, UInt16(attribute)),
            let data = unsafe nftnl_set_elem_get(raw, UInt16(attribute), &count), Int(count) <= ElementBytes.capacity
        else { return nil }
        return unsafe ElementBytes(UnsafeRawBufferPointer(start: data, count: Int(count)))
    }
}
