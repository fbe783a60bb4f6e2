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
        limits.resets = HTTP2Rate(burst: self.http2Resets, perSecond: max(1, self.http2Resets / 30), perUse: 1)
        limits.streamErrors = HTTP2Rate(
            burst: self.http2StreamErrors, perSecond: max(1, self.http2StreamErrors / 10), perUse: 1)
        return limits
    }

    /// Of a connection to an endpoint.
    var http2Upstream: HTTP2Limits {
        var limits = self.http2
        limits.concurrentStreams = 0
        limits.connectionWindow = Self.streamsPerUpstream * self.http2StreamWindow
        return limits
    }

    /// Requests at once over one connection to an endpoint; no more than the endpoint says.
    static let streamsPerUpstream = 100
    /// Interim responses to one request; a backend that sends more has gone wrong.
    static let interimResponses = 32
    /// What a forwarded head may have more than the one that came.
    static let headOverhead = 4_096
    /// A buffer for bodies that do not fit into one for heads.
    static let bodyBufferSize = 131_072
    /// How often a connection may be read from until all others that are ready have had their turn.
    static let readsPerTurn = 16
}
