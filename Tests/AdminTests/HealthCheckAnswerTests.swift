import Admin
import Lab
import Networking
import Testing

/// What is answered, to whatever is asked.
@Suite struct HealthCheckAnswerTests {
    private func web(_ endpoints: Int) -> [HealthCheck] {
        [HealthCheck(namespace: "default", name: "web", port: 31000, localEndpoints: endpoints)]
    }

    @Test(arguments: [IPAddress.local, .local6])
    func theAnswerIsThatOfKubeProxyToTheByte(address: IPAddress) async throws {
        try await ServedNode.with { node in
            node.serve(self.web(1))
            let reply = try await node.ask(31000, at: address)
            let body = """
                {
                \t"service": {
                \t\t"namespace": "default",
                \t\t"name": "web"
                \t},
                \t"localEndpoints": 1,
                \t"serviceProxyHealthy": true
                }
                """
            let head = [
                "HTTP/1.1 200 OK", "Content-Type: application/json", "X-Content-Type-Options: nosniff",
                "X-Load-Balancing-Endpoint-Weight: 1", "Content-Length: \(body.utf8.count)",
            ]
            #expect(reply == Reply(head: head.joined(separator: "\r\n"), body: body))
        }
    }

    @Test func aChangeIsSeenOnTheSameConnection() async throws {
        try await ServedNode.with { node in
            node.serve(self.web(2))
            let connection = try await node.connect(31000)
            let reply = try connection.ask()
            #expect(reply.status == 200)
            #expect(reply.header("X-Load-Balancing-Endpoint-Weight") == "2")

            node.serve(self.web(0))
            try await eventually("no endpoint") { try connection.ask().status == 503 }
            let none = try connection.ask()
            #expect(none.body.contains("\"localEndpoints\": 0,"))
            #expect(none.header("X-Load-Balancing-Endpoint-Weight") == "0")

            node.serve(self.web(3), isProxyHealthy: false)
            try await eventually("an unhealthy proxy") { try connection.ask().body.contains("Healthy\": false\n") }
            let unhealthy = try connection.ask()
            #expect(unhealthy.status == 503)
            #expect(unhealthy.header("X-Load-Balancing-Endpoint-Weight") == "3")

            node.serve(self.web(3))
            try await eventually("health") { try connection.ask().status == 200 }
        }
    }

    @Test func anyPathAndMethodWillDo() async throws {
        try await ServedNode.with { node in
            node.serve(self.web(1))
            let connection = try await node.connect(31000)
            let length = try #require(try connection.ask().header("Content-Length"))
            let head = try connection.ask("HEAD / HTTP/1.1\r\nHost: node\r\n\r\n")
            #expect(head.status == 200)
            #expect(head.header("Content-Length") == length)
            #expect(try connection.ask("GET /any?thing=at#all HTTP/1.1\r\nHost: node\r\n\r\n").status == 200)
            #expect(try connection.ask("OPTIONS * HTTP/1.1\r\nHost: node\r\n\r\n").status == 200)
            let body = String(repeating: "x", count: 100_000)
            let post = "POST / HTTP/1.1\r\nHost: node\r\nContent-Length: 100000\r\n\r\n\(body)"
            #expect(try connection.ask(post).status == 200)
            let chunked = "PUT / HTTP/1.1\r\nHost: node\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            #expect(try connection.ask(chunked).status == 200)
            // Three at once, and the third in pieces.
            try connection.send(ByteConversation.get + ByteConversation.get + "GET / HT")
            #expect(try connection.reply().status == 200)
            #expect(try connection.reply().status == 200)
            #expect(try connection.ask("TP/1.1\r\n\r\n").status == 200)
        }
    }

    @Test func connectionsLastAsTheClientSays() async throws {
        try await ServedNode.with { node in
            node.serve(self.web(1))
            let old = try await node.connect(31000)
            let reply = try old.ask("GET / HTTP/1.0\r\n\r\n")
            #expect(reply.head.hasPrefix("HTTP/1.0 200 OK\r\n"))
            #expect(old.isClosed())

            let kept = try await node.connect(31000)
            let keep = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            #expect(try kept.ask(keep).header("Connection") == "keep-alive")
            #expect(try kept.ask(keep).status == 200)

            for request in ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"]
            {
                let last = try await node.connect(31000)
                #expect(try last.ask(request).header("Connection") == "close")
                #expect(last.isClosed())
            }

            let upgrade = try await node.connect(31000)
            let h2c = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
            #expect(try upgrade.ask(h2c).status == 200)
            #expect(upgrade.isClosed())
        }
    }

    enum Garbage: CaseIterable {
        case clientHello, noRequest, otherVersion, negativeLength, foldedStart
        case longLine, longField, manyFields, longPipelinedHead

        var text: String {
            let line = "GET / HTTP/1.1\r\n"
            return switch self {
            case .clientHello: "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}"
            case .noRequest: "hello\r\n\r\n"
            case .otherVersion: "GET / HTTP/7.5\r\n\r\n"
            case .negativeLength: line + "Content-Length: -1\r\n\r\n"
            case .foldedStart: line + " no name\r\n\r\n"
            case .longLine: "GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\n\r\n"
            case .longField: line + "A: " + String(repeating: "b", count: 8180) + "\r\n\r\n"
            case .manyFields: line + String(repeating: "A: b\r\n", count: 2000) + "\r\n"
            case .longPipelinedHead:
                ByteConversation.get + line + String(repeating: "A: b\r\n", count: 20000) + "\r\n"
            }
        }
    }

    @Test(arguments: Garbage.allCases)
    func whatIsNoRequestEndsItsConnectionAndNoOther(garbage: Garbage) async throws {
        try await ServedNode.with { node in
            node.serve(self.web(1))
            let good = try await node.connect(31000)
            #expect(try good.ask().status == 200)
            let bad = try await node.connect(31000)
            // It may be closed while this is still being sent.
            try? bad.send(garbage.text)
            #expect(bad.isClosed())
            #expect(try good.ask().status == 200)
        }
    }

    @Test func aBadRequestIsToldSo() async throws {
        try await ServedNode.with { node in
            node.serve(self.web(1))
            let nonsense = try await node.connect(31000).ask("what?\r\n\r\n")
            #expect(nonsense.status == 400)
            let tooLong = "GET /" + String(repeating: "a", count: (8 << 10) - 5)
            let refusal = try await node.connect(31000).ask(tooLong)
            #expect(refusal.status == 400)
            let longest = "GET /" + String(repeating: "a", count: (8 << 10) - 18) + " HTTP/1.1\r\n\r\n"
            #expect(longest.utf8.count == 8 << 10)
            let reply = try await node.connect(31000).ask(longest)
            #expect(reply.status == 200)
        }
    }
}
