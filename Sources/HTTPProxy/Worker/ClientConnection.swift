internal import Bytes
internal import HTTP1
internal import HTTP2
internal import Networking
internal import Reactor
internal import TLS

/// What a client's connection is about.
enum ClientPhase: UInt8, BitwiseCopyable {
    /// A load balancer in front says first who the client is (PROXY protocol). Next: `handshaking`, `waiting`.
    case introducing
    /// TLS. Next: `waiting`.
    case handshaking
    /// For a request: none of it has come, or a part of its head. Next: `exchanging`, `multiplexing`, `lingering`.
    case waiting
    /// A request is being served. Next: `waiting`, `tunnelling`, `lingering`.
    case exchanging
    /// Bytes go both ways, unread (`101 Switching Protocols`).
    case tunnelling
    /// HTTP/2: its streams are clients of their own. Next: `lingering`.
    case multiplexing
    /// The last answer is being written, or is written and what the client still sends is thrown away: closing a
    /// socket with unread bytes resets it, and a reset can overtake the answer (RFC 9112 section 9.6).
    case lingering
}

/// One client's connection, or a stream of one: a place in the slab of its worker. An idle one has no buffer.
struct ClientConnection: ~Copyable {
    /// None of a stream.
    let socket: StreamSocket
    private var transport: Transport
    var phase: ClientPhase
    /// Edge-triggered: said once, true until a call says otherwise.
    var isReadable = false
    var isWritable = true
    /// The client sends no more; it may still want its answer.
    var hasEnded = false
    /// Reset: there is nobody to answer.
    var isBroken = false
    /// We send no more.
    var hasShutDown = false
    /// There are bytes in `input` that no parser has seen.
    var hasUnparsed = false
    /// The time for the head that is coming in has begun.
    var isInHead = false
    /// The connection ends with the exchange that is on.
    var closesAfterExchange = false
    let timer: Int32
    /// Bytes of a head at the front of the input that has been read, and is still needed.
    var headLength = 0
    /// How far the head that is coming in has been looked at.
    private var progress = HeadProgress()
    /// From the client.
    var input = ByteBuffer()
    /// For the endpoint: the head, and as much of the body as fits behind it. Kept until the answer comes, to be
    /// sent again if need be.
    var request = ByteBuffer()
    /// For the client, before anything of the upstream's input.
    var output = ByteBuffer()
    var exchange = Exchange()
    /// Of a connection that speaks HTTP/2; none of others.
    var connection = Handle.none
    /// Of a stream.
    var link = StreamLink()
    /// Fields behind the body of a stream's request, until the body has been passed on.
    var tail = ByteBuffer()
    /// For the access log, if the route wants one.
    var log = AccessLogEntry()
    /// Requests so far.
    var requests: UInt32 = 0
    /// It goes on in the next turn of the loop, though nothing new is told of it.
    var isPostponed = false

    /// The client is being given a time in which it has to move some bytes; what it had moved before.
    var isInWindow = false
    var windowStart: UInt64 = 0

    /// Who connected.
    let peer: IPAddress
    /// Who the client is: who connected, or whom the PROXY protocol names.
    private(set) var address: SocketAddress
    /// `address` as text without the port, written once for all requests.
    private(set) var addressText: AddressText
    /// At which listener the client came in.
    let listener: UInt32
    /// How its requests are forwarded.
    private(set) var forwarding: Forwarding

    init(
        _ socket: StreamSocket, _ transport: consuming Transport, phase: ClientPhase, timer: Int32, peer: SocketAddress,
        listener: UInt32, forwarding: Forwarding
    ) {
        self.socket = socket
        self.transport = transport
        self.phase = phase
        self.timer = timer
        self.peer = peer.address
        self.address = peer
        self.addressText = AddressText(peer.address)
        self.listener = listener
        self.forwarding = forwarding
    }

    /// A stream of a connection, with the request that has come on it.
    func stream(
        _ id: HTTP2StreamID, of connection: Handle, timer: Int32, _ request: consuming ByteBuffer
    ) -> ClientConnection {
        var stream = ClientConnection(
            .none, Transport(inheriting: self.transport), phase: .waiting, timer: timer, peer: self.address,
            listener: self.listener, forwarding: self.forwarding)
        stream.input = request
        stream.hasUnparsed = true
        stream.link.connection = connection
        stream.link.id = id
        return stream
    }

    var isStream: Bool { !self.link.connection.isNone }

    /// Whether the client came by TLS.
    var isSecure: Bool { self.forwarding.isSecure }
    /// Whether what the client says about clients before it is believed.
    var isTrusted: Bool { self.forwarding.isTrusted }
    var isTLS: Bool { self.transport.isTLS }

    /// Bytes of bodies of the exchange that is on.
    var transferred: UInt64 { self.exchange.requestBody.transferred &+ self.exchange.answerBody.transferred }

    // MARK: - Bytes

    /// A connection that speaks TLS, or is about to.
    mutating func shakeHands() -> TLSStep { self.transport.handshake() }

    var isResumed: Bool { self.transport.isResumed }
    /// Whether HTTP/2 was agreed on in the handshake.
    var choseHTTP2: Bool { self.transport.choseHTTP2 }
    /// Which certificates the client was asked for.
    var clientPolicy: ClientCertificatePolicy.ID? { self.transport.clientPolicy }
    var hasVerifiedCertificate: Bool { self.transport.hasVerifiedCertificate }

    /// Whether there is nothing more to read before the loop tells, after `count` bytes were read into `space`.
    func isDrained(after count: Int, of space: Int) -> Bool { self.transport.isDrained(after: count, of: space) }

    /// The client is who the PROXY protocol says.
    mutating func introduce(_ client: SocketAddress, forwarding: Forwarding) {
        self.address = client
        self.addressText = AddressText(client.address)
        self.forwarding = forwarding
    }

    /// Into the input's space, which must not be empty.
    mutating func receive() -> Transfer { self.transport.receive(self.socket, into: &self.input) }

    mutating func sendOutput() -> Transfer { self.transport.send(self.socket, self.output) }

    /// What is staged, and then some of the upstream's input.
    mutating func sendOutput(then other: borrowing ByteBuffer, count: Int) -> Transfer {
        self.transport.send(self.socket, self.output, then: other, count: count)
    }

    func sendRequest(to upstream: inout UpstreamConnection, direct: Int) -> Transfer {
        upstream.send(self.request, from: self.exchange.requestSent, then: self.input, count: direct)
    }

    /// No more will be sent.
    mutating func shutDown() {
        self.hasShutDown = true
        self.transport.finishWriting(self.socket)
    }

    // MARK: - Requests

    /// The next head is a new one.
    mutating func startHead() { self.progress = HeadProgress() }

    mutating func parseHead(_ limits: MessageLimits, _ fields: inout FieldTable) -> RequestParse {
        Self.parse(self.input, &self.progress, limits, &fields)
    }

    private static func parse(
        _ input: borrowing ByteBuffer, _ progress: inout HeadProgress, _ limits: MessageLimits,
        _ fields: inout FieldTable
    ) -> RequestParse {
        RequestParser.parse(input.readable, progress: &progress, limits: limits, fields: &fields)
    }

    mutating func stageRequest() -> BodyRelay.Staging {
        self.exchange.requestBody.stage(from: &self.input, into: &self.request)
    }

    /// Puts the end of a body behind it, as chunks end (RFC 9112 section 7.1). False if there is no room, which there is.
    mutating func writeTail() -> Bool { self.input.appendTail(self.tail) }

    mutating func stageAnswer(from upstream: inout ByteBuffer) -> BodyRelay.Staging {
        self.exchange.answerBody.stage(from: &upstream, into: &self.output)
    }

    /// The endpoint closed its connection. True if that ends the answer as it should.
    mutating func answerEnded() -> Bool { self.exchange.answerBody.sourceClosed(into: &self.output) }
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
