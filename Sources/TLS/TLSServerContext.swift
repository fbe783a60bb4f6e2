internal import COpenSSL

/// What a listener offers at one moment: settings that last, and certificates that may change at any time. Immutable;
/// ``replacing(_:)`` makes the next one at the cost of nothing, as all contexts of a listener share the part that
/// is OpenSSL's. A new connection takes the newest; one that is established keeps nothing of the certificates.
package final class TLSServerContext: Sendable {
    package let hosts: TLSHosts
    package var settings: TLSSettings { self.engine.settings }

    let engine: TLSEngine

    package init(settings: TLSSettings, tickets: TicketKeys, hosts: TLSHosts) throws(TLSContextError) {
        self.engine = try TLSEngine(settings: settings, tickets: tickets)
        self.hosts = hosts
    }

    private init(engine: TLSEngine, hosts: TLSHosts) {
        self.engine = engine
        self.hosts = hosts
    }

    /// The same listener with other certificates.
    package func replacing(_ hosts: TLSHosts) -> TLSServerContext {
        TLSServerContext(engine: self.engine, hosts: hosts)
    }
}

/// The part of a context that certificates do not change.
final class TLSEngine: Sendable {
    let settings: TLSSettings
    let tickets: TicketKeys
    let handle: ContextHandle

    init(settings: TLSSettings, tickets: TicketKeys) throws(TLSContextError) {
        guard let handle = ContextHandle(.server) else {
            throw TLSContextError(code: .unavailable, message: "no TLS context", cause: ErrorQueue.take())
        }
        try handle.apply(settings.algorithms)
        try handle.giveTickets(settings.ticketsPerHandshake, lifetime: tickets.ticketLifetime)
        HandshakeCallbacks.install(in: handle)
        self.settings = settings
        self.tickets = tickets
        self.handle = handle
    }
}
