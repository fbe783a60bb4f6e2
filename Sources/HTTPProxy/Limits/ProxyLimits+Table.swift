extension ProxyLimit {
    /// Every limit, in the order of `docs/limits.md`.
    package static let all: [ProxyLimit] =
        Self.clients + Self.messages + Self.http2 + Self.endpoints + Self.outliers + Self.health + Self.memory

    /// A millisecond to a day.
    private static let times = 1...86_400_000
    private static let percents = 0...100

    private static let clients: [ProxyLimit] = [
        .init(
            "proxyProtocolTimeout", \.proxyProtocolTimeout, flag: "proxy-protocol-header-timeout", .time, Self.times,
            "for a PROXY protocol header"),
        .init(
            "tlsHandshakeTimeout", \.tlsHandshakeTimeout, flag: "tls-handshake-timeout", .time, Self.times,
            "for a TLS handshake"),
        .init(
            "requestHeadTimeout", \.requestHeadTimeout, flag: "client-header-timeout", .time, Self.times,
            "for a request's head, from its first byte to its last"),
        .init(
            "bodyRateWindow", \.bodyRateWindow, flag: "client-body-timeout", .time, Self.times,
            "in which a client has to send of a body, or take of an answer, what the minimum rate says, and a byte at least"
        ),
        .init(
            "minimumBodyRate", \.minimumBodyRate, flag: "client-body-minimum-rate", .rate, 1...1_000_000, hasOff: true,
            "bytes a second that a client has to send of a body, or take of an answer"),
        .init(
            "keepAliveTimeout", \.keepAliveTimeout, flag: "keep-alive", .time, Self.times,
            "between an answer and the next request of the same connection"),
        .init(
            "requestsPerConnection", \.requestsPerConnection, flag: "keep-alive-requests", .count, 1...1_000_000_000,
            "requests over one connection"),
        .init(
            "tunnelIdleTimeout", \.tunnelIdleTimeout, flag: "tunnel-idle-timeout", .time, Self.times,
            "without a byte in either direction of an upgraded connection"),
        .init(
            "lingerTimeout", \.lingerTimeout, flag: "lingering-timeout", .time, Self.times,
            "for which what comes after an early answer is read and thrown away"),
        .init(
            "drainTimeout", \.drainTimeout, flag: "worker-shutdown-timeout", .time, 0...86_400_000,
            "for requests in flight to end after SIGTERM"),
        .init(
            "maximumConnections", \.maximumConnections, flag: "max-worker-connections", .count, 1...10_000_000,
            "client connections of one worker"),
        .init(
            "connectionsPerAddress", \.connectionsPerAddress, flag: "max-connections-per-address", .count,
            1...10_000_000, hasOff: true, "client connections of one worker from one address"),
        .init(
            "listenBacklog", \.listenBacklog, flag: "listen-backlog", .count, 1...1_000_000,
            "connections that wait to be accepted, for each listener of each worker"),
    ]

    private static let messages: [ProxyLimit] = [
        .init(
            "headSize", \.headSize, flag: "max-head-size", .size, 1_024...1_048_576,
            "the head of a request or of a reply"),
        .init(
            "startLineSize", \.startLineSize, flag: "max-start-line-size", .size, 128...1_048_576,
            "the first line of a head, a request's target included"),
        .init(
            "headFields", \.headFields, flag: "max-head-fields", .count, 8...1_000, "field lines of a head"),
        .init(
            "chunkExtensionSize", \.chunkExtensionSize, flag: "max-chunk-extension-size", .size, 0...16_384,
            "what follows the size of a chunk"),
        .init(
            "trailerSize", \.trailerSize, flag: "max-trailer-size", .size, 64...1_048_576, "a trailer section"),
        .init(
            "trailerFields", \.trailerFields, flag: "max-trailer-fields", .count, 1...1_000,
            "field lines of a trailer section"),
        .init(
            "requestBodySize", \.requestBodySize, flag: "proxy-body-size", annotation: "proxy-body-size", .size,
            1...(1 << 50), hasOff: true, "the body of a request"),
    ]

    private static let http2: [ProxyLimit] = [
        .init(
            "http2Streams", \.http2Streams, flag: "http2-max-concurrent-streams", .count, 0...10_000,
            "requests at once over one connection of HTTP/2; 0 for HTTP/1.1 alone"),
        .init(
            "http2StreamWindow", \.http2StreamWindow, flag: "http2-stream-window", .size, 1_024...98_304,
            "of one request's body that may wait, over HTTP/2"),
        .init(
            "http2ConnectionWindow", \.http2ConnectionWindow, flag: "http2-connection-window", .size,
            65_535...(1 << 30), "of all bodies of a connection that may wait, over HTTP/2"),
        .init(
            "http2Resets", \.http2Resets, flag: "http2-max-resets", .count, 1...1_000_000,
            "streams that a client may reset at once, and in thirty seconds"),
        .init(
            "http2StreamErrors", \.http2StreamErrors, flag: "http2-max-stream-errors", .count, 1...1_000_000,
            "streams that may have to be reset for what a client does on them, at once and in ten seconds"),
        .init(
            "http2SettingsTimeout", \.http2SettingsTimeout, flag: "http2-settings-timeout", .time, Self.times,
            "for SETTINGS to be acknowledged, and for those of an endpoint"),
        .init(
            "http2UpstreamStreams", \.http2UpstreamStreams, flag: "http2-max-upstream-streams", .count, 1...10_000,
            "requests at once over one connection of HTTP/2 to an endpoint"),
        .init(
            "http2Settings", \.http2Settings, flag: "http2-max-settings", .count, 1...1_000_000,
            "SETTINGS of a peer, at once and in twenty seconds"),
        .init(
            "http2Pings", \.http2Pings, flag: "http2-max-pings", .count, 1...1_000_000,
            "PING of a peer, at once and in ten seconds"),
        .init(
            "http2EmptyFrames", \.http2EmptyFrames, flag: "http2-max-empty-frames", .count, 1...1_000_000,
            "DATA of a peer without content, at once and in ten seconds"),
        .init(
            "http2Priorities", \.http2Priorities, flag: "http2-max-priorities", .count, 1...1_000_000,
            "PRIORITY of a peer, at once and in twenty seconds"),
        .init(
            "http2WindowUpdates", \.http2WindowUpdates, flag: "http2-max-window-updates", .count, 1...1_000_000,
            "WINDOW_UPDATE of a peer, at once and in ten seconds"),
        .init(
            "http2UnknownFrames", \.http2UnknownFrames, flag: "http2-max-unknown-frames", .count, 1...1_000_000,
            "frames of unknown types of a peer, at once and in twenty seconds"),
        .init(
            "http2UnreadReplies", \.http2UnreadReplies, flag: "http2-max-unread-replies", .count, 1...1_000_000,
            "acknowledgements that a peer has not read"),
        .init(
            "http2Continuations", \.http2Continuations, flag: "http2-max-continuations", .count, 1...1_000,
            "CONTINUATION frames of one head"),
        .init(
            "http2HeadBlockSize", \.http2HeadBlockSize, flag: "http2-max-head-block-size", .size,
            16_384...16_777_216, "a head as it comes over HTTP/2, compressed"),
    ]

    private static let endpoints: [ProxyLimit] = [
        .init(
            "connectTimeout", \.connectTimeout, flag: "proxy-connect-timeout", annotation: "proxy-connect-timeout",
            .time, Self.times, "until a connection to an endpoint stands"),
        .init(
            "readTimeout", \.readTimeout, flag: "proxy-read-timeout", annotation: "proxy-read-timeout", .time,
            Self.times, "between two reads from an endpoint"),
        .init(
            "sendTimeout", \.sendTimeout, flag: "proxy-send-timeout", annotation: "proxy-send-timeout", .time,
            Self.times, "between two writes to an endpoint"),
        .init(
            "upstreamIdleTimeout", \.upstreamIdleTimeout, flag: "upstream-keepalive-timeout", .time, Self.times,
            "for which an idle connection to an endpoint is kept"),
        .init(
            "idleConnectionsPerEndpoint", \.idleConnectionsPerEndpoint, flag: "upstream-keepalive-connections", .count,
            0...100_000, "idle connections of one worker to one endpoint; 0 keeps none"),
        .init(
            "requestsPerEndpoint", \.requestsPerEndpoint, flag: "max-requests-per-endpoint",
            annotation: "maximum-requests-per-endpoint", .count, 1...1_000_000, hasOff: true,
            "requests in flight to one endpoint"),
        .init(
            "maximumTries", \.maximumTries, flag: "proxy-next-upstream-tries", annotation: "proxy-next-upstream-tries",
            .count, 1...9, "endpoints that a request is tried with"),
        .init(
            "retryTimeout", \.retryTimeout, flag: "proxy-next-upstream-timeout", .time, Self.times, hasOff: true,
            "after the first try in which a retry may begin"),
        .init(
            "retryBudget", \.retryBudget, flag: "retry-budget", .percent, 0...100,
            "retries for a hundred requests of the last ten seconds, for each backend and worker"),
        .init(
            "retryBudgetMinimum", \.retryBudgetMinimum, flag: "retry-budget-minimum", .count, 0...1_000_000,
            "retries a second that are allowed beside that, for each backend and worker"),
    ]

    private static let outliers: [ProxyLimit] = [
        .init(
            "outlierGatewayFailures", \.outlierGatewayFailures, flag: "outlier-gateway-failures", .count, 1...65_535,
            hasOff: true, "gateway failures in a row that eject an endpoint"),
        .init(
            "outlierServerErrors", \.outlierServerErrors, flag: "outlier-server-errors", .count, 1...65_535,
            hasOff: true, "failures and 5xx replies in a row that eject an endpoint"),
        .init(
            "outlierEjectionTime", \.outlierEjectionTime, flag: "outlier-ejection-time", .time, Self.times,
            "for which an endpoint is ejected the first time; the n-th time in a row n times as long"),
        .init(
            "outlierMaximumEjectionTime", \.outlierMaximumEjectionTime, flag: "outlier-max-ejection-time", .time,
            Self.times, "for which an endpoint is ejected at most"),
        .init(
            "outlierEjectionJitter", \.outlierEjectionJitter, flag: "outlier-ejection-jitter", .time, 0...86_400_000,
            "up to which an ejection is longer, by chance"),
        .init(
            "outlierMaximumEjected", \.outlierMaximumEjected, flag: "outlier-max-ejected", .percent, Self.percents,
            "of a backend's endpoints that may be ejected; 0 ejects none"),
        .init(
            "outlierPanicThreshold", \.outlierPanicThreshold, flag: "outlier-panic-threshold", .percent,
            Self.percents, "of a backend's endpoints: when more are ejected, ejection is ignored"),
    ]

    private static let health: [ProxyLimit] = [
        .init(
            "healthChecks", \.healthChecks, flag: "max-health-checks", .count, 1...100_000,
            "health checks of endpoints under way at once")
    ]

    private static let memory: [ProxyLimit] = [
        .init(
            "bufferSize", \.bufferSize, flag: "buffer-size", .size, 4_096...1_048_576,
            "each buffer; at least a head"),
        .init(
            "pooledBuffers", \.pooledBuffers, flag: "pooled-buffers", .count, 0...1_000_000,
            "unused buffers that a worker keeps"),
        .init(
            "accessLogBufferSize", \.accessLogBufferSize, flag: "access-log-buffer-size", .size, 4_096...(1 << 30),
            "lines of the access log that wait to be written"),
        .init(
            "accessLogFlushInterval", \.accessLogFlushInterval, flag: "access-log-flush-interval", .time, 1...60_000,
            "after which lines of the access log are written, however few they are"),
    ]
}
