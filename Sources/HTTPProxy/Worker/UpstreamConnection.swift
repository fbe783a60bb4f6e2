internal import Balancing
internal import Bytes
internal import HTTP1
internal import Reactor

/// What an upstream connection is doing.
enum UpstreamPhase: UInt8, BitwiseCopyable {
    /// On its way. Next: `busy`; gone if it fails.
    case connecting
    /// Kept for the next request to its endpoint. Next: `busy`; gone when the endpoint closes it or leaves.
    case idle
    /// With a client's request. Next: `idle`; gone if it cannot be used again.
    case busy
}

/// One connection to an endpoint: a place in the slab of its worker. Request bytes come from buffers of the client.
struct UpstreamConnection: ~Copyable {
    let socket: StreamSocket
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
    init(_ socket: StreamSocket, client: Handle, backend: Handle, slot: EndpointSlot, timer: Int32) {
        self.socket = socket
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

    /// Into the input's space, which must not be empty.
    mutating func receive() -> Transfer { self.socket.receive(into: &self.input) }
}
