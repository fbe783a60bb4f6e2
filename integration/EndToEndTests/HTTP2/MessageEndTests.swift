import Lab
import Linux
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: how messages end: by trailers, however they come, by an error where something is missing, and by nothing more where
    /// nothing is.
    @Suite struct MessageEndTests {
        /// `NAME.test` before a backend of either version.
        private static func with(
            _ name: String, _ version: HTTPVersion, _ annotations: [String: String] = [:],
            _ body: (_ scene: IngressScene, _ old: HTTPBackend, _ new: HTTP2Backend) throws -> Void
        ) throws {
            let scene = try Stage.scene
            let (old, new) = (try scene.backend(name), try scene.http2Backend("\(name)-two"))
            let objects = version == .one ? try scene.service(name) : scene.http2Service(name, on: [new])
            let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])], annotations)
            try scene.with(name, objects + [rules]) { try body(scene, old, new) }
            #expect(new.breaches.isEmpty && old.records.allSatisfy { $0.fault == nil })
        }

        // MARK: - Trailers

        /// As many bytes of fields as may come: 8 KiB in 32 lines.
        private static let trailers = (0..<30).map {
            HTTPField("x-trailer-\($0)", String(repeating: "\($0 % 10)", count: 220))
        }
        /// More than any window or buffer.
        private static let body = [UInt8](repeating: 120, count: 300_000)
        private static let lines = trailers.map { "\($0)\r\n" }
        /// Chunks of 4,000 bytes are copied: four of them fill a buffer so that the fields find no room behind them.
        private static func chunks(_ sizes: [Int]) -> [UInt8] {
            sizes.flatMap { size in
                Array("\(String(size, radix: 16))\r\n".utf8) + self.body.prefix(size) + [13, 10]
            } + Array("0\r\n".utf8)
        }
        private static let sizes = [body.count - 16_000, 4_000, 4_000, 4_000, 4_000]
        /// What a window holds ends in the last chunk: nothing but the fields is left when that is out.
        private static let shortSizes = [62_000, 4_000]

        /// All at once; in three parts, of which the second ends in a field; line by line.
        enum Parts: CaseIterable {
            case one, three, lines

            /// What follows the last chunk.
            var texts: [String] {
                let lines = MessageEndTests.lines
                let all = lines.joined()
                return switch self {
                case .one: ["\(all)\r\n"]
                case .three:
                    [
                        String(all.prefix(100)), String(all.dropFirst(100).prefix(4_000)),
                        String(all.dropFirst(4_100)) + "\r\n",
                    ]
                case .lines: lines + ["\r\n"]
                }
            }
        }

        private static func isAll(_ fields: [HTTPField]) -> Bool {
            Set(
                fields.filter { $0.name.lowercased().hasPrefix("x-trailer-") }.map {
                    "\($0.name.lowercased()): \($0.value)"
                })
                == Set(Self.trailers.map { "\($0.name): \($0.value)" })
        }

        @Test(arguments: VersionPair.all, Parts.allCases)
        func `C36 trailers of a request arrive whole, however they come`(pair: VersionPair, parts: Parts) throws {
            // Frames of trailers come as one.
            guard pair.client == .one || parts == .one else { return }
            try Self.with("tail-up", pair.backend) { scene, old, new in
                let path = freshTarget("/up")
                switch pair.client {
                case .one:
                    let conversation = try scene.connect()
                    let head = HTTPRequest("POST", path, host: "tail-up.test", ["Transfer-Encoding: chunked"])
                    try conversation.send(head.bytes)
                    let texts = parts.texts
                    try conversation.send(Self.chunks(Self.sizes) + Array(parts == .one ? texts[0].utf8 : "".utf8))
                    for text in parts == .one ? [] : texts {
                        pause(.milliseconds(5))
                        try conversation.send(text)
                    }
                    let response = try conversation.response(to: "POST")
                    #expect(response["x-body-length"] == "\(Self.body.count)")
                    expectOwnAnswer(conversation, "after it", host: "tail-up.test")
                case .two:
                    let conversation = try scene.converse()
                    var request = HTTP2Request("POST", path, authority: "tail-up.test")
                    request.body = Self.body
                    request.trailers = Self.trailers
                    #expect(try conversation.exchange(request)["x-body-length"] == "\(Self.body.count)")
                }
                switch pair.backend {
                case .one:
                    let text = try #require(old.records.last { $0.targets.contains(path) }?.text)
                    let received = text.split(separator: "\r\n").suffix(Self.lines.count * 3)
                    for line in Self.trailers.map(\.description) {
                        #expect(received.count { $0.lowercased() == line } == 1, "\(line)")
                    }
                case .two:
                    let request = new.requests.last { $0.path == path }
                    #expect(request.map { Self.isAll($0.trailers) } == true, "\(request?.trailers.count as Any)")
                }
            }
        }

        @Test(arguments: VersionPair.all, Parts.allCases)
        func `C37 trailers of an answer arrive whole, and wait for room`(pair: VersionPair, parts: Parts) throws {
            guard pair.backend == .one || parts == .one else { return }
            try Self.with("tail-down", pair.backend) { scene, old, new in
                let texts = parts.texts
                for (path, sizes) in [("/long", Self.sizes), ("/short", Self.shortSizes)] {
                    let count = sizes.reduce(0, +)
                    let first = Self.chunks(sizes) + Array(parts == .one ? texts[0].utf8 : "".utf8)
                    old.script(
                        path,
                        [.awaitBody, .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), .send(first)]
                            + (parts == .one ? [] : texts).flatMap { [.wait(.milliseconds(5)), .text($0)] })
                    new.script(
                        path, [.awaitBody, .head(200), .data(Array(Self.body.prefix(count))), .trailers(Self.trailers)])
                    let response = try Self.fetch(path, pair.client, scene)
                    #expect(response.bodyLength == count, "\(path)")
                    #expect(Self.isAll(response.trailers), "\(path): \(response.trailers.count)")
                }
            }
        }

        private static func fetch(_ path: String, _ version: HTTPVersion, _ scene: IngressScene) throws -> HTTPResponse
        {
            let host = "tail-down.test"
            switch version {
            case .one:
                let conversation = try scene.connect()
                let fields = ["TE: trailers", "Connection: te"]
                let response = try conversation.exchange(HTTPRequest("GET", path, host: host, fields))
                expectOwnAnswer(conversation, "after it", host: host)
                return response
            case .two:
                // Nothing of them fits before the rest of the body, for which there is no window at first.
                let conversation = try scene.converse(opensWindows: false)
                let stream = try conversation.open(HTTP2Request("GET", path, authority: host, ["te": "trailers"]))
                #expect(conversation.received(on: stream, atLeast: 65_535, within: .seconds(5)) == 65_535)
                pause(.milliseconds(20))
                try conversation.send(.windowUpdate(1 << 20), .windowUpdate(1 << 20, on: stream))
                let response = try conversation.response(on: stream)
                expectOwnAnswer(conversation, "after it", host: host)
                return response
            }
        }

        // MARK: - What is cut off

        enum Cut: CaseIterable {
            /// Less than its length, or without an end; the connection is closed, or reset; or the stream alone is.
            case lengthClosed, lengthReset, openClosed, openReset

            var steps: [HTTPBackend.Step] {
                let isLength = self == .lengthClosed || self == .lengthReset
                let head = isLength ? "Content-Length: 10\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n3\r\n"
                let end: HTTPBackend.Step = self == .lengthClosed || self == .openClosed ? .close : .reset
                return [
                    .awaitBody, .text("HTTP/1.1 200 OK\r\n\(head)abc\(isLength ? "" : "\r\n")"),
                    .wait(.milliseconds(30)), end,
                ]
            }

            /// A reset may say that there was no error: it is an end in the middle all the same.
            var http2Steps: [HTTP2Backend.Step] {
                let isLength = self == .lengthClosed || self == .lengthReset
                let end: HTTP2Backend.Step = self == .lengthClosed || self == .openClosed ? .close : .reset(.noError)
                return [
                    .awaitBody, .head(200, isLength ? [HTTPField("content-length", "10")] : []), .text("abc"),
                    .wait(.milliseconds(30)), end,
                ]
            }
        }

        @Test(arguments: VersionPair.all, Cut.allCases)
        func `C38 an answer that is cut off is an error for the client, never an answer`(pair: VersionPair, cut: Cut)
            throws
        {
            try Self.with("cut", pair.backend) { scene, old, new in
                old.script("/cut", cut.steps)
                new.script("/cut", cut.http2Steps)
                for method in ["GET", "POST"] {
                    switch pair.client {
                    case .one:
                        let conversation = try scene.connect()
                        try conversation.send(HTTPRequest(method, "/cut", host: "cut.test").bytes)
                        let response = try? conversation.response(to: method)
                        // A reset can overtake what was sent before it.
                        #expect(response.map { $0.status == 502 } ?? conversation.isClosed(within: .seconds(3)))
                    case .two:
                        let conversation = try scene.converse()
                        let stream = try conversation.open(HTTP2Request(method, "/cut", authority: "cut.test"))
                        switch try conversation.verdict(on: stream) {
                        case .reset(let code): #expect(code == .internalError, "\(code)")
                        case .answered(let response): #expect(response.status == 502, "\(response)")
                        case .ended(let ending): Issue.record("\(ending)")
                        case .nothing: Issue.record("nothing came")
                        }
                        expectOwnAnswer(conversation, "after it", host: "cut.test")
                    }
                    expectOwnAnswer(try scene.connect(), "on another connection", host: "cut.test")
                }
            }
        }

        // MARK: - What is not

        @Test(arguments: VersionPair.all)
        func `C39 a complete answer to a complete request is followed by no RST_STREAM`(pair: VersionPair) throws {
            try Self.with("whole", pair.backend) { scene, old, new in
                old.script("/length", [.awaitBody, .text("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")])
                old.script(
                    "/chunks",
                    [
                        .awaitBody,
                        .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"),
                    ])
                old.script("/none", [.awaitBody, .text("HTTP/1.1 204 No Content\r\n\r\n")])
                // The frame that says the end comes after all that its length said, or at once.
                let late: [HTTP2Backend.Step] = [.wait(.milliseconds(60)), .data([], ends: true)]
                new.script(
                    "/length", [.awaitBody, .head(200, [HTTPField("content-length", "3")]), .text("abc")] + late)
                new.script("/chunks", [.awaitBody, .head(200), .text("abc"), .trailers([HTTPField("x", "y")])])
                new.script("/none", [.awaitBody, .head(204, ends: true)])
                let conversation = try scene.converse()
                for path in ["/length", "/chunks", "/none", "/usual"] {
                    for method in ["GET", "POST"] {
                        switch pair.client {
                        case .one:
                            let own = try scene.connect()
                            let request = HTTPRequest(
                                method, path, host: "whole.test", body: method == "POST" ? "x" : nil)
                            #expect(try own.exchange(request).status / 100 == 2)
                            expectOwnAnswer(own, "after it", host: "whole.test")
                        case .two:
                            let body = method == "POST" ? "x" : nil
                            let stream = try conversation.open(
                                HTTP2Request(method, path, authority: "whole.test", body: body))
                            #expect(try conversation.response(on: stream).status / 100 == 2)
                        }
                    }
                }
                pause(.milliseconds(150))
                // All that was said before the answer to PING is here.
                #expect(conversation.isAlive())
                let reset = try conversation.frame(timeout: .zero) { $0.kind == .resetStream }
                #expect(reset == nil, "\(reset as Any)")
                for request in new.requests {
                    #expect(request.isWhole && request.resetCode == nil, "\(request.method) \(request.path)")
                }
            }
        }
    }
}
