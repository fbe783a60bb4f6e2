import LineSupport
import Reactor
import Testing

@testable import HTTPProxy

/// A proxy with one worker, over loopback: requests and their answers.
@Suite(.timeLimit(.minutes(2))) struct ExchangeTests {
    @Test func `before the first snapshot it is starting, and then it serves, on the same connection`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            let client = try stage.connect()
            for _ in 0..<2 {
                try await client.send(.get())
                let answer = try await client.readMessage()
                #expect(answer.status == 503 && answer.reason == "starting")
                #expect(answer["Connection"] == nil)
            }
            stage.serve(endpoint)
            try await client.send(.get("/x?y"))
            let upstream = try await endpoint.accept()
            let request = try await upstream.readMessage()
            #expect(request.startLine == "GET /x?y HTTP/1.1")
            try await upstream.send(.ok("hello", "X-Of-Endpoint: 1"))
            let answer = try await client.readMessage()
            #expect(answer.status == 200 && answer.text == "hello" && answer["X-Of-Endpoint"] == "1")
            #expect(answer.reason == nil)
        }
    }

    @Test func `what has no route or no endpoint is answered, and the connection goes on`() async throws {
        try await Stage.run { stage in
            stage.route("/empty", to: "empty")
            stage.ingress("missing", "/missing", to: "nowhere")
            stage.service("ported", port: 81)
            stage.ingress("ported", "/ported", to: "ported")
            stage.publish()
            let client = try stage.connect()
            for (request, status, reason) in [
                (String.get("/"), 404, "no-route"), (.get("/empty", host: "b.example"), 404, "no-route"),
                (.get("/empty"), 503, "no-endpoints"), (.get("/missing"), 503, "service-missing"),
                (.get("/ported"), 503, "service-port-missing"), (.get("/empty/../x"), 404, "no-route"),
            ] {
                try await client.send(request)
                let answer = try await client.readMessage()
                #expect(answer.status == status && answer.reason == reason, "\(request)")
            }
            // A body that nobody reads ends the connection, behind the answer.
            try await client.send(.post("/nowhere", "some body"))
            let answer = try await client.readMessage()
            #expect(answer.status == 404 && answer["Connection"] == "close")
            #expect(try await client.end() == .closed)
        }
    }

    @Test func `what is no HTTP is refused, and the connection ends`() async throws {
        try await Stage.run { stage in
            stage.route()
            stage.publish()
            for (request, status) in [
                ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505), ("nonsense\r\n\r\n", 400),
                ("GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\nHost: a.example\r\n\r\n", 414),
                ("GET / HTTP/1.1\r\nHost: a.example\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
                ("GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                ("GET /a%2f../%00 HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
            ] {
                let client = try stage.connect()
                try await client.send(request)
                let answer = try await client.readMessage()
                #expect(answer.status == status, "\(request.prefix(60))")
                #expect(answer["Connection"] == "close")
                client.finishWriting()
                #expect(try await client.end() == .closed)
            }
        }
    }

    @Test func `an endpoint that does not listen is unreachable`() async throws {
        try await Stage.run { stage in
            stage.route()
            // Its listener is gone.
            stage.add(port: try TestEndpoint().port)
            stage.publish()
            let client = try stage.connect()
            for request in [String.get(), "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n"] {
                try await client.send(request)
                let answer = try await client.readMessage(toHEAD: request.hasPrefix("HEAD"))
                #expect(answer.status == 502 && answer.reason == "endpoint-unreachable")
                #expect(answer["Connection"] == nil)
            }
            try await client.send(.post("/", "body"))
            #expect(try await client.readMessage().status == 502)
        }
    }

    @Test func `one connection carries many requests, and so does one to the endpoint`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get("/0"))
            let upstream = try await endpoint.accept()
            #expect(try await upstream.readMessage().startLine == "GET /0 HTTP/1.1")
            try await upstream.send(.ok("0"))
            #expect(try await client.readMessage().text == "0")
            for number in 1..<20 {
                let request = number % 2 == 0 ? String.get("/\(number)") : .post("/\(number)", "body \(number)")
                let (seen, answer) = try await client.exchange(request, upstream, answer: .ok("\(number)"))
                #expect(seen.startLine == "\(number % 2 == 0 ? "GET" : "POST") /\(number) HTTP/1.1")
                #expect(seen.text == (number % 2 == 0 ? "" : "body \(number)"))
                #expect(answer.text == "\(number)")
            }
            // Another client gets the same connection, now that it is free.
            let other = try stage.connect()
            let (_, answer) = try await other.exchange(.get(), upstream, answer: .ok("other"))
            #expect(answer.text == "other")
            #expect(endpoint.acceptWaiting() == nil)
            let report = try await stage.report { $0.answered.answers[2] == 21 }
            #expect(report.upstreamConnects == 1 && report.upstreamReuses == 20)
            #expect(report.connections == 2 && report.requests == 21 && report.retries == 0)
        }
    }

    @Test func `pipelined requests are answered in their order, one at a time`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(
                .get("/1") + .post("/2", "two") + .get("/none", host: "b.example") + .get("/3") + .get("/4"))
            let upstream = try await endpoint.accept()
            #expect(try await upstream.readMessage().startLine == "GET /1 HTTP/1.1")
            #expect(try await upstream.isSilent(for: .milliseconds(20)), "the next waits for the answer")
            try await upstream.send(.ok("one"))
            let second = try await upstream.readMessage()
            #expect(second.startLine == "POST /2 HTTP/1.1" && second.text == "two")
            try await upstream.send(.ok("two"))
            for path in ["/3", "/4"] {
                #expect(try await upstream.readMessage().startLine == "GET \(path) HTTP/1.1")
                try await upstream.send(.ok(path))
            }
            var answers: [String] = []
            for _ in 0..<5 {
                let answer = try await client.readMessage()
                answers.append(answer.status == 200 ? answer.text : "\(answer.status)")
            }
            #expect(answers == ["one", "two", "404", "/3", "/4"])
        }
    }

    @Test func `a request is forwarded with what says who sent it, and without what is between two`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(
                .get(
                    "/a/./b/../c", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "X-Forwarded-For: 9.9.9.9",
                    "X-Own: 1",
                    "X-Forwarded-Proto: https"))
            let upstream = try await endpoint.accept()
            let request = try await upstream.readMessage()
            #expect(request.startLine == "GET /a/c HTTP/1.1")
            #expect(request["Host"] == "a.example")
            #expect(request["X-Own"] == "1")
            #expect(request["X-Forwarded-For"] == "127.0.0.1")
            #expect(request["X-Real-IP"] == "127.0.0.1")
            #expect(request["X-Forwarded-Proto"] == "http")
            #expect(request["X-Forwarded-Port"] == "\(stage.address.port)")
            #expect(request["X-Request-ID"]?.count == 32)
            #expect(request["X-Hop"] == nil && request["Keep-Alive"] == nil)
        }
    }

    @Test func `interim answers go to clients that know of them`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n"
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            try await upstream.send(interim + .ok("hello"))
            #expect(try await client.readMessage()["Link"] == "</a>")
            #expect(try await client.readMessage()["Link"] == "</b>")
            #expect(try await client.readMessage().text == "hello")
            let old = try stage.connect()
            try await old.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
            _ = try await upstream.readMessage()
            try await upstream.send(interim + .ok("hello"))
            let answer = try await old.readMessage()
            #expect(answer.status == 200 && answer.text == "hello")
            #expect(try await old.end() == .closed)
        }
    }

    @Test func `a tunnel passes on both ways, and half of it may end before the other`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(
                .get("/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: abc") + "early")
            let upstream = try await endpoint.accept()
            let request = try await upstream.readHead()
            #expect(request["Upgrade"] == "websocket" && request["Connection"]?.lowercased() == "upgrade")
            try await upstream.send(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nwelcome")
            #expect(try await client.readHead().status == 101)
            #expect(try await client.read(7) == Array("welcome".utf8))
            #expect(try await upstream.read(5) == Array("early".utf8))
            let much = [UInt8](repeating: 7, count: 700_000)
            try await client.send(Array("up".utf8))
            #expect(try await upstream.read(2) == Array("up".utf8))
            try await upstream.send(much)
            #expect(try await client.read(much.count) == much)
            client.finishWriting()
            #expect(try await upstream.end() == .closed)
            try await upstream.send("still here")
            #expect(try await client.read(10) == Array("still here".utf8))
            upstream.close()
            #expect(try await client.end() == .closed)
            let report = try await stage.report { $0.openConnections == 0 && $0.openUpstreams == 0 }
            #expect(report.tunnels == 1)
        }
    }

    @Test func `a client that was told its endpoint stays there`() async throws {
        try await Stage.run { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint(), try TestEndpoint()]
            stage.serve(
                endpoints[0], endpoints[1], endpoints[2],
                annotations: ["affinity": "cookie", "session-cookie-name": "where"])
            let client = try stage.connect()
            try await client.send(.get())
            let start = ContinuousClock.now
            var first: (endpoint: Int, line: Line)?
            while first == nil {
                for (index, endpoint) in endpoints.enumerated() {
                    if let line = endpoint.acceptWaiting() { first = (index, line) }
                }
                try await Line.wait(since: start, "nobody connects")
            }
            let upstream = try #require(first?.line)
            _ = try await upstream.readMessage()
            try await upstream.send(.ok("first"))
            let cookie = try #require(try await client.readMessage()["Set-Cookie"])
            #expect(cookie.hasPrefix("where="))
            let value = String(cookie.prefix { $0 != ";" })
            for number in 0..<12 {
                let other = try stage.connect()
                let (_, answer) = try await other.exchange(
                    .get("/", "Cookie: a=b; \(value)"), upstream, answer: .ok("\(number)"))
                #expect(answer.text == "\(number)")
                #expect(answer["Set-Cookie"] == nil, "it knows already")
            }
            #expect(endpoints.allSatisfy { $0.acceptWaiting() == nil })
        }
    }

    @Test func `several workers share the port, and all serve what is published`() async throws {
        try await Stage.run(workers: 3) { stage in
            stage.route("/only", to: "web")
            stage.publish()
            for number in 0..<40 {
                let client = try stage.connect()
                try await client.send(.get(number % 2 == 0 ? "/only" : "/other"))
                let answer = try await client.readMessage()
                #expect(answer.reason == (number % 2 == 0 ? "no-endpoints" : "no-route"))
            }
            let report = try await stage.report { $0.requests == 40 && $0.openConnections == 0 }
            #expect(report.connections == 40 && report.localAnswers == 40)
        }
    }
}
