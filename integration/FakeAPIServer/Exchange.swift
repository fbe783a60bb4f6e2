internal import NIOCore
internal import NIOHTTP1

/// The answer to one request, piece by piece, with the faults that there are. Lives on the event loop.
final class Exchange {
    private enum Piece {
        case head(HTTPResponseHead)
        case bytes(ArraySlice<UInt8>)
        case end
    }

    /// How often a slow answer goes on.
    private static let slowInterval: TimeAmount = .milliseconds(20)

    private let channel: any Channel
    private let core: ServerCore
    private var queue: [Piece] = []
    private var pause: Scheduled<Void>?
    private(set) var isOver = false
    /// Told when the client or the server ended it.
    var whenClosed: (() -> Void)?

    init(_ channel: any Channel, core: ServerCore) {
        self.channel = channel
        self.core = core
    }

    func start(_ code: Int, _ headers: [(String, String)]) {
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: code),
            headers: HTTPHeaders(headers)
        )
        self.queue.append(.head(head))
    }

    /// An answer that is complete.
    func answer(_ code: Int, type: String, headers: [(String, String)] = [], _ body: [UInt8]) {
        self.start(code, [("Content-Type", type), ("Content-Length", "\(body.count)")] + headers)
        if self.core.faults.takeCut() { return self.cut(body) }
        self.queue.append(.bytes(body[...]))
        self.finish()
    }

    func write(_ bytes: [UInt8]) {
        guard !self.isOver else { return }
        self.queue.append(.bytes(bytes[...]))
        self.pump()
    }

    func finish() {
        guard !self.isOver else { return }
        self.isOver = true
        self.queue.append(.end)
        self.pump()
        self.closed()
    }

    /// Half of these bytes, and then the connection is closed.
    func cut(_ bytes: [UInt8]) {
        self.queue.append(.bytes(bytes.prefix(bytes.count / 2)))
        self.pump()
        self.isOver = true
        let connection = self.core.connection(of: self.channel)
        self.channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer())))
            .whenComplete { _ in connection.close(promise: nil) }
        self.closed()
    }

    /// The other end is gone.
    func wasClosed() {
        self.isOver = true
        self.queue = []
        self.pause?.cancel()
        self.closed()
    }

    private func closed() {
        self.whenClosed?()
        self.whenClosed = nil
    }

    /// Writes what may be written.
    func pump() {
        guard self.pause == nil else { return }
        guard !self.core.faults.isFrozen else { return self.core.frozen.append(self) }
        var position = 0
        while position < self.queue.count {
            switch self.queue[position] {
            case .head(let head): self.channel.write(HTTPServerResponsePart.head(head), promise: nil)
            case .end: self.channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            case .bytes(let bytes):
                let rest = self.send(bytes)
                if !rest.isEmpty {
                    self.queue[position] = .bytes(rest)
                    self.queue.removeFirst(position)
                    return self.goOnLater()
                }
            }
            position += 1
        }
        self.queue.removeAll(keepingCapacity: true)
        self.channel.flush()
    }

    /// Sends bytes, all or as many as a slow connection takes at once; what is left is returned.
    private func send(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        let allowance = self.core.faults.bytesPerSecond.map { max(1, $0 / 50) } ?? .max
        var sent = 0
        while !rest.isEmpty, sent < allowance {
            let piece = rest.prefix(min(self.core.faults.chunkSize ?? .max, allowance - sent))
            let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: piece)))
            self.channel.writeAndFlush(part, promise: nil)
            self.core.counts.bytesSent += piece.count
            sent += piece.count
            rest = rest.dropFirst(piece.count)
        }
        return rest
    }

    private func goOnLater() {
        let this = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.pause = self.channel.eventLoop.scheduleTask(in: Self.slowInterval) {
            this.value.pause = nil
            this.value.pump()
        }
    }
}
