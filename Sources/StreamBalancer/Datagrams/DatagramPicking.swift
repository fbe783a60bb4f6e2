package import Reactor

/// Where the datagrams of a client go who has no session.
package enum DatagramVerdict: BitwiseCopyable, Sendable {
    /// To this endpoint. `slot` is whatever the picker knows it by.
    case endpoint(SocketAddress, slot: UInt64)
    /// There is nobody: the client is told so (ICMP port unreachable).
    case refuse
    /// There is nobody for this client, and it is told nothing.
    case drop
}

/// Who chooses endpoints for the UDP sessions of a worker.
///
/// Asked for each new session, and once for each session after endpoints changed; never for a datagram.
package protocol DatagramPicking: ~Copyable {
    /// - Parameters:
    ///   - frontend: the number that ``DatagramForwarder/serve(_:frontend:_:)`` was given.
    ///   - now: milliseconds of the loop's clock.
    mutating func pick(frontend: UInt32, client: SocketAddress, now: UInt64) -> DatagramVerdict

    /// Whether a session may stay with its endpoint.
    borrowing func isStillServed(_ slot: UInt64, frontend: UInt32) -> Bool

    /// An endpoint could not be reached, or nobody was there: it answered with an ICMP error. ``ended(_:frontend:)`` follows.
    mutating func failed(_ slot: UInt64, frontend: UInt32, now: UInt64)

    /// A session that was given by ``pick(frontend:client:now:)`` is over: once for each, also where it never came about.
    mutating func ended(_ slot: UInt64, frontend: UInt32)
}
