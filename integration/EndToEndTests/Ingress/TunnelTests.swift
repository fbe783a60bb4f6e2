import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Connections that become something else than HTTP.
    @Suite struct TunnelTests {
        private static let upgrade = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]

        @Test func `a WebSocket goes through, whatever else changes meanwhile`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("tunnels")
            backend.script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            let rules = ingress("tunnels", [.init("tunnels.test", [.prefix("/", .to("tunnels"))])])
            let objects = try scene.service("tunnels") + [rules]
            try scene.put("tunnels", objects)
            let tunnels = try (0..<4).map { number in
                let conversation = try scene.connect()
                // Even with bytes that the client sends without waiting.
                let request = HTTPRequest("GET", "/ws", host: "tunnels.test", Self.upgrade)
                try conversation.send(request.text + (number == 0 ? "" : "early"))
                let response = try conversation.response()
                #expect(response.status == 101 && response["Upgrade"] == "websocket")
                #expect(response["Connection"]?.lowercased() == "upgrade")
                #expect(response["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                if number > 0 { #expect(try conversation.read(5) == Array("early".utf8)) }
                return conversation
            }
            func exchange(_ what: String) throws {
                for tunnel in tunnels {
                    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
                    try tunnel.send(bytes)
                    #expect(try tunnel.read(1000) == bytes, "\(what)")
                }
            }
            try exchange("at first")
            try scene.put("tunnels", try scene.service("tunnels", on: ["tunnels", "b"]) + [rules])
            try exchange("another endpoint")
            try scene.put("tunnels", try scene.service("tunnels", on: ["b"]) + [rules])
            try exchange("its endpoint is gone")
            try scene.remove("tunnels")
            try exchange("its route is gone")
            // The end of one side is the end of the other.
            tunnels[0].close()
            backend.closeConnections()
            for tunnel in tunnels.dropFirst() { #expect(tunnel.isClosed(within: .seconds(2))) }
        }

        @Test func `an upgrade that the backend does not want is an answer like others`() throws {
            let scene = try Stage.scene
            let conversation = try scene.connect()
            let response = try conversation.exchange(HTTPRequest("GET", "/no", host: "a.example", Self.upgrade))
            #expect(response.status == 200 && response.echoed?["Upgrade"] == "websocket")
            expectOwnAnswer(conversation, "after it")
        }

        @Test func `each direction of a tunnel ends by itself`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/half", [HTTPBackend.webSocketAnswer, .wait(.milliseconds(200)), .text("late"), .close])
            let conversation = try scene.connect()
            let request = HTTPRequest("GET", "/half", host: "a.example", Self.upgrade)
            #expect(try conversation.exchange(request).status == 101)
            try conversation.finishSending()
            #expect(try conversation.read(4) == Array("late".utf8))
            #expect(conversation.isClosed(within: .seconds(2)))
        }
    }
}
