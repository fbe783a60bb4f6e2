import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: connections to h2c endpoints: how many, who gets a request, and when it may be sent again.
    @Suite struct HTTP2UpstreamTests {
        private static func request(_ host: String, _ path: String = "/", method: String = "GET", body: String? = nil)
            -> HTTP2Request
        { HTTP2Request(method, path, authority: host, body: body) }

        @Test func `C15 requests share a few connections to an endpoint`() throws {
            try withHTTP2Application("shared", ["1"]) { scene, pods in
                pods[0].script("/together", [.wait(.milliseconds(300)), .answer])
                let clients = try (0..<4).map { _ in try scene.converse() }
                for _ in 0..<3 {
                    for conversation in clients {
                        let streams = try (0..<25).map { _ in
                            try conversation.open(Self.request("shared.test", "/together"))
                        }
                        for stream in streams { #expect(try conversation.response(on: stream).status == 200) }
                    }
                }
                // Two workers.
                let records = pods[0].records
                #expect(pods[0].completed == 300 && records.count <= 4, "\(records.count)")
            }
        }

        @Test func `C16 SETTINGS_MAX_CONCURRENT_STREAMS of a backend is honoured, and what is beyond it is served`()
            throws
        {
            try withHTTP2Application("few", ["1"], [:], [.init(.maxConcurrentStreams, 2)]) { scene, pods in
                pods[0].script("/work", [.wait(.milliseconds(50)), .answer])
                let conversation = try scene.converse()
                expectOwnAnswer(conversation, "the settings are known", host: "few.test")
                for round in 0..<2 {
                    let streams = try (0..<30).map { number in
                        try conversation.open(Self.request("few.test", "/work", method: "POST", body: "\(number)"))
                    }
                    let statuses = try streams.map { try conversation.response(on: $0).status }
                    #expect(statuses.allSatisfy { $0 == 200 }, "\(round): \(statuses)")
                }
                let records = pods[0].records
                // A connection on which nothing was heard yet may be asked for more.
                #expect(records.allSatisfy { $0.mostStreams <= 2 } && records.map(\.refused).reduce(0, +) <= 60)
            }
        }

        @Test func `C17 a refused stream is tried again elsewhere, whatever the method`() throws {
            try withHTTP2Application("refused", ["bad", "good"]) { scene, pods in
                pods[0].script("/refused", [.reset(.refusedStream)])
                let conversation = try scene.converse()
                for method in ["GET", "POST", "PATCH"] {
                    for _ in 0..<10 {
                        let request = Self.request("refused.test", "/refused", method: method, body: "once")
                        let response = try conversation.exchange(request)
                        #expect(response.backend == "refused-good" && response["x-body-length"] == "4", "\(method)")
                    }
                }
                #expect(pods[0].requests.count { $0.path == "/refused" } > 0)
                // The same endpoint will do as well.
                for pod in pods { pod.script("/once", [.resetFirst(1, .refusedStream), .awaitBody, .answer]) }
                #expect(try scene.fetch("http://refused.test/once", method: "POST", body: "x").status == 200)
            }
        }

        @Test func `C18 another reset is tried again where the method lets it`() throws {
            try withHTTP2Application("broken", ["bad", "good"]) { scene, pods in
                pods[0].script("/broken", [.awaitBody, .reset(.internalError)])
                let conversation = try scene.converse()
                for _ in 0..<10 {
                    #expect(try conversation.exchange(Self.request("broken.test", "/broken")).backend == "broken-good")
                }
                let before = pods.map { $0.requests.count { $0.method == "POST" } }
                var statuses: [Int] = []
                for _ in 0..<10 {
                    let request = Self.request("broken.test", "/broken", method: "POST", body: "once")
                    statuses.append(try conversation.exchange(request).status)
                }
                // Every one of them has been to exactly one endpoint.
                let after = pods.map { $0.requests.count { $0.method == "POST" } }
                #expect(after.reduce(0, +) - before.reduce(0, +) == 10)
                #expect(
                    statuses.count { $0 == 502 } == after[0] - before[0]
                        && statuses.allSatisfy { $0 == 502 || $0 == 200 })
                // Once an answer has begun nothing is sent again, and what is left of it is not passed off as whole.
                for pod in pods {
                    pod.script("/begun", [.head(200), .text("abc"), .wait(.milliseconds(50)), .reset(.internalError)])
                }
                let requests = pods.flatMap(\.requests).count
                #expect(throws: HTTP2Failure.self) { try conversation.exchange(Self.request("broken.test", "/begun")) }
                #expect(pods.flatMap(\.requests).count == requests + 1)
                expectOwnAnswer(conversation, "after it", host: "broken.test")
            }
        }

        @Test func `C19 what GOAWAY leaves out is tried again, what it includes is finished`() throws {
            try withHTTP2Application("leaving", ["1"]) { scene, pods in
                pods[0].script(
                    "/in", [.goAway(includingThis: true), .wait(.milliseconds(200)), .awaitBody, .answer])
                let conversation = try scene.converse()
                for method in ["GET", "POST"] {
                    for _ in 0..<5 {
                        let response = try conversation.exchange(
                            Self.request("leaving.test", "/in", method: method, body: "x"))
                        #expect(response.status == 200, "\(method)")
                    }
                }
            }
            try withHTTP2Application("left", ["bad", "good"]) { scene, pods in
                pods[0].script("/out", [.goAway(includingThis: false)])
                let conversation = try scene.converse()
                for method in ["GET", "POST"] {
                    for _ in 0..<5 {
                        let response = try conversation.exchange(
                            Self.request("left.test", "/out", method: method, body: "x"))
                        #expect(response.backend == "left-good", "\(method): \(response)")
                    }
                }
            }
        }

        @Test func `C20 endpoints that say GOAWAY again and again under load: no error`() throws {
            try withHTTP2Application("rolling", ["1", "2"]) { scene, pods in
                let load = try HTTPLoad(
                    from: scene.host, to: IngressScene.http,
                    [.init(host: "rolling.test", path: "/", backends: ["rolling-1", "rolling-2"])], rate: 200,
                    connections: 16)
                for number in 0..<20 {
                    pause(.milliseconds(100))
                    pods[number % 2].drain()
                }
                let report = load.stop()
                #expect(report.failed == 0 && report.answered == report.sent && report.sent > 200, "\(report.failures)")
            }
        }

        @Test func `C21 requests of one connection spread over all endpoints`() throws {
            try withHTTP2Application("spread", ["1", "2", "3"]) { scene, pods in
                let conversation = try scene.converse()
                for round in 0..<10 {
                    let streams = try (0..<30).map { _ in
                        try conversation.open(Self.request("spread.test", "/\(round)"))
                    }
                    for stream in streams { #expect(try conversation.response(on: stream).status == 200) }
                }
                #expect(pods.map(\.completed) == [100, 100, 100])
            }
        }

        @Test func `C22 what a client gives up is given up at the backend`() throws {
            try withHTTP2Application("given-up", ["1"]) { scene, pods in
                pods[0].script("/hang", [.hang])
                let conversation = try scene.converse()
                let stream = try conversation.open(Self.request("given-up.test", "/hang"))
                #expect(waitUntil(timeout: .seconds(5)) { pods[0].requests.contains { $0.path == "/hang" } })
                try conversation.send(.resetStream(stream, .cancel))
                expectSoon("RST_STREAM", within: .seconds(3)) {
                    pods[0].requests.first { $0.path == "/hang" }?.resetCode != nil
                }
                expectOwnAnswer(conversation, "after it", host: "given-up.test")
                // A client that is gone gives up all.
                let other = try scene.converse()
                for _ in 0..<5 { try other.open(Self.request("given-up.test", "/hang")) }
                #expect(waitUntil(timeout: .seconds(5)) { pods[0].requests.count { $0.path == "/hang" } == 6 })
                other.close(reset: true)
                expectSoon("all of them", within: .seconds(3)) {
                    pods[0].requests.count { $0.path == "/hang" && $0.resetCode != nil } == 6
                }
                #expect(pods[0].openConnections > 0, "the connection is others' too")
            }
        }

        @Test func `C23 an endpoint that is not what its Service says is 502`() throws {
            let scene = try Stage.scene
            let (old, new) = (try scene.backend("old"), try scene.http2Backend("new"))
            let objects: [any Manifest] =
                scene.service("old", endpoints: [.init(old.address.address)], appProtocol: "kubernetes.io/h2c")
                + scene.service("new", endpoints: [.init(new.address.address)]) + [
                    ingress("old", [.init("old.test", [.prefix("/", .to("old"))])]),
                    ingress("new", [.init("new.test", [.prefix("/", .to("new"))])]),
                ]
            try scene.with("confused", objects) {
                for host in ["old.test", "new.test"] {
                    for _ in 0..<3 { #expect(try scene.fetch("http://\(host)/").status == 502, "\(host)") }
                    let conversation = try scene.converse()
                    #expect(try conversation.exchange(Self.request(host)).status == 502, "\(host)")
                    expectOwnAnswer(conversation, host)
                }
            }
        }
    }
}
