import Bytes
import HTTP1
import HTTP2
import Testing

@Suite("HTTP/2 messages: RFC 9113 section 8, and what would smuggle")
struct MessageRuleTests {
    @Test("pseudo-header fields", arguments: MessageRow.pseudo) func pseudo(_ row: MessageRow) { self.check(row) }
    @Test("extended CONNECT", arguments: MessageRow.extended) func extended(_ row: MessageRow) { self.check(row) }
    @Test("fields", arguments: MessageRow.fields) func fields(_ row: MessageRow) { self.check(row) }
    @Test("framing", arguments: MessageRow.framing) func framing(_ row: MessageRow) { self.check(row) }

    private func check(_ row: MessageRow) {
        let server = Peer.server()
        let told = server.feed(
            Wire.frame(
                Wire.headers, flags: Wire.endHeaders | (row.ends ? Wire.endStream : 0), stream: 1,
                Wire.block(row.fields)))
        switch row.outcome {
        case .malformed:
            #expect(told == [])
            let frames = server.frames()
            #expect(frames.map(\.type) == [Wire.reset])
            #expect(frames.first?.code == HTTP2ErrorCode.protocolError)
            #expect(server.activeStreams == 0)
        case .refused(let fault): #expect(told == [.refused(1, fault, ends: row.ends)])
        case .head(let lines):
            let text = lines.joined(separator: "\r\n") + "\r\n\r\n"
            // As bytes: not all of them are UTF-8.
            #expect(server.lastHead == text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
            #expect(told.count == 1)
        }
        // The connection goes on.
        let next = server.feed(Wire.headers(3, Wire.get("/next")))
        #expect(next == [.head(3, "GET /next HTTP/1.1\r\nHost: shop.example\r\n\r\n", ends: true)])
        #expect(server.failure == nil)
    }

    @Test("trailers: no pseudo-header fields, nothing about the body or the connection, and the end")
    func trailers() {
        let cases: [(fields: [(String, String)], ends: Bool, isFine: Bool)] = [
            ([("x-sum", "1")], true, true),
            ([("x-sum", "1")], false, false),
            ([(":path", "/")], true, false),
            ([(":status", "200")], true, false),
            ([("content-length", "5")], true, false),
            ([("transfer-encoding", "chunked")], true, false),
            ([("connection", "close")], true, false),
            ([("X-Sum", "1")], true, false),
            ([("x", "a\r\nb: c")], true, false),
        ]
        for row in cases {
            let server = Peer.server()
            _ = server.feed(Wire.headers(1, Wire.post(), ends: false))
            server.session.setToken(99, of: 1)
            server.tokens = []
            let told = server.feed(Wire.headers(1, row.fields, ends: row.ends))
            if row.isFine {
                #expect(told == [.trailers(1, "x-sum: 1\r\n")])
            } else {
                #expect(told == [.closed(1, HTTP2ErrorCode.protocolError)], "\(row)")
                #expect(server.frames().map(\.type) == [Wire.reset])
            }
            #expect(server.tokens == [99])
            #expect(server.failure == nil)
        }
    }

    @Test("H2.CL: more or less than was announced is a stream error, and the last piece is not handed out")
    func contentLength() {
        let head = Wire.post() + [("content-length", "5")]
        let cases: [(frames: [[UInt8]], told: [Told])] = [
            ([Wire.data(1, "hello", ends: true)], [.data(1, Array("hello".utf8), ends: true)]),
            (
                [Wire.data(1, "hel"), Wire.data(1, "lo", ends: true)],
                [.data(1, Array("hel".utf8), ends: false), .data(1, Array("lo".utf8), ends: true)]
            ),
            ([Wire.data(1, "hell", ends: true)], [.closed(1, 1)]),
            ([Wire.data(1, "hello!", ends: true)], [.closed(1, 1)]),
            ([Wire.data(1, "hello!")], [.closed(1, 1)]),
            (
                [Wire.data(1, "hello"), Wire.data(1, "G", ends: true)],
                [.data(1, Array("hello".utf8), ends: false), .closed(1, 1)]
            ),
            ([Wire.data(1, "", ends: true)], [.closed(1, 1)]),
            ([Wire.headers(1, [("x", "y")], ends: true)], [.closed(1, 1)]),
            (
                [Wire.data(1, "hello"), Wire.headers(1, [("x", "y")], ends: true)],
                [.data(1, Array("hello".utf8), ends: false), .trailers(1, "x: y\r\n")]
            ),
        ]
        for row in cases {
            let server = Peer.server()
            _ = server.feed(Wire.headers(1, head, ends: false))
            #expect(row.frames.flatMap { server.feed($0) } == row.told)
            #expect(server.failure == nil)
        }
    }

    @Test(
        "answers: what is malformed is not handed out",
        arguments: [
            [("content-type", "text/plain")],
            [(":status", "200"), (":status", "200")],
            [(":status", "20")],
            [(":status", "2000")],
            [(":status", "abc")],
            [(":status", "+20")],
            [(":status", "099")],
            [(":status", "101")],
            [(":status", "200"), ("connection", "close")],
            [(":status", "200"), ("transfer-encoding", "chunked")],
            [(":status", "200"), ("upgrade", "websocket")],
            [(":status", "200"), ("content-length", "5"), ("content-length", "5")],
            [(":status", "200"), ("content-length", "x")],
            [(":status", "200"), ("A", "b")],
            [(":status", "200"), ("a", "b\r\nc: d")],
            [(":status", "200"), ("a", "b\0")],
            [(":status", "200"), (":path", "/")],
            [("a", "b"), (":status", "200")],
            [(":status", "103"), ("content-length", "5")],
            [(":status", "204"), ("content-length", "5")],
        ])
    func answers(_ fields: [(String, String)]) {
        let client = Peer(.client)
        _ = client.feed(Wire.settings())
        #expect(client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true, token: 5) == 1)
        _ = client.output()
        #expect(client.feed(Wire.headers(1, fields, ends: false)) == [.closed(1, 1)])
        #expect(client.tokens.last == 5)
        #expect(client.frames().map(\.type).contains(Wire.reset))
        #expect(client.failure == nil)
    }

    @Test("an answer whose length is not that of its body is broken off")
    func answerLength() {
        for text in ["hell", "hello!"] {
            let client = Peer(.client)
            _ = client.feed(Wire.settings())
            #expect(client.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: true) == 1)
            let told = client.feed(
                Wire.headers(1, [(":status", "200"), ("content-length", "5")], ends: false)
                    + Wire.data(1, text, ends: true))
            #expect(told.count == 2)
            #expect(told.last == .closed(1, 1))
        }
    }
}
