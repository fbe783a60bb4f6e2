internal import Bytes
internal import HTTP2
internal import Reactor

/// What makes a connection one of HTTP/2 (RFC 9113): its session and its streams. A place in a slab of its worker.
///
/// Each stream of a client's connection is a client of its own there, without a socket: what it receives is the text of an HTTP/1.1
/// request, and what is answered becomes frames in the output of the connection that carries it. Those of a connection to an
/// endpoint are upstreams in the same way.
struct HTTP2Connection: ~Copyable {
    var session: HTTP2Session
    /// The connection that carries it, a client or an upstream: its input are frames, its output too.
    let carrier: Handle
    let isUpstream: Bool
    /// For SETTINGS: see ``Worker/settingsTimedOut(_:)``.
    let timer: Int32
    /// Of its streams the one opened last; the others follow by ``StreamLink/older``.
    var newestStream = Handle.none
    /// There may be frames to write at the end of the turn.
    var isDirty = false
    /// Streams wait for room in the output.
    var isCrowded = false

    // Of connections of clients.
    /// Bytes of frames that the socket has taken; and how many that were when its time to take some began.
    var written: UInt64 = 0
    var windowStart = UInt64.max

    // Of connections to endpoints.
    var streamCount = 0
    /// The endpoint has said what it knows how to do.
    var hasSettings = false
    /// Its time without streams has begun.
    var isIdle = false
    /// There may be more to read than it had a turn for.
    var wantsTurn = false

    init(_ session: consuming HTTP2Session, carrier: Handle, isUpstream: Bool = false, timer: Int32) {
        self.session = session
        self.carrier = carrier
        self.isUpstream = isUpstream
        self.timer = timer
    }

    /// What SETTINGS are for has been said, both ways: a client's are in its preface.
    var isSettled: Bool { self.session.isAcknowledged && (self.hasSettings || !self.isUpstream) }

    var hasStreams: Bool { !self.newestStream.isNone }
}

/// What makes a client or an upstream a stream of an HTTP/2 connection.
struct StreamLink: BitwiseCopyable {
    /// In the slab of connections; none for what has a socket.
    var connection = Handle.none
    var id: HTTP2StreamID = 0
    /// Bytes of its body that came, and for which the peer has not been given room again.
    var uncredited = 0
    /// All of the request has come, or is among the frames.
    var hasRequestEnded = false
    /// Small pieces of its body have come that are not passed on yet.
    var isGathering = false
    /// The end of the body that comes has been put behind it as a last chunk.
    var hasTail = false
    /// All of the answer is among the frames, or has come.
    var hasAnswerEnded = false
    /// Its neighbours among the streams of the connection.
    var newer = Handle.none
    var older = Handle.none
}

/// Where bytes of a request are and how they are answered, for HTTP/2.
extension Slab where Element == HTTP2Connection {
    /// Looks at a frame that has come.
    mutating func receive(
        _ connection: Handle, _ input: borrowing ByteBuffer, now: UInt64, heads: inout BufferPool
    ) -> HTTP2Receipt {
        self[connection].session.receive(input.readable, now: now, heads: &heads)
    }

    mutating func respond(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>, _ client: Handle,
        length: Int, ends: Bool, into frames: inout ByteBuffer
    ) -> Bool {
        self[connection].session.respond(
            stream, head: clients[client].output.readable.extracting(first: length), ends: ends, into: &frames)
    }

    /// Sends what is staged for a stream, its last `kept` bytes excepted, and then `direct` bytes of an upstream's input.
    mutating func send(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>, _ client: Handle,
        kept: Int, _ upstreams: borrowing Slab<UpstreamConnection>, _ upstream: Handle, direct: Int, ends: Bool,
        into frames: inout ByteBuffer
    ) -> HTTP2Sent {
        let staged = clients[client].output.readable
        let first = staged.extracting(first: staged.count - kept)
        guard direct > 0 else {
            return self[connection].session.send(stream, first, then: Span(), ends: ends, into: &frames)
        }
        return self[connection].session.send(
            stream, first, then: upstreams[upstream].input.readable.extracting(first: direct), ends: ends,
            into: &frames)
    }

    mutating func sendTrailers(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>, _ client: Handle,
        into frames: inout ByteBuffer
    ) -> Bool {
        self[connection].session.sendTrailers(stream, clients[client].output.readable, into: &frames)
    }

    // MARK: - Requests for endpoints

    mutating func request(
        _ connection: Handle, _ clients: borrowing Slab<ClientConnection>, _ client: Handle, length: Int,
        isSecure: Bool, ends: Bool, token: UInt64, into frames: inout ByteBuffer
    ) -> HTTP2StreamID? {
        self[connection].session.request(
            head: clients[client].request.readable.extracting(first: length), isSecure: isSecure, ends: ends,
            token: token, into: &frames)
    }

    /// Sends what is staged of a client's request from `start` on, its last `kept` bytes excepted, and then `direct` bytes of
    /// its input.
    mutating func send(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>,
        requestOf client: Handle, from start: Int, kept: Int, direct: Int, ends: Bool, into frames: inout ByteBuffer
    ) -> HTTP2Sent {
        let staged = clients[client].request.readable
        return self[connection].session.send(
            stream, staged.extracting(start..<staged.count - kept),
            then: clients[client].input.readable.extracting(first: direct), ends: ends, into: &frames)
    }

    mutating func sendTrailers(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>,
        requestOf client: Handle, from start: Int, into frames: inout ByteBuffer
    ) -> Bool {
        let staged = clients[client].request.readable
        return self[connection].session.sendTrailers(
            stream, staged.extracting(start..<staged.count), into: &frames)
    }

    /// Bytes of a tunnel.
    mutating func sendInput(
        _ connection: Handle, _ stream: HTTP2StreamID, _ clients: borrowing Slab<ClientConnection>, of client: Handle,
        into frames: inout ByteBuffer
    ) -> HTTP2Sent {
        self[connection].session.send(
            stream, clients[client].input.readable, then: Span(), ends: false, into: &frames)
    }
}

extension HTTP2Receipt {
    /// About how much there was to do, in frames of next to nothing: a head is parsed and routed, and it takes a byte of it to name a
    /// field; body bytes are only copied.
    var work: Int {
        switch self.event {
        case .head, .refused, .trailers: 16 + self.consumed / 64
        case .data: 1 + self.consumed / 1_024
        case .closed: 4
        case .none, .settings, .pong, .goAway, .failed: 1 + self.consumed / 64
        }
    }
}
