import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The lab's own HTTP/2: what the tests of it stand on.
    @Suite struct LabHTTP2Tests {
        private static func bytes(_ hexadecimal: String) -> [UInt8] {
            let digits = Array(hexadecimal.filter { $0 != " " && $0 != "\n" })
            return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        }

        private static func names(_ fields: [HTTPField]) -> [String] { fields.map(\.description) }

        /// RFC 7541 appendices C.3 and C.4: three requests, as they are and by Huffman's code.
        private static let requests: [(plain: String, huffman: String, fields: [String])] = [
            (
                "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
                [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"]
            ),
            (
                "8286 84be 5808 6e6f 2d63 6163 6865", "8286 84be 5886 a8eb 1064 9cbf",
                [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"]
            ),
            (
                "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
                "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
                [
                    ":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com",
                    "custom-key: custom-value",
                ]
            ),
        ]

        @Test func `HPACK reads the examples of RFC 7541`() throws {
            var plain = HPACKDecoder()
            var huffman = HPACKDecoder()
            for request in Self.requests {
                #expect(Self.names(try plain.decode(Self.bytes(request.plain))) == request.fields)
                #expect(Self.names(try huffman.decode(Self.bytes(request.huffman))) == request.fields)
            }
            // C.5, by a table of 256 bytes from which entries have to go.
            var answers = HPACKDecoder()
            answers.limit = 256
            let size = HPACKEncoder.encode([.tableSize(256)])
            let first = Self.bytes(
                "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 "
                    + "3a32 3120 "
                    + "474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d")
            #expect(Self.names(try answers.decode(size + first)).first == ":status: 302")
            let second = try answers.decode(Self.bytes("4803 3330 37c1 c0bf"))
            #expect(
                Self.names(second) == [
                    ":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT",
                    "location: https://www.example.com",
                ])
        }

        @Test func `HPACK says what it reads, in every way there is`() throws {
            var decoder = HPACKDecoder()
            let all = String(decoding: (1...127).map { UInt8($0) }, as: UTF8.self)
            let block = HPACKEncoder.encode([
                .indexed(2), .literal("x", all), .literal("x", all, huffman: true), .indexing("kept", "1"),
                .never("secret", "2"), .indexed(62), .indexingNamed(62, "3"), .indexed(62),
                .literal("long", String(repeating: "y", count: 70_000)),
            ])
            let fields = try decoder.decode(block)
            #expect(fields.count == 9 && fields[1].value == all && fields[2].value == all)
            #expect(Self.names(Array(fields[3...7])) == ["kept: 1", "secret: 2", "kept: 1", "kept: 3", "kept: 3"])
            #expect(fields[8].value.utf8.count == 70_000)
            for wrong in [[0x80], [0xff, 0x80], [0, 1], [0, 1, 120, 0x81, 0x18], [0xbe, 0xff, 0xff], [0x40, 5, 1]]
                as [[UInt8]]
            {
                #expect(throws: LabError.self) { try decoder.decode(wrong) }
            }
        }

        private final class Pair {
            let sandbox: Sandbox
            let backend: HTTP2Backend

            init(_ settings: [HTTP2Setting] = [], opensWindows: Bool = true) throws {
                var manners = HTTP2Backend.Manners()
                manners.opensWindows = opensWindows
                self.sandbox = try Sandbox()
                self.backend = try HTTP2Backend(
                    on: self.sandbox.host, SocketAddress(IPAddress(127, 1, 0, 1), 3000), name: "one", settings,
                    manners)
            }

            func connect(opensWindows: Bool = true) throws -> HTTP2Conversation {
                try self.sandbox.host.converseByHTTP2(with: self.backend.address, opensWindows: opensWindows)
            }

            func tearDown() {
                self.backend.stop()
                self.sandbox.tearDown()
            }
        }

        @Test func `a backend says what it was asked, and keeps it`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let conversation = try pair.connect()
            let request = HTTP2Request(
                "POST", "/x?y=1", authority: "h.test", ["x-a": "1", "x-a": "2"], body: "12345",
                trailers: ["x-end": "yes"])
            let response = try conversation.exchange(request)
            #expect(response.status == 200 && response.backend == "one" && response["x-body-length"] == "5")
            #expect(response.echoed?.target == "/x?y=1" && response.echoed?["x-a"] == "1 | 2")
            let kept = try #require(pair.backend.requests.first)
            #expect(kept.isWhole && kept.body == Array("12345".utf8) && kept.trailers == [HTTPField("x-end", "yes")])
            #expect(try conversation.exchange(HTTP2Request("HEAD", authority: "h")).bodyLength == 0)
            #expect(conversation.isAlive() && pair.backend.completed == 2 && pair.backend.faults.isEmpty)
        }

        @Test func `large bodies both ways, interim answers, trailers, resets, GOAWAY`() throws {
            let pair = try Pair([.init(.maxConcurrentStreams, 2)])
            defer { pair.tearDown() }
            let piece = [UInt8](repeating: 120, count: 100_000)
            pair.backend.script(
                "/all",
                [
                    .head(103, [HTTPField("link", "x")]), .awaitBody, .head(200), .data(piece),
                    .trailers([HTTPField("x-end", "yes")]),
                ])
            pair.backend.script("/reset", [.reset(.cancel)])
            pair.backend.script("/once", [.resetFirst(1, .refusedStream), .awaitBody, .answer])
            pair.backend.script("/hang", [.hang])
            pair.backend.script("/out", [.goAway(includingThis: false)])
            let conversation = try pair.connect()
            let body = String(repeating: "y", count: 1 << 20)
            let all = try conversation.exchange(HTTP2Request("POST", "/all", authority: "h", body: body))
            #expect(all.interim.map(\.status) == [103] && all.bodyLength == 100_000)
            #expect(all.trailers == [HTTPField("x-end", "yes")])
            #expect(throws: HTTP2Failure.reset(.cancel)) {
                try conversation.exchange(HTTP2Request("GET", "/reset", authority: "h"))
            }
            #expect(throws: HTTP2Failure.reset(.refusedStream)) {
                try conversation.exchange(HTTP2Request("GET", "/once", authority: "h"))
            }
            #expect(try conversation.exchange(HTTP2Request("GET", "/once", authority: "h")).status == 200)
            for _ in 0..<2 { try conversation.open(HTTP2Request("GET", "/hang", authority: "h")) }
            let beyond = try conversation.open(HTTP2Request("GET", "/hang", authority: "h"))
            #expect(try conversation.resetCode(of: beyond) == .refusedStream && pair.backend.records[0].refused == 1)
            let leaving = try pair.connect()
            let out = try leaving.open(HTTP2Request("GET", "/out", authority: "h"))
            #expect(throws: HTTP2Failure.goAway(.noError, lastStream: 0)) { try leaving.response(on: out) }
            #expect(leaving.ending().isClosed)
            let drained = try pair.connect()
            try drained.exchange(HTTP2Request(authority: "h"))
            pair.backend.drain()
            let ending = drained.ending()
            #expect(ending.goAway == .noError && ending.lastStream == 1 && ending.isClosed)
            #expect(pair.backend.faults.isEmpty)
        }

        @Test func `windows are kept to by both`() throws {
            let pair = try Pair([.init(.initialWindowSize, 100)], opensWindows: false)
            defer { pair.tearDown() }
            pair.backend.script("/flood", [.head(200), .flood([UInt8](repeating: 120, count: 10_000), 10)])
            pair.backend.script("/open", [.awaitBodyBytes(100), .openWindows, .awaitBody, .answer])
            let conversation = try pair.connect(opensWindows: false)
            _ = try conversation.peerSettings()
            let up = try conversation.open(HTTP2Request("POST", "/x", authority: "h"), ends: false)
            #expect(try conversation.offer([UInt8](repeating: 1, count: 1000), on: up, for: .milliseconds(50)) == 100)
            let down = try conversation.open(HTTP2Request("GET", "/flood", authority: "h"))
            #expect(conversation.received(on: down, within: .milliseconds(50)) == 65535)
            try conversation.send(.windowUpdate(100_000), .windowUpdate(100_000, on: down))
            #expect(try conversation.response(on: down).bodyLength == 100_000)
            let request = HTTP2Request("POST", "/open", authority: "h", body: String(repeating: "x", count: 5000))
            #expect(try conversation.exchange(request)["x-body-length"] == "5000")
            #expect(pair.backend.faults.isEmpty)
        }

        @Test func `what is wrong is said, not read over`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            func head(_ fields: KeyValuePairs<String, String>) -> [UInt8] {
                HPACKEncoder.encode(fields.map { HTTPField($0.key, $0.value) })
            }
            let wrong: [[UInt8]] = [
                head(["x": "y"]), head([":status": "200", "X": "y"]), head([":status": "200", "connection": "close"]),
                head([":status": "200", "x": "a\r\nb"]), head([":status": "20"]),
                head([":status": "200", ":status": "200"]),
                head([":status": "200", "content-length": "5"]),
            ]
            for (number, block) in wrong.enumerated() {
                pair.backend.script("/\(number)", [.frames { [.headers(block, on: $0, ends: true)] }])
                let conversation = try pair.connect()
                #expect(throws: LabError.self, "\(number)") {
                    try conversation.exchange(HTTP2Request("GET", "/\(number)", authority: "h"))
                }
            }
            // And of requests, by the backend.
            for fields in [[":method": "GET"], [":method": "GET", ":scheme": "http", ":path": "x", ":authority": "h"]]
                as [KeyValuePairs<String, String>]
            {
                let conversation = try pair.connect()
                try conversation.send(.headers(head(fields), on: conversation.nextStream()))
                #expect(conversation.ending().isClosed)
                #expect(pair.backend.records.last?.fault != nil)
            }
            let stranger = try pair.sandbox.host.converseByHTTP(with: pair.backend.address)
            try stranger.send(HTTPRequest("GET", "/", host: "h").bytes)
            #expect(stranger.isClosed())
        }

        @Test func `nghttp and curl understand the backend`() throws {
            let pair = try Pair()
            defer { pair.tearDown() }
            let url = "http://\(pair.backend.address)/x"
            let curl = try pair.sandbox.host.shell("curl --silent --max-time 5 --http2-prior-knowledge -d abc '\(url)'")
            #expect(curl.hasPrefix("POST /x HTTP/2\r\nhost: \(pair.backend.address)\r\n"))
            let nghttp = try pair.sandbox.host.shell("nghttp --stat --multiply=20 --null-out '\(url)'")
            #expect(nghttp.split(separator: "\n").count { $0.contains(" 200 ") } == 20, "\(nghttp)")
            #expect(pair.backend.faults.isEmpty && pair.backend.completed == 21)
        }
    }
}
