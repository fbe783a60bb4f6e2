internal import Bytes
internal import HTTP1
internal import Networking
internal import Reactor

/// What a client's connection is about.
enum ClientPhase: UInt8, BitwiseCopyable {
    /// A load balancer in front says first who the client is (PROXY protocol). Next: `handshaking`, `waiting`.
    case introducing
    /// TLS. Next: `waiting`.
    case handshaking
    /// For a request: none of it has come, or a part of its head. Next: `exchanging`, `lingering`.
    case waiting
    /// A request is being served. Next: `waiting`, `tunnelling`, `lingering`.
    case exchanging
    /// Bytes go both ways, unread (`101 Switching Protocols`).
    case tunnelling
    /// The last answer is being written, or is written and what the client still sends is thrown away: closing a
    /// socket with unread bytes resets it, and a reset can overtake the answer (RFC 9112 section 9.6).
    case lingering
}

/// One client's connection: a place in the slab of its worker. An idle one has no buffer.
struct ClientConnection: ~Copyable {
    var socket: StreamSocket
    var transport: Transport
    var phase: ClientPhase
    /// Edge-triggered: said once, true until a call says otherwise.
    var isReadable = false
    var isWritable = true
    /// The client sends no more; it may still want its answer.
    var hasEnded = false
    /// There are bytes in `input` that no parser has seen.
    var hasUnparsed = false
    /// To be told to the client, or done when the exchange ends.
    var closesAfterExchange = false
    /// The client speaks TLS, here or with the trusted proxy before us.
    var isSecure: Bool

    let timer: Int32
    /// How far the head that is coming in has been looked at.
    var progress = HeadProgress()
    /// From the client.
    var input = ByteBuffer()
    /// For the client, before anything of the upstream's input.
    var output = ByteBuffer()
    /// So many bytes at the front of the upstream's input go to the client as they are, after `output`.
    var direct = 0
    /// Over `output`: nothing is read before it is gone.
    var exchange = Exchange()
    /// Requests so far.
    var requests: UInt32 = 0

    /// Who is at the other end of the socket.
    let peer: SocketAddress
    /// Who the client is: the peer, or whom the PROXY protocol names.
    var address: SocketAddress
    /// `address.address` as text, written once for all requests.
    var addressText: AddressText
    /// At which port the client came in.
    let listener: UInt8
    /// Whether what the peer says about clients before it is believed.
    var isTrusted: Bool

    init(
        _ socket: StreamSocket, _ transport: consuming Transport, phase: ClientPhase, timer: Int32, peer: SocketAddress,
        listener: UInt8, isSecure: Bool, isTrusted: Bool
    ) {
        self.socket = socket
        self.transport = transport
        self.phase = phase
        self.timer = timer
        self.peer = peer
        self.address = peer
        self.addressText = AddressText(peer.address)
        self.listener = listener
        self.isSecure = isSecure
        self.isTrusted = isTrusted
    }
}

/// An address as text, in place.
struct AddressText: BitwiseCopyable {
    private var bytes = InlineArray<45, UInt8>(repeating: 0)
    private(set) var count: UInt8 = 0

    init(_ address: IPAddress) {
        for byte in address.description.utf8.prefix(45) {
            self.bytes[Int(self.count)] = byte
            self.count += 1
        }
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.bytes.span.extracting(..<Int(self.count)) }
    }
}
