import Bytes
import HTTP1
import HTTP2
import Testing

@Suite("HTTP/2 flow control: RFC 9113 sections 5.2 and 6.9")
struct FlowControlTests {
    static let ok = "HTTP/1.1 200 OK\r\n\r\n"

    /// A server whose client has that window for each stream, with streams 1, 3, ... asked for and answered but for their bodies.
    private func server(window: UInt32, streams: Int = 1, space: Int = 65_536) -> Peer {
        let server = Peer(.server, space: space)
        _ = server.feed(Wire.preface + Wire.settings([(4, window)]) + Wire.settingsAcknowledgement)
        _ = server.output()
        for index in 0..<streams {
            let stream = Int32(2 * index + 1)
            _ = server.feed(Wire.headers(stream, Wire.get()))
            #expect(server.respond(stream, Self.ok, ends: false))
        }
        return server
    }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }

    private func body(_ written: [UInt8], of stream: Int32) -> [UInt8] {
        (Frame.all(written) ?? []).filter { $0.type == Wire.data && $0.stream == stream }.flatMap(\.payload)
    }

    @Test("both pieces go out in frames of 16 KiB at most, the end with the last")
    func frames() {
        let server = self.server(window: 1 << 20)
        let (first, second) = (self.bytes(20_000), self.bytes(30_000))
        #expect(server.send(1, first, then: second, ends: true) == HTTP2Sent(count: 50_000, ended: true))
        let frames = Frame.all(server.written) ?? []
        #expect(frames.map(\.payload.count) == [16_384, 16_384, 16_384, 848])
        #expect(frames.map(\.endsStream) == [false, false, false, true])
        #expect(self.body(server.written, of: 1) == first + second)
        #expect(server.activeStreams == 0)
        #expect(server.send(1, [1], ends: true) == HTTP2Sent(count: 0, ended: false))
    }

    @Test("a stream without a window waits for it, and others do not")
    func twoStreams() {
        let server = self.server(window: 100, streams: 2)
        #expect(server.send(1, self.bytes(250), ends: true) == HTTP2Sent(count: 100, ended: false))
        #expect(server.send(1, self.bytes(150), ends: true) == HTTP2Sent(count: 0, ended: false))
        #expect(server.written == [])
        #expect(server.send(3, self.bytes(60), ends: false) == HTTP2Sent(count: 60, ended: false))
        #expect(server.nextWritable == nil)
        #expect(!server.wantsWrite)
        #expect(server.feed(Wire.windowUpdate(3, 1)) == [])
        #expect(server.nextWritable == nil)
        #expect(server.feed(Wire.windowUpdate(1, 50)) == [])
        #expect(server.nextWritable == 1)
        #expect(server.nextWritable == nil)
        #expect(server.send(1, self.bytes(150), ends: true) == HTTP2Sent(count: 50, ended: false))
        #expect(server.feed(Wire.windowUpdate(1, 100)) == [])
        #expect(server.nextWritable == 1)
        #expect(server.send(1, self.bytes(100), ends: true) == HTTP2Sent(count: 100, ended: true))
        #expect(Frame.all(server.written)?.last?.endsStream == true)
        #expect(server.activeStreams == 1)
    }

    @Test("the connection's window is for all: who was refused is told when it opens, all of them, in turns")
    func connectionWindow() {
        let server = self.server(window: 1 << 20, streams: 3, space: 131_072)
        #expect(server.send(1, self.bytes(65_535), ends: false) == HTTP2Sent(count: 65_535, ended: false))
        for stream: Int32 in [1, 3, 5] {
            #expect(server.send(stream, self.bytes(10), ends: true) == HTTP2Sent(count: 0, ended: false))
        }
        _ = server.feed(Wire.windowUpdate(1, 10))
        #expect(server.nextWritable == nil)
        _ = server.feed(Wire.windowUpdate(0, 15))
        var woken: [Int32] = []
        while let stream = server.nextWritable { woken.append(stream) }
        #expect(Set(woken) == [1, 3, 5])
        #expect(server.send(woken[0], self.bytes(10), ends: true) == HTTP2Sent(count: 10, ended: true))
        #expect(server.send(woken[1], self.bytes(10), ends: true) == HTTP2Sent(count: 5, ended: false))
        #expect(server.send(woken[2], self.bytes(10), ends: true) == HTTP2Sent(count: 0, ended: false))
        _ = server.feed(Wire.windowUpdate(0, 1_000))
        woken = []
        while let stream = server.nextWritable { woken.append(stream) }
        #expect(woken.count == 2)
    }

    @Test("6.9.2: settings change the windows of streams that are open, even to less than nothing")
    func initialWindow() {
        let server = self.server(window: 100)
        #expect(server.send(1, self.bytes(80), ends: false).count == 80)
        #expect(server.feed(Wire.settings([(4, 50)])) == [.settings])
        #expect(server.send(1, self.bytes(40), ends: true) == HTTP2Sent(count: 0, ended: false))
        #expect(server.feed(Wire.settings([(4, 80)])) == [.settings])
        #expect(server.nextWritable == nil)
        #expect(server.feed(Wire.settings([(4, 90)])) == [.settings])
        #expect(server.nextWritable == 1)
        #expect(server.send(1, self.bytes(40), ends: true) == HTTP2Sent(count: 10, ended: false))
    }

    @Test("an end without bytes goes out when there is a window")
    func emptyEnd() {
        let server = self.server(window: 10, streams: 2)
        #expect(server.send(1, self.bytes(5), ends: false).count == 5)
        #expect(server.send(1, [], ends: true) == HTTP2Sent(count: 0, ended: true))
        #expect(Frame.all(server.written)?.map(\.endsStream) == [true])
        #expect(server.send(3, self.bytes(10), ends: false).count == 10)
        #expect(server.send(3, [], ends: true) == HTTP2Sent(count: 0, ended: false))
        _ = server.feed(Wire.windowUpdate(3, 1))
        #expect(server.nextWritable == 3)
        #expect(server.send(3, [], ends: true) == HTTP2Sent(count: 0, ended: true))
        #expect(server.send(3, [], ends: false) == HTTP2Sent(count: 0, ended: false))
    }

    @Test("trailers need no window")
    func trailers() {
        let server = self.server(window: 0)
        #expect(server.send(1, self.bytes(5), ends: false).count == 0)
        #expect(server.sendTrailers(1, "grpc-status: 4\r\n"))
        #expect(Frame.all(server.written)?.map(\.type) == [Wire.headers])
        #expect(server.activeStreams == 0)
        #expect(server.nextWritable == nil)
    }

    @Test("no more goes out than there is room for", arguments: [0, 5, 9, 10, 100, 16_393, 16_394, 16_402, 16_403])
    func space(_ space: Int) {
        let server = self.server(window: 1 << 20, streams: 1)
        let expected = space / 16_393 * 16_384 + max(0, space % 16_393 - 9)
        let small = Peer(.server, space: max(1, space))
        _ = small.feed(Wire.preface + Wire.settings([(4, 1 << 20)]) + Wire.settingsAcknowledgement)
        _ = small.output()
        _ = small.feed(Wire.headers(1, Wire.get()))
        #expect(small.respond(1, Self.ok, ends: false))
        if space > 0 {
            #expect(small.send(1, self.bytes(40_000), ends: true) == HTTP2Sent(count: expected, ended: false))
            #expect(small.written.count <= space)
            #expect(self.body(small.written, of: 1).count == expected)
        }
        #expect(server.send(1, self.bytes(40_000), ends: true).ended)
        // It was room that was missing: nothing to wait for.
        #expect(small.nextWritable == nil)
    }

    @Test("output that finds little room comes out whole, in its order", arguments: [1, 7, 30, 200])
    func littleRoom(_ space: Int) {
        let roomy = Peer.server()
        let tight = Peer.server(space: space)
        var written: [[UInt8]] = []
        for peer in [roomy, tight] {
            _ = peer.feed(Wire.headers(1, Wire.get()) + Wire.headers(3, Wire.get()))
            _ = peer.feed(Wire.frame(Wire.ping, stream: 0, Array(1...8)))
            var all: [UInt8] = []
            #expect(peer.respond(1, "HTTP/1.1 200 OK\r\nA: \(String(repeating: "b", count: 300))\r\n\r\n", ends: false))
            all += peer.written
            #expect(peer.respond(3, Self.ok, ends: true))
            all += peer.written
            #expect(peer.sendTrailers(1, "c: d\r\n"))
            all += peer.written
            written.append(all)
            #expect(peer.activeStreams == 0)
        }
        #expect(written[0] == written[1])
        #expect(Frame.all(written[0])?.map(\.type) == [Wire.ping, Wire.headers, Wire.headers, Wire.headers])
    }

    @Test("answers that nobody takes are kept whole")
    func kept() {
        let pair = Pair()
        for _ in 0..<20 { _ = pair.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        var answered = 0
        // A buffer without room: all twenty have to wait.
        let bytes = pair.server.bytes { session, out in
            for index in 0..<20 {
                var nowhere = ByteBuffer()
                let head = Array("HTTP/1.1 200 OK\r\nX-Number: \(index)\r\n\r\n".utf8)
                if session.respond(Int32(2 * index + 1), head: head.span, ends: true, into: &nowhere) { answered += 1 }
            }
        }
        #expect(answered == 20)
        let told = pair.client.feed(bytes)
        #expect(
            told
                == (0..<20).map {
                    .head(
                        Int32(2 * $0 + 1), "HTTP/1.1 200 OK\r\nx-number: \($0)\r\ncontent-length: 0\r\n\r\n", ends: true
                    )
                })
    }

    // MARK: - What comes

    @Test("windows open as bytes are passed on, and not before")
    func incoming() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        var told: [Told] = []
        for _ in 0..<3 { told += server.feed(Wire.frame(Wire.data, stream: 1, self.bytes(16_384))) }
        #expect(server.frames() == [])
        server.session.consumed(1, 20_000)
        #expect(server.frames() == [])
        server.session.consumed(1, 20_000)
        #expect(server.frames() == [Frame(type: Wire.windowUpdate, flags: 0, stream: 1, payload: Wire.bytes(40_000))])
        // No more than came, whatever is said.
        server.session.consumed(1, 1_000_000)
        _ = server.feed(Wire.frame(Wire.data, stream: 1, self.bytes(16_384)))
        #expect(server.failure == nil)
    }

    @Test("6.9: more than the window is a flow control error")
    func overrun() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        for _ in 0..<3 { _ = server.feed(Wire.frame(Wire.data, stream: 1, self.bytes(16_384))) }
        #expect(server.feed(Wire.frame(Wire.data, stream: 1, self.bytes(16_383))).count == 1)
        #expect(server.feed(Wire.data(1, "x")).last == .closed(1, HTTP2ErrorCode.flowControlError))
        #expect(server.failure == nil)
    }

    @Test("the connection's window outlives streams whose bytes were never passed on")
    func abandoned() {
        let server = Peer.server()
        for stream in stride(from: Int32(1), to: 201, by: 2) {
            _ = server.feed(Wire.headers(stream, Wire.post(), ends: false))
            let told = server.feed(Wire.frame(Wire.data, stream: stream, self.bytes(16_384)))
            #expect(told.count == 1)
            switch stream % 3 {
            case 0: _ = server.feed(Wire.reset(stream))
            case 1: server.session.reset(stream, code: HTTP2ErrorCode.cancel)
            default:
                _ = server.feed(Wire.data(stream, "", ends: true))
                #expect(server.respond(stream, Self.ok, ends: true))
            }
            server.session.consumed(stream, 16_384)
            _ = server.output()
            #expect(server.failure == nil)
        }
        #expect(server.activeStreams == 0)
    }

    @Test("padding and DATA that comes too late do not use the connection's window up")
    func padding() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        for _ in 0..<20_000 {
            let told = server.feed(
                Wire.frame(Wire.data, flags: Wire.padded, stream: 1, [200, 0x61] + Array(repeating: 0, count: 200)))
            #expect(told == [.data(1, [0x61], ends: false)])
            server.session.consumed(1, 1)
            _ = server.output()
        }
        server.session.reset(1, code: HTTP2ErrorCode.cancel)
        for _ in 0..<200 {
            #expect(server.feed(Wire.frame(Wire.data, stream: 1, self.bytes(16_384))) == [])
            _ = server.output()
        }
        #expect(server.failure == nil)
    }

    @Test("tokens come with every event, and are gone with their stream")
    func tokens() {
        let server = Peer.server()
        _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
        server.session.setToken(11, of: 1)
        server.session.setToken(99, of: 3)
        server.tokens = []
        _ = server.feed(Wire.data(1, "a") + Wire.reset(1))
        #expect(server.tokens == [11, 11])
        let (gone, never) = (server.session.token(of: 1), server.session.token(of: 3))
        #expect(gone == 0)
        #expect(never == 0)
        _ = server.feed(Wire.headers(3, Wire.get()))
        let fresh = server.session.token(of: 3)
        #expect(fresh == 0)
    }
}
