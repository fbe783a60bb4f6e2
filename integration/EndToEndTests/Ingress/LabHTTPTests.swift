import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The lab's own HTTP: what the ingress tests stand on.
    @Suite struct LabHTTPTests {
        private final class Pair {
            let sandbox: Sandbox
            let backend: HTTPBackend

            init() throws {
                self.sandbox = try Sandbox()
                self.backend = try HTTPBackend(
                    on: self.sandbox.host, SocketAddress(IPAddress(127, 1, 0, 1), 3000), name: "one")
            }

            func connect() throws -> HTTPConversation {
                try self.sandbox.host.converseByHTTP(with: self.backend.address)
            }

            func tearDown() {
                self.backend.stop()
                self.sandbox.tearDown()
            }
        }

        @Test func `a backend says what it was asked, and keeps it`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let conversation = try pair.connect()
            let request = HTTPRequest("POST", "/x?y=1", host: "h.test", ["X-A: 1", "x-a:  2 "], body: "12345")
            let first = try conversation.exchange(request)
            #expect(first.status == 200 && first.backend == "one" && first.framing == .length)
            #expect(first.upstreamConnection == 0 && first.upstreamRequest == 1 && first["x-body-length"] == "5")
            let echoed = try #require(first.echoed)
            #expect(echoed.line == "POST /x?y=1 HTTP/1.1" && echoed.target == "/x?y=1")
            #expect(echoed["X-A"] == "1 | 2" && echoed["Host"] == "h.test")
            try conversation.send("HEAD /y HTTP/1.1\r\nHost: h.test\r\n\r\nGET /z HTTP/1.1\r\nHost: h.test\r\n\r\n")
            #expect(try conversation.response(to: "HEAD").framing == .none)
            #expect(try conversation.response().echoed?.target == "/z")
            #expect(pair.backend.requests == 3)
            #expect(
                pair.backend.records.map(\.text) == [
                    request.text + "HEAD /y HTTP/1.1\r\nHost: h.test\r\n\r\nGET /z HTTP/1.1\r\nHost: h.test\r\n\r\n"
                ])
        }

        @Test func `bodies in chunks, trailers, and interim answers`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            pair.backend.script(
                "/chunks",
                [
                    .awaitBodyBytes(1), .text("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), .awaitBody,
                    .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), .wait(.milliseconds(20)),
                    .text("3;a=b\r\nabc\r\n"), .text("2\r\nde\r\n0\r\nX-End: yes\r\n\r\n"),
                ])
            let conversation = try pair.connect()
            try conversation.send("POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            let interim = try conversation.head()
            #expect(interim.status == 103)
            try conversation.send("a\r\n0123456789\r\n0\r\n\r\n")
            let response = try conversation.response()
            #expect(response.text == "abcde" && response.framing == .chunked)
            #expect(response.trailers.values("x-end") == ["yes"])
            #expect(try conversation.exchange(HTTPRequest("GET", "/after", host: "h")).upstreamRequest == 2)
        }

        @Test func `what is wrong is said, not read over`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let wrong = [
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                "HTTP/1.1 200 OK\nContent-Length: 0\n\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nNo Colon\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "",
            ]
            for (number, text) in wrong.enumerated() {
                pair.backend.script("/\(number)", [.text(text), .close])
                let conversation = try pair.connect()
                #expect(throws: LabError.self, "\(text)") {
                    try conversation.exchange(HTTPRequest("GET", "/\(number)", host: "h"))
                }
            }
            // And of requests, by the backend.
            for text in ["GET / HTTP/1.1\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n12345"] {
                let conversation = try pair.connect()
                try conversation.send(text)
                #expect(conversation.isClosed())
                #expect(pair.backend.records.last?.fault != nil, "\(text)")
            }
        }

        @Test func `ends, resets and refusals`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            pair.backend.script("/reset", [.reset])
            pair.backend.script("/half", [.text("HTTP/1.1 200 OK\r\n\r\nall"), .finishSending, .hang])
            let reset = try pair.connect()
            #expect(throws: (any Error).self) { try reset.exchange(HTTPRequest("GET", "/reset", host: "h")) }
            let half = try pair.connect()
            let response = try half.exchange(HTTPRequest("GET", "/half", host: "h"))
            #expect(response.text == "all" && response.framing == .untilClose)
            half.close(reset: true)
            waitUntil(timeout: .seconds(5)) { pair.backend.openConnections == 0 }
            #expect(pair.backend.records.map(\.end) == [.byUs, .byClientReset])
            let idle = try pair.connect()
            try idle.exchange(HTTPRequest("GET", "/", host: "h"))
            pair.backend.closeIdleConnections()
            #expect(idle.isClosed())
            pair.backend.refuse()
            #expect(throws: LabError.self) { try pair.connect() }
            pair.backend.listen()
            #expect(try pair.connect().exchange(HTTPRequest("GET", "/", host: "h")).status == 200)
        }

        @Test func `tunnels, floods and readers that do not read`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            pair.backend.script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            pair.backend.script(
                "/flood",
                [
                    .text("HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n"),
                    .flood([UInt8](repeating: 120, count: 65536), 512),
                ])
            pair.backend.script("/stop", [.stopReading])
            let tunnel = try pair.connect()
            #expect(try tunnel.exchange(HTTPRequest("GET", "/ws", host: "h", ["Upgrade: websocket"])).status == 101)
            try tunnel.send("hello")
            #expect(try tunnel.read(5) == Array("hello".utf8))
            let flood = try pair.connect()
            try flood.send(HTTPRequest("GET", "/flood", host: "h").bytes)
            let response = try flood.response(keeping: 100)
            #expect(response.bodyLength == 33_554_432 && response.body.count == 100)
            let stopped = try pair.connect()
            try stopped.send("POST /stop HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
            pause(.milliseconds(50))
            let taken = stopped.offer([UInt8](repeating: 0, count: 50_000_000), for: .milliseconds(300))
            #expect(taken < 20_000_000)
        }

        @Test func `load counts what comes, and what does not`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let good = try HTTPLoad(
                from: pair.sandbox.host, to: pair.backend.address, [.init(host: "h", path: "/")], rate: 500,
                connections: 4, freshEvery: 10)
            pause(.milliseconds(500))
            let report = good.stop()
            #expect(report.failed == 0, "\(report.failures)")
            #expect(report.answered == report.sent && report.sent > 100 && report.connections >= 10)
            #expect(report.answeredBy == ["one": report.answered])
            pair.backend.script("/other", [.text("HTTP/1.1 200 OK\r\nX-Backend: one\r\nContent-Length: 1\r\n\r\nx")])
            pair.backend.script("/cut", [.close])
            pair.backend.script("/503", [.answerWith(503, [])])
            for path in ["/other", "/cut", "/503"] {
                let bad = try HTTPLoad(
                    from: pair.sandbox.host, to: pair.backend.address, [.init(host: "h", path: path)], rate: 100)
                pause(.milliseconds(100))
                let report = bad.stop()
                #expect(report.answered == 0 && report.failed == report.sent && report.failed > 0, "\(path) \(report)")
            }
        }

        @Test func `a request that crosses with the end of its connection goes out again`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            pair.backend.script("/kept", [.closeIfReused, .answer])
            let load = try HTTPLoad(
                from: pair.sandbox.host, to: pair.backend.address, [.init(host: "h", path: "/kept")], rate: 200,
                connections: 1, repeats: true)
            #expect(waitUntil(timeout: .seconds(5)) { load.report.repeated > 5 })
            let report = load.stop()
            #expect(report.failed == 0 && report.answered == report.sent, "\(report.failures)")
        }

        @Test func `certificates and TLS are those of openssl`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let host = pair.sandbox.host
            let folder = try ManifestFolder()
            defer { folder.delete() }
            let authority = try Certificate.selfSigned(for: ["the.authority"], isAuthority: true)
            let certificate = try authority.issue(for: ["foo.test", "*.foo.test", "127.0.0.1"])
            #expect(
                try Certificate.describe(certificate.certificate, ["-ext", "subjectAltName"])
                    .contains("DNS:foo.test, DNS:*.foo.test, IP Address:127.0.0.1"))
            try folder.write("c.pem", certificate.certificate + certificate.key)
            try folder.write("ca.pem", authority.certificate)
            let server = try host.spawn([
                "openssl", "s_server", "-accept", "443", "-cert", "\(folder.path)/c.pem", "-rev",
            ])
            defer { server.kill() }
            let target = SocketAddress(IPAddress(127, 0, 0, 1), 443)
            #expect(
                waitUntil(timeout: .seconds(5)) {
                    (try? host.tcp(to: target.address, port: 443, timeout: .milliseconds(10)).isRefused) == false
                })
            let shown = try host.handshake(
                with: target, name: "foo.test",
                ["-CAfile", "\(folder.path)/ca.pem", "-verify_hostname", "bar.foo.test", "-verify_return_error"])
            #expect(
                shown.succeeded && shown.leaf == certificate.certificate && shown.version == "TLSv1.3", "\(shown.text)")
            let refused = try host.handshake(
                with: target, name: "foo.test",
                ["-CAfile", "\(folder.path)/ca.pem", "-verify_hostname", "bar.test", "-verify_return_error"])
            #expect(!refused.succeeded)
            let conversation = try host.converseByHTTPS(with: target, name: "foo.test")
            try conversation.send("abc\n")
            #expect(try conversation.read(4) == Array("cba\n".utf8))
            server.kill()
            #expect(conversation.isClosed())
        }

        @Test func `an expired certificate can be made`() throws {
            let expired = try Certificate.selfSigned(for: ["old.test"], days: -1)
            let current = try Certificate.selfSigned(for: ["new.test"])
            _ = try Certificate.describe(current.certificate, ["-checkend", "0"])
            #expect(throws: LabError.self) { try Certificate.describe(expired.certificate, ["-checkend", "0"]) }
        }
    }
}
