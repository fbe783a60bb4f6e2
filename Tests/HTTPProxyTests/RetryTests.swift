import LineSupport
import Reactor
import Routing
import Testing

@testable import HTTPProxy

/// What becomes of requests whose endpoint fails, over loopback.
@Suite(.timeLimit(.minutes(2))) struct RetryTests {
    /// A client with a connection to the endpoint that is in the pool.
    private static func warm(_ stage: Stage, _ endpoint: TestEndpoint) async throws -> (client: Line, upstream: Line) {
        let client = try stage.connect()
        try await client.send(.get("/warm"))
        let upstream = try await endpoint.accept()
        _ = try await upstream.readMessage()
        try await upstream.send(.ok("warm"))
        #expect(try await client.readMessage().text == "warm")
        return (client, upstream)
    }

    @Test(arguments: [false, true])
    func `a pooled connection that is closed under a request is not the client's business`(isReset: Bool) async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let (client, old) = try await Self.warm(stage, endpoint)
            // The body has come, and is sent once more.
            try await client.send("PUT /again HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody")
            #expect(try await old.readMessage().text == "body")
            if isReset { old.reset() } else { old.close() }
            let upstream = try await endpoint.accept()
            let request = try await upstream.readMessage()
            #expect(request.startLine == "PUT /again HTTP/1.1" && request.text == "body")
            try await upstream.send(.ok("second"))
            #expect(try await client.readMessage().text == "second")
            let report = try await stage.report { $0.requests == 2 && $0.staleConnections == 1 }
            #expect(report.retries == 0 && report.upstreamConnects == 2 && report.ejections == 0)
        }
    }

    @Test func `a request that may not be repeated is not, once it was sent`() async throws {
        try await Stage.run { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint()]
            stage.serve(endpoints[0])
            let (client, old) = try await Self.warm(stage, endpoints[0])
            // Over the connection from the pool, and over a new one, with another endpoint to go to.
            for body in ["once", ""] {
                try await client.send(.post("/pay", body))
                let upstream = body.isEmpty ? try await Self.accept(endpoints).line : old
                #expect(try await upstream.readMessage().text == body)
                upstream.close()
                let answer = try await client.readMessage()
                #expect(answer.status == 502 && answer.reason == "endpoint-closed")
                stage.add(port: endpoints[1].port)
                stage.publish()
            }
            let report = try await stage.report { $0.answered.answers[5] == 2 }
            #expect(report.retries == 0)
            #expect(endpoints.allSatisfy { $0.acceptWaiting() == nil })
        }
    }

    @Test func `a pooled connection that was closed before is not used`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let (client, old) = try await Self.warm(stage, endpoint)
            old.close()
            try await client.send(.post("/pay", "once"))
            let upstream = try await endpoint.accept()
            #expect(try await upstream.readMessage().text == "once")
            try await upstream.send(.ok("paid"))
            #expect(try await client.readMessage().text == "paid")
            let report = try await stage.report { $0.answered.answers[2] == 2 }
            #expect(report.retries == 0 && report.upstreamReuses == 0)
        }
    }

    @Test func `an endpoint that says what nobody asked for loses its connection`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let (client, old) = try await Self.warm(stage, endpoint)
            try await old.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            _ = try await old.readToEnd()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            // What follows an answer is nobody's either.
            try await upstream.send(.ok("right") + .ok("wrong"))
            #expect(try await client.readMessage().text == "right")
            _ = try await upstream.readToEnd()
            try await client.send(.get())
            let third = try await endpoint.accept()
            _ = try await third.readMessage()
            try await third.send(.ok("third"))
            #expect(try await client.readMessage().text == "third")
        }
    }

    @Test(arguments: ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Le"])
    func `an endpoint that closes before its answer is left for another`(answer: String) async throws {
        try await Stage.run { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint()]
            stage.serve(endpoints[0], endpoints[1])
            let client = try stage.connect()
            try await client.send(.get())
            let (index, failing) = try await Self.accept(endpoints)
            _ = try await failing.readMessage()
            try await failing.send(answer)
            failing.close()
            let upstream = try await endpoints[1 - index].accept()
            _ = try await upstream.readMessage()
            try await upstream.send(.ok("from the other"))
            #expect(try await client.readMessage().text == "from the other")
        }
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n",
        String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 33),
    ])
    func `an endpoint whose answer is no answer is left for another`(answer: String) async throws {
        try await Stage.run { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint()]
            stage.serve(endpoints[0], endpoints[1])
            let client = try stage.connect()
            try await client.send(.get())
            let (index, failing) = try await Self.accept(endpoints)
            _ = try await failing.readMessage()
            try await failing.send(answer)
            let upstream = try await endpoints[1 - index].accept()
            _ = try await upstream.readMessage()
            try await upstream.send(.ok("from the other"))
            #expect(try await Self.final(client).text == "from the other")
            let report = try await stage.report { $0.answered.answers[2] == 1 }
            #expect(report.retries == 1)
        }
    }

    /// What comes behind interim responses.
    private static func final(_ client: Line) async throws -> Message {
        while true {
            let message = try await client.readMessage()
            if message.status != 103 { return message }
        }
    }

    @Test func `an answer that ends in a reset is not passed on as whole`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\nhalf of it")
            _ = try await client.read(through: "half of it\r\n")
            upstream.reset()
            #expect(try await client.end() == .broken(104), "ECONNRESET")
            let report = try await stage.report { $0.answersBrokenOff == 1 }
            #expect(report.retries == 0)
        }
    }

    @Test func `when all have failed it is said how the last one did`() async throws {
        try await Stage.run { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint()]
            stage.serve(endpoints[0], endpoints[1])
            let client = try stage.connect()
            try await client.send(.get())
            for _ in 0..<2 {
                let (_, upstream) = try await Self.accept(endpoints)
                _ = try await upstream.readMessage()
                upstream.close()
            }
            let answer = try await client.readMessage()
            #expect(answer.status == 502 && answer.reason == "endpoint-closed")
            let report = try await stage.report { $0.answered.answers[5] == 1 }
            #expect(report.upstreamFailures == 2 && report.upstreamConnects == 2 && report.retries == 1)
        }
    }

    @Test func `an endpoint that does not answer in time is left, and then it is 504`() async throws {
        var settings = RouteSettings()
        settings.readTimeout = 150
        try await Stage.run(settings: settings) { stage in
            let endpoints = [try TestEndpoint(), try TestEndpoint()]
            stage.serve(endpoints[0], endpoints[1])
            let client = try stage.connect()
            try await client.send(.get())
            for _ in 0..<2 {
                let (_, upstream) = try await Self.accept(endpoints)
                _ = try await upstream.readMessage()
                _ = try await upstream.readToEnd()
            }
            let answer = try await client.readMessage()
            #expect(answer.status == 504 && answer.reason == "endpoint-response-timeout")
        }
    }

    static func accept(_ endpoints: [TestEndpoint]) async throws -> (index: Int, line: Line) {
        let start = ContinuousClock.now
        while true {
            for (index, endpoint) in endpoints.enumerated() {
                if let line = endpoint.acceptWaiting() { return (index, line) }
            }
            try await Line.wait(since: start, "nobody connects")
        }
    }
}
