// HTTP2: HTTP/2 as HTTP/1.1 text and back: one nghttp2 session, bytes in, at most one event out. No I/O, no clock.
public import Bytes

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
    /// Has SETTINGS and the connection's window pending from the start, a client the preface before them.
    /// - Parameter seed: chance, for `Sec-WebSocket-Key`.
    public init(_ role: HTTP2Role, _ limits: HTTP2Limits, seed: UInt64) { preconditionFailure("being written") }

    // MARK: - In

    /// Takes at most one frame, or a part of one, from the front of `bytes`. Says what came of it; or, with nothing consumed, what else
    /// came of an earlier one. There is nothing more when nothing is consumed and nothing came.
    /// - Parameters:
    ///   - now: milliseconds, never less than before.
    ///   - heads: where buffers for heads come from, and go back to. Always the same one.
    public mutating func receive(_ bytes: Span<UInt8>, now: UInt64, heads: inout BufferPool) -> HTTP2Receipt {
        preconditionFailure("being written")
    }

    /// The text of the last ``HTTP2Event/head(_:ends:)`` or ``HTTP2Event/trailers(_:)``, until the next call of `receive`.
    public var head: Span<UInt8> {
        @_lifetime(borrow self)
        get { preconditionFailure("being written") }
    }

    /// The same as a buffer of the pool, which is the caller's then: a stream's input, for example.
    public mutating func takeHead() -> ByteBuffer { preconditionFailure("being written") }

    /// Body bytes of that stream have been passed on: the peer may send as many more. What is missing when a stream ends is
    /// made up for the connection; for streams that are gone it does nothing.
    public mutating func consumed(_ stream: HTTP2StreamID, _ count: Int) { preconditionFailure("being written") }

    /// To be called before the end, so that the pool gets back what is its.
    public mutating func release(into heads: inout BufferPool) { preconditionFailure("being written") }

    // MARK: - Streams

    /// What the owner wants to find again by a stream; comes with every event of it. Ignored for streams that are gone.
    public mutating func setToken(_ token: UInt64, of stream: HTTP2StreamID) { preconditionFailure("being written") }

    /// 0 for streams that are gone, and where none was set.
    public func token(of stream: HTTP2StreamID) -> UInt64 { preconditionFailure("being written") }

    /// A stream that was not allowed to send all that it was given, and may now. Each is told once.
    public mutating func nextWritable() -> HTTP2StreamID? { preconditionFailure("being written") }

    /// Streams that are open in either direction.
    public var activeStreams: Int { preconditionFailure("being written") }

    /// As many as a client may open at once: 100 until the server says otherwise.
    public var peerConcurrentStreams: Int { preconditionFailure("being written") }

    /// Whether a WebSocket can be asked for (RFC 8441): not before the server's settings.
    public var peerAllowsExtendedConnect: Bool { preconditionFailure("being written") }

    /// Whether ``request(head:isSecure:ends:token:into:)`` would be taken: no GOAWAY, fewer streams than the server takes.
    public var canRequest: Bool { preconditionFailure("being written") }

    // MARK: - Out

    /// Answers. `head` is that of an HTTP/1.1 response with its empty line. What concerns an HTTP/1.1 connection is left
    /// out; 101 to an extended CONNECT becomes 200. Interim ones (1xx) may come before the last.
    /// - Returns: false when the stream is gone, has its answer, or the head is none that can be sent.
    public mutating func respond(
        _ stream: HTTP2StreamID, head: Span<UInt8>, ends: Bool, into out: inout ByteBuffer
    ) -> Bool { preconditionFailure("being written") }

    /// Asks. `head` is that of an HTTP/1.1 request with its empty line, its target in origin form or `*`. `Upgrade: websocket` becomes an
    /// extended CONNECT, whose answer then comes as a 101 with the right `Sec-WebSocket-Accept`.
    /// - Returns: nil when no stream can be opened (``canRequest``), or the head is none that can be sent.
    public mutating func request(
        head: Span<UInt8>, isSecure: Bool, ends: Bool, token: UInt64, into out: inout ByteBuffer
    ) -> HTTP2StreamID? { preconditionFailure("being written") }

    /// Sends as much of `first` and then `second` as flow control and the space in `out` allow. Where it was flow control that
    /// did not, ``nextWritable()`` tells when there is more to be had.
    /// - Parameter ends: nothing follows. Where nothing is left to send, the end itself goes out.
    public mutating func send(
        _ stream: HTTP2StreamID, _ first: Span<UInt8>, then second: Span<UInt8>, ends: Bool,
        into out: inout ByteBuffer
    ) -> HTTP2Sent { preconditionFailure("being written") }

    /// Ends a stream with fields behind its body. `lines` have their CRLF; none at all is an end without fields.
    /// - Returns: false when the stream is gone or was ended.
    public mutating func sendTrailers(
        _ stream: HTTP2StreamID, _ lines: Span<UInt8>, into out: inout ByteBuffer
    ) -> Bool { preconditionFailure("being written") }

    /// Writes what is pending, as far as there is room.
    public mutating func write(into out: inout ByteBuffer) { preconditionFailure("being written") }

    /// Breaks a stream off. Nothing more comes of it.
    public mutating func reset(_ stream: HTTP2StreamID, code: UInt32) { preconditionFailure("being written") }

    /// Says that new streams will soon not be taken (GOAWAY with the highest number); those that come are served still. To be
    /// followed by ``goAway(code:)`` after a round trip, or a second.
    public mutating func announceGoAway() { preconditionFailure("being written") }

    /// Takes no new streams any more. Those that came are served to their end.
    public mutating func goAway(code: UInt32) { preconditionFailure("being written") }

    /// Asks for a sign of life, ``HTTP2Event/pong(_:)``.
    public mutating func ping(_ payload: UInt64) { preconditionFailure("being written") }

    /// Something is pending that only needs room.
    public var wantsWrite: Bool { preconditionFailure("being written") }

    /// Whether there is any use in more bytes. False after a failure, and when the last stream has ended after GOAWAY: the
    /// connection is to be closed when all is written.
    public var wantsRead: Bool { preconditionFailure("being written") }
}
