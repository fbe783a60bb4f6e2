import Bytes
import HTTP1
import HTTP2

// What has to hold for any bytes whatever. Used by the tests with what they make up, and by the fuzzer of Tests/Fuzz with
// what it finds.

/// Something that must never be is.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ description: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description()) }
}

/// Whatever arrives over HTTP/2: in pieces it means what it means at once, and every head that is handed out is one head to the parser of
/// HTTP/1.1, all of it, and says there what it said here.
///
/// The first byte says what the others are: frames for a server, frames for a client, or the fields of one request.
enum SessionInvariants {
    static func check(_ bytes: [UInt8]) throws(Violation) {
        guard let mode = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch mode % 4 {
        case 0, 1: try Self.checkFrames(rest, .server)
        case 2: try Self.checkFrames(rest, .client)
        default: try FieldInvariants.check(rest)
        }
    }

    // MARK: - Frames

    private static func peer(_ role: HTTP2Role) -> Peer {
        guard role == .client else { return Peer.server() }
        let client = Peer(.client)
        _ = client.feed(Wire.settings([(8, 1)]) + Wire.settingsAcknowledgement)
        _ = client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true)
        _ = client.request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true)
        _ = client.request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", ends: false)
        _ = client.request(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            ends: false)
        _ = client.output()
        return client
    }

    private static func checkFrames(_ bytes: [UInt8], _ role: HTTP2Role) throws(Violation) {
        let whole = Self.peer(role)
        let told = whole.feed(bytes)
        for event in told {
            switch event {
            case .head(let stream, _, _): try Self.checkHead(whole.heads(of: stream), role, stream)
            case .trailers(let stream, _): try Self.checkTrailers(whole.trailers(of: stream))
            default: break
            }
        }
        try require(whole.activeStreams >= 0 && whole.activeStreams <= 128, "\(whole.activeStreams) streams")
        let isOver = !whole.wantsRead
        let sent = Self.outline(whole.output())
        for one in [true, false] where !one || bytes.count <= 2_000 {
            let inPieces = Self.peer(role)
            let again = inPieces.feed(bytes, pieces: Cuts.pieces(of: bytes, one: one))
            try require(inPieces.wantsRead == !isOver, "in pieces another end")
            let (left, right) = (Self.comparable(again, isOver: isOver), Self.comparable(told, isOver: isOver))
            try require(left == right, "in pieces \(again), at once \(told)")
            guard !isOver else { continue }
            try require(inPieces.activeStreams == whole.activeStreams, "in pieces other streams")
            try require(Self.outline(inPieces.output()) == sent, "in pieces another reply")
        }
        try Self.checkOwner(whole)
    }

    /// Of streams that were broken off, pieces of bodies may have been handed out before that was known. Of connections that are over, streams
    /// may have been broken off before, and what is wrong behind that was not looked at any more.
    private static func comparable(_ told: [Told], isOver: Bool) -> [Told] {
        var closed: Set<Int32> = []
        for case .closed(let stream, _) in told { closed.insert(stream) }
        return told.joined.filter { event in
            switch event {
            case .data(let stream, _, _): !isOver && !closed.contains(stream)
            case .closed, .failed: !isOver
            default: true
            }
        }.sorted { "\($0)" < "\($1)" }
    }

    private static func outline(_ bytes: [UInt8]) -> [String] {
        (Frame.all(bytes) ?? []).filter { $0.type != Wire.windowUpdate }.map {
            "\($0.type) \($0.flags) \($0.stream) \($0.code.map { "\($0)" } ?? "")"
        }
    }

    /// What its owner may do then never traps.
    private static func checkOwner(_ peer: Peer) throws(Violation) {
        for stream: Int32 in [1, 3, 5, 7] {
            _ = peer.respond(stream, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", ends: false)
            let sent = peer.send(stream, [1, 2, 3], then: [4], ends: stream == 3)
            try require(sent.count <= 4, "\(sent.count) bytes of 4")
            if stream == 5 { _ = peer.sendTrailers(stream, "a: b\r\n") }
            if stream == 7 { peer.session.reset(stream, code: HTTP2ErrorCode.cancel) }
            peer.session.consumed(stream, 1_000)
        }
        while peer.nextWritable != nil {}
        _ = peer.output()
        _ = peer.feed(Wire.headers(9_001, Wire.get()))
        peer.session.release(into: &peer.heads)
        try require(peer.heads.used == 0, "\(peer.heads.used) buffers are missing")
    }

    // MARK: - Heads

    private static func checkHead(_ heads: [[UInt8]], _ role: HTTP2Role, _ stream: Int32) throws(Violation) {
        for text in heads {
            var table = FieldTable()
            switch role {
            case .server:
                switch RequestParser.parse(text.span, limits: MessageLimits(), fields: &table) {
                case .complete(let head):
                    try require(head.length == text.count, "a head of \(head.length) in \(text.count) bytes")
                case .refused: break
                case .incomplete: throw Violation("no whole head: \(String(decoding: text, as: UTF8.self))")
                }
            case .client:
                let context = ResponseContext(
                    method: stream == 3 ? .head : .get, upgrade: stream == 7 ? .webSocket : .none)
                switch ResponseParser.parse(text.span, context: context, limits: MessageLimits(), fields: &table) {
                case .complete(let head):
                    try require(head.length == text.count, "a head of \(head.length) in \(text.count) bytes")
                    try require(head.framing != .untilClose, "a body without an end")
                case .malformed(let fault):
                    try require(fault != .contentLengthAndTransferEncoding, "framed twice")
                case .incomplete: throw Violation("no whole head: \(String(decoding: text, as: UTF8.self))")
                }
            }
        }
    }

    /// Behind the last chunk they are the trailer section of an HTTP/1.1 message, all of them.
    private static func checkTrailers(_ sections: [[UInt8]]) throws(Violation) {
        for lines in sections {
            let bytes = Array("0\r\n".utf8) + lines + Array("\r\n".utf8)
            var decoder = ChunkedDecoder(limits: MessageLimits())
            var start = 0
            reading: while true {
                let step = decoder.next(bytes.span.extracting(start..<bytes.count))
                start += step.consumed
                switch step.event {
                case .data: throw Violation("trailers with data")
                case .trailer: continue
                case .end:
                    try require(start == bytes.count, "trailers that end early")
                    break reading
                case .needsMore: throw Violation("trailers without end")
                case .malformed(let fault): throw Violation("trailers that are none: \(fault)")
                }
            }
        }
    }
}

/// Where to cut bytes into pieces: depends on the bytes alone, so that a finding can be found again.
struct Cuts {
    private var state: UInt64

    init(_ bytes: [UInt8]) {
        self.state = bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } | 1
    }

    /// A number below `bound`.
    mutating func next(_ bound: Int) -> Int {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return Int(self.state % UInt64(bound))
    }

    /// The lengths of the pieces: each byte by itself, or a few pieces.
    static func pieces(of bytes: [UInt8], one: Bool) -> [Int] {
        guard !one else { return Array(repeating: 1, count: bytes.count) }
        var cuts = Cuts(bytes)
        var pieces: [Int] = []
        var left = bytes.count
        while left > 0 {
            let piece = min(left, 1 + cuts.next(cuts.next(3) == 0 ? 200 : 12))
            pieces.append(piece)
            left -= piece
        }
        return pieces
    }
}
