import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// HTTP/1.1 as honest clients and backends speak it.
    @Suite struct ConnectionHTTPTests {
        private static func request(_ method: String = "GET", _ target: String, _ fields: String...) -> HTTPRequest {
            HTTPRequest(method, target, host: "a.example", fields)
        }

        // MARK: - Connections

        @Test func `many requests on one connection, over one to the backend`() throws {
            let conversation = try Stage.scene.connect()
            var upstream: Set<Int> = []
            for _ in 0..<50 {
                let target = freshTarget()
                let response = try conversation.exchange(Self.request("GET", target))
                #expect(response.echoed?.target == target && !response.closes)
                upstream.insert(try #require(response.upstreamConnection))
            }
            #expect(upstream.count == 1)
        }

        @Test func `many clients share few connections to a backend`() throws {
            let scene = try Stage.scene
            let before = try scene.backend("a").records.count
            for _ in 0..<60 { #expect(try scene.fetch("http://a.example/").status == 200) }
            // Each of two workers has its own.
            #expect(try scene.backend("a").records.count - before <= 2)
        }

        @Test(arguments: [2, 100])
        func `requests in one segment are answered in order`(count: Int) throws {
            let conversation = try Stage.scene.connect()
            let targets = (0..<count).map { _ in freshTarget("/pipelined") }
            try conversation.send(targets.map { Self.request("GET", $0).text }.joined())
            for target in targets { #expect(try conversation.response().echoed?.target == target) }
            expectOwnAnswer(conversation, "after \(count)")
        }

        @Test func `a slow answer keeps its place, and bodies theirs`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/slow", [.awaitBody, .wait(.milliseconds(200)), .answer])
            let conversation = try scene.connect()
            let post = HTTPRequest("POST", "/slow", host: "a.example", body: "12345")
            try conversation.send(Self.request("GET", "/slow").text + post.text + Self.request("GET", "/quick").text)
            #expect(try conversation.response().echoed?.target == "/slow")
            #expect(try conversation.response(to: "POST")["X-Body-Length"] == "5")
            #expect(try conversation.response().echoed?.target == "/quick")
        }

        @Test func `byte by byte is the same as at once`() throws {
            let conversation = try Stage.scene.connect()
            let text = HTTPRequest("POST", "/bytes?x", host: "a.example", ["X-A: b"], body: "hello").text
            for byte in text.utf8 { try conversation.send([byte]) }
            let response = try conversation.response(to: "POST")
            #expect(response.echoed?.target == "/bytes?x" && response["X-Body-Length"] == "5")
            try conversation.send("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in "5;x=y\r\nhello\r\n0\r\nX-End: 1\r\n\r\n".utf8 { try conversation.send([byte]) }
            #expect(try conversation.response(to: "POST")["X-Body-Length"] == "5")
        }

        @Test func `Connection: close is obeyed, and said`() throws {
            let scene = try Stage.scene
            let conversation = try scene.connect()
            let response = try conversation.exchange(Self.request("GET", "/", "Connection: close"))
            #expect(response.status == 200 && response.closes && conversation.isClosed(within: .seconds(2)))
            // It is about the client's connection alone.
            #expect(response.echoed?["Connection"]?.lowercased().contains("close") != true)
            // And the backend's about its own.
            try scene.backend("a").script("/closing", [.answerWith(200, ["Connection: close"]), .close])
            let other = try scene.connect()
            let closing = try other.exchange(Self.request("GET", "/closing"))
            #expect(closing.status == 200 && !closing.closes)
            expectOwnAnswer(other, "after the backend's close")
        }

        @Test func `a client that has said all it will gets its answer`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/later", [.wait(.milliseconds(200)), .answer])
            let conversation = try scene.connect()
            try conversation.send(Self.request("GET", "/later").bytes)
            try conversation.finishSending()
            #expect(try conversation.response().echoed?.target == "/later")
            #expect(conversation.isClosed(within: .seconds(2)))
        }

        @Test func `HTTP 1.0 clients get what they understand`() throws {
            let scene = try Stage.scene
            let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            try scene.backend("a").script("/chunks", [.text(chunks)])
            let conversation = try scene.connect()
            try conversation.send("GET /chunks HTTP/1.0\r\nHost: a.example\r\n\r\n")
            let response = try conversation.response()
            #expect(response.framing == .untilClose && response.text == "abc")
            #expect(response["Transfer-Encoding"] == nil)
            let kept = try scene.connect()
            for _ in 0..<2 {
                try kept.send("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n")
                let response = try kept.response()
                #expect(response.status == 200 && response["Connection"]?.lowercased() == "keep-alive")
            }
            let single = try scene.connect()
            try single.send("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
            #expect(try single.response().status == 200)
            #expect(single.isClosed(within: .seconds(2)))
        }

        @Test func `a client that goes away takes its request along`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script("/never", [.hang])
            let conversation = try scene.connect()
            try conversation.send(Self.request("GET", "/never").bytes)
            #expect(waitUntil(timeout: .seconds(5)) { backend.targets.contains("/never") })
            conversation.close(reset: true)
            let isGone = waitUntil(timeout: .seconds(5)) {
                backend.records.filter { $0.targets.last == "/never" }.allSatisfy { $0.end != nil }
            }
            #expect(isGone)
        }

        // MARK: - Bodies

        @Test func `bodies in chunks go both ways, with their trailers`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script(
                "/chunks",
                [
                    .awaitBody,
                    .text("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
                    .text("6\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"),
                ])
            let before = backend.records
            let conversation = try scene.connect()
            try conversation.send(
                "POST /chunks HTTP/1.1\r\nHost: a.example\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in ["3\r\nabc\r\n", "A\r\n0123456789\r\n", "0\r\nX-Upload: done\r\n\r\n"] {
                try conversation.send(piece)
                pause(.milliseconds(5))
            }
            let response = try conversation.response(to: "POST")
            #expect(response.framing == .chunked && response.text == "hello world")
            #expect(response.trailers.values("X-Sum") == ["42"])
            let received = backend.received(since: before).joined()
            #expect(
                received.contains("abc") && received.contains("0123456789") && received.contains("X-Upload: done\r\n"))
            #expect(received.lowercased().contains("transfer-encoding: chunked\r\n"))
            #expect(!received.lowercased().contains("content-length"))
        }

        @Test func `a first piece arrives while the rest is still to come`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/stream",
                [
                    .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"), .awaitBody,
                    .text("6\r\nsecond\r\n0\r\n\r\n"),
                ])
            let conversation = try scene.connect()
            try conversation.send("POST /stream HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\n")
            // Nothing of the request's body is there, and nothing of the answer waits for it.
            #expect(try conversation.head().status == 200)
            #expect(try conversation.read(10) == Array("5\r\nfirst\r\n".utf8))
            try conversation.send("abc")
            #expect(try conversation.read(11) == Array("6\r\nsecond\r\n".utf8))
        }

        @Test func `an answer without length ends where its connection ends`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/endless", [.text("HTTP/1.1 200 OK\r\n\r\nhello"), .text(" world"), .close])
            let conversation = try scene.connect()
            let response = try conversation.exchange(Self.request("GET", "/endless"))
            #expect(response.text == "hello world" && response.framing == .chunked)
            expectOwnAnswer(conversation, "after it")
        }

        @Test func `an answer that is cut is not ended as if it were whole`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script("/cut", [.text("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), .close])
            backend.script(
                "/cut-chunks", [.text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), .close])
            for path in ["/cut", "/cut-chunks"] {
                let conversation = try scene.connect()
                try conversation.send(Self.request("GET", path).bytes)
                #expect(throws: (any Error).self, "\(path)") { try conversation.response() }
                #expect(conversation.isClosed(within: .seconds(2)))
            }
        }

        @Test func `answers to HEAD, and 204 and 304, have no body, and keep their fields`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script("/204", [.text("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n")])
            backend.script("/304", [.text("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n")])
            backend.script("/nothing", [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
            let conversation = try scene.connect()
            for _ in 0..<3 {
                let head = try conversation.exchange(Self.request("HEAD", "/"))
                #expect(head.status == 200 && head.echoed == nil && head["Content-Length"] != nil)
                let none = try conversation.exchange(Self.request("GET", "/204"))
                #expect(none.status == 204 && none["X-A"] == "b" && none["Content-Length"] == nil)
                let same = try conversation.exchange(Self.request("GET", "/304"))
                #expect(same.status == 304 && same["ETag"] == "\"x\"")
                #expect(try conversation.exchange(Self.request("GET", "/nothing")).framing == .length)
                expectOwnAnswer(conversation, "after them")
            }
        }

        @Test func `Expect: 100-continue brings 100 and then one answer`() throws {
            let scene = try Stage.scene
            let conversation = try scene.connect()
            for _ in 0..<3 {
                try conversation.send(
                    "POST /expect HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                #expect(try conversation.head().status == 100)
                try conversation.send("hello")
                let response = try conversation.response(to: "POST")
                #expect(response.status == 200 && response.interim.isEmpty && response["X-Body-Length"] == "5")
            }
            expectOwnAnswer(conversation, "after it")
        }

        @Test func `a client that does not wait for 100 is not waited for either`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script("/unexpected", [.wait(.milliseconds(200)), .awaitBody, .answer])
            let conversation = try scene.connect()
            try conversation.send(
                "POST /unexpected HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            pause(.milliseconds(50))
            try conversation.send("hello")
            let response = try conversation.response(to: "POST")
            #expect(response.status == 200 && response["X-Body-Length"] == "5")
            expectOwnAnswer(conversation, "after it")
        }

        @Test func `interim answers are passed on, as many as there are`() throws {
            let scene = try Stage.scene
            let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
            try scene.backend("a").script("/hints", [.text(hints), .wait(.milliseconds(20)), .text(hints), .answer])
            let conversation = try scene.connect()
            let response = try conversation.exchange(Self.request("GET", "/hints"))
            #expect(response.status == 200 && response.interim.map(\.status) == [103, 103])
            #expect(response.interim.first?["Link"] == "</style.css>")
            expectOwnAnswer(conversation, "after it")
            // HTTP/1.0 does not know of them.
            let old = try scene.connect()
            try old.send("GET /hints HTTP/1.0\r\nHost: a.example\r\n\r\n")
            #expect(try old.response().interim.isEmpty)
        }

        @Test func `an answer that comes before the request's end reaches the client`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/refuses", [.awaitBodyBytes(1), .answerWith(413, ["Connection: close"]), .finishSending, .stopReading])
            let conversation = try scene.connect()
            try conversation.send("POST /refuses HTTP/1.1\r\nHost: a.example\r\nContent-Length: 50000000\r\n\r\n")
            _ = conversation.offer([UInt8](repeating: 120, count: 10_000_000), for: .milliseconds(500))
            let response = try conversation.response(to: "POST")
            #expect(response.status == 413 && response.backend == "a")
            expectOwnAnswer(try scene.connect(), "after it")
        }

        @Test func `fields come through as they were written, in order, and Date and Server are there`() throws {
            let scene = try Stage.scene
            try scene.backend("a").script(
                "/fields",
                [
                    .text("HTTP/1.1 200 Fine\r\nX-b: 2\r\nX-A:  1 \r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"),
                    .text("Connection: X-Hop\r\nX-Hop: gone\r\nKeep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n"),
                ])
            let conversation = try scene.connect()
            let response = try conversation.exchange(Self.request("GET", "/fields"))
            let names = response.fields.map(\.name)
            let positions = ["X-b", "X-A", "Set-Cookie"].map { names.firstIndex(of: $0) ?? -1 }
            #expect(positions == positions.sorted() && !positions.contains(-1), "\(names)")
            #expect(response.fields.values("Set-Cookie") == ["a=b", "c=d"])
            #expect(response["X-Hop"] == nil && response["Keep-Alive"] == nil)
            #expect(response.fields.values("Date").count == 1 && response.fields.values("Server").count == 1)
            #expect(response.reason == "Fine")
            let request = Self.request(
                "GET", "/", "x-LOWER: 1", "X-Twice: a", "X-Twice: b", "Accept-Encoding: br", "Cookie: x=y")
            let echoed = try #require(try conversation.exchange(request).echoed)
            #expect(echoed.fields.contains { $0.name == "x-LOWER" && $0.value == "1" })
            #expect(echoed["X-Twice"] == "a | b" && echoed["Accept-Encoding"] == "br" && echoed["Cookie"] == "x=y")
        }
    }
}
