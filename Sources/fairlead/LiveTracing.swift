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
            var packet = PacketEvents(marker: self.tracer.table)
            var isComplete = true
            while clock.now < deadline {
                _ = try Poller.wait(readable: [self.tracer.descriptor], timeout: deadline - clock.now)
                let isWaiting = packet.events.isEmpty
                isComplete = try self.tracer.receive { packet.take($0) } && isComplete
                if isWaiting, !packet.events.isEmpty { deadline = clock.now + Self.patience }
            }
            if !isComplete {
                StandardError.write("the kernel told of more than could be read; some of what follows may be missing\n")
            }
            return KernelPath(packet, rules: self.rules(packet.events))
        } catch {
            throw .failed("--live: \(error)")
        }
    }

    /// What the rules of those tables do. Those that cannot be read are known by their handles still.
    private func rules(_ events: [TraceEvent]) -> [TableReference: [UInt64: [Expression]]] {
        var rules: [TableReference: [UInt64: [Expression]]] = [:]
        for table in Set(events.map(\.table)) where table != self.tracer.table {
            do {
                rules[table] = try self.tracer.rules(of: table)
            } catch {
                StandardError.write("the rules of \(table) cannot be read: \(error)\n")
            }
        }
        return rules
    }
}
