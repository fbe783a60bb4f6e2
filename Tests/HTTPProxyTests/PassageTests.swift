import Lab
import LineSupport
import Reactor
import Testing

@testable import HTTPProxy

/// Bodies through a proxy, over loopback.
@Suite(.timeLimit(.minutes(2))) struct PassageTests {
    private static func content(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(count))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Buffers are 20 KB and 128 KB.
    private static let sizes = [1, 4_096, 4_097, 10_000, 20_480, 131_072, 700_001]

    @Test(arguments: Self.sizes, ["length", "chunked", "close"])
    func `an answer of any size and framing comes as it was sent`(size: Int, framing: String) async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let content = Self.content(size)
            for version in ["1.1", "1.0"] {
                let client = try stage.connect()
                try await client.send("GET / HTTP/\(version)\r\nHost: a.example\r\n\r\n")
                let upstream = try await endpoint.accept()
                _ = try await upstream.readMessage()
                var bytes = Array("HTTP/1.1 200 OK\r\nConnection: close\r\n".utf8)
                switch framing {
                case "length": bytes += Array("Content-Length: \(size)\r\n\r\n".utf8) + content
                case "chunked":
                    bytes += Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
                    bytes += ChunkedText.encode(content, sizes: [5_000, 1, 30_000, 400_000])
                default: bytes += Array("\r\n".utf8) + content
                }
                try await upstream.send(bytes, while: client)
                upstream.close()
                let answer = try await client.readMessage()
                #expect(answer.body == content)
                let isOld = version == "1.0"
                #expect(answer["Content-Length"] == (framing == "length" ? "\(size)" : nil))
                #expect(answer["Transfer-Encoding"] == (framing == "length" || isOld ? nil : "chunked"))
                if isOld { #expect(try await client.end() == .closed) }
            }
        }
    }

    @Test(arguments: Self.sizes, [false, true])
    func `a request of any size and framing comes as it was sent`(size: Int, isChunked: Bool) async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let content = Self.content(size)
            let client = try stage.connect()
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"
            try await client.send("PUT /up HTTP/1.1\r\nHost: a.example\r\n\(framing)\r\n\r\n")
            let upstream = try await endpoint.accept()
            try await client.send(
                isChunked ? ChunkedText.encode(content, sizes: [9_000, 3, 100_000], trailers: ["X-Sum: 1"]) : content,
                while: upstream)
            let request = try await upstream.readMessage()
            #expect(request.body == content)
            #expect(request.trailers == (isChunked ? ["X-Sum: 1"] : []))
            try await upstream.send(.ok("thanks"))
            #expect(try await client.readMessage().text == "thanks")
            // Both connections go on.
            let (_, answer) = try await client.exchange(.get(), upstream, answer: .ok("again"))
            #expect(answer.text == "again")
        }
    }

    /// An end of an answer in two pieces: the worker turned in circles over the first, once.
    @Test(arguments: ["0\r", "0\r\n", "0\r\n\r", "0\r\nX", "0\r\nX-Sum: 1", "0\r\nX-Sum: 1\r", "0\r\nX-Sum: 1\r\n"])
    func `the end of chunks may come in pieces`(first: String) async throws {
        let whole = "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
        let bare = "5\r\nhello\r\n0\r\n\r\n"
        let text = (whole.utf8.starts(with: "5\r\nhello\r\n\(first)".utf8)) ? whole : bare
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            let head = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            let count = "5\r\nhello\r\n\(first)".utf8.count
            try await upstream.send(head + Array(text.utf8.prefix(count)))
            // The head says that the worker has seen it; others are served meanwhile.
            #expect(try await client.readHead().status == 200)
            let other = try stage.connect()
            try await other.send(.get("/", host: "none.example"))
            #expect(try await other.readMessage().status == 404)
            try await upstream.send(Array(text.utf8.dropFirst(count)))
            let rest = try await client.read(through: "\r\n\r\n")
            #expect(rest == text)
        }
    }

    /// The same of a request, at every place; the upstream sees the same.
    @Test func `the end of a request's chunks may come in pieces`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            let text = Array("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n".utf8)
            var upstream: Line?
            for cut in 0..<text.count {
                try await client.send("PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
                try await client.send(Array(text.prefix(cut)))
                if upstream == nil { upstream = try await endpoint.accept() }
                let line = try #require(upstream)
                let head = try await line.readHead()
                #expect(head["Transfer-Encoding"] == "chunked")
                try await client.send(Array(text.dropFirst(cut)))
                #expect(try await line.read(through: "X-Sum: 1\r\n\r\n").hasSuffix("0\r\nX-Sum: 1\r\n\r\n"))
                try await line.send(.ok("\(cut)"))
                #expect(try await client.readMessage().text == "\(cut)")
            }
        }
    }

    /// A trailer that begins at the end of a full buffer: the space behind it was taken for the end of the connection, once.
    @Test func `a trailer may begin where the buffer ends`() async throws {
        var limits = ProxyLimits()
        limits.headSize = 1_024
        limits.startLineSize = 512
        limits.trailerSize = 1_024
        limits.bufferSize = 1_024
        let capacity = limits.bufferSize + ProxyLimits.headOverhead
        try await Stage.run(limits: limits) { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            for part in stride(from: 0, through: 60, by: 4) {
                let head = "PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
                let trailer = "X-Long-Trailer: \(String(repeating: "t", count: 100))"
                // All but the trailer's rest fills the buffer to the last byte.
                let size = capacity - head.utf8.count - 6 - 2 - 3 - part
                let content = Self.content(size)
                let body = ChunkedText.encode(content, sizes: [size], trailers: [trailer])
                let client = try stage.connect()
                try await client.send(Array(head.utf8) + body)
                let upstream = try await endpoint.accept()
                let request = try await upstream.readMessage()
                #expect(request.body == content && request.trailers == [trailer])
                try await upstream.send(.ok("\(part)", "Connection: close"))
                #expect(try await client.readMessage().text == "\(part)", "\(part)")
            }
        }
    }

    /// The longest trailer behind a body that leaves too little room for it in the buffer, which has been sent.
    @Test func `a long trailer finds room`() async throws {
        let trailer = "X-Long: \(String(repeating: "t", count: 8_000))"
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            let upstream = try await endpoint.accept()
            // 3,500 bytes are copied into the buffer each time; with four of them 6 KB are left.
            let content = Self.content(14_000)
            let body = ChunkedText.encode(content, sizes: [3_500])
            for chunk in 0..<4 { try await client.send(Array(body[chunk * 3_507..<(chunk + 1) * 3_507])) }
            try await client.send("0\r\n\(trailer)\r\n\r\n")
            let request = try await upstream.readMessage()
            #expect(request.body == content && request.trailers == [trailer])
            try await upstream.send(.ok("thanks"))
            #expect(try await client.readMessage().text == "thanks")
        }
    }

    @Test func `an answer that ends early ends the client's connection with a reset`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            for text in [
                "Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: ",
            ] {
                let client = try stage.connect()
                try await client.send(.get())
                let upstream = try await endpoint.accept()
                _ = try await upstream.readMessage()
                try await upstream.send("HTTP/1.1 200 OK\r\n\(text)")
                #expect(try await client.readHead().status == 200)
                upstream.close()
                let (_, ending) = try await client.readToEnd()
                #expect(ending == .broken(104), "\(text)")
            }
            let report = try await stage.report { $0.answersBrokenOff == 3 }
            #expect(report.retries == 0)
        }
    }

    @Test func `a body over the limit is refused, by its length or when it shows`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint, annotations: ["proxy-body-size": "1k"])
            let client = try stage.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1025\r\n\r\n")
            let answer = try await client.readMessage()
            #expect(answer.status == 413 && answer.reason == "body-too-large" && answer["Connection"] == "close")
            #expect(endpoint.acceptWaiting() == nil)
            let chunked = try stage.connect()
            try await chunked.send("PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n")
            let upstream = try await endpoint.accept()
            try await chunked.send(Self.content(1_024) + Array("\r\n1\r\nx\r\n".utf8))
            #expect(try await chunked.readMessage().status == 413)
            // The endpoint does not take what it got for the whole.
            let (bytes, _) = try await upstream.readToEnd()
            #expect(!String(decoding: bytes, as: UTF8.self).contains("\r\n0\r\n"))
            // As much as is allowed.
            let third = try stage.connect()
            try await third.send(
                Array("PUT / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
                    + ChunkedText.encode(Self.content(1_024), sizes: [1_000]))
            let allowed = try await endpoint.accept()
            #expect(try await allowed.readMessage().body.count == 1_024)
            try await allowed.send(.ok("thanks"))
            #expect(try await third.readMessage().text == "thanks")
        }
    }

    @Test func `an answer before the body is whole gets through, and then it is over`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\nbeginning")
            let upstream = try await endpoint.accept()
            _ = try await upstream.readHead()
            #expect(try await upstream.read(9) == Array("beginning".utf8))
            try await upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            let answer = try await client.readMessage()
            #expect(answer.status == 403 && answer.text == "no" && answer["Connection"] == "close")
            // What it sends still is thrown away, so that no reset takes the answer from it.
            try await client.send(Self.content(50_000))
            client.finishWriting()
            #expect(try await client.end() == .closed)
            _ = try await upstream.readToEnd()
        }
    }

    @Test func `HEAD and statuses without a body have none`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let client = try stage.connect()
            try await client.send("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
            let answer = try await client.readMessage(toHEAD: true)
            #expect(answer["Content-Length"] == "1234")
            for status in ["204 No Content", "304 Not Modified"] {
                let (_, answer) = try await client.exchange(.get(), upstream, answer: "HTTP/1.1 \(status)\r\n\r\n")
                #expect(status.hasPrefix("\(answer.status)"))
            }
            let (_, last) = try await client.exchange(.get(), upstream, answer: .ok("body"))
            #expect(last.text == "body")
        }
    }

    @Test func `a client that goes away takes its request with it`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            // While it waits, and in the middle of the answer.
            for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\nbeginning"] {
                let client = try stage.connect()
                try await client.send(.get())
                let upstream = try await endpoint.accept()
                _ = try await upstream.readMessage()
                try await upstream.send(answer)
                if !answer.isEmpty { #expect(try await client.readHead().status == 200) }
                client.reset()
                let (_, _) = try await upstream.readToEnd()
            }
            let report = try await stage.report { $0.openConnections == 0 && $0.openUpstreams == 0 && $0.requests == 2 }
            #expect(report.clientsLost == 2)
        }
    }

    /// It stops reading while more comes than all buffers on the way hold.
    @Test func `a slow client gets all of it in the end`() async throws {
        try await Stage.run { stage in
            let endpoint = try TestEndpoint()
            stage.serve(endpoint)
            let content = Self.content(1_000_003)
            let much = Array(repeatElement(content, count: 20).joined())
            let client = try stage.connect()
            try await client.send(.get())
            let upstream = try await endpoint.accept()
            _ = try await upstream.readMessage()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(much.count)\r\n\r\n")
            try await upstream.send(much, while: client, after: .milliseconds(100))
            let answer = try await client.readMessage()
            #expect(answer.body == much)
        }
    }
}
