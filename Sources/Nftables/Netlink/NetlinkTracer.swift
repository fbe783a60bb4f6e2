internal import CNetfilter
internal import Glibc
public import Networking

/// Has the kernel tell of packets: a table of its own, whose chains come before all others', marks those that are asked for, and each
/// rule that they meet from there on is announced (`NFNLGRP_NFTRACE`).
///
/// The kernel removes the table together with the socket that made it, so nothing stays behind, however the process ends.
///
/// Unsafe invariants of this file: the receive buffer lives as long as the object; attributes are only looked at within the closures
/// that lend them.
@safe
public final class NetlinkTracer {
    /// Which packets: the first ones of such connections.
    public struct Filter: Sendable, Hashable {
        /// nil: from anywhere.
        public var source: IPAddress?
        public var destination: IPAddress
        public var transport: TransportProtocol
        public var port: UInt16

        public init(
            from source: IPAddress?, to destination: IPAddress, _ transport: TransportProtocol, _ port: UInt16
        ) {
            self.source = source
            self.destination = destination
            self.transport = transport
            self.port = port
        }

        /// Of TCP only what asks for a connection: later segments meet no chain of kind `nat`. And one a second: the kernel has some
        /// twenty messages to make of each.
        var rule: Rule {
            var statements: [Statement] = [.address(.destination, self.destination)]
            if let source { statements.append(.address(.source, source)) }
            statements.append(self.transport == .tcp ? .connectionRequest : .transportProtocol(self.transport))
            return Rule(statements + [.destinationPort(self.port), .limit(perSecond: 1), .trace])
        }
    }

    /// Behind the reassembly of fragments (`NF_IP_PRI_CONNTRACK_DEFRAG`, -400), before everything else that people hang there
    /// (`NF_IP_PRI_RAW`, -300).
    private static let priority: Int32 = -350

    private let socket: NetlinkSocket
    private let kernel: NetlinkKernel
    private let receiveBuffer: UnsafeMutableRawBufferPointer
    /// Where packets are marked.
    public let table: TableReference

    public init(_ filter: Filter) throws(NftablesError) {
        self.socket = try NetlinkSocket(groups: [UInt32(NFNLGRP_NFTRACE.rawValue)])
        self.kernel = try NetlinkKernel()
        self.table = TableReference(.inet, "fairlead-trace-\(getpid())")
        unsafe self.receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        var transaction = Transaction(self.table)
        transaction.append(.addOwnedTable)
        for (name, hook) in [("prerouting", Chain.Base.Hook.prerouting), ("output", .output)] {
            transaction.append(.addChain(Chain(name: name, base: .init(.filter, hook, priority: Self.priority))))
            transaction.append(.addRule(chain: name, filter.rule))
        }
        _ = try self.kernel.commit(transaction)
    }

    deinit {
        unsafe self.receiveBuffer.deallocate()
    }

    /// To be waited on for reading.
    public var descriptor: Int32 { self.socket.descriptor }

    /// What each rule of a table does, by handle.
    public func rules(of table: TableReference) throws(NftablesError) -> [UInt64: [Expression]] {
        try self.kernel.rules(of: table)
    }

    /// Everything told so far, of whichever packets are traced on this host, but for what is of families that a ``TableReference`` does not
    /// name (`bridge`, `netdev`, `arp`). Does not wait.
    ///
    /// - Parameter take: gets each, in order.
    /// - Returns: whether that was all; some may be lost where more come than are read.
    public func receive(_ take: (TraceEvent) -> Void) throws(NftablesError) -> Bool {
        var isComplete = true
        while true {
            switch try unsafe self.socket.receive(into: self.receiveBuffer) {
            case .empty: return isComplete
            case .lost: isComplete = false
            case .messages(let count):
                try unsafe ReplyReader.forEachMessage(.init(rebasing: self.receiveBuffer[..<count])) {
                    (header) throws(NftablesError) in
                    if let event = unsafe Self.event(header) { take(event) }
                }
            }
        }
    }

    private static func event(_ header: UnsafePointer<nlmsghdr>) -> TraceEvent? {
        let type = unsafe UInt32(header.pointee.nlmsg_type)
        guard type == UInt32(NFNL_SUBSYS_NFTABLES) << 8 | NFT_MSG_TRACE.rawValue,
            let family = unsafe ReplyReader.family(header)
        else { return nil }
        var event = TraceEvent(packet: 0, TableReference(family, ""), chain: "", .end, nil)
        var (handle, kind) = (UInt64(0), UInt32(0))
        var (network, transport): ([UInt8], [UInt8]) = ([], [])
        unsafe ReplyReader.forEachAttribute(header, skipping: MemoryLayout<nfgenmsg>.size) { attribute in
            switch unsafe UInt32(mnl_attr_get_type(attribute)) {
            case NFTA_TRACE_ID.rawValue: event.packet = unsafe ReplyReader.number(attribute) ?? 0
            case NFTA_TRACE_TABLE.rawValue:
                event.table = unsafe TableReference(family, ReplyReader.text(attribute))
            case NFTA_TRACE_CHAIN.rawValue: event.chain = unsafe ReplyReader.text(attribute)
            case NFTA_TRACE_TYPE.rawValue: kind = unsafe ReplyReader.number(attribute) ?? 0
            case NFTA_TRACE_RULE_HANDLE.rawValue: handle = unsafe ReplyReader.wideNumber(attribute) ?? 0
            case NFTA_TRACE_VERDICT.rawValue:
                let code = unsafe ReplyReader.attribute(NFTA_VERDICT_CODE.rawValue, in: attribute)
                let chain = unsafe ReplyReader.attribute(NFTA_VERDICT_CHAIN.rawValue, in: attribute)
                event.verdict = unsafe code.flatMap(ReplyReader.number).flatMap {
                    unsafe Verdict(code: Int32(bitPattern: $0), chain: chain.map(ReplyReader.text))
                }
            case NFTA_TRACE_POLICY.rawValue:
                event.verdict = unsafe ReplyReader.number(attribute).flatMap {
                    Verdict(code: Int32(bitPattern: $0), chain: nil)
                }
            case NFTA_TRACE_NETWORK_HEADER.rawValue: network = unsafe ReplyReader.bytes(attribute)
            case NFTA_TRACE_TRANSPORT_HEADER.rawValue: transport = unsafe ReplyReader.bytes(attribute)
            case NFTA_TRACE_IIF.rawValue: event.input = unsafe ReplyReader.number(attribute)
            case NFTA_TRACE_OIF.rawValue: event.output = unsafe ReplyReader.number(attribute)
            default: break
            }
        }
        event.headers = TraceEvent.Headers(network: network, transport: transport)
        switch kind {
        // The end of a chain in which nothing decided is told as a rule too, which has no handle.
        case NFT_TRACETYPE_RULE.rawValue where handle != 0: event.place = .rule(handle: handle)
        case NFT_TRACETYPE_POLICY.rawValue: event.place = .policy
        default: event.place = .end
        }
        return event
    }
}
