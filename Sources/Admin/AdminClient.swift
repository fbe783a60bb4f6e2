internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Why a running Fairlead could not be asked.
package struct AdminClientError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// There is no socket at the path.
        case missing
        /// Nobody listens on it any more.
        case refused
        case forbidden
        /// Connected, but no whole answer came in time.
        case noAnswer
        case other
    }

    package let code: Code
    package let path: String
    package let reason: String

    /// The reason, and what to do about it.
    package var description: String {
        let advice =
            switch self.code {
            case .missing:
                "there is no such socket: does `fairlead node` run here, and with this --admin-socket? It may be in a container of its own: "
                    + "run this one there"
            case .refused: "the process that listened there has ended: start `fairlead node` again"
            case .forbidden: "the socket is for the user that fairlead runs as: run this as that one, or as root (sudo)"
            case .noAnswer:
                "the process is there but does not answer as it should (\(self.reason)): its log may say why"
            case .other: self.reason
            }
        return "cannot ask \(self.path): \(advice)"
    }
}

/// One request to the admin API of a process on this host.
package enum AdminClient {
    /// An answer that is longer is none of ours.
    static let longestBody = 1 << 30

    package struct Reply: Hashable, Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    /// - Parameter target: path and query.
    package static func get(
        _ target: String, socket path: String, timeout: Duration = .seconds(10)
    ) async throws(AdminClientError) -> Reply {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcome: Result<Reply, any Error>
        do {
            outcome = .success(try await self.ask(target, path, timeout, group.next()))
        } catch {
            outcome = .failure(error)
        }
        // Nothing of it is left to fail.
        try? await group.shutdownGracefully()
        switch outcome {
        case .success(let reply): return reply
        case .failure(let error): throw AdminClientError(error, path)
        }
    }

    private static func ask(
        _ target: String, _ path: String, _ timeout: Duration, _ loop: any EventLoop
    ) async throws -> Reply {
        let promise = loop.makePromise(of: Reply.self)
        let connecting = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(timeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(ReplyCollector(target, promise, timeout: TimeAmount(timeout)))
                }
            }
            .connect(unixDomainSocketPath: path)
        connecting.whenFailure { promise.fail($0) }
        return try await promise.futureResult.get()
    }
}

extension AdminClientError {
    fileprivate init(_ error: any Error, _ path: String) {
        let number = (error as? IOError)?.errnoCode
        let code: Code =
            switch number {
            case ENOENT, ENOTDIR: .missing
            case ECONNREFUSED: .refused
            case EACCES, EPERM: .forbidden
            case nil where error is ReplyCollector.Failure || error is HTTPParserError: .noAnswer
            default: .other
            }
        self.init(code: code, path: path, reason: number.map(SystemError.text) ?? "\(error)")
    }
}

/// Sends the request and collects what is answered.
private final class ReplyCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Failure: Error, CustomStringConvertible {
        case timedOut
        case closed
        case tooLong

        var description: String {
            switch self {
            case .timedOut: "it takes too long"
            case .closed: "it closed the connection"
            case .tooLong: "its answer does not end"
            }
        }
    }

    private let target: String
    private let promise: EventLoopPromise<AdminClient.Reply>
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var status = 0
    private var body = ByteBuffer()

    init(_ target: String, _ promise: EventLoopPromise<AdminClient.Reply>, timeout: TimeAmount) {
        self.target = target
        self.promise = promise
        self.timeout = timeout
    }

    func channelActive(context: ChannelHandlerContext) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: self.target,
            headers: ["Host": "fairlead", "Accept": "application/json", "Connection": "close"])
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.deadline = context.eventLoop.assumeIsolated().scheduleTask(in: self.timeout) {
            self.fail(.timedOut, context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.status = Int(head.status.code)
        case .body(let piece):
            self.body.writeImmutableBuffer(piece)
            if self.body.readableBytes > AdminClient.longestBody { self.fail(.tooLong, context) }
        case .end:
            self.promise.succeed(AdminClient.Reply(status: self.status, body: Array(buffer: self.body)))
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline?.cancel()
        // Of no effect where there was an answer.
        self.promise.fail(Failure.closed)
        context.fireChannelInactive()
    }

    private func fail(_ failure: Failure, _ context: ChannelHandlerContext) {
        self.promise.fail(failure)
        context.close(promise: nil)
    }
}
