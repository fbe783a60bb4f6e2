import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: requests whose connection to an endpoint is lost, refused, dead or full.
    @Suite struct LostConnectionTests {
        /// What a client sends of a body before an endpoint has failed, and how that is framed.
        struct Upload: Sendable, CustomTestStringConvertible {
            let client: HTTPVersion
            let hasLength: Bool

            var testDescription: String { "\(self.client.rawValue), \(self.hasLength ? "of a length" : "of none")" }

            static let all = HTTPVersion.allCases.flatMap { client in
                [true, false].map { Upload(client: client, hasLength: $0) }
            }

            static let body = "hello, endpoint"

            /// The head, and then `wait`, and the body.
            func put(_ path: String, on scene: IngressScene, host: String, wait: () -> Void) throws -> HTTPResponse {
                let length = "\(Self.body.utf8.count)"
                switch self.client {
                case .one:
                    let conversation = try scene.connect()
                    let field = self.hasLength ? "Content-Length: \(length)" : "Transfer-Encoding: chunked"
                    try conversation.send(HTTPRequest("PUT", path, host: host, [field]).bytes)
                    wait()
                    let size = String(Self.body.utf8.count, radix: 16)
                    try conversation.send(self.hasLength ? Self.body : "\(size)\r\n\(Self.body)\r\n0\r\n\r\n")
                    return try conversation.response(to: "PUT")
                case .two:
                    let conversation = try scene.converse()
                    var request = HTTP2Request("PUT", path, authority: host)
                    if self.hasLength { request.fields.append(HTTPField("content-length", length)) }
                    let stream = try conversation.open(request, ends: false)
                    wait()
                    try conversation.send(Array(Self.body.utf8), on: stream, ends: true)
                    return try conversation.response(on: stream)
                }
            }
        }

        @Test(arguments: Upload.all, HTTPVersion.allCases)
        func `C40 a body that is tried again over the other protocol is framed as that has it`(
            upload: Upload, failing: HTTPVersion
        ) throws {
            try withMixedEndpoints("mixed") { scene, old, new in
                // Neither ends before it is asked again, so that nobody is left out for a while.
                func heads(_ path: String) -> (old: Int, new: Int) {
                    (old.targets.count { $0.hasPrefix(path) }, new.requests.count { $0.path.hasPrefix(path) })
                }
                // The head alone has failed there: the body comes when the other endpoint has been asked.
                old.script("/head", failing == .one ? [.close] : [.awaitBody, .answer])
                new.script("/head", failing == .two ? [.reset(.refusedStream)] : [.awaitBody, .answer])
                // All of it has.
                old.script("/all", failing == .one ? [.awaitBody, .close] : [.awaitBody, .answer])
                new.script("/all", failing == .two ? [.awaitBody, .reset(.internalError)] : [.awaitBody, .answer])
                let length = "\(Upload.body.utf8.count)"
                for _ in 0..<4 {
                    let path = freshTarget("/head")
                    let response = try upload.put(path, on: scene, host: "mixed.test") {
                        _ = waitUntil(timeout: .seconds(5), interval: .milliseconds(1)) {
                            failing == .one ? heads(path).new > 0 : heads(path).old > 0
                        }
                    }
                    #expect(response.status == 200 && response["x-body-length"] == length, "\(response)")
                }
                var statuses: [Int] = []
                for _ in 0..<4 {
                    let response = try upload.put(freshTarget("/all"), on: scene, host: "mixed.test") {}
                    statuses.append(response.status)
                    if response.status == 200 { #expect(response["x-body-length"] == length, "\(response)") }
                    // The answers of endpoints that are well come between, or the failing one would be left out.
                    _ = try upload.put("/fine", on: scene, host: "mixed.test") {}
                    _ = try upload.put("/fine", on: scene, host: "mixed.test") {}
                }
                // What is staged of chunks is of no use elsewhere.
                #expect(statuses.allSatisfy { $0 == 200 || !upload.hasLength && $0 == 502 }, "\(statuses)")
                let failed =
                    failing == .one ? heads("/head").old + heads("/all").old : heads("/head").new + heads("/all").new
                #expect(failed > 0, "the endpoint that fails has not been asked")
            }
        }

        // MARK: - Lost

        @Test func `C41 what loses its connection is tried again over one new one, once and not for ever`() throws {
            try withHTTP2Application("lossy", ["1"]) { scene, pods in
                let pod = pods[0]
                let conversation = try scene.converse()
                func ask(_ path: String, _ method: String = "GET") throws -> UInt32 {
                    try conversation.open(HTTP2Request(method, path, authority: "lossy.test"))
                }
                expectOwnAnswer(conversation, "a connection is kept", host: "lossy.test")
                // Many at once, of which one ends it for all.
                pod.script("/slow", [.wait(.milliseconds(200)), .answer])
                pod.script("/last", [.closeFirst(1), .answer])
                let streams = try (0..<20).map { _ in try ask("/slow") } + [try ask("/last")]
                for stream in streams { #expect(try conversation.response(on: stream).status == 200) }
                #expect(pod.records.count == 2, "\(pod.records.count)")
                // It never goes well.
                for (path, steps) in [
                    ("/closing", [.close]), ("/refusing", [.reset(.refusedStream)]),
                    ("/leaving", [.goAway(includingThis: false)]),
                ] as [(String, [HTTP2Backend.Step])] {
                    pod.script(path, steps)
                    for method in ["GET", "POST"] {
                        let before = pod.requests.count { $0.path == path }
                        #expect(try conversation.response(on: try ask(path, method)).status == 502, "\(path)")
                        let tries = pod.requests.count { $0.path == path } - before
                        #expect(tries == 1 || tries == 2, "\(method) \(path): \(tries)")
                        expectOwnAnswer(conversation, "after it", host: "lossy.test")
                    }
                }
            }
        }

        @Test func `C42 a connection on which an answer does not come gets no further requests`() throws {
            try withHTTP2Application("dead", ["1"], ["proxy-read-timeout": "1s"]) { scene, pods in
                pods[0].script("/hang", [.hang])
                pods[0].script(
                    "/long",
                    [
                        .head(200), .text("a"), .wait(.milliseconds(300)), .text("b"), .wait(.milliseconds(300)),
                        .text("c", ends: true),
                    ])
                let conversation = try scene.converse()
                func ask(_ path: String = "/") throws -> HTTPResponse {
                    try conversation.exchange(HTTP2Request("GET", path, authority: "dead.test"))
                }
                let first = try ask()["x-connection"]
                #expect(try ask()["x-connection"] == first, "it is kept")
                let hanging = try conversation.open(HTTP2Request("GET", "/hang", authority: "dead.test"))
                pause(.milliseconds(500))
                let long = try conversation.open(HTTP2Request("GET", "/long", authority: "dead.test"))
                #expect(try conversation.response(on: hanging).status == 504)
                for _ in 0..<3 { #expect(try ask()["x-connection"] != first) }
                // What is on it goes on, and then it is closed.
                #expect(try conversation.response(on: long).text == "abc")
                expectSoon("the connection is closed", within: .seconds(3)) {
                    pods[0].records.contains { "\($0.number)" == first && $0.end != nil }
                }
            }
        }

        @Test(arguments: VersionPair.all)
        func `C50 an answer that goes on has no end by a timeout, however long it takes`(pair: VersionPair) throws {
            let scene = try Stage.scene
            let (old, new) = (try scene.backend("going"), try scene.http2Backend("going-two"))
            let pieces = (0..<7).map { "\($0)" }
            old.script(
                "/on",
                [.text("HTTP/1.1 200 OK\r\nContent-Length: \(pieces.count)\r\n\r\n")]
                    + pieces.flatMap { [.text($0), .wait(.milliseconds(300))] })
            new.script(
                "/on",
                [.head(200)] + pieces.flatMap { [.text($0), .wait(.milliseconds(300))] } + [.data([], ends: true)])
            let objects = pair.backend == .one ? try scene.service("going") : scene.http2Service("going", on: [new])
            let rules = ingress(
                "going", [.init("going.test", [.prefix("/", .to("going"))])], ["proxy-read-timeout": "1s"])
            try scene.with("going", objects + [rules]) {
                let text =
                    switch pair.client {
                    case .one: try scene.fetch("http://going.test/on").text
                    case .two: try scene.converse().exchange(HTTP2Request("GET", "/on", authority: "going.test")).text
                    }
                #expect(text == pieces.joined())
            }
        }

        // MARK: - Full

        @Test func `C43 an endpoint is asked for no more at once than it says, from the first request on`() throws {
            try withHTTP2Application("one-by-one", ["1"], [:], [.init(.maxConcurrentStreams, 1)]) { scene, pods in
                pods[0].script("/work", [.wait(.milliseconds(20)), .awaitBody, .answer])
                let conversation = try scene.converse()
                let streams = try (0..<12).map { number in
                    try conversation.open(
                        HTTP2Request("POST", "/work", authority: "one-by-one.test", body: "\(number)"))
                }
                for stream in streams { #expect(try conversation.response(on: stream).status == 200) }
                let records = pods[0].records
                #expect(records.allSatisfy { $0.mostStreams == 1 && $0.refused == 0 }, "\(records.map(\.refused))")
                #expect(records.count <= 12, "\(records.count)")
            }
            // One that takes none cannot be used, and is not asked for ever.
            try withHTTP2Application("closed-shop", ["1"], [:], [.init(.maxConcurrentStreams, 0)]) { scene, pods in
                let conversation = try scene.converse()
                for number in 1...3 {
                    let request = HTTP2Request("GET", "/", authority: "closed-shop.test")
                    #expect(try conversation.exchange(request).status == 502)
                    #expect(pods[0].requests.isEmpty && pods[0].records.count == number)
                }
                expectSoon("its connections are not kept", within: .seconds(3)) { pods[0].openConnections == 0 }
            }
        }

        @Test func `C44 a head that an endpoint of HTTP/2 has no way for is 502`() throws {
            try withHTTP2Application("plain", ["1"]) { scene, pods in
                let upgrade = [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    "Sec-WebSocket-Version: 13",
                ]
                let conversation = try scene.converse()
                // On a new connection, and on one that is kept.
                for _ in 0..<3 {
                    let old = try scene.connect().exchange(HTTPRequest("GET", "/ws", host: "plain.test", upgrade))
                    #expect(old.status == 502 && old["X-Fairlead-Reason"] == "endpoint-lacks-protocol", "\(old)")
                    let stream = try conversation.open(.webSocket("/ws", authority: "plain.test"), ends: false)
                    let new = try conversation.head(on: stream)
                    #expect(new.status == 502 && new["x-fairlead-reason"] == "endpoint-lacks-protocol", "\(new)")
                    expectOwnAnswer(conversation, "after it", host: "plain.test")
                }
                #expect(!pods[0].requests.contains { $0.path == "/ws" })
            }
        }

        @Test func `C45 places at an endpoint come back, however a request ends`() throws {
            // Two for each of the two workers; all of this goes to one.
            let annotations = ["maximum-requests-per-endpoint": "4", "proxy-read-timeout": "300ms"]
            try withHTTP2Application("places", ["1"], annotations) { scene, pods in
                let pod = pods[0]
                pod.script("/hold", [.wait(.milliseconds(150)), .awaitBody, .answer])
                pod.script("/hang", [.hang])
                pod.script("/cut", [.head(200), .text("x"), .wait(.milliseconds(10)), .reset(.internalError)])
                pod.script("/internal", [.reset(.internalError)])
                pod.script("/refused", [.reset(.refusedStream)])
                pod.script("/leave", [.goAway(includingThis: true), .answer])
                pod.script("/left", [.goAway(includingThis: false)])
                pod.script("/close", [.close])
                pod.script("/error", [.awaitBody, .answerWith(500, [])])
                let conversation = try scene.converse()
                func open(_ path: String) throws -> UInt32 {
                    try conversation.open(HTTP2Request("GET", path, authority: "places.test"))
                }
                func expectTwoPlaces(_ comment: String) throws {
                    let streams = try (0..<3).map { _ in try open("/hold") }
                    let answers = try streams.map { try conversation.response(on: $0) }
                    #expect(answers.map(\.status).sorted() == [200, 200, 503], "\(comment)")
                    #expect(answers.contains { $0["x-fairlead-reason"] == "endpoints-busy" }, "\(comment)")
                }
                try expectTwoPlaces("at first")
                for path in ["/hang", "/cut", "/internal", "/refused", "/leave", "/left", "/close", "/error", "/fine"] {
                    for _ in 0..<3 { _ = try conversation.verdict(on: try open(path)) }
                    try expectTwoPlaces(path)
                }
                for _ in 0..<3 {
                    let before = pod.requests.count
                    let stream = try open("/hang")
                    #expect(waitUntil(timeout: .seconds(5)) { pod.requests.count > before })
                    try conversation.send(.resetStream(stream, .cancel))
                    #expect(conversation.isAlive())
                }
                try expectTwoPlaces("reset by the client")
                // Of a client that is gone; by its worker one cannot tell whose place it had.
                for _ in 0..<6 {
                    let before = pod.requests.count
                    let other = try scene.converse()
                    try other.open(HTTP2Request("GET", "/hang", authority: "places.test"))
                    #expect(waitUntil(timeout: .seconds(5)) { pod.requests.count > before })
                    other.close(reset: true)
                    expectSoon("RST_STREAM", within: .seconds(3)) {
                        pod.requests.last?.resetCode != nil || pod.records.last?.end != nil
                    }
                }
                try expectTwoPlaces("a client that is gone")
            }
        }
    }
}
