internal import Balancing
internal import Networking
internal import Reactor

/// A connection of a client and the one to an endpoint that it goes on in.
struct Relay: ~Copyable {
    enum Phase: UInt8, BitwiseCopyable {
        /// Where it goes is not known before the client has said whom it wants.
        case hello
        case connecting
        /// This process has no descriptor or port for a connection; in a moment it may.
        case lacking
        case open
    }

    let client: StreamSocket
    let peer: SocketAddress
    /// Where the client came; it may be gone meanwhile.
    let listener: Handle
    let timer: Int32
    /// ``StreamListener/service``.
    var service = 0
    /// Which address the client connected to.
    let local: IPAddress
    var phase = Phase.connecting
    var upstream = StreamSocket.none
    var group = Handle.none
    var slot = EndpointSlot.none
    var tried = TriedEndpoints()
    var tries: UInt8 = 0
    /// While it is ``Phase/lacking``: until when that is borne.
    var patienceEnds: UInt64 = 0
    /// One of the sides broke off: the other one is told so, and not that all was said.
    var isBroken = false
    /// The client has reset its connection; what it sent before may still be here.
    var clientIsGone = false
    /// Waits for its next turn already.
    var isPostponed = false
    /// Counted among its client's connections.
    var isLimited = false
    var toEndpoint = Flow()
    var toClient = Flow()

    init(client: StreamSocket, peer: SocketAddress, listener: Handle, at local: IPAddress, timer: Int32) {
        self.client = client
        self.peer = peer
        self.listener = listener
        self.timer = timer
        self.local = local
    }
}
