internal import CNetfilter

/// What the kernel announces of other programs' commits.
public enum RulesetEvent: Sendable, Hashable {
    /// Something in this table was added, changed or deleted.
    case changed(TableReference)
    /// A commit ended: its generation, and the process that did it.
    case committed(generation: UInt32, process: UInt32, name: String)
    /// Announcements were lost (`ENOBUFS`): anything may have changed.
    case lost
}

/// A subscription to `NFNLGRP_NFTABLES`, without the commits of one kernel connection of ours.
///
/// Those are filtered out in the kernel: a quarter of a million elements of our own would otherwise
/// overflow the queue.
@safe
public final class NetlinkEvents {
    private let socket: NetlinkSocket
    private let receiveBuffer: UnsafeMutableRawBufferPointer

    /// - Parameter ignoring: the connection whose own commits are not announced.
    public init(ignoring kernel: NetlinkKernel) throws(NftablesError) {
        self.socket = try NetlinkSocket(groups: [UInt32(NFNLGRP_NFTABLES.rawValue)])
        try self.socket.ignoreAnnouncements(causedBy: kernel.port)
        unsafe self.receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    }

    deinit {
        unsafe self.receiveBuffer.deallocate()
    }

    /// To be waited on for reading.
    public var descriptor: Int32 { self.socket.descriptor }

    /// Everything announced so far, each table once, in order of first mention. Does not wait.
    public func receive() throws(NftablesError) -> [RulesetEvent] {
        var events: [RulesetEvent] = []
        var changed: Set<TableReference> = []
        while true {
            switch try unsafe self.socket.receive(into: self.receiveBuffer) {
            case .empty:
                return events
            case .lost:
                events.append(.lost)
            case .messages(let count):
                try unsafe ReplyReader.forEachMessage(.init(rebasing: self.receiveBuffer[..<count])) {
                    (header) throws(NftablesError) in
                    if let event = unsafe Self.event(header) {
                        if case .changed(let table) = event, !changed.insert(table).inserted { return }
                        events.append(event)
                    }
                }
            }
        }
    }

    private static func event(_ header: UnsafePointer<nlmsghdr>) -> RulesetEvent? {
        let type = unsafe UInt32(header.pointee.nlmsg_type)
        guard type >> 8 == UInt32(NFNL_SUBSYS_NFTABLES),
            unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<nfgenmsg>.size
        else { return nil }
        let attributes = MemoryLayout<nfgenmsg>.size
        if type & 0xff == NFT_MSG_NEWGEN.rawValue {
            var (generation, process, name) = (UInt32(0), UInt32(0), "")
            unsafe ReplyReader.forEachAttribute(header, skipping: attributes) { attribute in
                switch unsafe UInt32(mnl_attr_get_type(attribute)) {
                case NFTA_GEN_ID.rawValue: generation = unsafe ReplyReader.number(attribute) ?? 0
                case NFTA_GEN_PROC_PID.rawValue: process = unsafe ReplyReader.number(attribute) ?? 0
                case NFTA_GEN_PROC_NAME.rawValue: name = unsafe ReplyReader.text(attribute)
                default: break
                }
            }
            return .committed(generation: generation, process: process, name: name)
        }
        // In every other announcement attribute 1 is the table's name.
        var table: String?
        unsafe ReplyReader.forEachAttribute(header, skipping: attributes) { attribute in
            if unsafe mnl_attr_get_type(attribute) == UInt16(NFTA_TABLE_NAME.rawValue), table == nil {
                table = unsafe ReplyReader.text(attribute)
            }
        }
        guard let family = unsafe ReplyReader.family(header), let table else { return nil }
        return .changed(TableReference(family, table))
    }
}
