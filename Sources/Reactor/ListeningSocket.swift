internal import CReactor
public import Linux

/// A TCP listener, closed when its owner goes. With `SO_REUSEPORT` each worker has one of its own at the same address, and the
/// kernel spreads connections over them.
public final class ListeningSocket: Sendable {
    private let descriptor: Descriptor
    public let address: SocketAddress

    public var number: Int32 { self.descriptor.number }

    /// - Parameters:
    ///   - backlog: connections that wait to be accepted; the kernel's `net.core.somaxconn` bounds it.
    ///   - isShared: others of the same user may listen there as well.
    ///   - isFree: the address need not be of an interface (`IP_FREEBIND`).
    public init(
        at address: SocketAddress, backlog: Int32, isShared: Bool, isFree: Bool = false
    ) throws(SystemError) {
        var raw = address.raw
        let number = try Outcome.check(
            "listen", unsafe fairlead_listen(&raw, backlog, isShared ? 1 : 0, isFree ? 1 : 0), address.description)
        self.descriptor = Descriptor(owning: number)
        self.address = StreamSocket(number).localAddress ?? address
    }

    /// From now on the kernel refuses connections, also where others hold this socket.
    public func stop() { _ = fairlead_stop_listening(self.number) }

    public enum Accepting: Sendable {
        case connection(StreamSocket, from: SocketAddress)
        /// There is none.
        case none
        /// No descriptor or no memory is left for one: it stays in the queue.
        case exhausted(Int32)
        /// It is gone already; there may be others.
        case lost
    }

    public func accept() -> Accepting {
        var raw = fairlead_address()
        let number = unsafe fairlead_accept(self.number, &raw)
        if number >= 0 { return .connection(StreamSocket(number), from: SocketAddress(raw)) }
        // errno(3): EAGAIN; EMFILE, ENFILE, ENOBUFS, ENOMEM. All others are accept(2)'s errors of the connection that was
        // accepted, to be treated like EAGAIN by trying again.
        switch -number {
        case 11: return .none
        case 24, 23, 105, 12: return .exhausted(-number)
        default: return .lost
        }
    }
}
