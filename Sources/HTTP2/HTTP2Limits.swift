/// How much of what an HTTP/2 connection may have. What is told to the peer by SETTINGS is marked so.
@frozen
public struct HTTP2Limits: BitwiseCopyable, Hashable, Sendable {
    // MARK: Streams

    /// Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS). One more is refused.
    public var concurrentStreams = 128
    /// Bytes of a body that may come before they are passed on, for each stream (SETTINGS_INITIAL_WINDOW_SIZE). Must fit into
    /// the buffer that takes them.
    public var streamWindow = 65_535
    /// The same for all streams of a connection together (WINDOW_UPDATE at the beginning).
    public var connectionWindow = 1_048_576
    /// Payload of a frame that comes (SETTINGS_MAX_FRAME_SIZE).
    public var frameSize = 16_384

    // MARK: Heads

    /// A head or a trailer section as HTTP/1.1 text; no more than one of the buffers for heads holds. 431 beyond.
    public var headSize = 16_384
    /// Field lines; what the parser of heads refuses to have more of. Here only for what is told to the peer:
    /// SETTINGS_MAX_HEADER_LIST_SIZE counts 32 bytes for each.
    public var headFields = 100
    /// A head as it comes, compressed, with its CONTINUATION frames.
    public var headBlockSize = 65_536
    /// CONTINUATION frames of one head.
    public var continuations = 8

    // MARK: Floods

    /// RST_STREAM frames of the peer, and streams that it opened beyond what it may. A stream that ends well makes up for one.
    public var resets = HTTP2Rate(burst: 1_000, perSecond: 33, perUse: 1)
    /// RST_STREAM frames that this side has to send for what the peer did. A stream that ends well makes up for one.
    public var streamErrors = HTTP2Rate(burst: 100, perSecond: 10, perUse: 1)
    public var settings = HTTP2Rate(burst: 20, perSecond: 1)
    public var pings = HTTP2Rate(burst: 50, perSecond: 5, perUse: 1)
    public var emptyFrames = HTTP2Rate(burst: 100, perSecond: 10, perUse: 1)
    public var priorities = HTTP2Rate(burst: 200, perSecond: 10, perUse: 4)
    public var windowUpdates = HTTP2Rate(burst: 1_000, perSecond: 100, perUse: 10)
    public var unknownFrames = HTTP2Rate(burst: 200, perSecond: 10, perUse: 1)
    /// Acknowledgements of PING and SETTINGS that the peer has not read.
    public var unreadReplies = 500

    /// SETTINGS_MAX_HEADER_LIST_SIZE: names and values, and 32 bytes for each field.
    public var headListSize: Int { self.headSize + 32 * self.headFields }

    @inlinable
    public init() {}
}

/// How often something may happen: `burst` at once, `perSecond` for ever, and `perUse` more for each frame that is of use (a head,
/// or DATA with content, in either direction), or for each stream that ends well, where it is streams that are counted.
@frozen
public struct HTTP2Rate: BitwiseCopyable, Hashable, Sendable {
    public var burst: Int
    public var perSecond: Int
    public var perUse: Int

    @inlinable
    public init(burst: Int, perSecond: Int, perUse: Int = 0) {
        self.burst = burst
        self.perSecond = perSecond
        self.perUse = perUse
    }
}
