internal import HTTP1
internal import HTTP2

extension ProxyLimits {
    /// As the parsers want them.
    var messages: MessageLimits {
        MessageLimits(
            head: self.headSize, startLine: self.startLineSize, fieldLine: self.headSize, fields: self.headFields,
            chunkExtension: self.chunkExtensionSize, trailers: self.trailerSize, trailerFields: self.trailerFields)
    }

    var speaksHTTP2: Bool { self.http2Streams > 0 }

    /// As a session wants them.
    var http2: HTTP2Limits {
        var limits = HTTP2Limits()
        limits.concurrentStreams = self.http2Streams
        limits.streamWindow = self.http2StreamWindow
        limits.connectionWindow = max(self.http2ConnectionWindow, self.http2StreamWindow)
        limits.headSize = self.headSize
        limits.headFields = self.headFields
        limits.headBlockSize = self.http2HeadBlockSize
        limits.continuations = self.http2Continuations
        limits.resets = Self.rate(self.http2Resets, seconds: 30)
        limits.streamErrors = Self.rate(self.http2StreamErrors, seconds: 10)
        limits.settings = Self.rate(self.http2Settings, seconds: 20, perUse: 0)
        limits.pings = Self.rate(self.http2Pings, seconds: 10)
        limits.emptyFrames = Self.rate(self.http2EmptyFrames, seconds: 10)
        limits.priorities = Self.rate(self.http2Priorities, seconds: 20, perUse: 4)
        limits.windowUpdates = Self.rate(self.http2WindowUpdates, seconds: 10, perUse: 10)
        limits.unknownFrames = Self.rate(self.http2UnknownFrames, seconds: 20)
        limits.unreadReplies = self.http2UnreadReplies
        return limits
    }

    /// So many at once, and as many more in so many seconds.
    private static func rate(_ burst: Int, seconds: Int, perUse: Int = 1) -> HTTP2Rate {
        HTTP2Rate(burst: burst, perSecond: max(1, burst / seconds), perUse: perUse)
    }

    /// Of a connection to an endpoint.
    var http2Upstream: HTTP2Limits {
        var limits = self.http2
        limits.concurrentStreams = 0
        limits.connectionWindow = self.http2UpstreamStreams * self.http2StreamWindow
        return limits
    }

    /// Interim responses to one request; a backend that sends more has gone wrong.
    static let interimResponses = 32
    /// What a forwarded head may have more than the one that came.
    static let headOverhead = 4_096
    /// A buffer for bodies that do not fit into one for heads.
    static let bodyBufferSize = 131_072
    /// How often a connection may be read from until all others that are ready have had their turn.
    static let readsPerTurn = 16
    /// What the frames of a connection may ask for in that time, in ``HTTP2Receipt/work``: 16 heads, or 256 frames of next to
    /// nothing, which is about a quarter of a millisecond: so long everybody else waits for each connection that asks for as much as it
    /// can. Sixteen reads of those would be many.
    static let workPerTurn = 256
    /// DATA frames below this are passed on together with those of their stream that have come with them.
    static let smallPiece = 4_096
}
