internal import NIOCore
internal import NIOHTTP1

/// Answers the requests of one connection.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let listener: Listener
    private let headLimit: RequestHeadLimit
    private let idleTimeout: TimeAmount
    private var request: HTTPRequestHead?
    private var lastAnswer = NIODeadline.now()
    private var idleTask: Scheduled<Void>?

    init(listener: Listener, headLimit: RequestHeadLimit, idleTimeout: TimeAmount) {
        self.listener = listener
        self.headLimit = headLimit
        self.idleTimeout = idleTimeout
    }

    // MARK: - Life of the connection

    func channelActive(context: ChannelHandlerContext) {
        guard self.listener.admit(context.channel) else { return context.close(promise: nil) }
        self.lastAnswer = .now()
        self.watchIdleness(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.idleTask?.cancel()
        self.listener.forget(context.channel)
        context.fireChannelInactive()
    }

    /// A bad request has been told so by the handler before this one.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func watchIdleness(_ context: ChannelHandlerContext) {
        let deadline = self.lastAnswer + self.idleTimeout
        self.idleTask = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            if self.lastAnswer + self.idleTimeout <= .now() {
                context.close(promise: nil)
            } else {
                self.watchIdleness(context)
            }
        }
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.headLimit.headEnded()
            self.request = head
        case .body:
            break
        case .end:
            self.headLimit.requestEnded()
            guard let request = self.request else { return }
            self.request = nil
            self.answer(request, context)
        }
    }

    private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // Whoever asks without reading the answers would have them pile up here.
        var question = Request(method: request.method.rawValue, target: request.uri)
        question.host = request.headers.first(name: "host")
        question.authorization = request.headers.first(name: "authorization")
        guard context.channel.isWritable, let answer = self.listener.answer(question)
        else { return context.close(promise: nil) }
        // The decoder takes what follows these for another protocol.
        let isLast = !request.isKeepAlive || request.method == .CONNECT || request.headers.contains(name: "upgrade")
        let version = request.version == .http1_0 ? HTTPVersion.http1_0 : .http1_1
        var headers = HTTPHeaders(answer.fields.map { ($0.name, $0.value) })
        headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)")
        if isLast, version == .http1_1 { headers.add(name: "Connection", value: "close") }
        if !isLast, version == .http1_0 { headers.add(name: "Connection", value: "keep-alive") }

        let status = HTTPResponseStatus(statusCode: answer.status.rawValue)
        let head = HTTPResponseHead(version: version, status: status, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            let body = context.channel.allocator.buffer(string: answer.body)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let written = context.writeAndFlush(self.wrapOutboundOut(.end(nil)))
        self.lastAnswer = .now()
        if isLast { written.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
    }
}
