internal import ArgumentParser
internal import HTTPProxy

/// A flag for each limit of the ingress role; `docs/limits.md` says what happens when one is reached. What they mean and may
/// be is in the one table of limits (``ProxyLimit/all``), help and all.
struct ProxyLimitOptions: ParsableArguments {
    // Clients.
    @Option(limit: "proxy-protocol-header-timeout") var proxyProtocolTimeout: String?
    @Option(limit: "tls-handshake-timeout") var tlsHandshakeTimeout: String?
    @Option(limit: "client-header-timeout") var requestHeadTimeout: String?
    @Option(limit: "client-body-timeout") var bodyRateWindow: String?
    @Option(limit: "client-body-minimum-rate") var minimumBodyRate: String?
    @Option(limit: "keep-alive") var keepAliveTimeout: String?
    @Option(limit: "keep-alive-requests") var requestsPerConnection: String?
    @Option(limit: "tunnel-idle-timeout") var tunnelIdleTimeout: String?
    @Option(limit: "lingering-timeout") var lingerTimeout: String?
    @Option(limit: "worker-shutdown-timeout") var drainTimeout: String?
    @Option(limit: "max-worker-connections") var maximumConnections: String?
    @Option(limit: "max-connections-per-address") var connectionsPerAddress: String?
    @Option(limit: "listen-backlog") var listenBacklog: String?

    // Messages.
    @Option(limit: "max-head-size") var headSize: String?
    @Option(limit: "max-start-line-size") var startLineSize: String?
    @Option(limit: "max-head-fields") var headFields: String?
    @Option(limit: "max-chunk-extension-size") var chunkExtensionSize: String?
    @Option(limit: "max-trailer-size") var trailerSize: String?
    @Option(limit: "max-trailer-fields") var trailerFields: String?
    @Option(limit: "proxy-body-size") var requestBodySize: String?

    // HTTP/2.
    @Option(limit: "http2-max-concurrent-streams") var http2Streams: String?
    @Option(limit: "http2-stream-window") var http2StreamWindow: String?
    @Option(limit: "http2-connection-window") var http2ConnectionWindow: String?
    @Option(limit: "http2-max-resets") var http2Resets: String?
    @Option(limit: "http2-max-stream-errors") var http2StreamErrors: String?
    @Option(limit: "http2-settings-timeout") var http2SettingsTimeout: String?
    @Option(limit: "http2-max-upstream-streams") var http2UpstreamStreams: String?
    @Option(limit: "http2-max-settings") var http2Settings: String?
    @Option(limit: "http2-max-pings") var http2Pings: String?
    @Option(limit: "http2-max-empty-frames") var http2EmptyFrames: String?
    @Option(limit: "http2-max-priorities") var http2Priorities: String?
    @Option(limit: "http2-max-window-updates") var http2WindowUpdates: String?
    @Option(limit: "http2-max-unknown-frames") var http2UnknownFrames: String?
    @Option(limit: "http2-max-unread-replies") var http2UnreadReplies: String?
    @Option(limit: "http2-max-continuations") var http2Continuations: String?
    @Option(limit: "http2-max-head-block-size") var http2HeadBlockSize: String?

    // Endpoints.
    @Option(limit: "proxy-connect-timeout") var connectTimeout: String?
    @Option(limit: "proxy-read-timeout") var readTimeout: String?
    @Option(limit: "proxy-send-timeout") var sendTimeout: String?
    @Option(limit: "upstream-keepalive-timeout") var upstreamIdleTimeout: String?
    @Option(limit: "upstream-keepalive-connections") var idleConnectionsPerEndpoint: String?
    @Option(limit: "max-requests-per-endpoint") var requestsPerEndpoint: String?
    @Option(limit: "proxy-next-upstream-tries") var maximumTries: String?
    @Option(limit: "proxy-next-upstream-timeout") var retryTimeout: String?
    @Option(limit: "retry-budget") var retryBudget: String?
    @Option(limit: "retry-budget-minimum") var retryBudgetMinimum: String?

    // Outliers.
    @Option(limit: "outlier-gateway-failures") var outlierGatewayFailures: String?
    @Option(limit: "outlier-server-errors") var outlierServerErrors: String?
    @Option(limit: "outlier-ejection-time") var outlierEjectionTime: String?
    @Option(limit: "outlier-max-ejection-time") var outlierMaximumEjectionTime: String?
    @Option(limit: "outlier-ejection-jitter") var outlierEjectionJitter: String?
    @Option(limit: "outlier-max-ejected") var outlierMaximumEjected: String?
    @Option(limit: "outlier-panic-threshold") var outlierPanicThreshold: String?

    // Health checks.
    @Option(limit: "max-health-checks") var healthChecks: String?

    // Memory.
    @Option(limit: "buffer-size") var bufferSize: String?
    @Option(limit: "pooled-buffers") var pooledBuffers: String?
    @Option(limit: "access-log-buffer-size") var accessLogBufferSize: String?
    @Option(limit: "access-log-flush-interval") var accessLogFlushInterval: String?

    /// What was given, by flag.
    private var given: [String: String] {
        let flags: [(String, String?)] = [
            ("proxy-protocol-header-timeout", self.proxyProtocolTimeout),
            ("tls-handshake-timeout", self.tlsHandshakeTimeout), ("client-header-timeout", self.requestHeadTimeout),
            ("client-body-timeout", self.bodyRateWindow), ("client-body-minimum-rate", self.minimumBodyRate),
            ("keep-alive", self.keepAliveTimeout), ("keep-alive-requests", self.requestsPerConnection),
            ("tunnel-idle-timeout", self.tunnelIdleTimeout), ("lingering-timeout", self.lingerTimeout),
            ("worker-shutdown-timeout", self.drainTimeout), ("max-worker-connections", self.maximumConnections),
            ("max-connections-per-address", self.connectionsPerAddress), ("listen-backlog", self.listenBacklog),
            ("max-head-size", self.headSize), ("max-start-line-size", self.startLineSize),
            ("max-head-fields", self.headFields), ("max-chunk-extension-size", self.chunkExtensionSize),
            ("max-trailer-size", self.trailerSize), ("max-trailer-fields", self.trailerFields),
            ("proxy-body-size", self.requestBodySize), ("http2-max-concurrent-streams", self.http2Streams),
            ("http2-stream-window", self.http2StreamWindow), ("http2-connection-window", self.http2ConnectionWindow),
            ("http2-max-resets", self.http2Resets), ("http2-max-stream-errors", self.http2StreamErrors),
            ("http2-settings-timeout", self.http2SettingsTimeout),
            ("http2-max-upstream-streams", self.http2UpstreamStreams),
            ("http2-max-settings", self.http2Settings),
            ("http2-max-pings", self.http2Pings),
            ("http2-max-empty-frames", self.http2EmptyFrames),
            ("http2-max-priorities", self.http2Priorities),
            ("http2-max-window-updates", self.http2WindowUpdates),
            ("http2-max-unknown-frames", self.http2UnknownFrames),
            ("http2-max-unread-replies", self.http2UnreadReplies),
            ("http2-max-continuations", self.http2Continuations),
            ("http2-max-head-block-size", self.http2HeadBlockSize),
            ("proxy-connect-timeout", self.connectTimeout),
            ("proxy-read-timeout", self.readTimeout), ("proxy-send-timeout", self.sendTimeout),
            ("upstream-keepalive-timeout", self.upstreamIdleTimeout),
            ("upstream-keepalive-connections", self.idleConnectionsPerEndpoint),
            ("max-requests-per-endpoint", self.requestsPerEndpoint), ("proxy-next-upstream-tries", self.maximumTries),
            ("proxy-next-upstream-timeout", self.retryTimeout), ("retry-budget", self.retryBudget),
            ("retry-budget-minimum", self.retryBudgetMinimum),
            ("outlier-gateway-failures", self.outlierGatewayFailures),
            ("outlier-server-errors", self.outlierServerErrors), ("outlier-ejection-time", self.outlierEjectionTime),
            ("outlier-max-ejection-time", self.outlierMaximumEjectionTime),
            ("outlier-ejection-jitter", self.outlierEjectionJitter),
            ("outlier-max-ejected", self.outlierMaximumEjected),
            ("outlier-panic-threshold", self.outlierPanicThreshold), ("max-health-checks", self.healthChecks),
            ("buffer-size", self.bufferSize), ("pooled-buffers", self.pooledBuffers),
            ("access-log-buffer-size", self.accessLogBufferSize),
            ("access-log-flush-interval", self.accessLogFlushInterval),
        ]
        return Dictionary(flags.compactMap { flag in flag.1.map { (flag.0, $0) } }, uniquingKeysWith: { $1 })
    }

    /// The limits with what was given.
    func limits() throws(CommandFailure) -> ProxyLimits {
        var limits = ProxyLimits()
        let given = self.given
        for limit in ProxyLimit.all {
            guard let text = given[limit.flag], let problem = limit.set(text, in: &limits) else { continue }
            throw .usage("--\(limit.flag): \(problem)")
        }
        if let problem = limits.problems.first { throw .usage(problem) }
        return limits
    }
}

extension Option where Value == String? {
    /// A flag that the table of limits describes.
    fileprivate init(limit flag: String) {
        let limit = ProxyLimit.all.first { $0.flag == flag }
        self.init(
            name: .customLong(flag), parsing: .unconditional,
            help: ArgumentHelp(
                "\(limit?.sentence ?? "") Default: \(limit?.defaultText ?? "").",
                valueName: limit?.unit.rawValue ?? "value"))
    }
}

extension ProxyLimit {
    /// For `--help`.
    fileprivate var sentence: String {
        self.help.prefix(1).uppercased() + self.help.dropFirst() + (self.hasOff ? "; 0 for no limit." : ".")
    }
}
