internal import CReactor
public import Linux

/// A client's address as a key: what the kernel says of it, in three words.
///
/// **Unsafe, and why it is right.** As everywhere in this file: pointers are to local values, for the one call.
@frozen
public struct PeerAddress: BitwiseCopyable, Hashable, Sendable {
    /// The family, the port and, of a link-local address, the interface.
    public let head: UInt64
    /// The address in network order.
    public let first: UInt64
    public let second: UInt64

    @inlinable
    init(head: UInt64, first: UInt64, second: UInt64) {
        self.head = head
        self.first = first
        self.second = second
    }

    public init(_ address: SocketAddress) {
        var raw = address.raw
        var peer = fairlead_peer()
        unsafe fairlead_peer_encode(&raw, &peer)
        self.init(peer)
    }

    public var socketAddress: SocketAddress {
        var peer = self.raw
        var raw = fairlead_address()
        unsafe fairlead_peer_decode(&peer, &raw)
        return SocketAddress(raw)
    }

    @inlinable
    public static func == (left: PeerAddress, right: PeerAddress) -> Bool {
        left.head == right.head && left.first == right.first && left.second == right.second
    }

    init(_ raw: fairlead_peer) { self.init(head: raw.head, first: raw.first, second: raw.second) }

    var raw: fairlead_peer { fairlead_peer(head: self.head, first: self.first, second: self.second) }
}

/// A UDP socket at an address, closed when its owner goes. With `SO_REUSEPORT` each worker has one of its own at the same address, and the
/// kernel gives each the same clients for as long as there are as many.
public final class DatagramListener: Sendable {
    private let descriptor: Descriptor
    public let address: SocketAddress

    public var number: Int32 { self.descriptor.number }

    /// - Parameters:
    ///   - isShared: others of the same user may be there as well.
    ///   - bufferSize: bytes that wait in the kernel, in either direction; more than `net.core.rmem_max` and `wmem_max` with
    ///     `CAP_NET_ADMIN` only.
    ///   - filter: whose datagrams are taken. From before the first one.
    public init(
        at address: SocketAddress, isShared: Bool, bufferSize: Int = DatagramListener.bufferSize,
        filter: SocketFilter? = nil
    ) throws(SystemError) {
        var raw = address.raw
        let number = try Outcome.check(
            "bind", unsafe fairlead_datagram_bind(&raw, isShared ? 1 : 0, Int32(clamping: bufferSize)),
            address.description)
        self.descriptor = Descriptor(owning: number)
        self.address = StreamSocket(number).localAddress ?? address
        try filter?.attach(to: number)
    }

    /// Enough for what comes while a worker is busy elsewhere for some milliseconds.
    public static let bufferSize = 4 << 20
}

/// A UDP socket that is connected to an endpoint. A number and nothing else, as ``StreamSocket``: who owns the session closes it, once.
@frozen
public struct DatagramSocket: BitwiseCopyable, Hashable, Sendable {
    public let number: Int32

    @inlinable
    public init(_ number: Int32) { self.number = number }

    public enum Connecting: Sendable {
        case done(DatagramSocket)
        /// An errno. `EADDRINUSE`: somebody else has the port; `EAGAIN`: the kernel has none left.
        case failed(Int32)
    }

    /// - Parameter port: shared with other sockets of this user that are connected elsewhere; who asks sees to that. 0: one
    ///   that the kernel chooses, for this socket alone.
    public static func connect(to remote: SocketAddress, from port: UInt16 = 0) -> Connecting {
        var raw = remote.raw
        let number = unsafe fairlead_datagram_connect(&raw, port)
        return number < 0 ? .failed(-number) : .done(DatagramSocket(number))
    }

    public var localAddress: SocketAddress? { StreamSocket(self.number).localAddress }

    public func close() { StreamSocket(self.number).close() }
}
