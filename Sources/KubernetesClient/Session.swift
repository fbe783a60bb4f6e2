internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Connections to one server with one set of certificates. It ends by itself once it has been retired and its last
/// request is over.
final class Session: Sendable {
    /// What its connections are for.
    enum Purpose: Hashable, Sendable, CaseIterable {
        /// Watches and what is small: all on one connection of HTTP/2 where the server speaks it, as each connection
        /// of each node costs the server memory.
        case following
        /// Lists. Over HTTP/2 megabytes pile up in front of the decoder, each held several times over; over HTTP/1.1
        /// the server waits until they are taken.
        case listing
    }

    let server: APIServerAddress
    let tls: TLSMaterial
    private let client: HTTPClient
    /// What requests name as host: the server, or what its certificate is for.
    private let authority: String

    private struct Use {
        var requests = 0
        var isRetired = false
        /// The closing of its connections, from when it began.
        var closing: Task<Void, Never>?
        var isClosed = false
    }

    private let use = Mutex(Use())

    init(
        for purpose: Purpose,
        to server: APIServerAddress,
        tls: TLSMaterial,
        configuration: ClientConfiguration,
        group: any EventLoopGroup
    ) throws(ClientConfigurationError) {
        self.server = server
        self.tls = tls
        let limits = configuration.limits
        var settings = HTTPClient.Configuration(
            tlsConfiguration: try Self.tlsConfiguration(tls, trust: configuration.trust),
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(limits.connectTimeout)))
        settings.httpVersion = purpose == .following ? .automatic : .http1Only
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        // The reflector knows better when to try again.
        settings.connectionPool.retryConnectionEstablishment = false
        if let name = configuration.serverName, name != server.host {
            settings.dnsOverride = [name: server.host]
            self.authority = server.authority(host: name)
        } else {
            self.authority = server.authority()
        }
        if let proxy = configuration.proxy {
            settings.proxy =
                switch proxy.kind {
                case .http: .server(host: proxy.host, port: proxy.port)
                case .socks5: .socksServer(host: proxy.host, port: proxy.port)
                }
        }
        let timeout = limits.deadPeerTimeout
        settings.http1_1ConnectionDebugInitializer = { KeepAlive.apply(to: $0, deadAfter: timeout) }
        settings.http2ConnectionDebugInitializer = { KeepAlive.apply(to: $0, deadAfter: timeout) }
        self.client = HTTPClient(eventLoopGroup: group, configuration: settings)
    }

    /// Whether it may be used for a request that is to go with this.
    func isGood(for server: APIServerAddress, _ tls: TLSMaterial) -> Bool { self.server == server && self.tls == tls }

    var baseURL: String { "\(self.server.isEncrypted ? "https" : "http")://\(self.authority)\(self.server.path)" }

    /// Between this and ``leave()`` it is not shut down. False if it already is.
    func enter() -> Bool {
        self.use.withLock { use in
            guard use.closing == nil else { return false }
            use.requests += 1
            return true
        }
    }

    func leave() {
        self.closeIfOver { $0.requests -= 1 }
    }

    /// No request is to begin any more.
    func retire() {
        self.closeIfOver { $0.isRetired = true }
    }

    /// Ends it, when no request is under way any more, and waits for that.
    func end() async {
        self.retire()
        await self.use.withLock { $0.closing }?.value
    }

    /// All of its connections are gone.
    var isClosed: Bool { self.use.withLock { $0.isClosed } }

    private func closeIfOver(_ change: (inout Use) -> Void) {
        self.use.withLock { use in
            change(&use)
            guard use.isRetired, use.requests == 0, use.closing == nil else { return }
            // It only closes sockets: nothing that could fail is of interest to anybody.
            use.closing = Task {
                try? await self.client.shutdown()
                self.use.withLock { $0.isClosed = true }
            }
        }
    }

    func execute(_ request: HTTPClientRequest, timeout: Duration) async throws -> HTTPClientResponse {
        try await self.client.execute(request, timeout: TimeAmount(timeout))
    }

    // MARK: - TLS

    private static func tlsConfiguration(
        _ material: TLSMaterial,
        trust: ClientConfiguration.Trust
    ) throws(ClientConfigurationError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        // Nothing is lost if the server's goodbye is not waited for: requests know where their answers end.
        tls.shutdownTimeout = .milliseconds(200)
        if let authorities = material.authorities {
            tls.trustRoots = .certificates(try Self.certificates(authorities, "the certificate authority"))
        }
        if trust == .anybody { tls.certificateVerification = .none }
        if let chain = material.certificateChain, let key = material.privateKey {
            tls.certificateChain = try Self.certificates(chain, "the client certificate").map { .certificate($0) }
            do {
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            } catch {
                throw ClientConfigurationError(
                    .badKey, "the client key is no private key in PEM", advice: "it begins with -----BEGIN")
            }
        }
        return tls
    }

    private static func certificates(
        _ bytes: [UInt8],
        _ what: String
    ) throws(ClientConfigurationError) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            if !certificates.isEmpty { return certificates }
        } catch {}
        throw ClientConfigurationError(
            .badCertificate, "\(what) is no certificate in PEM", advice: "it begins with -----BEGIN CERTIFICATE-----")
    }
}

/// Finds out that a peer is gone though nothing says so: a watch may be silent for minutes, so the kernel asks instead
/// (tcp(7)).
enum KeepAlive {
    static func apply(to channel: any Channel, deadAfter timeout: Duration) -> EventLoopFuture<Void> {
        let seconds = Int(timeout.components.seconds)
        let interval = max(1, seconds / 6)
        let options: [(ChannelOptions.Types.SocketOption, Int)] = [
            (.init(level: .socket, name: .so_keepalive), 1),
            (.init(level: .tcp, name: .init(rawValue: Self.keepIdle)), max(1, seconds / 2)),
            (.init(level: .tcp, name: .init(rawValue: Self.keepInterval)), interval),
            (.init(level: .tcp, name: .init(rawValue: Self.keepCount)), 3),
            // Also where something of ours is on its way and not acknowledged.
            (.init(level: .tcp, name: .init(rawValue: Self.userTimeout)), seconds * 1000),
        ]
        return EventLoopFuture.andAllSucceed(
            options.map { channel.setOption($0.0, value: ChannelOptions.Types.SocketOption.Value($0.1)) },
            on: channel.eventLoop)
    }

    // linux/tcp.h
    private static let keepIdle: CInt = 4
    private static let keepInterval: CInt = 5
    private static let keepCount: CInt = 6
    private static let userTimeout: CInt = 18
}
