internal import CNetfilter
internal import Glibc

/// One netlink error or acknowledgement.
struct Acknowledgement {
    let sequence: UInt32
    /// 0 for success.
    let number: Int32
    /// Where in the request the attribute at fault starts, from the message's header on.
    let attributeOffset: Int?
    /// The kernel's own words.
    let message: String?
}

/// Walks the messages of received datagrams.
///
/// Unsafe invariants of this file: `mnl_nlmsg_ok` and `mnl_attr_ok` bound every step; nothing is
/// kept of the lent bytes.
enum ReplyReader {
    /// Calls `body` with each message of a datagram.
    static func forEachMessage(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<nlmsghdr>) throws(NftablesError) -> Void
    ) throws(NftablesError) {
        guard let base = bytes.baseAddress else { return }
        var header = unsafe base.assumingMemoryBound(to: nlmsghdr.self)
        var left = Int32(clamping: bytes.count)
        while unsafe mnl_nlmsg_ok(header, left) {
            try unsafe body(header)
            guard let next = unsafe mnl_nlmsg_next(header, &left) else { return }
            unsafe header = UnsafePointer(next)
        }
    }

    /// Reads an `NLMSG_ERROR` message.
    static func acknowledgement(_ header: UnsafePointer<nlmsghdr>) -> Acknowledgement {
        guard unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<nlmsgerr>.size,
            let payload = unsafe mnl_nlmsg_get_payload(header)
        else {
            return Acknowledgement(
                sequence: unsafe header.pointee.nlmsg_seq, number: EBADMSG, attributeOffset: nil, message: nil
            )
        }
        let error = unsafe payload.assumingMemoryBound(to: nlmsgerr.self).pointee
        var offset: Int?
        var message: String?
        if unsafe Int32(header.pointee.nlmsg_flags) & NLM_F_ACK_TLVS != 0 {
            // With NETLINK_CAP_ACK the request's payload is left out, unless this is a capped success.
            let isCapped = unsafe Int32(header.pointee.nlmsg_flags) & NLM_F_CAPPED != 0
            let skipped =
                MemoryLayout<nlmsgerr>.size + (isCapped ? 0 : Int(error.msg.nlmsg_len) - MemoryLayout<nlmsghdr>.size)
            unsafe self.forEachAttribute(header, skipping: skipped) { attribute in
                switch unsafe UInt32(mnl_attr_get_type(attribute)) {
                case NLMSGERR_ATTR_OFFS.rawValue where unsafe mnl_attr_get_payload_len(attribute) >= 4:
                    offset = unsafe Int(mnl_attr_get_u32(attribute))
                case NLMSGERR_ATTR_MSG.rawValue:
                    if let text = unsafe mnl_attr_get_str(attribute) { message = unsafe String(cString: text) }
                default: break
                }
            }
        }
        return Acknowledgement(
            sequence: error.msg.nlmsg_seq, number: -error.error, attributeOffset: offset, message: message
        )
    }

    /// What the end of a dump says: 0, or a negative errno.
    static func doneStatus(_ header: UnsafePointer<nlmsghdr>) -> Int32 {
        guard unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<Int32>.size,
            let payload = unsafe mnl_nlmsg_get_payload(header)
        else { return 0 }
        return unsafe payload.load(as: Int32.self)
    }

    /// Calls `body` with each attribute of a message, after `skipping` bytes of its payload.
    static func forEachAttribute(
        _ header: UnsafePointer<nlmsghdr>,
        skipping: Int,
        _ body: (UnsafePointer<nlattr>) -> Void
    ) {
        guard unsafe mnl_nlmsg_get_payload_len(header) > skipping,
            let end = unsafe mnl_nlmsg_get_payload_tail(header),
            let first = unsafe mnl_nlmsg_get_payload_offset(header, skipping)
        else { return }
        var attribute = unsafe UnsafePointer(first.assumingMemoryBound(to: nlattr.self))
        while unsafe mnl_attr_ok(attribute, Int32(clamping: end - UnsafeMutableRawPointer(mutating: attribute))) {
            unsafe body(attribute)
            guard let next = unsafe mnl_attr_next(attribute) else { return }
            unsafe attribute = UnsafePointer(next)
        }
    }

    /// Calls `body` with each attribute inside another one.
    static func forEachAttribute(in nest: UnsafePointer<nlattr>, _ body: (UnsafePointer<nlattr>) -> Void) {
        guard let first = unsafe mnl_attr_get_payload(nest) else { return }
        let end = unsafe first + Int(mnl_attr_get_payload_len(nest))
        var attribute = unsafe UnsafePointer(first.assumingMemoryBound(to: nlattr.self))
        while unsafe mnl_attr_ok(attribute, Int32(clamping: end - UnsafeMutableRawPointer(mutating: attribute))) {
            unsafe body(attribute)
            guard let next = unsafe mnl_attr_next(attribute) else { return }
            unsafe attribute = UnsafePointer(next)
        }
    }

    /// The attribute of a kind inside another one.
    static func attribute(_ type: UInt32, in nest: UnsafePointer<nlattr>) -> UnsafePointer<nlattr>? {
        var found: UnsafePointer<nlattr>?
        unsafe self.forEachAttribute(in: nest) { attribute in
            if unsafe UInt32(mnl_attr_get_type(attribute)) == type { unsafe found = attribute }
        }
        return unsafe found
    }

    /// A number of 32 bits, which netfilter sends in network order.
    static func number(_ attribute: UnsafePointer<nlattr>) -> UInt32? {
        guard unsafe mnl_attr_get_payload_len(attribute) >= 4 else { return nil }
        return unsafe UInt32(bigEndian: mnl_attr_get_u32(attribute))
    }

    static func wideNumber(_ attribute: UnsafePointer<nlattr>) -> UInt64? {
        guard unsafe mnl_attr_get_payload_len(attribute) >= 8 else { return nil }
        return unsafe UInt64(bigEndian: mnl_attr_get_u64(attribute))
    }

    /// As far as the first zero.
    static func text(_ attribute: UnsafePointer<nlattr>) -> String {
        unsafe String(decoding: self.bytes(attribute).prefix { $0 != 0 }, as: UTF8.self)
    }

    static func bytes(_ attribute: UnsafePointer<nlattr>) -> [UInt8] {
        guard let payload = unsafe mnl_attr_get_payload(attribute) else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: payload, count: Int(mnl_attr_get_payload_len(attribute))))
    }

    /// The table's family that a message is about; nil for one that a ``TableReference`` does not name.
    static func family(_ header: UnsafePointer<nlmsghdr>) -> TableReference.Family? {
        guard unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<nfgenmsg>.size,
            let payload = unsafe mnl_nlmsg_get_payload(header)
        else { return nil }
        return TableReference.Family(rawValue: unsafe payload.load(as: nfgenmsg.self).nfgen_family)
    }

    /// Which element of the message at `offset` in a batch the attribute at fault belongs to.
    static func elementIndex(in batch: UnsafeRawBufferPointer, message offset: Int, attribute: Int) -> Int? {
        guard let base = batch.baseAddress else { return nil }
        let header = unsafe (base + offset).assumingMemoryBound(to: nlmsghdr.self)
        var found: Int?
        unsafe self.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { list in
            guard unsafe UInt32(mnl_attr_get_type(list)) == NFTA_SET_ELEM_LIST_ELEMENTS.rawValue,
                let first = unsafe mnl_attr_get_payload(list)
            else { return }
            let end = unsafe first + Int(mnl_attr_get_payload_len(list))
            var element = unsafe UnsafePointer(first.assumingMemoryBound(to: nlattr.self))
            var index = 0
            while unsafe mnl_attr_ok(element, Int32(clamping: end - UnsafeMutableRawPointer(mutating: element))) {
                let start = unsafe UnsafeRawPointer(element) - UnsafeRawPointer(header)
                if unsafe (start..<start + Int(element.pointee.nla_len)).contains(attribute) {
                    found = index
                    return
                }
                index += 1
                guard let next = unsafe mnl_attr_next(element) else { return }
                unsafe element = UnsafePointer(next)
            }
        }
        return found
    }
}
