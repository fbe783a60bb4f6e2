internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor
internal import TLS

/// What an upstream connection is doing.
enum UpstreamPhase: UInt8, BitwiseCopyable {
    /// On its way. Next: `busy`; gone if it fails.
    case connecting
    /// TLS. Next: `busy`, `multiplexing`; gone if it fails.
    case handshaking
    /// Kept for the next request to its endpoint. Next: `busy`; gone when the endpoint closes it or leaves.
    case idle
    /// With a client's request. Next: `idle`; gone if it cannot be used again.
    case busy
    /// HTTP/2: its streams are upstreams of their own.
    case multiplexing
}

/// One connection to an endpoint, or a stream of one: a place in the slab of its worker. Request bytes come from buffers of the
/// client.
struct UpstreamConnection: ~Copyable {
    /// None of a stream.
    let socket: StreamSocket
    private var transport: Transport
    var phase = UpstreamPhase.connecting
    /// Edge-triggered: said once, true until a call says otherwise.
    var isReadable = false
    var isWritable = false
    /// The endpoint sends no more.
    var hasEnded = false
    /// We send no more; of tunnels.
    var hasShutDown = false
    /// The last read filled the buffer.
    var wantsLargeBuffer = false
    /// There are bytes in `input` that no parser has seen.
    var hasUnparsed = false
    /// It served a request before this one: the endpoint may have closed it in the meantime.
    var isReused = false
    /// Whose request it serves, while it is connecting or busy.
    var client: Handle
    let backend: Handle
    let slot: EndpointSlot
    let timer: Int32
    /// How far the head that is coming in has been looked at.
    private var progress = HeadProgress()
    /// From the endpoint.
    var input = ByteBuffer()

    /// Its neighbours among the endpoint's idle connections; the one used last comes first.
    var newer = Handle.none
    var older = Handle.none

    // HTTP/2.
    /// Of a connection that carries streams; none of others.
    var connection = Handle.none
    /// Of a stream.
    var link = StreamLink()
    /// Fields behind the body of a stream's answer, until the body has been passed on.
    var tail = ByteBuffer()
    /// Frames of a connection that carries streams.
    var output = ByteBuffer()
    /// A stream that has nothing to do with its connection any more: what came is all that comes.
    var isDetached = false
    /// It takes no new requests.
    var isRetired = false

    init(
        _ socket: StreamSocket, _ transport: consuming Transport, client: Handle, backend: Handle, slot: EndpointSlot,
        timer: Int32
    ) {
        self.socket = socket
        self.transport = transport
        self.client = client
        self.backend = backend
        self.slot = slot
        self.timer = timer
    }

    mutating func parseHead(
        _ context: ResponseContext, _ limits: MessageLimits, _ fields: inout FieldTable
    ) -> ResponseParse {
        Self.parse(self.input, &self.progress, context, limits, &fields)
    }

    private static func parse(
        _ input: borrowing ByteBuffer, _ progress: inout HeadProgress, _ context: ResponseContext,
        _ limits: MessageLimits, _ fields: inout FieldTable
    ) -> ResponseParse {
        ResponseParser.parse(
            input.readable, progress: &progress, context: context, limits: limits, fields: &fields)
    }

    var isStream: Bool { !self.link.connection.isNone }
    var isTLS: Bool { self.transport.isTLS }

    mutating func shakeHands() -> TLSStep { self.transport.handshake() }

    /// Whether HTTP/2 was agreed on in the handshake.
    var choseHTTP2: Bool { self.transport.choseHTTP2 }

    /// Whether there is nothing more to read before the loop tells, after `count` bytes were read into `space`.
    func isDrained(after count: Int, of space: Int) -> Bool { self.transport.isDrained(after: count, of: space) }

    /// Into the input's space, which must not be empty.
    mutating func receive() -> Transfer { self.transport.receive(self.socket, into: &self.input) }

    /// What `buffer` holds from `start` on, and then the first `count` bytes of `other`. In TLS perhaps not all at once,
    /// although the socket would take it.
    mutating func send(
        _ buffer: borrowing ByteBuffer, from start: Int, then other: borrowing ByteBuffer, count: Int
    ) -> Transfer {
        self.transport.send(self.socket, buffer, from: start, then: other, count: count)
    }

    mutating func sendOutput() -> Transfer { self.transport.send(self.socket, self.output) }

    /// Puts the end of a body behind it, as chunks end (RFC 9112 section 7.1). False if there is no room, which there is.
    mutating func writeTail() -> Bool { self.input.appendTail(self.tail) }

    /// No more will be sent.
    mutating func finishWriting() { self.transport.finishWriting(self.socket) }
}
