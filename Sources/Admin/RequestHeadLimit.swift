internal import NIOCore
internal import NIOHTTP1

/// Refuses requests whose head is too long. The decoder limits header fields, but not the request line.
///
/// It stands before the decoder and hands it no more bytes than a head may still have; the handler
/// behind the decoder tells it where a head ends and the next may begin.
final class RequestHeadLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Place {
        case head(bytes: Int)
        case body
        case refused
    }

    private let limit: Int
    private var place = Place.head(bytes: 0)

    init(limit: Int) {
        self.limit = limit
    }

    func headEnded() { self.place = .body }

    func requestEnded() { self.place = .head(bytes: 0) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = self.unwrapInboundIn(data)
        while buffer.readableBytes > 0 {
            switch self.place {
            case .refused:
                return
            case .body:
                // One piece, of which the decoder makes what it is: the next head may begin in it, and be
                // longer by at most this piece than it should.
                context.fireChannelRead(self.wrapInboundOut(buffer))
                return
            case .head(let bytes):
                guard let piece = buffer.readSlice(length: min(buffer.readableBytes, self.limit - bytes)) else {
                    return
                }
                // Before the decoder has it: it may call back.
                self.place = .head(bytes: bytes + piece.readableBytes)
                context.fireChannelRead(self.wrapInboundOut(piece))
                if case .head(let bytes) = self.place, bytes >= self.limit {
                    self.place = .refused
                    context.fireErrorCaught(HTTPParserError.headerOverflow)
                    return
                }
            }
        }
    }
}
