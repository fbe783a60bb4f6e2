import Lab
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: WebSockets (RFC 8441) in every combination of versions.
    @Suite struct HTTP2TunnelTests {
        private static let upgrade = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]

        private static func with(_ version: HTTPVersion, _ body: (IngressScene) throws -> Void) throws {
            let scene = try Stage.scene
            try scene.backend("ws").script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            let two = try scene.http2Backend("ws-two", [.init(.enableConnectProtocol, 1)])
            two.script("/ws", [.head(200), .echo])
            let objects = version == .one ? try scene.service("ws") : scene.http2Service("ws", on: [two])
            try scene.with("ws", objects + [ingress("ws", [.init("ws.test", [.prefix("/", .to("ws"))])])]) {
                try body(scene)
            }
            #expect(two.faults.isEmpty)
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C24 a WebSocket over a stream, beside others on the same connection`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                let conversation = try scene.converse()
                #expect(try conversation.peerSettings()[.enableConnectProtocol] == 1)
                let streams = try (0..<5).map { _ in
                    try conversation.open(.webSocket("/ws", authority: "ws.test"), ends: false)
                }
                for stream in streams {
                    let response = try conversation.head(on: stream)
                    #expect(response.status == 200 && response["upgrade"] == nil && response["connection"] == nil)
                }
                let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
                for round in 0..<3 {
                    for stream in streams {
                        try conversation.send(bytes, on: stream)
                        #expect(try conversation.read(1000, on: stream) == bytes, "\(round)")
                    }
                    expectOwnAnswer(conversation, "beside them", host: "ws.test")
                }
                switch backend {
                case .one:
                    let text = try #require(try scene.backend("ws").records.last { $0.text.contains("/ws") }?.text)
                    let lines = text.lowercased()
                    #expect(text.hasPrefix("GET /ws HTTP/1.1\r\n") && lines.contains("upgrade: websocket\r\n"))
                    #expect(lines.contains("sec-websocket-key: ") && lines.contains("sec-websocket-version: 13\r\n"))
                case .two:
                    let request = try scene.http2Backend("ws-two").requests.last { $0.path == "/ws" }
                    #expect(request?.method == "CONNECT" && request?[":protocol"] == "websocket")
                }
                // The end of one is no end of others.
                try conversation.send([], on: streams[0], ends: true)
                #expect(try conversation.response(on: streams[0]).status == 200)
                try conversation.send(.resetStream(streams[1], .cancel))
                try conversation.send(bytes, on: streams[2])
                #expect(try conversation.read(1000, on: streams[2]) == bytes)
            }
        }

        @Test func `C25 a WebSocket of HTTP/1.1 to an h2c backend`() throws {
            try Self.with(.two) { scene in
                let conversation = try scene.connect()
                let request = HTTPRequest("GET", "/ws", host: "ws.test", Self.upgrade)
                let response = try conversation.exchange(request)
                #expect(response.status == 101 && response["Upgrade"] == "websocket")
                #expect(response["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
                try conversation.send(bytes)
                #expect(try conversation.read(1000) == bytes)
                conversation.close()
            }
        }

        @Test func `C26 a WebSocket that the backend does not want is an answer like others`() throws {
            let scene = try Stage.scene
            let conversation = try scene.converse()
            // By 200 the stream would become a WebSocket that the backend knows nothing of.
            for (path, expected) in [("/forbidden", [403]), ("/fine", [400, 501, 502])] {
                try scene.backend("a").script("/forbidden", [.answerWith(403, [])])
                let stream = try conversation.open(.webSocket(path, authority: "a.example"), ends: false)
                let response = try conversation.head(on: stream)
                #expect(expected.contains(response.status), "\(path): \(response)")
                try conversation.send(.resetStream(stream, .cancel))
            }
            expectOwnAnswer(conversation, "after it")
            // A backend of HTTP/2 that does not know the protocol (RFC 8441 section 3) is not asked by it.
            try withHTTP2Application("no-ws", ["1"]) { scene, pods in
                let stream = try conversation.open(.webSocket("/ws", authority: "no-ws.test"), ends: false)
                let status = try conversation.head(on: stream).status
                #expect([400, 501, 502].contains(status), "\(status)")
                #expect(!pods[0].requests.contains { $0.method == "CONNECT" })
            }
        }

        @Test func `C27 a WebSocket over a stream goes on while its route and its endpoint go`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("ws")
            backend.script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            let objects = try scene.service("ws") + [ingress("ws", [.init("ws.test", [.prefix("/", .to("ws"))])])]
            try scene.put("ws", objects)
            let conversation = try scene.converse()
            let stream = try conversation.open(.webSocket("/ws", authority: "ws.test"), ends: false)
            #expect(try conversation.head(on: stream).status == 200)
            try scene.remove("ws")
            try conversation.send([1, 2, 3], on: stream)
            #expect(try conversation.read(3, on: stream) == [1, 2, 3])
            #expect(try conversation.exchange(HTTP2Request(authority: "ws.test")).status == 404)
            backend.closeConnections()
            #expect(throws: Never.self) { _ = try conversation.verdict(on: stream) }
            expectOwnAnswer(conversation, "after its end")
        }
    }
}
