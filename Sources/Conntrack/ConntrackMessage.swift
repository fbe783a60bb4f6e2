internal import CNetfilter
internal import Networking

/// The messages of ctnetlink (linux/netfilter/nfnetlink_conntrack.h), written and read.
///
/// Unsafe invariants of this file: a message is built where `ConntrackMessage.capacity` bytes are
/// free, more than any of these takes; a libnetfilter_conntrack object is made and destroyed within
/// one call, and what it lends is copied before.
enum ConntrackMessage {
    /// More than the longest request takes: headers, one IPv6 tuple and an identifier, under 128 bytes.
    static let capacity = 512

    /// What the kernel calls `CTA_FILTER_F_CTA_PROTO_NUM` (net/netfilter/nf_internals.h; it is not in the
    /// headers for user space): entries are compared by transport protocol.
    private static let comparesTransport: UInt32 = 1 << 3

    private static func header(
        at start: UnsafeMutableRawPointer, _ type: UInt32, flags: Int32, sequence: UInt32, _ family: AddressFamily
    ) -> UnsafeMutablePointer<nlmsghdr> {
        guard let header = unsafe mnl_nlmsg_put_header(start),
            let extra = unsafe mnl_nlmsg_put_extra_header(header, MemoryLayout<nfgenmsg>.size)
        else { preconditionFailure("a header is always built") }
        unsafe header.pointee.nlmsg_type = UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(type)
        unsafe header.pointee.nlmsg_flags = UInt16(NLM_F_REQUEST | flags)
        unsafe header.pointee.nlmsg_seq = sequence
        unsafe extra.assumingMemoryBound(to: nfgenmsg.self).pointee = nfgenmsg(
            nfgen_family: UInt8(family.number), version: UInt8(NFNETLINK_V0), res_id: 0
        )
        return unsafe header
    }

    /// Builds a request for all entries of a family, and of a transport protocol if one is given.
    ///
    /// - Returns: the message's length in bytes.
    static func buildDump(
        at start: UnsafeMutableRawPointer, _ transport: TransportProtocol?, _ family: AddressFamily, sequence: UInt32
    ) -> Int {
        let header = unsafe Self.header(
            at: start, IPCTNL_MSG_CT_GET.rawValue, flags: NLM_F_DUMP, sequence: sequence, family
        )
        if let transport {
            // libnetfilter_conntrack 1.0 has no words for this.
            let tuple = unsafe mnl_attr_nest_start(header, UInt16(CTA_TUPLE_ORIG.rawValue))
            let protocolPart = unsafe mnl_attr_nest_start(header, UInt16(CTA_TUPLE_PROTO.rawValue))
            unsafe mnl_attr_put_u8(header, UInt16(CTA_PROTO_NUM.rawValue), transport.rawValue)
            unsafe mnl_attr_nest_end(header, protocolPart)
            unsafe mnl_attr_nest_end(header, tuple)
            let filter = unsafe mnl_attr_nest_start(header, UInt16(CTA_FILTER.rawValue))
            unsafe mnl_attr_put_u32(header, UInt16(CTA_FILTER_ORIG_FLAGS.rawValue), Self.comparesTransport)
            unsafe mnl_attr_nest_end(header, filter)
        }
        return unsafe Int(header.pointee.nlmsg_len)
    }

    /// Builds the deletion of one entry.
    ///
    /// By its reply tuple, with the identifier: that is hashed from the original tuple and where the
    /// entry lies in memory. By the original tuple, a newer entry of the same client that leads to
    /// another endpoint and got the memory of the old one would be deleted in its place.
    ///
    /// - Returns: the message's length in bytes.
    static func buildDeletion(of flow: ConntrackFlow, at start: UnsafeMutableRawPointer, sequence: UInt32) -> Int {
        let family = flow.reply.source.family
        let header = unsafe Self.header(
            at: start, IPCTNL_MSG_CT_DELETE.rawValue, flags: NLM_F_ACK, sequence: sequence, family
        )
        // libnetfilter_conntrack writes no reply tuple without an original one.
        let tuple = unsafe mnl_attr_nest_start(header, UInt16(CTA_TUPLE_REPLY.rawValue))
        let addresses = unsafe mnl_attr_nest_start(header, UInt16(CTA_TUPLE_IP.rawValue))
        switch family {
        case .ipv4:
            unsafe Self.put(header, CTA_IP_V4_SRC, UInt32(flow.reply.source.low).bigEndian)
            unsafe Self.put(header, CTA_IP_V4_DST, UInt32(flow.reply.destination.low).bigEndian)
        case .ipv6:
            let (source, destination) = (flow.reply.source, flow.reply.destination)
            unsafe Self.put(header, CTA_IP_V6_SRC, (source.high.bigEndian, source.low.bigEndian))
            unsafe Self.put(header, CTA_IP_V6_DST, (destination.high.bigEndian, destination.low.bigEndian))
        }
        unsafe mnl_attr_nest_end(header, addresses)
        let transport = unsafe mnl_attr_nest_start(header, UInt16(CTA_TUPLE_PROTO.rawValue))
        unsafe mnl_attr_put_u8(header, UInt16(CTA_PROTO_NUM.rawValue), flow.transport.rawValue)
        unsafe mnl_attr_put_u16(header, UInt16(CTA_PROTO_SRC_PORT.rawValue), flow.reply.sourcePort.bigEndian)
        unsafe mnl_attr_put_u16(header, UInt16(CTA_PROTO_DST_PORT.rawValue), flow.reply.destinationPort.bigEndian)
        unsafe mnl_attr_nest_end(header, transport)
        unsafe mnl_attr_nest_end(header, tuple)
        if let identifier = flow.identifier {
            unsafe mnl_attr_put_u32(header, UInt16(CTA_ID.rawValue), identifier.bigEndian)
        }
        return unsafe Int(header.pointee.nlmsg_len)
    }

    /// Reads an entry; nil if it is of another protocol or family, or of another zone than the default
    /// one, in which a deletion would not find it.
    static func flow(
        _ header: UnsafePointer<nlmsghdr>, _ transport: TransportProtocol, _ family: AddressFamily
    ) -> ConntrackFlow? {
        guard
            unsafe header.pointee.nlmsg_type == UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(IPCTNL_MSG_CT_NEW.rawValue)
        else { return nil }
        // A new object each time: one that is parsed into twice keeps what the first entry had.
        guard let object = unsafe nfct_new() else { fatalError("out of memory") }
        defer { unsafe nfct_destroy(object) }
        guard unsafe nfct_nlmsg_parse(header, object) == 0,
            unsafe nfct_get_attr_u8(object, ATTR_ORIG_L3PROTO) == UInt8(family.number),
            unsafe nfct_get_attr_u8(object, ATTR_ORIG_L4PROTO) == transport.rawValue,
            unsafe nfct_attr_is_set(object, ATTR_ZONE) == 0, unsafe nfct_attr_is_set(object, ATTR_ORIG_ZONE) == 0,
            unsafe nfct_attr_is_set(object, ATTR_REPL_ZONE) == 0,
            let source = unsafe Self.address(object, family, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
            let destination = unsafe Self.address(object, family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
            let replySource = unsafe Self.address(object, family, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC),
            let replyDestination = unsafe Self.address(object, family, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST)
        else { return nil }
        let hasIdentifier = unsafe nfct_attr_is_set(object, ATTR_ID) > 0
        let hasBytes = unsafe nfct_attr_is_set(object, ATTR_ORIG_COUNTER_BYTES) > 0
        let hasState = unsafe transport == .tcp && nfct_attr_is_set(object, ATTR_TCP_STATE) > 0
        return unsafe ConntrackFlow(
            transport: transport,
            original: ConntrackFlow.Tuple(
                source: source, sourcePort: Self.port(object, ATTR_ORIG_PORT_SRC),
                destination: destination, destinationPort: Self.port(object, ATTR_ORIG_PORT_DST)
            ),
            reply: ConntrackFlow.Tuple(
                source: replySource, sourcePort: Self.port(object, ATTR_REPL_PORT_SRC),
                destination: replyDestination, destinationPort: Self.port(object, ATTR_REPL_PORT_DST)
            ),
            identifier: hasIdentifier ? nfct_get_attr_u32(object, ATTR_ID) : nil,
            isDestinationTranslated: nfct_get_attr_u32(object, ATTR_STATUS) & IPS_DST_NAT.rawValue != 0,
            tcpState: hasState ? nfct_get_attr_u8(object, ATTR_TCP_STATE) : nil,
            bytes: hasBytes
                ? nfct_get_attr_u64(object, ATTR_ORIG_COUNTER_BYTES)
                    &+ nfct_get_attr_u64(object, ATTR_REPL_COUNTER_BYTES) : nil
        )
    }

    // MARK: - Attributes

    private static func port(_ object: OpaquePointer, _ attribute: nf_conntrack_attr) -> UInt16 {
        unsafe UInt16(bigEndian: nfct_get_attr_u16(object, attribute))
    }

    private static func address(
        _ object: OpaquePointer, _ family: AddressFamily, _ ipv4: nf_conntrack_attr, _ ipv6: nf_conntrack_attr
    ) -> IPAddress? {
        switch family {
        case .ipv4:
            guard unsafe nfct_attr_is_set(object, ipv4) > 0 else { return nil }
            return unsafe IPAddress(ipv4: UInt32(bigEndian: nfct_get_attr_u32(object, ipv4)))
        case .ipv6:
            guard let bytes = unsafe nfct_get_attr(object, ipv6) else { return nil }
            return unsafe IPAddress(
                ipv6High: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// Puts an address: `value` is its bytes.
    private static func put<Value: BitwiseCopyable>(
        _ header: UnsafeMutablePointer<nlmsghdr>, _ attribute: ctattr_ip, _ value: Value
    ) {
        unsafe withUnsafeBytes(of: value) { bytes in
            unsafe mnl_attr_put(header, UInt16(attribute.rawValue), bytes.count, bytes.baseAddress)
        }
    }
}

extension AddressFamily {
    /// The `AF_*` constant.
    fileprivate var number: Int32 { self == .ipv4 ? AF_INET : AF_INET6 }
}
