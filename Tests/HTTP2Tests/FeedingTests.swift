import Bytes
import HTTP1
import HTTP2
import Lab
import Testing

@Suite("HTTP/2 bytes: in pieces, damaged, made up")
struct FeedingTests {
    /// Two requests with everything: a head in pieces, padding, bodies, trailers, a ping, settings.
    private static let conversation: [UInt8] = {
        let block = Wire.block(Wire.post("/upload") + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")])
        return Wire.frame(Wire.headers, flags: 0, stream: 1, Array(block.prefix(11)))
            + Wire.frame(Wire.continuation, flags: Wire.endHeaders, stream: 1, Array(block.dropFirst(11)))
            + Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [4] + Array("hello".utf8) + [0, 0, 0, 0])
            + Wire.headers(3, Wire.get("/3")) + Wire.frame(Wire.ping, stream: 0, Array(1...8)) + Wire.data(1, " world")
            + Wire.settings([(3, 10)]) + Wire.windowUpdate(0, 10) + Wire.headers(1, [("x-sum", "1")])
            + Wire.headers(5, Wire.post() + [("content-length", "2")], ends: false) + Wire.data(5, "ab", ends: true)
            + Wire.reset(3)
    }()

    @Test("byte by byte the same comes of it")
    func bytewise() {
        let server = Peer.server()
        let told = server.feed(Self.conversation, pieces: Array(repeating: 1, count: Self.conversation.count))
        #expect(
            told.joined == [
                .head(
                    1,
                    "POST /upload HTTP/1.1\r\nHost: shop.example\r\nx: y\r\ncookie: a=1; b=2\r\n"
                        + "transfer-encoding: chunked\r\n\r\n",
                    ends: false),
                .data(1, Array("hello".utf8), ends: false),
                .head(3, "GET /3 HTTP/1.1\r\nHost: shop.example\r\n\r\n", ends: true),
                .data(1, Array(" world".utf8), ends: false),
                .settings,
                .trailers(1, "x-sum: 1\r\n"),
                .head(5, "POST / HTTP/1.1\r\nHost: shop.example\r\ncontent-length: 2\r\n\r\n", ends: false),
                .data(5, Array("ab".utf8), ends: true),
                .closed(3, 8),
            ])
    }

    @Test("the preface byte by byte")
    func preface() {
        let bytes = Wire.preface + Wire.settings() + Wire.headers(1, Wire.get())
        let server = Peer(.server)
        let told = server.feed(bytes, pieces: Array(repeating: 1, count: bytes.count))
        #expect(told.count == 2)
        #expect(told.first == .settings)
    }

    @Test("a frame's end and the next one's beginning are two events, in two steps")
    func oneAtATime() {
        let server = Peer.server()
        let frames = Wire.headers(1, Wire.get()) + Wire.headers(3, Wire.get())
        let first = server.session.receive(frames.span, now: 2_000, heads: &server.heads)
        #expect(first.consumed == frames.count / 2)
        #expect(first.event == .head(1, ends: true))
        let head = server.session.takeHead()
        #expect(head.copy == Array("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n".utf8))
        server.heads.give(head)
        let rest = Array(frames.dropFirst(first.consumed))
        let second = server.session.receive(rest.span, now: 2_000, heads: &server.heads)
        #expect(second.event == .head(3, ends: true))
        #expect(second.consumed == rest.count)
    }

    @Test("damaged conversations", arguments: 0..<40)
    func damaged(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for mode: UInt8 in [0, 2] {
            for _ in 0..<25 {
                var bytes = Self.conversation
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
                    case 2: bytes.remove(at: index)
                    default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                    }
                }
                #expect(throws: Never.self, "\(bytes)") { try SessionInvariants.check([mode] + bytes) }
            }
        }
    }

    @Test("fields that are made up", arguments: 0..<40)
    func fields(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let values = [
            "", "/", "GET", "CONNECT", "websocket", "a.example", "5", "0", "trailers", "a\r\nb: c", " x", "https",
        ]
        for _ in 0..<100 {
            var bytes: [UInt8] = [3, UInt8.random(in: 0...255, using: &random)]
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                let tag = UInt8.random(in: 0...255, using: &random)
                bytes.append(tag)
                if tag >= 128 {
                    for _ in 0..<(tag & 0x1f) { bytes.append(UInt8.random(in: 0x20...0x7e, using: &random) | 0x20) }
                }
                var value = Array((values.randomElement(using: &random) ?? "").utf8)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    value.append(UInt8.random(in: 0...255, using: &random))
                }
                bytes += [UInt8(value.count)] + value
            }
            #expect(throws: Never.self, "\(bytes)") { try SessionInvariants.check(bytes) }
        }
    }

    @Test("what fuzzing began with, and what it ever found")
    func corpus() throws {
        let inputs = try FuzzCorpus.inputs(of: "http2")
        #expect(inputs.count > 5)
        for input in inputs {
            #expect(throws: Never.self, "\(input.name)") { try SessionInvariants.check(input.bytes) }
        }
    }
}
