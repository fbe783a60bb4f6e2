import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// What backends are told of clients, and whose word counts.
    @Suite struct ForwardingTests {
        private static let claims = [
            "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: front.test", "X-Forwarded-Port: 8443",
            "X-Forwarded-Proto: https", "X-Real-IP: 203.0.113.9", "X-Request-ID: from-the-front",
        ]

        private static func seen(_ fields: [String], from source: IPAddress? = nil, over scheme: String = "http") throws
            -> EchoedRequest
        {
            try #require(try Stage.scene.fetch("\(scheme)://a.example:8080/", fields, from: source).echoed)
        }

        @Test func `of a client itself only its address is known`() throws {
            for fields in [[], Self.claims] {
                let seen = try Self.seen(fields, from: IngressScene.untrustedPeer)
                #expect(seen["X-Forwarded-For"] == "127.7.0.1" && seen["X-Real-IP"] == "127.7.0.1")
                #expect(seen["X-Forwarded-Host"] == "a.example:8080" && seen["Host"] == "a.example:8080")
                #expect(seen["X-Forwarded-Port"] == "80" && seen["X-Forwarded-Proto"] == "http")
                let identifier = try #require(seen["X-Request-ID"])
                #expect(identifier.count == 32 && identifier.allSatisfy(\.isHexDigit), "\(identifier)")
            }
        }

        @Test func `over TLS it is https`() throws {
            let seen = try Self.seen(Self.claims, over: "https")
            #expect(seen["X-Forwarded-Proto"] == "https" && seen["X-Forwarded-Port"] == "443")
            #expect(seen["X-Forwarded-For"] == "127.0.0.1")
        }

        @Test func `a trusted proxy's word counts, and it is added to the list`() throws {
            let seen = try Self.seen(Self.claims, from: IngressScene.trustedPeer)
            #expect(seen["X-Forwarded-For"] == "203.0.113.9, 127.8.0.1" && seen["X-Real-IP"] == "203.0.113.9")
            #expect(seen["X-Forwarded-Host"] == "front.test" && seen["X-Forwarded-Port"] == "8443")
            #expect(seen["X-Forwarded-Proto"] == "https" && seen["X-Request-ID"] == "from-the-front")
            let silent = try Self.seen([], from: IngressScene.trustedPeer)
            #expect(silent["X-Forwarded-For"] == "127.8.0.1" && silent["X-Forwarded-Proto"] == "http")
        }

        @Test func `request identifiers differ`() throws {
            let identifiers = try (0..<50).map { _ in try Self.seen([])["X-Request-ID"] ?? "" }
            #expect(Set(identifiers).count == 50)
        }

        // MARK: - The PROXY protocol

        private static func signature() -> [UInt8] {
            [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
        }

        /// Version 2, with addresses as they are on the wire, and further bytes behind them.
        private static func second(command: UInt8 = 1, family: UInt8, _ addresses: [UInt8], further: [UInt8] = [])
            -> [UInt8]
        {
            let length = addresses.count + further.count
            return self.signature() + [0x20 | command, family, UInt8(length >> 8), UInt8(length & 255)] + addresses
                + further
        }

        private static let ports: [UInt8] = [0x30, 0x39, 0x01, 0xbb]
        private static let four: [UInt8] = [203, 0, 113, 7, 192, 0, 2, 1] + ports
        private static let six: [UInt8] =
            [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7] + [0x20, 0x01, 0x0d, 0xb8]
            + [UInt8](repeating: 0, count: 11) + [1] + ports

        private static let headers: [(name: String, bytes: [UInt8], source: String)] = [
            ("v1 TCP4", Array("PROXY TCP4 203.0.113.7 192.0.2.1 12345 443\r\n".utf8), "203.0.113.7"),
            ("v1 TCP6", Array("PROXY TCP6 2001:db8::7 2001:db8::1 12345 443\r\n".utf8), "2001:db8::7"),
            ("v1 UNKNOWN", Array("PROXY UNKNOWN\r\n".utf8), "127.9.0.1"),
            ("v2 IPv4", second(family: 0x11, four), "203.0.113.7"),
            ("v2 IPv6", second(family: 0x21, six), "2001:db8::7"),
            ("v2 LOCAL", second(command: 0, family: 0, []), "127.9.0.1"),
            ("v2 with further values", second(family: 0x11, four, further: [0x04, 0, 3, 1, 2, 3]), "203.0.113.7"),
        ]

        @Test(arguments: ForwardingTests.headers.indices)
        func `a trusted peer introduces its client by the PROXY protocol`(index: Int) throws {
            let scene = try Stage.scene
            let header = Self.headers[index]
            let conversation = try scene.connect(from: IngressScene.proxyProtocolPeer)
            try conversation.send(header.bytes + HTTPRequest("GET", "/", host: "a.example").bytes)
            let seen = try #require(try conversation.response().echoed)
            #expect(seen["X-Forwarded-For"] == header.source && seen["X-Real-IP"] == header.source, "\(header.name)")
            // Once for the connection.
            let next = try conversation.exchange(HTTPRequest("GET", "/", host: "a.example"))
            #expect(next.echoed?["X-Forwarded-For"] == header.source)
            // In pieces.
            let slow = try scene.connect(from: IngressScene.proxyProtocolPeer)
            for byte in header.bytes { try slow.send([byte]) }
            #expect(try slow.exchange(HTTPRequest("GET", "/", host: "a.example")).status == 200)
        }

        @Test func `who has to introduce clients and does not is not served`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            let before = backend.receivedBytes
            for text in [
                HTTPRequest("GET", "/", host: "a.example").text, "PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n", "PROXY TCP4\r\n",
                "PROXY TCP4 203.0.113.7 192.0.2.1 99999 443\r\n", "PROXY \(String(repeating: "x", count: 200))\r\n",
            ] {
                let conversation = try scene.connect(from: IngressScene.proxyProtocolPeer)
                try? conversation.send(text + HTTPRequest("GET", "/", host: "a.example").text)
                #expect(conversation.isClosed(within: .seconds(3)), "\(text)")
            }
            #expect(backend.receivedBytes == before)
        }

        @Test func `over TLS the PROXY protocol goes before the handshake`() throws {
            let scene = try Stage.scene
            let conversation = try scene.connect(from: IngressScene.proxyProtocolPeer, to: IngressScene.https)
            try conversation.send(Self.headers[0].bytes)
            // A ClientHello's first bytes, and its end: a server that reads TLS now answers with an alert.
            try conversation.send([0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00])
            try conversation.finishSending()
            let answer = try conversation.rest(timeout: .seconds(5))
            #expect(answer.isEmpty || answer.first == 0x15, "\(answer)")
            let wrong = try scene.connect(from: IngressScene.proxyProtocolPeer, to: IngressScene.https)
            try wrong.send([0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00])
            #expect(wrong.isClosed(within: .seconds(3)))
        }
    }
}
