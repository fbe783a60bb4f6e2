import KubernetesAPI
import Lab
import LineSupport
import Reactor
import Testing

@testable import HTTPProxy

/// What is served changes while it is served, over loopback.
@Suite(.timeLimit(.minutes(2))) struct SnapshotTests {
    /// What can go while a request is with it.
    enum Loss: CaseIterable {
        case endpoint
        case service
        case ingress
        case everything
    }

    private static func lose(_ loss: Loss, _ slice: String, _ stage: Stage) {
        switch loss {
        case .endpoint: stage.remove(.endpointSlice, slice)
        case .service: stage.remove(.service, "web")
        case .ingress: stage.remove(.ingress, "web")
        case .everything:
            stage.remove(.ingress, "web")
            stage.remove(.service, "web")
            stage.remove(.endpointSlice, slice)
        }
        stage.publish()
    }

    @Test(arguments: Loss.allCases)
    func `a request goes on with what it began with, and the next sees what there is`(loss: Loss) async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.route()
            let slice = stage.add(port: endpoint.port)
            stage.publish()
            // One that waits for its answer, one in the middle of it, one whose request is on its way; an idle connection.
            let (waiting, reading, sending, idle) = (
                try stage.connect(), try stage.connect(), try stage.connect(), try stage.connect()
            )
            var upstreams: [Line] = []
            for (client, request) in [
                (waiting, String.get("/waiting")), (reading, .get("/reading")),
                (sending, "PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\n"), (idle, .get("/idle")),
            ] {
                try await client.send(request)
                let upstream = try await endpoint.accept()
                _ = try await upstream.readHead()
                upstreams.append(upstream)
            }
            try await upstreams[1].send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            #expect(try await reading.readHead().status == 200)
            try await upstreams[3].send(.ok("idle"))
            #expect(try await idle.readMessage().text == "idle")
            Self.lose(loss, slice, stage)
            // Nobody needs the idle one any more.
            #expect(try await upstreams[3].end() == .closed)
            let fresh = try stage.connect()
            for client in [idle, fresh] {
                try await client.send(.get())
                let answer = try await client.readMessage()
                switch loss {
                case .endpoint: #expect(answer.reason == "no-endpoints")
                case .service: #expect(answer.reason == "service-missing")
                case .ingress, .everything: #expect(answer.reason == "no-route")
                }
            }
            try await upstreams[0].send(.ok("waited for"))
            #expect(try await waiting.readMessage().text == "waited for")
            try await upstreams[1].send("world")
            #expect(try await reading.read(10) == Array("helloworld".utf8))
            try await sending.send("a body")
            #expect(try await upstreams[2].read(6) == Array("a body".utf8))
            try await upstreams[2].send(.ok("sent"))
            #expect(try await sending.readMessage().text == "sent")
            for upstream in upstreams[0..<3] { #expect(try await upstream.end() == .closed) }
            // The same clients, served again.
            let other = try TestEndpoint()
            stage.route()
            stage.add(port: other.port)
            stage.publish()
            try await waiting.send(.get("/back"))
            let upstream =
                loss == .service || loss == .ingress
                ? try await RetryTests.accept([endpoint, other]).line : try await other.accept()
            #expect(try await upstream.readMessage().startLine == "GET /back HTTP/1.1")
            try await upstream.send(.ok("back"))
            #expect(try await waiting.readMessage().text == "back")
            let report = try await stage.report { $0.openUpstreams == 1 }
            #expect(report.answersBrokenOff == 0)
        }
    }

    @Test func `an endpoint that is lost while it fails is not tried again`() async throws {
        for loss in Loss.allCases {
            try await Stage.run { stage in
                let endpoint = try TestEndpoint()
                stage.route()
                let slice = stage.add(port: endpoint.port)
                stage.publish()
                let client = try stage.connect()
                try await client.send(.get())
                let upstream = try await endpoint.accept()
                _ = try await upstream.readMessage()
                Self.lose(loss, slice, stage)
                // The loss has been seen when another request has.
                let other = try stage.connect()
                try await other.send(.get("/", host: "none.example"))
                #expect(try await other.readMessage().status == 404)
                upstream.close()
                let answer = try await client.readMessage()
                #expect([502, 503].contains(answer.status), "\(loss)")
                #expect(endpoint.acceptWaiting() == nil)
            }
        }
    }

    @Test func `a request that is tried again finds the endpoints that there are now`() async throws {
        try await Stage.run { stage in
            let (first, second) = (try TestEndpoint(), try TestEndpoint())
            stage.route()
            let slice = stage.add(port: first.port)
            stage.publish()
            let client = try stage.connect()
            try await client.send(.get())
            let failing = try await first.accept()
            _ = try await failing.readMessage()
            stage.remove(.endpointSlice, slice)
            stage.add(port: second.port)
            stage.publish()
            failing.close()
            let upstream = try await second.accept()
            _ = try await upstream.readMessage()
            try await upstream.send(.ok("second"))
            #expect(try await client.readMessage().text == "second")
        }
    }

    /// Backends come and go under requests in flight, so that indices, slots and handles are used again.
    @Test(arguments: 0..<3 as Range<UInt64>)
    func `whatever changes, each request gets its own answer`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await Stage.run { stage in
            let endpoints = try (0..<3).map { _ in try TestEndpoint() }
            var slices: [Int: String] = [:]
            var open: [(client: Line, upstream: Line, path: String)] = []
            var spare: [Line] = []
            var kept: [Line] = []
            for step in 0..<250 {
                let index = Int.random(in: 0..<3, using: &random)
                let service = "s\(index)"
                switch Int.random(in: 0..<10, using: &random) {
                case 0:
                    stage.remove(.ingress, service)
                    stage.publish()
                case 1:
                    stage.remove(.service, service)
                    stage.publish()
                case 2:
                    if let slice = slices.removeValue(forKey: index) { stage.remove(.endpointSlice, slice) }
                    stage.publish()
                case 3, 4:
                    stage.route("/\(index)", to: service)
                    if slices[index] == nil { slices[index] = stage.add(port: endpoints[index].port, to: service) }
                    stage.publish()
                case 5 where !open.isEmpty, 6 where !open.isEmpty:
                    let exchange = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                    let closes = Bool.random(using: &random)
                    try await exchange.upstream.send(.ok(exchange.path, closes ? "Connection: close" : "X: y"))
                    #expect(try await exchange.client.readMessage().text == exchange.path)
                    spare.append(exchange.client)
                    if closes { exchange.upstream.close() } else { kept.append(exchange.upstream) }
                default:
                    guard open.count < 8 else { continue }
                    let client = try spare.popLast() ?? stage.connect()
                    let path = "/\(index)/\(step)"
                    try await client.send(.get(path))
                    switch try await Self.arrival(client, endpoints, &kept) {
                    case .answered(let answer):
                        #expect([404, 503].contains(answer.status))
                        spare.append(client)
                    case .at(let upstream, let request):
                        #expect(request.startLine == "GET \(path) HTTP/1.1")
                        open.append((client, upstream, path))
                    }
                }
            }
            for exchange in open {
                try await exchange.upstream.send(.ok(exchange.path))
                #expect(try await exchange.client.readMessage().text == exchange.path)
            }
            let report = try await stage.report { $0.requests > 50 && $0.answered.answers.reduce(0, +) == $0.requests }
            #expect(report.answersBrokenOff == 0)
            #expect(report.answered.answers[5] == report.localAnswers - report.answered.answers[4])
        }
    }

    private enum Arrival {
        /// By the proxy itself.
        case answered(Message)
        case at(Line, Message)
    }

    /// Where a request came out that was just sent: at a new connection, a kept one, or not at all.
    private static func arrival(_ client: Line, _ endpoints: [TestEndpoint], _ kept: inout [Line]) async throws
        -> Arrival
    {
        let start = ContinuousClock.now
        while true {
            for endpoint in endpoints {
                if let line = endpoint.acceptWaiting() { return .at(line, try await line.readMessage()) }
            }
            kept.removeAll { $0.hasEnded() }
            if let index = kept.firstIndex(where: { $0.hasBytes() }) {
                let line = kept.remove(at: index)
                return .at(line, try await line.readMessage())
            }
            if client.hasBytes() { return .answered(try await client.readMessage()) }
            try await Line.wait(since: start, "the request went nowhere")
        }
    }
}
