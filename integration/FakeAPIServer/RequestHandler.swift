internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Collects the requests of one connection of HTTP/1.1, or of one stream of HTTP/2.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    /// What a client of Services sends is far smaller.
    private static let maximumBody = 4 << 20

    private let core: ServerCore
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var exchange: Exchange?

    init(_ core: ServerCore) {
        self.core = core
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.body = []
        case .body(let buffer):
            self.body.append(contentsOf: buffer.readableBytesView)
            if self.body.count > Self.maximumBody { context.close(promise: nil) }
        case .end:
            guard let head = self.head else { return }
            let pipeline = self.core.connection(of: context.channel).pipeline.syncOperations
            let certificate = try? pipeline.nioSSL_peerCertificate()
            let exchange = Exchange(context.channel, core: self.core)
            self.exchange = exchange
            self.core.handle(Request(head, body: self.body, hasCertificate: certificate != nil), exchange)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.exchange?.wasClosed()
        self.exchange = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or a handshake that the client gave up.
        context.close(promise: nil)
    }
}
