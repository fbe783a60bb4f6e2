internal import CNetfilter
internal import Glibc
package import Networking

/// The connection table of the network namespace of the thread it was made on.
///
/// Only entries of the default zone (`NF_CT_DEFAULT_ZONE_ID`): others belong to programs that keep
/// address spaces of their own apart.
///
/// Unsafe invariants of this file: `request` holds a whole batch of messages and lives from `init` to
/// `deinit`; it is only written to before it is sent, and netlink keeps nothing of it.
@safe
package final class ConntrackTable {
    private let socket: ConntrackSocket
    private let request: UnsafeMutableRawBufferPointer
    private var sequence: UInt32 = 0
    /// Whether the kernel is asked for one transport protocol only.
    private var filtersInKernel: Bool
    /// Whether the socket is in the middle of a dump.
    private var isListing = false

    /// How often a dump is taken when it is interrupted or parts of it are lost.
    package static let dumpAttempts = 5

    /// Deletions of one datagram: their answers fit into the receive queue many times over.
    private static let batch = 128

    /// Opens a socket to the kernel. Needs no privilege yet; throws ``ConntrackError`` with
    /// `.system` if there is no socket to be had.
    package convenience init() throws(ConntrackError) {
        try self.init(filtersInKernel: true)
    }

    /// - Parameter filtersInKernel: false makes any kernel one from before 5.8, which knows no
    ///   `CTA_FILTER` and answers with the entries of every protocol.
    package init(filtersInKernel: Bool) throws(ConntrackError) {
        self.socket = try ConntrackSocket()
        self.filtersInKernel = filtersInKernel
        let capacity = Self.batch * ConntrackMessage.capacity
        unsafe self.request = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        unsafe self.request.deallocate()
    }

    private func nextSequence() -> UInt32 {
        self.sequence &+= 1
        return self.sequence
    }

    // MARK: - Listing

    /// Calls `body` for each connection of `transport` over `family` in the table, as the kernel lists
    /// them: never is the whole table held here.
    ///
    /// The table changes meanwhile: connections that begin or end during the dump are listed or not.
    /// `body` may see a connection twice, when a dump was interrupted and is taken again from the start
    /// (and then has seen connections that are gone since). It must not use this table, which is in the
    /// middle of the dump: what is to be deleted is gathered first.
    ///
    /// Throws `.notPermitted` without `CAP_NET_ADMIN`; `.lost` if ``dumpAttempts`` dumps in a row were
    /// interrupted or overflowed the socket; `.system` for anything else. `IPCTNL_MSG_CT_GET` of
    /// linux/netfilter/nfnetlink_conntrack.h.
    package func forEach(
        _ transport: TransportProtocol,
        _ family: AddressFamily,
        _ body: (ConntrackFlow) -> Void
    ) throws(ConntrackError) {
        let subject = "\(transport) connections over \(family == .ipv4 ? "IPv4" : "IPv6")"
        for _ in 0..<Self.dumpAttempts {
            switch try self.dump(transport, family, subject, body) {
            case .complete: return
            case .interrupted: continue
            case .failed(let number) where number == EINVAL || number == EOPNOTSUPP:
                // A kernel that knows the filter, but not this one.
                guard self.filtersInKernel else { throw .system(number, subject) }
                self.filtersInKernel = false
            case .failed(let number): throw .system(number, subject)
            }
        }
        throw ConntrackError(
            .lost,
            number: EINTR,
            subject: subject,
            reason: "each of \(Self.dumpAttempts) dumps was interrupted"
        )
    }

    private enum DumpOutcome {
        case complete
        /// Entries may be missing.
        case interrupted
        case failed(Int32)
    }

    private func dump(
        _ transport: TransportProtocol, _ family: AddressFamily, _ subject: String, _ body: (ConntrackFlow) -> Void
    ) throws(ConntrackError) -> DumpOutcome {
        precondition(!self.isListing, "the table is used while it is listed")
        self.isListing = true
        defer { self.isListing = false }
        try self.socket.drain()
        let sequence = self.nextSequence()
        let filter = self.filtersInKernel ? transport : nil
        try unsafe self.send(subject) { start in
            unsafe ConntrackMessage.buildDump(at: start, filter, family, sequence: sequence)
        }
        var isInterrupted = false
        var end: Int32?
        while end == nil {
            let received = try unsafe self.socket.receive(subject) { header in
                guard unsafe header.pointee.nlmsg_seq == sequence else { return }
                if unsafe Int32(header.pointee.nlmsg_flags) & NLM_F_DUMP_INTR != 0 { isInterrupted = true }
                switch unsafe Int32(header.pointee.nlmsg_type) {
                case NLMSG_DONE, NLMSG_ERROR: end = unsafe Self.errorNumber(header)
                default: if let flow = unsafe ConntrackMessage.flow(header, transport, family) { body(flow) }
                }
            }
            guard case .messages = received else { return .interrupted }
        }
        switch end ?? 0 {
        case 0: return isInterrupted ? .interrupted : .complete
        // EBUSY: an earlier dump of this socket has not ended.
        case EINTR, EAGAIN, ENOBUFS, EBUSY: return .interrupted
        case let number: return .failed(number)
        }
    }

    /// The errno of an `NLMSG_ERROR` or `NLMSG_DONE`, both of which begin with its negative; 0 for success.
    private static func errorNumber(_ header: UnsafePointer<nlmsghdr>) -> Int32 {
        guard unsafe mnl_nlmsg_get_payload_len(header) >= MemoryLayout<Int32>.size,
            let payload = unsafe mnl_nlmsg_get_payload(header)
        else { return 0 }
        return unsafe -payload.load(as: Int32.self)
    }

    /// Sends what `build` puts at the start of the request buffer, of the length that it returns.
    private func send(
        _ subject: String, _ build: (UnsafeMutableRawPointer) -> Int
    ) throws(ConntrackError) {
        guard let start = unsafe self.request.baseAddress else { return }
        let length = unsafe build(start)
        try unsafe self.socket.send(UnsafeRawBufferPointer(start: start, count: length), subject)
    }

    // MARK: - Deletion

    /// Deletes this connection: the entry with its reply tuple and, where it has one, its identifier. A
    /// newer connection of the same client to another endpoint is left alone.
    ///
    /// - Returns: false if it was gone already (`ENOENT`).
    ///
    /// Throws as ``delete(_:)-(Array<ConntrackFlow>)`` does.
    package func delete(_ flow: ConntrackFlow) throws(ConntrackError) -> Bool {
        try self.delete([flow]) == 1
    }

    /// Deletes these connections, each as ``delete(_:)-(ConntrackFlow)`` does, many to a system call.
    ///
    /// - Returns: how many there were.
    ///
    /// Throws `.notPermitted` without `CAP_NET_ADMIN`, `.lost` if answers are missing, and `.system` for
    /// anything else; some of the connections may then have been deleted. `IPCTNL_MSG_CT_DELETE` of
    /// linux/netfilter/nfnetlink_conntrack.h.
    package func delete(_ flows: [ConntrackFlow]) throws(ConntrackError) -> Int {
        var deleted = 0
        var start = 0
        while start < flows.count {
            let end = min(start + Self.batch, flows.count)
            deleted += try self.deleteBatch(flows[start..<end])
            start = end
        }
        return deleted
    }

    private func deleteBatch(_ flows: ArraySlice<ConntrackFlow>) throws(ConntrackError) -> Int {
        let subject = flows.count == 1 ? "connection \(flows[flows.startIndex])" : "\(flows.count) connections"
        precondition(!self.isListing, "the table is used while it is listed")
        try self.socket.drain()
        let first = self.sequence &+ 1
        try unsafe self.send(subject) { start in
            var length = 0
            for flow in flows {
                length += unsafe ConntrackMessage.buildDeletion(
                    of: flow, at: start + length, sequence: self.nextSequence()
                )
            }
            return length
        }
        // The kernel has handled all of them, and queued an answer to each, when the call that sends returns.
        var deleted = 0
        var answers = 0
        var failure: Int32?
        while answers < flows.count {
            let received = try unsafe self.socket.receive(subject) { header in
                guard unsafe header.pointee.nlmsg_seq &- first < UInt32(flows.count),
                    unsafe Int32(header.pointee.nlmsg_type) == NLMSG_ERROR
                else { return }
                answers += 1
                switch unsafe Self.errorNumber(header) {
                case 0: deleted += 1
                case ENOENT: break
                case let number: failure = failure ?? number
                }
            }
            // Without the permission there is one answer to all.
            if let failure { throw .system(failure, subject) }
            switch received {
            case .messages: continue
            case .empty: throw .lost(0, subject)
            case .lost(let number): throw .lost(number, subject)
            }
        }
        return deleted
    }
}
