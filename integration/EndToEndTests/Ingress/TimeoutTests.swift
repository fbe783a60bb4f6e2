import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Hurried {
    /// Who is too slow is let go in time, and told so where that is possible. Timeouts are of one second here.
    @Suite struct TimeoutTests {
        /// Long enough for a busy machine, and far below the timeouts that count by default.
        private static let patience = Duration.seconds(6)

        /// When a connection that begins with `text` and then says `drip` again and again is closed, and what it was told.
        private static func expectEnd(
            _ text: String, drip: String = "", to target: SocketAddress = IngressScene.http,
            from source: IPAddress? = nil,
            notBefore earliest: Duration = .milliseconds(700), sourceLocation: SourceLocation = #_sourceLocation
        ) throws -> [UInt8] {
            let conversation = try Stage.scene.connect(from: source, to: target)
            try conversation.send(text)
            let start = ContinuousClock.now
            var said: [UInt8]?
            while said == nil, ContinuousClock.now - start < Self.patience {
                if !drip.isEmpty { try? conversation.send(drip) }
                said = try? conversation.rest(timeout: .milliseconds(150))
            }
            let duration = ContinuousClock.now - start
            #expect(said != nil, "\(text): open after \(duration)", sourceLocation: sourceLocation)
            #expect(duration > earliest, "\(text): \(duration)", sourceLocation: sourceLocation)
            return said ?? []
        }

        private static func is408(_ bytes: [UInt8]) -> Bool {
            String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 408 ")
        }

        @Test(arguments: ["", "x"])
        func `a head that does not come is 408, and a byte now and then does not help`(drip: String) throws {
            #expect(Self.is408(try Self.expectEnd("GET / HTTP/1.1\r\nHost: a.example\r\nX: ", drip: drip)))
            #expect(Self.is408(try Self.expectEnd("GET /", drip: drip)))
        }

        @Test(arguments: ["", "x"])
        func `a body that does not come is 408, however it is told`(drip: String) throws {
            let scene = try Stage.scene
            let head = "POST /slow-body HTTP/1.1\r\nHost: a.example\r\n"
            let before = try scene.backend("a").requests
            #expect(Self.is408(try Self.expectEnd("\(head)Content-Length: 100000\r\n\r\nab", drip: drip)))
            let chunk = drip.isEmpty ? "" : "1\r\nx\r\n"
            #expect(Self.is408(try Self.expectEnd("\(head)Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", drip: chunk)))
            #expect(try scene.backend("a").requests == before)
            // A steady one at a decent rate may take longer than the timeout.
            let steady = try scene.connect()
            try steady.send("\(head)Content-Length: 20000\r\n\r\n")
            for _ in 0..<20 {
                try steady.send([UInt8](repeating: 120, count: 1000))
                pause(.milliseconds(100))
            }
            #expect(try steady.response(to: "POST")["X-Body-Length"] == "20000")
        }

        @Test func `a connection without a request is closed, before the first and after the last`() throws {
            #expect(try Self.expectEnd("").isEmpty)
            let said = try Self.expectEnd(HTTPRequest("GET", "/", host: "a.example").text)
            #expect(String(decoding: said, as: UTF8.self).hasPrefix("HTTP/1.1 200 "))
        }

        @Test func `a handshake that does not come is given up`() throws {
            _ = try Self.expectEnd("", to: IngressScene.https)
            _ = try Self.expectEnd("\u{16}\u{3}\u{1}", to: IngressScene.https)
        }

        @Test func `a PROXY protocol header that does not come is given up`() throws {
            let peer = IngressScene.proxyProtocolPeer
            #expect(try Self.expectEnd("", from: peer).isEmpty)
            #expect(try Self.expectEnd("PROXY TCP4 ", from: peer).isEmpty)
            let prefix = "\r\n\r\n\0\r\nQUIT\n"
            #expect(try Self.expectEnd(prefix, from: peer).isEmpty)
        }

        @Test func `a tunnel in which nothing happens is closed, one in which something does is not`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            let request = HTTPRequest("GET", "/ws", host: "a.example", ["Connection: Upgrade", "Upgrade: websocket"])
            let idle = try scene.connect()
            let busy = try scene.connect()
            for conversation in [idle, busy] { #expect(try conversation.exchange(request).status == 101) }
            let start = ContinuousClock.now
            var isClosed = false
            while !isClosed, ContinuousClock.now - start < .seconds(8) {
                try busy.send("x")
                #expect(try busy.read(1) == [120])
                isClosed = idle.isClosed(within: .milliseconds(200))
            }
            let duration = ContinuousClock.now - start
            #expect(isClosed && duration > .milliseconds(1500), "\(duration)")
            try busy.send("x")
            #expect(try busy.read(1) == [120])
        }

        /// The rate is a minute's worth by default: here 64 bytes in each second.
        @Test func `a client that takes nothing of its answer is reset`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            let piece = [UInt8](repeating: 120, count: 64 << 10)
            backend.script(
                "/flood", [.text("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"), .flood(piece, 1600)])
            let before = backend.records.count
            let conversation = try scene.connect(receiveBuffer: 4 << 10)
            try conversation.send(HTTPRequest("GET", "/flood", host: "a.example").bytes)
            let isOver = waitUntil(timeout: .seconds(10), interval: .milliseconds(50)) {
                backend.records.dropFirst(before).contains { $0.end == .byClientReset || $0.end == .byClient }
                    || backend.records.contains { $0.targets.last == "/flood" && $0.end != nil }
            }
            #expect(isOver, "the backend's connection goes with the client's")
            _ = conversation
        }
    }
}
