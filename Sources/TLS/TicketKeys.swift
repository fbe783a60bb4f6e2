internal import COpenSSL
internal import Linux
internal import Synchronization

/// The keys that session tickets are encrypted with (RFC 5077, RFC 8446 4.6.1), shared by all workers and all
/// contexts of a process, so that a client resumes wherever it comes back to. They are in memory only.
///
/// They rotate by themselves when a ticket is made or shown; ``advance()`` once in a while wipes keys that nobody comes
/// for. Whoever learns a key can read what was said on the connections resumed with its TLS 1.2 tickets: hence
/// the short life.
///
/// Unsafe invariants of this file: requests are passed on within the callback that they come from, and not kept.
package final class TicketKeys: Sendable {
    /// How long a key makes tickets; it is accepted for twice as long after that.
    package static let defaultInterval = Duration.seconds(3600)

    private let state: Mutex<State>

    private struct State: ~Copyable {
        var schedule: TicketKeySchedule
        var memory: TicketKeyMemory
    }

    package init(interval: Duration = TicketKeys.defaultInterval) throws(TLSContextError) {
        guard let memory = TicketKeyMemory() else {
            throw TLSContextError(code: .unavailable, message: "no memory for ticket keys", cause: ErrorQueue.take())
        }
        let (seconds, attoseconds) = interval.components
        let nanoseconds = max(1, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        self.state = Mutex(State(schedule: TicketKeySchedule(interval: nanoseconds), memory: memory))
        guard self.advance(at: MonotonicClock.nanoseconds()) else {
            throw TLSContextError(code: .noRandomness, message: "no ticket key can be made", cause: ErrorQueue.take())
        }
    }

    /// How long tickets are good at least, in seconds.
    var ticketLifetime: Int {
        self.state.withLock { max(1, Int($0.schedule.interval * 2 / 1_000_000_000)) }
    }

    /// Wipes expired keys and makes a new one if it is time.
    package func advance() { _ = self.advance(at: MonotonicClock.nanoseconds()) }

    /// Makes a new key now, as after a leak; the two before it stay accepted. Three times in a row leaves none of them.
    package func rotate() {
        let now = MonotonicClock.nanoseconds()
        self.state.withLock { state in
            state.schedule.rotate(at: now) { change in _ = state.memory.perform(change) }
        }
    }

    private func advance(at now: Int64) -> Bool {
        self.state.withLock { state in Self.advance(&state, at: now) }
    }

    private static func advance(_ state: inout State, at now: Int64) -> Bool {
        var succeeded = true
        state.schedule.advance(to: now) { change in
            if !state.memory.perform(change) { succeeded = false }
        }
        return succeeded
    }

    // MARK: - For OpenSSL

    /// Sets up the encryption of a new ticket; false to make none.
    func startEncryption(_ request: TicketRequest) -> Bool {
        let now = MonotonicClock.nanoseconds()
        return self.state.withLock { state in
            guard Self.advance(&state, at: now), let place = state.schedule.encrypting else { return false }
            return unsafe state.memory.startEncryption(with: place, request)
        }
    }

    enum Decryption {
        /// No key has that name: a full handshake.
        case unknown
        case ready
        /// The same, and the client should get a new ticket.
        case readyButOld
        case failed
    }

    /// Sets up the decryption of a ticket.
    func startDecryption(_ request: TicketRequest) -> Decryption {
        let now = MonotonicClock.nanoseconds()
        return self.state.withLock { state in
            guard Self.advance(&state, at: now), let place = unsafe state.memory.place(named: request),
                state.schedule.accepts(place, at: now)
            else {
                return .unknown
            }
            guard unsafe state.memory.startDecryption(with: place, request) else { return .failed }
            return place == state.schedule.encrypting ? .ready : .readyButOld
        }
    }
}
