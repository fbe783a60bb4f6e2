/// Every limit and timeout of the ingress role. Times are in milliseconds, sizes in bytes; 0 is off where that is said.
/// `docs/limits.md` says what happens when one is reached, ``ProxyLimit/all`` which flag sets it.
package struct ProxyLimits: BitwiseCopyable, Hashable, Sendable {
    // MARK: Clients

    /// A PROXY protocol header, from the connection's first moment to the header's last byte.
    package var proxyProtocolTimeout = 5_000
    /// A TLS handshake.
    package var tlsHandshakeTimeout = 10_000
    /// A request's head, from its first byte to its last, however they come: not anew with each byte, as slowloris would have it.
    /// In 15 s a head of 16 KiB comes over a line of 9 kbit/s.
    package var requestHeadTimeout = 15_000
    /// A client that is to send a body, or to take an answer, has to move ``minimumBodyRate`` in each such time, and a byte
    /// at least.
    package var bodyRateWindow = 60_000
    /// Bytes a second, on average over ``bodyRateWindow``; 0 for one byte in each.
    package var minimumBodyRate = 64
    /// Between the end of an answer and the first byte of the next request. That of nginx.
    package var keepAliveTimeout = 75_000
    /// Requests over one connection; then it is closed with `Connection: close`. So that clients that never close one are
    /// spread again after replicas were added.
    package var requestsPerConnection = 10_000
    /// An upgraded connection (WebSocket) on which nothing moves in either direction. That which is usual for HAProxy.
    package var tunnelIdleTimeout = 3_600_000
    /// After an early answer what the client still sends is read and thrown away for this long, so that it gets to read
    /// the answer (RFC 9112 section 9.6).
    package var lingerTimeout = 5_000
    /// How long requests that are in flight at SIGTERM have to end.
    package var drainTimeout = 30_000
    /// Client connections of one worker at a time. `fit(descriptors:workers:)` lowers it to what the process may open.
    package var maximumConnections = 16_384
    /// Client connections of one worker from one address; 0 for any number. Off, as one address can be a
    /// carrier's translator, or the load balancer.
    package var connectionsPerAddress = 0
    /// Connections that wait to be accepted, for each listener of each worker. `net.core.somaxconn` bounds it.
    package var listenBacklog = 4_096

    // MARK: Messages

    /// The head of a request or of a reply, from its first byte to the empty line.
    package var headSize = 16_384
    /// The first line of a head: a request's method and target, a reply's reason.
    package var startLineSize = 8_192
    /// Field lines of a head.
    package var headFields = 100
    /// What follows the size of a chunk; it is never forwarded.
    package var chunkExtensionSize = 256
    /// A trailer section.
    package var trailerSize = 8_192
    /// Field lines of a trailer section.
    package var trailerFields = 32
    /// The body of a request; 0 for any size.
    package var requestBodySize = 0

    // MARK: HTTP/2

    /// Requests at once over one connection (SETTINGS_MAX_CONCURRENT_STREAMS); 0 for no HTTP/2. That of nginx.
    package var http2Streams = 128
    /// Bytes of one request's body that may wait here.
    package var http2StreamWindow = 65_535
    /// The same of all requests of a connection together. As much as all of them can have, or some that nobody takes would
    /// hold up the others.
    package var http2ConnectionWindow = 8_388_608
    /// Streams that a client may reset at once, and as many more in each thirty seconds (CVE-2023-44487). One that ends well makes
    /// up for one.
    package var http2Resets = 1_000
    /// The same of streams that had to be reset for what the client did on them (CVE-2025-8671), in ten seconds.
    package var http2StreamErrors = 100
    /// Until the peer has acknowledged our SETTINGS, and an endpoint has said its own (RFC 9113 section 6.5.3). That of nghttpx.
    package var http2SettingsTimeout = 10_000
    /// Requests at once over one connection to an endpoint; no more than the endpoint says.
    package var http2UpstreamStreams = 100
    /// Frames of a peer at once, and as many more in each time that ``ProxyLimits/http2`` says: SETTINGS (CVE-2019-9515).
    package var http2Settings = 20
    /// PING (CVE-2019-9512).
    package var http2Pings = 50
    /// DATA without content that ends nothing (CVE-2019-9518).
    package var http2EmptyFrames = 100
    /// PRIORITY (CVE-2019-9513).
    package var http2Priorities = 200
    /// WINDOW_UPDATE (CVE-2019-9511, 9517).
    package var http2WindowUpdates = 1_000
    /// Frames of types that nobody here knows.
    package var http2UnknownFrames = 200
    /// Acknowledgements that the peer does not read.
    package var http2UnreadReplies = 500
    /// CONTINUATION frames of one head (VU#421644).
    package var http2Continuations = 8
    /// A head as it comes, compressed, with its CONTINUATION frames.
    package var http2HeadBlockSize = 65_536

    // MARK: Endpoints

    /// Until a connection to an endpoint stands.
    package var connectTimeout = 5_000
    /// Between two reads from an endpoint, the first of a reply included. A tunnel has ``tunnelIdleTimeout``.
    package var readTimeout = 60_000
    /// Between two writes to an endpoint.
    package var sendTimeout = 60_000
    /// For how long an idle connection to an endpoint is kept. Below the 75 s of nginx and whatever is longer (Go, Kestrel: 130
    /// s), so that it is mostly this side that closes. Node.js closes after 5 s: the close is seen while
    /// the connection is idle, and where the two cross each other a request that may be repeated is.
    package var upstreamIdleTimeout = 60_000
    /// Idle connections of one worker to one endpoint; one more is closed.
    package var idleConnectionsPerEndpoint = 128
    /// Requests in flight to one endpoint; 0 for any number.
    package var requestsPerEndpoint = 0
    /// Endpoints that a request is tried with, the first included.
    package var maximumTries = 3
    /// No retry begins later than this after the first try; 0 for no such time.
    package var retryTimeout = 0
    /// Retries for a hundred requests of the last ten seconds, for each backend and worker.
    package var retryBudget = 20
    /// Retries a second that are allowed beside it, for each backend and worker.
    package var retryBudgetMinimum = 10

    // MARK: Outliers

    /// Gateway failures in a row (no connection, reset, timeout, 502, 503, 504) that eject an endpoint; 0 never.
    package var outlierGatewayFailures = 5
    /// Failures and 5xx replies in a row that do; 0 never.
    package var outlierServerErrors = 0
    /// For how long the first time; the n-th time in a row for n times as long.
    package var outlierEjectionTime = 30_000
    /// At most this long.
    package var outlierMaximumEjectionTime = 300_000
    /// Up to this much longer, by chance.
    package var outlierEjectionJitter = 3_000
    /// Of a backend's endpoints, in percent; more are not ejected, but one of two always may be. 0 ejects none.
    package var outlierMaximumEjected = 50
    /// When more than this part of a backend's endpoints is ejected, in percent, ejection is ignored.
    package var outlierPanicThreshold = 50

    // MARK: Health checks

    /// Checks of endpoints that are under way at once, of the whole process; the others wait.
    package var healthChecks = 128

    // MARK: Memory

    /// Each buffer; a connection with a request in flight has up to four. At least ``headSize``.
    package var bufferSize = 16_384
    /// Unused buffers that a worker keeps; the rest is given back to the system.
    package var pooledBuffers = 256
    /// Lines of the access log that wait to be written.
    package var accessLogBufferSize = 1_048_576
    /// After this long they are written, however few they are.
    package var accessLogFlushInterval = 1_000

    package init() {}
}

extension ProxyLimits {
    /// What a process needs beside connections: logs, epoll instances, listeners, the API server, admin pages, and as many
    /// health checks as there are by default.
    package static let reservedDescriptors = 256

    /// Lowers ``maximumConnections`` so that all workers together stay below the most descriptors that the process may have
    /// (`RLIMIT_NOFILE`): each client connection may need a second one, to an endpoint.
    ///
    /// - Returns: whether it had to.
    package mutating func fit(descriptors: Int, workers: Int) -> Bool {
        let reserved = Self.reservedDescriptors + max(0, self.healthChecks - ProxyLimits().healthChecks)
        let room = max(1, (descriptors - reserved) / (2 * max(1, workers)))
        guard self.maximumConnections > room else { return false }
        self.maximumConnections = room
        return true
    }

    /// What does not fit together, for the user; empty if all is well. Single values are ``ProxyLimit``'s to judge.
    package var problems: [String] {
        var problems: [String] = []
        func check(_ small: WritableKeyPath<ProxyLimits, Int>, _ large: WritableKeyPath<ProxyLimits, Int>) {
            guard self[keyPath: small] > self[keyPath: large] else { return }
            problems.append(
                "\(ProxyLimit.describe(small, in: self)) is more than \(ProxyLimit.describe(large, in: self))")
        }
        check(\.startLineSize, \.headSize)
        check(\.headSize, \.bufferSize)
        check(\.trailerSize, \.bufferSize)
        check(\.outlierEjectionTime, \.outlierMaximumEjectionTime)
        return problems
    }
}
