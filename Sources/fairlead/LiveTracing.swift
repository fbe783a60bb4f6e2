internal import KernelDataplane
internal import Linux
internal import Networking
internal import Nftables
internal import Traces

/// Follows one packet through the kernel's rules; from when it is made until it is let go.
struct LiveTracing {
    /// What comes so long after a packet was first heard of is of another one.
    private static let patience = Duration.milliseconds(300)

    private let tracer: NetlinkTracer

    /// - Parameter isFromAnywhere: whoever it comes from.
    init(_ packet: TracedPacket, isFromAnywhere: Bool) throws(CommandFailure) {
        do throws(NftablesError) {
            self.tracer = try NetlinkTracer(
                .init(
                    from: isFromAnywhere ? nil : packet.source, to: packet.destination, packet.transport, packet.port))
        } catch {
            throw .failed("--live: \(error)")
        }
    }

    /// nil: none came within that time.
    func path(within timeout: Duration) throws(CommandFailure) -> KernelPath? {
        do {
            let clock = ContinuousClock()
            var deadline = clock.now + timeout
            var events: [TraceEvent] = []
            while clock.now < deadline {
                _ = try Poller.wait(readable: [self.tracer.descriptor], timeout: deadline - clock.now)
                let news = try self.tracer.receive()
                if events.isEmpty, !news.isEmpty { deadline = clock.now + Self.patience }
                events += news
            }
            var rules: [TableReference: [UInt64: [Expression]]] = [:]
            for table in Set(events.map(\.table)) where table != self.tracer.table {
                rules[table] = try self.tracer.rules(of: table)
            }
            return KernelPath(events, marker: self.tracer.table, rules: rules)
        } catch {
            throw .failed("--live: \(error)")
        }
    }
}
