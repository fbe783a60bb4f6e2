package import Nftables

/// What the kernel tells of the first packet that was marked for us, out of all that it tells of packets that are traced on this host:
/// other programs, and people, may trace theirs at the same time.
package struct PacketEvents: Sendable {
    /// The table that marks packets, which is no business of whoever asks.
    package let marker: TableReference
    /// Of one packet, in order, from when it was marked; none before one came by.
    package private(set) var events: [TraceEvent] = []

    package init(marker: TableReference) { self.marker = marker }

    package mutating func take(_ event: TraceEvent) {
        if let first = self.events.first {
            guard event.packet == first.packet else { return }
        } else {
            // Of others' packets the end of its chains is told too.
            guard event.table == self.marker, case .rule = event.place, event.headers != nil else { return }
        }
        self.events.append(event)
    }
}
