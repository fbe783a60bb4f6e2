internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Networking

/// One listening socket, from when it is wanted until it no longer is, and its connections. Opening is
/// tried until it succeeds. Lives on the event loop.
final class Listener {
    /// What it is for, as the log says it.
    struct Purpose {
        let user: ListeningTrouble.User
        /// `the health port`
        let noun: String
        var metadata: Logger.Metadata = [:]
    }

    /// Why it cannot be opened.
    struct Failure {
        let purpose: Purpose
        let place: Site.Place
        let reason: String
    }

    private let place: Site.Place
    private let purpose: Purpose
    private let loop: any EventLoop
    private let limits: ServerLimits
    private let logger: Logger
    private let onFailure: ((Failure) -> Void)?
    private let onTrouble: (ListeningTrouble) -> Void
    private let currentAnswer: (Request) -> Answer?

    private var isWanted = true
    private var channel: (any Channel)?
    private var connections: [ObjectIdentifier: any Channel] = [:]
    private var retry: Scheduled<Void>?
    /// The pause after the last failure; nil once it is open.
    private var pause: Duration?

    /// - Parameters:
    ///   - onFailure: called where it cannot be opened, which then is not tried again; nil to try until it can.
    ///   - onTrouble: told once when it cannot be opened, until it could be.
    ///   - answer: what requests are answered at the time; nil closes the connection.
    init(
        _ place: Site.Place,
        purpose: Purpose,
        loop: any EventLoop,
        limits: ServerLimits,
        logger: Logger,
        onFailure: ((Failure) -> Void)? = nil,
        onTrouble: @escaping (ListeningTrouble) -> Void,
        answer: @escaping (Request) -> Answer?
    ) {
        self.place = place
        self.purpose = purpose
        self.loop = loop
        self.limits = limits
        self.logger = logger
        self.onFailure = onFailure
        self.onTrouble = onTrouble
        self.currentAnswer = answer
    }

    func answer(_ request: Request) -> Answer? { self.isWanted ? self.currentAnswer(request) : nil }

    // MARK: - Opening and closing

    func open() {
        self.retry = nil
        do {
            // The socket is made here, by the thread of the event loop: in its network namespace.
            let opening: EventLoopFuture<any Channel>
            switch self.place {
            case .address(let place):
                let address = try SocketAddress(
                    packedIPAddress: ByteBuffer(bytes: place.address.bytes), port: Int(place.port))
                opening = self.bootstrap().bind(to: address)
            case .socket(let socket): opening = self.bootstrap().withBoundSocket(try socket.duplicate())
            }
            opening.assumeIsolated().whenComplete { self.opened($0) }
        } catch {
            self.failed(error)
        }
    }

    /// Closes the socket and the connections that came through it, at once.
    func close() {
        self.isWanted = false
        self.retry?.cancel()
        self.channel?.close(promise: nil)
        for connection in self.connections.values { connection.close(promise: nil) }
    }

    private func bootstrap() -> ServerBootstrap {
        let this = NIOLoopBound(self, eventLoop: self.loop)
        var bootstrap = ServerBootstrap(group: self.loop)
            .serverChannelOption(.backlog, value: 256)
            // Connections in TIME_WAIT do not keep a port from being opened again; a listener does.
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try this.value.prepare(channel.pipeline.syncOperations) }
            }
        if case .address(let place) = self.place, place.address.family == .ipv6 {
            // IPv4 has a listener of its own.
            let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            bootstrap = bootstrap.serverChannelOption(option, value: 1)
        }
        return bootstrap
    }

    private func opened(_ result: Result<any Channel, any Error>) {
        switch result {
        case .failure(let error):
            self.failed(error)
        case .success(let channel) where !self.isWanted:
            channel.close(promise: nil)
        case .success(let channel):
            self.channel = channel
            if self.pause != nil {
                self.pause = nil
                self.logger.notice("\(self.purpose.noun) could be opened now", metadata: self.metadata)
            }
            channel.closeFuture.assumeIsolated().whenComplete { _ in
                self.channel = nil
                self.failed(ChannelError.ioOnClosedChannel)
            }
        }
    }

    private func failed(_ error: any Error) {
        guard self.isWanted else { return }
        let number = (error as? IOError)?.errnoCode
        if number == EAFNOSUPPORT, case .address(let place) = self.place, place.address.isUnspecified {
            self.logger.debug("this host lacks a family of addresses", metadata: self.metadata)
            return
        }
        let reason = number.map(SystemError.text) ?? "\(error)"
        if let onFailure = self.onFailure {
            self.isWanted = false
            self.tellTrouble(reason)
            return onFailure(Failure(purpose: self.purpose, place: self.place, reason: reason))
        }
        if self.pause == nil {
            var metadata = self.metadata
            metadata["reason"] = "\(reason)"
            if number == EADDRINUSE, case .address(let place) = self.place {
                metadata["find"] = "ss -Htlnp 'sport = :\(place.port)'"
            }
            self.logger.warning(
                "\(self.purpose.noun) cannot be opened, which is tried again until it can", metadata: metadata)
            self.tellTrouble(reason)
        }
        let pause = self.pause.map { min($0 * 2, self.limits.longestRetry) } ?? self.limits.firstRetry
        self.pause = pause
        self.retry = self.loop.assumeIsolated().scheduleTask(in: TimeAmount(pause)) { self.open() }
    }

    private func tellTrouble(_ reason: String) {
        self.onTrouble(ListeningTrouble(user: self.purpose.user, address: "\(self.place)", reason: reason))
    }

    private var metadata: Logger.Metadata {
        let place: Logger.Metadata =
            switch self.place {
            case .address(let place): ["address": "\(place.address)", "port": "\(place.port)"]
            case .socket(let socket): ["socket": "\(socket.path)"]
            }
        return self.purpose.metadata.merging(place) { $1 }
    }

    // MARK: - Connections

    private func prepare(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        let headLimit = RequestHeadLimit(limit: self.limits.requestHeadBytes)
        try pipeline.addHandler(headLimit)
        try pipeline.configureHTTPServerPipeline()
        try pipeline.addHandler(
            RequestHandler(
                listener: self, headLimit: headLimit, idleTimeout: TimeAmount(self.limits.idleTimeout)))
    }

    /// Whether there is room for a connection.
    func admit(_ connection: any Channel) -> Bool {
        guard self.isWanted, self.connections.count < self.limits.connectionsPerListener else { return false }
        self.connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func forget(_ connection: any Channel) {
        self.connections[ObjectIdentifier(connection)] = nil
    }
}

extension Site.Place: CustomStringConvertible {
    var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .socket(let socket): socket.path
        }
    }
}
