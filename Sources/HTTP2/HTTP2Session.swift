// HTTP2: HTTP/2 as HTTP/1.1 text and back: one nghttp2 session, bytes in, at most one event out. No I/O, no clock.
public import Bytes
internal import CNghttp2
internal import HTTP1

@frozen
public enum HTTP2Role: UInt8, Hashable, Sendable {
    case server
    case client
}

/// One HTTP/2 connection (RFC 9113), without its socket. Belongs to one thread.
///
/// **In:** ``receive(_:now:heads:)`` until it has consumed everything and says nothing more. **Out:** whatever is written goes into
/// a buffer that is given, frames of different streams in the order of the calls; what has no room stays and goes out with the next
/// call, ``wantsWrite`` says so. Nothing is ever sent on its own account, but replies of the protocol (acknowledgements, resets,
/// GOAWAY), which go out with the next call that has a buffer.
public struct HTTP2Session: ~Copyable {
    var state: SessionState
    var handle: SessionHandle
    var tracker: FrameTracker
    /// Why the connection is to be closed; nil while all is well.
    public internal(set) var failure: HTTP2Failure?
    /// It has not been told yet.
    var owesFailure = false
    /// Of the frame that is coming.
    var incoming = Incoming()

    /// Has SETTINGS and the connection's window pending from the start, a client the preface before them.
    /// - Precondition: `limits` are such as RFC 9113 allows: windows below 2^31, frames of 16 KiB to 16 MiB - 1.
    /// - Parameter seed: chance, for `Sec-WebSocket-Key`.
    public init(_ role: HTTP2Role, _ limits: HTTP2Limits, seed: UInt64) {
        self.state = SessionState(role, limits, seed: seed)
        self.handle = SessionHandle(role, limits)
        self.tracker = FrameTracker(preface: role == .server ? HTTP2Preface.bytes : 0)
    }

    /// To be called before the end, so that the pool gets back what is its.
    public mutating func release(into heads: inout BufferPool) { self.state.assembler.release(into: &heads) }

    // MARK: - Streams

    /// What the owner wants to find again by a stream; comes with every event of it. Ignored for streams that are gone.
    public mutating func setToken(_ token: UInt64, of stream: HTTP2StreamID) {
        guard let slot = self.handle.slot(of: stream) else { return }
        self.state.streams[slot].token = token
    }

    /// 0 for streams that are gone, and where none was set.
    public func token(of stream: HTTP2StreamID) -> UInt64 {
        guard let slot = self.handle.slot(of: stream) else { return 0 }
        return self.state.streams[slot].token
    }

    /// A stream that was not allowed to send all that it was given, and may now. Each is told once.
    public mutating func nextWritable() -> HTTP2StreamID? { self.state.streams.nextWritable() }

    /// Streams that are open in either direction.
    public var activeStreams: Int { self.state.streams.active }

    /// As many as a client may open at once: 100 until the server says otherwise.
    public var peerConcurrentStreams: Int { self.handle.remoteSetting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) }

    /// Whether the peer has acknowledged our SETTINGS. Who has not after a time can be told so by ``goAway(code:)`` with
    /// ``HTTP2ErrorCode/settingsTimeout`` (RFC 9113 section 6.5.3).
    public var isAcknowledged: Bool { self.state.isAcknowledged }

    /// Whether a WebSocket can be asked for (RFC 8441): not before the server's settings.
    public var peerAllowsExtendedConnect: Bool {
        self.handle.remoteSetting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1
    }

    /// Whether ``request(head:isSecure:ends:token:into:)`` would be taken: no GOAWAY, fewer streams than the server takes.
    public var canRequest: Bool {
        self.failure == nil && self.activeStreams < self.peerConcurrentStreams && self.handle.allowsRequests
    }

    // MARK: - Control

    /// Breaks a stream off. Nothing more comes of it.
    public mutating func reset(_ stream: HTTP2StreamID, code: UInt32) {
        guard let slot = self.handle.slot(of: stream) else { return }
        self.state.streams[slot].flags.formUnion([.dropped, .localEnded])
        self.handle.reset(stream, code: code)
    }

    /// Says that new streams will soon not be taken (GOAWAY with the highest number); those that come are served still. To be
    /// followed by ``goAway(code:)`` after a round trip, or a second. Server only.
    public mutating func announceGoAway() { self.handle.announceGoAway() }

    /// Takes no new streams any more. Those that came are served to their end, if `code` is that of no error; else the connection has failed.
    public mutating func goAway(code: UInt32) { self.handle.goAway(code: code) }

    /// Asks for a sign of life, ``HTTP2Event/pong(_:)``.
    public mutating func ping(_ payload: UInt64) { self.handle.ping(payload) }

    /// Something is pending that only needs room.
    public var wantsWrite: Bool { self.handle.wantsWrite }

    /// Whether there is any use in more bytes. False after a failure, and when the last stream has ended after GOAWAY: the
    /// connection is to be closed when all is written.
    public var wantsRead: Bool { self.failure == nil && self.handle.wantsRead }
}

/// What a client says first (RFC 9113 section 3.4).
public enum HTTP2Preface {
    /// `PRI * HTTP/2.0`, and what no HTTP/1.1 server takes for a request.
    public static let text: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    static let bytes = 24

    /// Whether `bytes` begin as HTTP/2 does: nil while they are too few to say.
    public static func begins(_ bytes: Span<UInt8>) -> Bool? {
        let count = min(bytes.count, Self.bytes)
        for index in 0..<count where bytes[index] != Self.byte(index) { return false }
        return count == Self.bytes ? true : nil
    }

    private static func byte(_ index: Int) -> UInt8 { Self.text.byte(index) }
}
