internal import Conntrack
internal import Networking
package import ServiceModel

/// What goes through frontends now, as the kernel's connection tracking has it.
package struct FrontendTraffic: Sendable {
    package struct Count: Hashable, Sendable {
        /// Of TCP those that are not over; of UDP those that have not timed out.
        package fileprivate(set) var connections = 0
        /// Both ways, of those connections; nil where the kernel does not account (`net.netfilter.nf_conntrack_acct`).
        package fileprivate(set) var bytes: UInt64?
    }

    private var counts: [Frontend: Count] = [:]

    package subscript(frontend: Frontend) -> Count { self.counts[frontend] ?? Count() }

    /// Lists the connection table of this thread's network namespace. Connections that a dump shows twice, as it was interrupted,
    /// are counted once.
    ///
    /// Throws `ConntrackError`.
    package init(of frontends: some Sequence<Frontend>) throws {
        let known = Set(frontends)
        let table = try ConntrackTable()
        var protocols: Set<Listing> = []
        for frontend in known { protocols.insert(Listing(transport: frontend.transport, family: frontend.family)) }
        for listing in protocols {
            var seen: Set<ConntrackFlow> = []
            try table.forEach(listing.transport, listing.family) { flow in
                // Of connections that are not translated none is ours, and they may be many.
                if flow.isDestinationTranslated, !flow.isOver { seen.insert(flow) }
            }
            for flow in seen {
                let target = flow.original
                let address = Frontend(.address(target.destination), flow.transport, target.destinationPort)
                let nodePort = Frontend(.node(listing.family), flow.transport, target.destinationPort)
                let frontend = known.contains(address) ? address : nodePort
                guard known.contains(frontend) else { continue }
                self.counts[frontend, default: Count()].add(flow)
            }
        }
    }

    private struct Listing: Hashable {
        let transport: TransportProtocol
        let family: AddressFamily
    }
}

extension FrontendTraffic.Count {
    fileprivate mutating func add(_ flow: ConntrackFlow) {
        self.connections += 1
        if let bytes = flow.bytes { self.bytes = (self.bytes ?? 0) &+ bytes }
    }
}

extension ConntrackFlow {
    /// TIME_WAIT and CLOSE of `enum tcp_conntrack`.
    fileprivate var isOver: Bool { self.tcpState == 7 || self.tcpState == 8 }
}
