import Bytes
import HTTP1
import HTTP2

/// What a session told, with the bytes that it pointed at.
enum Told: Equatable, Sendable {
    case head(Int32, String, ends: Bool)
    case data(Int32, [UInt8], ends: Bool)
    case trailers(Int32, String)
    case refused(Int32, MessageFault, ends: Bool)
    case closed(Int32, UInt32)
    case settings
    case pong(UInt64)
    case goAway(Int32, UInt32)
    case failed(HTTP2Failure)
}

/// A session with the buffers that its owner has.
final class Peer {
    var session: HTTP2Session
    var heads: BufferPool
    var now: UInt64 = 1_000
    /// Tokens that came with events, in their order.
    var tokens: [UInt64] = []
    /// The last head or trailer section that was told.
    private(set) var lastHead: [UInt8] = []
    /// How large the buffer is that takes output.
    let space: Int

    init(_ role: HTTP2Role, _ limits: HTTP2Limits = HTTP2Limits(), space: Int = 65_536, buffer: Int = 16_384) {
        self.session = HTTP2Session(role, limits, seed: 7)
        self.heads = BufferPool(size: buffer, limit: 4)
        self.space = space
    }

    /// A server that has exchanged settings with its client, and said so.
    static func server(_ limits: HTTP2Limits = HTTP2Limits(), space: Int = 65_536) -> Peer {
        let peer = Peer(.server, limits, space: space)
        _ = peer.feed(Wire.preface + Wire.settings() + Wire.settingsAcknowledgement)
        _ = peer.output()
        return peer
    }

    /// - Parameter pieces: the sizes in which the bytes arrive; all at once without.
    func feed(_ bytes: [UInt8], pieces: [Int]? = nil) -> [Told] {
        var told: [Told] = []
        var start = 0
        for piece in pieces ?? [bytes.count] {
            told += self.feedPiece(Array(bytes[start..<(start + piece)]))
            start += piece
        }
        return told
    }

    private func feedPiece(_ bytes: [UInt8]) -> [Told] {
        var told: [Told] = []
        var start = 0
        while true {
            let rest = bytes.span.extracting(start..<bytes.count)
            let receipt = self.session.receive(rest, now: self.now, heads: &self.heads)
            if receipt.event != .none { self.tokens.append(receipt.token) }
            if let event = self.tell(receipt.event, Array(bytes[start...])) { told.append(event) }
            start += receipt.consumed
            if receipt.consumed == 0, receipt.event == .none { return told }
        }
    }

    private func tell(_ event: HTTP2Event, _ bytes: [UInt8]) -> Told? {
        switch event {
        case .none: return nil
        case .head(let stream, let ends): return .head(stream, self.keepText(in: \.toldHeads, stream), ends: ends)
        case .data(let stream, let start, let count, let ends):
            return .data(stream, Array(bytes[start..<(start + count)]), ends: ends)
        case .trailers(let stream): return .trailers(stream, self.keepText(in: \.toldTrailers, stream))
        case .refused(let stream, let fault, let ends): return .refused(stream, fault, ends: ends)
        case .closed(let stream, let code): return .closed(stream, code)
        case .settings: return .settings
        case .pong(let payload): return .pong(payload)
        case .goAway(let last, let code): return .goAway(last, code)
        case .failed(let failure): return .failed(failure)
        }
    }

    func heads(of stream: Int32) -> [[UInt8]] { self.toldHeads[stream] ?? [] }
    func trailers(of stream: Int32) -> [[UInt8]] { self.toldTrailers[stream] ?? [] }
    private var toldHeads: [Int32: [[UInt8]]] = [:]
    private var toldTrailers: [Int32: [[UInt8]]] = [:]

    private func keepText(
        in texts: ReferenceWritableKeyPath<Peer, [Int32: [[UInt8]]]>, _ stream: Int32
    ) -> String {
        self.lastHead = self.session.headBytes
        self[keyPath: texts][stream, default: []].append(self.lastHead)
        return String(decoding: self.lastHead, as: UTF8.self)
    }

    /// Everything that is pending.
    func output() -> [UInt8] {
        var all: [UInt8] = []
        while self.session.wantsWrite {
            var out = ByteBuffer(capacity: self.space)
            self.session.write(into: &out)
            guard !out.isEmpty else { break }
            all += out.copy
        }
        return all
    }

    /// The same as frames, behind what a client says first.
    func frames() -> [Frame] { Frame.all(self.output()) ?? [] }

    /// What is written by `body` and what is pending before it, as frames.
    func frames(_ body: (inout HTTP2Session, inout ByteBuffer) -> Void) -> [Frame] {
        Frame.all(self.bytes(body)) ?? []
    }

    func bytes(_ body: (inout HTTP2Session, inout ByteBuffer) -> Void) -> [UInt8] {
        var out = ByteBuffer(capacity: self.space)
        body(&self.session, &out)
        return out.copy + self.output()
    }

    // MARK: - Sending, with what was written so far in `written`

    /// Frames that went out with the last call of the methods below.
    private(set) var written: [UInt8] = []

    func respond(_ stream: Int32, _ head: String, ends: Bool) -> Bool {
        var isSent = false
        self.written = self.bytes { session, out in
            isSent = session.respond(stream, head: Array(head.utf8).span, ends: ends, into: &out)
        }
        return isSent
    }

    func request(_ head: String, ends: Bool, token: UInt64 = 0, isSecure: Bool = true) -> Int32? {
        var stream: Int32?
        self.written = self.bytes { session, out in
            stream = session.request(
                head: Array(head.utf8).span, isSecure: isSecure, ends: ends, token: token, into: &out)
        }
        return stream
    }

    func send(_ stream: Int32, _ first: [UInt8], then second: [UInt8] = [], ends: Bool) -> HTTP2Sent {
        var sent = HTTP2Sent(count: 0, ended: false)
        self.written = self.bytes { session, out in
            sent = session.send(stream, first.span, then: second.span, ends: ends, into: &out)
        }
        return sent
    }

    func sendTrailers(_ stream: Int32, _ lines: String) -> Bool {
        var isSent = false
        self.written = self.bytes { session, out in
            isSent = session.sendTrailers(stream, Array(lines.utf8).span, into: &out)
        }
        return isSent
    }

    // What Testing cannot ask of a value that cannot be copied.
    var activeStreams: Int { self.session.activeStreams }
    var wantsRead: Bool { self.session.wantsRead }
    var wantsWrite: Bool { self.session.wantsWrite }
    var failure: HTTP2Failure? { self.session.failure }
    var nextWritable: HTTP2StreamID? { self.session.nextWritable() }

    /// So many bytes of all that were told have been passed on.
    func consume(_ told: [Told]) {
        for case .data(let stream, let bytes, _) in told { self.session.consumed(stream, bytes.count) }
    }
}

extension [Told] {
    /// Pieces of the same body side by side are one.
    var joined: [Told] {
        var joined: [Told] = []
        for event in self {
            if case .data(let stream, let bytes, let ends) = event,
                case .data(stream, let before, false) = joined.last
            {
                joined[joined.count - 1] = .data(stream, before + bytes, ends: ends)
            } else {
                joined.append(event)
            }
        }
        return joined
    }
}

extension HTTP2Session {
    var headBytes: [UInt8] {
        let head = self.head
        var bytes: [UInt8] = []
        for index in 0..<head.count { bytes.append(head[index]) }
        return bytes
    }
}
