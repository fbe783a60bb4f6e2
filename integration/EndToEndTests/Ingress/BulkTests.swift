import Lab
import Linux
import Testing

extension EndToEnd.Ingress.Shared {
    /// Much of everything, through a little memory.
    @Suite struct BulkTests {
        private static let large = 100 << 20

        /// Fairlead's memory may grow by this much and no more, however much goes through it.
        private static func expectBoundedMemory(
            _ scene: IngressScene, _ what: String, by limit: Int = 32 << 20, _ body: () throws -> Void
        ) throws {
            let process = scene.fairlead.process
            try process.resetPeakMemory()
            let before = try process.residentMemory()
            try body()
            let growth = try process.peakMemory() - before
            print("\(what): memory grew by \(growth >> 10) KiB at most")
            #expect(growth < Sanitizer.bound(limit), "\(what)")
        }

        @Test func `100 MB go down and up, with bounded memory`() throws {
            let scene = try Stage.scene
            let piece = [UInt8](repeating: 120, count: 64 << 10)
            try scene.backend("a").script(
                "/large",
                [
                    .text("HTTP/1.1 200 OK\r\nContent-Length: \(Self.large)\r\n\r\n"),
                    .flood(piece, Self.large / piece.count),
                ])
            try Self.expectBoundedMemory(scene, "100 MB down") {
                let conversation = try scene.connect()
                try conversation.send(HTTPRequest("GET", "/large", host: "a.example").bytes)
                let response = try conversation.response(keeping: 0, timeout: .seconds(60))
                #expect(response.bodyLength == Self.large)
                expectOwnAnswer(conversation, "after it")
            }
            try Self.expectBoundedMemory(scene, "100 MB up") {
                let conversation = try scene.connect()
                try conversation.send("POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: \(Self.large)\r\n\r\n")
                for _ in 0..<(Self.large / piece.count) { try conversation.send(piece, timeout: .seconds(60)) }
                let response = try conversation.response(to: "POST", timeout: .seconds(60))
                #expect(response["X-Body-Length"] == "\(Self.large)")
            }
        }

        @Test func `who does not read holds up the other side, not memory`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            let piece = [UInt8](repeating: 120, count: 64 << 10)
            backend.script(
                "/unread",
                [
                    .text("HTTP/1.1 200 OK\r\nContent-Length: \(Self.large)\r\n\r\n"),
                    .flood(piece, Self.large / piece.count),
                ])
            backend.script("/stop", [.stopReading])
            try Self.expectBoundedMemory(scene, "20 clients that do not read, 20 backends that do not", by: 64 << 20) {
                let readers = try (0..<20).map { _ in
                    let conversation = try scene.connect(receiveBuffer: 16 << 10)
                    try conversation.send(HTTPRequest("GET", "/unread", host: "a.example").bytes)
                    return conversation
                }
                let writers = try (0..<20).map { _ in
                    let conversation = try scene.connect()
                    try conversation.send(
                        "POST /stop HTTP/1.1\r\nHost: a.example\r\nContent-Length: \(Self.large)\r\n\r\n")
                    return conversation
                }
                for conversation in writers {
                    let taken = conversation.offer(
                        [UInt8](repeating: 120, count: Self.large / 2), for: .milliseconds(100))
                    #expect(taken < Self.large / 2)
                }
                pause(.milliseconds(300))
                // Others go on as ever.
                expectOwnAnswer(try scene.connect(), "beside them", host: "b.example")
                // One that begins to read after all gets all of it.
                let rest = try readers[0].response(keeping: 0, timeout: .seconds(60))
                #expect(rest.bodyLength == Self.large)
                for conversation in readers + writers { conversation.close(reset: true) }
            }
        }

        /// All of an answer may be here, and its end not yet staged, when the client stops reading. Where that happens is up to the
        /// kernel's buffers, so it is tried everywhere.
        @Test func `an answer in chunks ends wherever its client had stopped reading`() throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            let data = [UInt8](repeating: 120, count: 4_000)
            let chunk = Array("fa0\r\n".utf8) + data + [13, 10]
            let counts = Array(stride(from: 5, through: 600, by: 5))
            for count in counts {
                backend.script(
                    "/chunks-\(count)",
                    [
                        .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), .flood(chunk, count),
                        .text("0\r\n\r\n"),
                    ])
            }
            // Not all at once: the last one would be read when the proxy has waited for it long enough.
            for start in stride(from: 0, to: counts.count, by: 20) {
                let some = counts[start..<min(start + 20, counts.count)]
                let readers = try some.map { count in
                    let conversation = try scene.connect(receiveBuffer: 16 << 10)
                    try conversation.send(HTTPRequest("GET", "/chunks-\(count)", host: "a.example").bytes)
                    return conversation
                }
                pause(.milliseconds(500))
                for (count, conversation) in zip(some, readers) {
                    // Kernels drop what does not fit into small buffers, and send it again after times that double.
                    let response = try conversation.response(keeping: 0, timeout: .seconds(60))
                    #expect(response.bodyLength == count * data.count)
                    conversation.close(reset: true)
                }
            }
        }
    }
}
