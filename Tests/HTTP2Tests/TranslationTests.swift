import Bytes
import HTTP1
import HTTP2
import Testing

/// A client and a server, and everything that they say to each other.
struct Pair {
    let client: Peer
    let server: Peer

    init(_ limits: HTTP2Limits = HTTP2Limits(), client clientLimits: HTTP2Limits = HTTP2Limits()) {
        self.client = Peer(.client, clientLimits)
        self.server = Peer(.server, limits)
        _ = self.exchange()
    }

    /// Lets them speak until nobody has anything to say.
    func exchange() -> (client: [Told], server: [Told]) {
        var told: (client: [Told], server: [Told]) = ([], [])
        while true {
            let toServer = self.client.output()
            told.server += self.server.feed(toServer)
            let toClient = self.server.output()
            told.client += self.client.feed(toClient)
            if toServer.isEmpty, toClient.isEmpty { return told }
        }
    }

    /// What the server hears when a client asks that.
    func ask(_ head: String, ends: Bool = true, token: UInt64 = 0) -> (stream: Int32?, told: [Told]) {
        let stream = self.client.request(head, ends: ends, token: token)
        return (stream, self.server.feed(self.client.written) + self.exchange().server)
    }

    /// What the client hears of that answer.
    func answer(_ stream: Int32, _ head: String, ends: Bool = true) -> [Told] {
        self.server.respond(stream, head, ends: ends)
            ? self.client.feed(self.server.written) + self.exchange().client : []
    }

    func send(from sender: Peer, to receiver: Peer, _ stream: Int32, _ text: String, ends: Bool) -> [Told] {
        let text = Array(text.utf8)
        #expect(sender.send(stream, text, ends: ends) == HTTP2Sent(count: text.count, ended: ends))
        return receiver.feed(sender.written)
    }
}

private func lines(_ lines: String...) -> String { lines.joined(separator: "\r\n") + "\r\n\r\n" }

@Suite("HTTP/1.1 heads over HTTP/2 and back")
struct TranslationTests {
    @Test("a request without a body")
    func request() {
        let pair = Pair()
        let (stream, told) = pair.ask(
            lines(
                "GET /cart?x=1 HTTP/1.1", "Host: shop.example", "Accept:   */* ", "X-Request-ID: 00ff",
                "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive"))
        #expect(stream == 1)
        #expect(
            told == [
                .head(
                    1,
                    lines("GET /cart?x=1 HTTP/1.1", "Host: shop.example", "accept: */*", "x-request-id: 00ff"),
                    ends: true)
            ])
    }

    @Test("a body without length comes as chunks, one with a length as it is")
    func bodies() {
        let pair = Pair()
        let (first, told) = pair.ask(
            lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "TE: trailers"), ends: false)
        #expect(
            told == [
                .head(
                    1, lines("POST / HTTP/1.1", "Host: a", "te: trailers", "transfer-encoding: chunked"), ends: false)
            ])
        #expect(first == 1)
        #expect(
            pair.send(from: pair.client, to: pair.server, 1, "hello", ends: false)
                == [.data(1, Array("hello".utf8), ends: false)])
        #expect(
            pair.send(from: pair.client, to: pair.server, 1, "", ends: true) == [.data(1, [], ends: true)])
        let (_, second) = pair.ask(lines("PUT / HTTP/1.1", "Host: a", "Content-Length: 3", "TE: gzip"), ends: false)
        #expect(second == [.head(3, lines("PUT / HTTP/1.1", "Host: a", "content-length: 3"), ends: false)])
        #expect(
            pair.send(from: pair.client, to: pair.server, 3, "abc", ends: true)
                == [.data(3, Array("abc".utf8), ends: true)])
    }

    @Test("a method that has a body gets its length where there is none", arguments: ["POST", "PUT", "PATCH"])
    func emptyBodies(_ method: String) {
        let (_, told) = Pair().ask(lines("\(method) / HTTP/1.1", "Host: a"))
        #expect(told == [.head(1, lines("\(method) / HTTP/1.1", "Host: a", "content-length: 0"), ends: true)])
    }

    @Test("OPTIONS of the server itself")
    func asterisk() {
        let (_, told) = Pair().ask(lines("OPTIONS * HTTP/1.1", "Host: a"))
        #expect(told == [.head(1, lines("OPTIONS * HTTP/1.1", "Host: a"), ends: true)])
    }

    @Test("a request without Host has no authority, and is malformed")
    func noHost() {
        let pair = Pair()
        let (stream, told) = pair.ask(lines("GET / HTTP/1.1", "Accept: */*"))
        #expect(stream == 1)
        #expect(told == [])
        #expect(pair.server.activeStreams == 0)
    }

    @Test(
        "heads that are none are not sent",
        arguments: [
            "", "GET", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost", "GET / HTTP/1.1\r\nHost: a",
            "GET / HTTP/1.1\r\n: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\rb\r\n\r\n",
        ])
    func brokenRequests(_ head: String) {
        let pair = Pair()
        #expect(pair.ask(head).stream == nil)
        #expect(pair.client.activeStreams == 0)
        #expect(pair.ask(lines("GET / HTTP/1.1", "Host: a")).stream == 1)
    }

    // MARK: - Answers

    @Test("an answer with a length, one without, one with nothing")
    func answers() {
        let pair = Pair()
        for _ in 0..<3 { _ = pair.ask(lines("GET / HTTP/1.1", "Host: a")) }
        #expect(
            pair.answer(
                1,
                lines(
                    "HTTP/1.1 200 OK", "Content-Type: text/plain", "Connection: close", "Set-Cookie: a=1",
                    "Set-Cookie: b=2", "Content-Length: 5", "Upgrade: h2c", "TE: x", "Keep-Alive: 5"),
                ends: false)
                == [
                    .head(
                        1,
                        lines(
                            "HTTP/1.1 200 OK", "content-type: text/plain", "set-cookie: a=1", "set-cookie: b=2",
                            "content-length: 5"),
                        ends: false)
                ])
        #expect(
            pair.send(from: pair.server, to: pair.client, 1, "hello", ends: true)
                == [.data(1, Array("hello".utf8), ends: true)])
        #expect(
            pair.answer(3, lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), ends: false)
                == [.head(3, lines("HTTP/1.1 200 OK", "transfer-encoding: chunked"), ends: false)])
        #expect(
            pair.answer(5, lines("HTTP/1.0 404 Not Found"))
                == [.head(5, lines("HTTP/1.1 404 Not Found", "content-length: 0"), ends: true)])
        #expect(pair.client.activeStreams == 1)
    }

    @Test("what has no body gets no length", arguments: [204, 304])
    func withoutBody(_ status: Int) {
        let pair = Pair()
        _ = pair.ask(lines("GET / HTTP/1.1", "Host: a"))
        #expect(
            pair.answer(1, lines("HTTP/1.1 \(status) x")) == [
                .head(1, lines("HTTP/1.1 \(status) \(StatusPhrase.text(UInt16(status)))"), ends: true)
            ])
    }

    @Test("HEAD: the length of what is not sent")
    func head() {
        let pair = Pair()
        _ = pair.ask(lines("HEAD / HTTP/1.1", "Host: a"))
        _ = pair.ask(lines("HEAD / HTTP/1.1", "Host: a"))
        #expect(
            pair.answer(1, lines("HTTP/1.1 200 OK", "Content-Length: 100"))
                == [.head(1, lines("HTTP/1.1 200 OK", "content-length: 100"), ends: true)])
        #expect(pair.answer(3, lines("HTTP/1.1 200 OK")) == [.head(3, lines("HTTP/1.1 200 OK"), ends: true)])
    }

    @Test("interim answers come before the last")
    func interim() {
        let pair = Pair()
        _ = pair.ask(lines("POST / HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 1"), ends: false)
        #expect(
            pair.answer(1, lines("HTTP/1.1 100 Continue"), ends: false)
                == [.head(1, lines("HTTP/1.1 100 Continue"), ends: false)])
        #expect(
            pair.answer(1, lines("HTTP/1.1 103 Early Hints", "Link: </a>"), ends: false)
                == [.head(1, lines("HTTP/1.1 103 Early Hints", "link: </a>"), ends: false)])
        #expect(
            pair.answer(1, lines("HTTP/1.1 200 OK"), ends: false)
                == [.head(1, lines("HTTP/1.1 200 OK", "transfer-encoding: chunked"), ends: false)])
        #expect(pair.answer(1, lines("HTTP/1.1 200 OK")) == [])
    }

    @Test(
        "answers that are none are not sent",
        arguments: [
            "", "HTTP/1.1 ", "HTTP/1.1 2x0 \r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "GET / \r\n\r\n",
        ])
    func brokenAnswers(_ head: String) {
        let pair = Pair()
        _ = pair.ask(lines("GET / HTTP/1.1", "Host: a"))
        #expect(pair.answer(1, head) == [])
        #expect(pair.answer(1, lines("HTTP/1.1 200 OK", "Content-Length: 0")).count == 1)
        #expect(pair.answer(1, lines("HTTP/1.1 200 OK", "Content-Length: 0")) == [])
        #expect(pair.answer(7, lines("HTTP/1.1 200 OK")) == [])
    }

    @Test("trailers in both directions, as gRPC has them")
    func trailers() {
        let pair = Pair()
        _ = pair.ask(lines("POST /svc/m HTTP/1.1", "Host: a", "TE: trailers"), ends: false)
        #expect(pair.client.sendTrailers(1, "X-Checksum: 1\r\nX-More: 2\r\n"))
        let trailers = pair.client.written
        #expect(!pair.client.sendTrailers(1, ""))
        #expect(pair.server.feed(trailers) == [.trailers(1, "x-checksum: 1\r\nx-more: 2\r\n")])
        _ = pair.answer(1, lines("HTTP/1.1 200 OK", "content-type: application/grpc"), ends: false)
        _ = pair.send(from: pair.server, to: pair.client, 1, "message", ends: false)
        #expect(pair.server.sendTrailers(1, "grpc-status: 0\r\nconnection: x\r\n"))
        #expect(pair.client.feed(pair.server.written) == [.trailers(1, "grpc-status: 0\r\n")])
        #expect(pair.client.activeStreams == 0)
        #expect(pair.server.activeStreams == 0)
    }

    @Test("an end without fields is one")
    func emptyTrailers() {
        let pair = Pair()
        _ = pair.ask(lines("POST / HTTP/1.1", "Host: a"), ends: false)
        #expect(pair.client.sendTrailers(1, ""))
        #expect(pair.server.feed(pair.client.written) == [.trailers(1, "")])
    }

    // MARK: - WebSocket (RFC 8441)

    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    @Test("a WebSocket through HTTP/2 has the accept of RFC 6455 section 1.3")
    func webSocket() {
        let pair = Pair()
        let isAllowed = pair.client.session.peerAllowsExtendedConnect
        #expect(isAllowed)
        let (stream, told) = pair.ask(
            lines(
                "GET /chat HTTP/1.1", "Host: a", "Upgrade: WebSocket", "Connection: upgrade",
                "Sec-WebSocket-Key: \(Self.key)", "Sec-WebSocket-Version: 13"),
            ends: false)
        #expect(stream == 1)
        guard case .head(1, let text, ends: false) = told.first, told.count == 1 else {
            Issue.record("\(told)")
            return
        }
        #expect(text.hasPrefix("GET /chat HTTP/1.1\r\nHost: a\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\n"))
        #expect(text.contains("upgrade: websocket\r\nsec-websocket-key: "))
        var table = FieldTable()
        let bytes = Array(text.utf8)
        guard case .complete(let head) = RequestParser.parse(bytes.span, limits: MessageLimits(), fields: &table) else {
            Issue.record("\(text)")
            return
        }
        #expect(head.upgrade == .webSocket)
        #expect(head.length == bytes.count)
        #expect(
            pair.answer(
                1,
                lines(
                    "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                    "Sec-WebSocket-Accept: wrong", "Sec-WebSocket-Protocol: chat"),
                ends: false)
                == [
                    .head(
                        1,
                        lines(
                            "HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket",
                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "sec-websocket-protocol: chat"),
                        ends: false)
                ])
        #expect(
            pair.send(from: pair.client, to: pair.server, 1, "ping", ends: false)
                == [.data(1, Array("ping".utf8), ends: false)])
        #expect(
            pair.send(from: pair.server, to: pair.client, 1, "pong", ends: true)
                == [.data(1, Array("pong".utf8), ends: true)])
    }

    @Test("a WebSocket that is refused is answered as anything else is")
    func webSocketRefused() {
        let pair = Pair()
        _ = pair.ask(
            lines(
                "GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: upgrade",
                "Sec-WebSocket-Key: \(Self.key)"),
            ends: false)
        #expect(
            pair.answer(1, lines("HTTP/1.1 403 Forbidden", "Content-Length: 0"))
                == [.head(1, lines("HTTP/1.1 403 Forbidden", "content-length: 0"), ends: true)])
    }

    @Test("no WebSocket before the server has allowed it, nor one that ends at once")
    func webSocketEarly() {
        let client = Peer(.client)
        let head = lines("GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Sec-WebSocket-Key: \(Self.key)")
        #expect(client.request(head, ends: false) == nil)
        let pair = Pair()
        #expect(pair.ask(head, ends: true).stream == nil)
    }
}
