import Lab
import Linux
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Rules C: who does not read, or does not take, holds up its own stream alone, and nobody's memory.
    @Suite struct BackPressureTests {
        private static let piece = [UInt8](repeating: 120, count: 64 << 10)
        private static let large = 100 << 20

        /// Fairlead's memory may grow by this much and no more, however much there is to go through it.
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

        /// `slow.test` before a backend of that version which has as much to say as anybody could want at `/large`.
        private static func with(_ version: HTTPVersion, _ body: (IngressScene) throws -> Void) throws {
            let scene = try Stage.scene
            let times = self.large / self.piece.count
            try scene.backend("slow").script(
                "/large",
                [.text("HTTP/1.1 200 OK\r\nContent-Length: \(self.large)\r\n\r\n"), .flood(self.piece, times)])
            try scene.backend("slow").script("/stop", [.stopReading, .hang])
            try scene.http2Backend("slow-two").script("/large", [.head(200), .flood(self.piece, times)])
            let objects =
                version == .one
                ? try scene.service("slow") : scene.http2Service("slow", on: [try scene.http2Backend("slow-two")])
            try scene.with("slow", objects + [ingress("slow", [.init("slow.test", [.prefix("/", .to("slow"))])])]) {
                try body(scene)
            }
        }

        @Test(arguments: HTTPVersion.allCases)
        func `C11 a slow reader stalls its own stream only`(backend: HTTPVersion) throws {
            try Self.with(backend) { scene in
                try Self.expectBoundedMemory(scene, "20 streams that nobody reads, backend \(backend)") {
                    let conversation = try scene.converse(opensWindows: false)
                    // The connection's window is no reason to wait.
                    try conversation.send(.windowUpdate(1 << 30))
                    let streams = try (0..<20).map { _ in
                        try conversation.open(HTTP2Request("GET", "/large", authority: "slow.test"))
                    }
                    for stream in streams {
                        #expect(conversation.received(on: stream, atLeast: 65535, within: .seconds(5)) == 65535)
                    }
                    pause(.milliseconds(300))
                    for _ in 0..<20 { expectOwnAnswer(conversation, "beside them", host: "slow.test") }
                    expectOwnAnswer(conversation, "beside them", host: "b.example")
                    // One that is read after all comes to its end.
                    try conversation.send(.windowUpdate(UInt32(Self.large), on: streams[7]))
                    let response = try conversation.response(on: streams[7], timeout: .seconds(60))
                    #expect(response.bodyLength == Self.large)
                    for stream in streams where stream != streams[7] {
                        #expect(conversation.received(on: stream, within: .zero) == 65535)
                    }
                }
            }
        }

        @Test func `C12 a backend that takes nothing stalls its own stream only`() throws {
            try Self.with(.one) { scene in
                try Self.expectBoundedMemory(scene, "20 bodies that nobody takes") {
                    let conversation = try scene.converse()
                    let body = [UInt8](repeating: 120, count: 8 << 20)
                    let streams = try (0..<20).map { _ in
                        try conversation.open(HTTP2Request("POST", "/stop", authority: "slow.test"), ends: false)
                    }
                    for stream in streams {
                        let taken = try conversation.offer(body, on: stream, for: .milliseconds(50))
                        #expect(taken < 4 << 20, "\(taken)")
                    }
                    for _ in 0..<10 {
                        expectOwnAnswer(conversation, "beside them", host: "slow.test")
                        let request = HTTP2Request("POST", "/x", authority: "slow.test", body: "own")
                        #expect(try conversation.exchange(request)["x-body-length"] == "3")
                    }
                    for stream in streams { try conversation.send(.resetStream(stream, .cancel)) }
                }
            }
        }

        @Test func `C13 the windows of an h2c backend are kept to, and its streams are independent`() throws {
            let settings = [HTTP2Setting(.initialWindowSize, 1000)]
            var manners = HTTP2Backend.Manners()
            manners.opensWindows = false
            try withHTTP2Application("narrow", ["1"], [:], settings, manners) { scene, pods in
                pods[0].script(
                    "/later", [.awaitBodyBytes(1000), .wait(.milliseconds(500)), .openWindows, .awaitBody, .answer])
                let conversation = try scene.converse()
                // Before its SETTINGS are known any window is what RFC 9113 says at first.
                expectOwnAnswer(conversation, "the settings are known", host: "narrow.test")
                let stream = try conversation.open(
                    HTTP2Request("POST", "/later", authority: "narrow.test"), ends: false)
                let body = [UInt8](repeating: 120, count: 4 << 20)
                let taken = try conversation.offer(body, on: stream, ends: true, for: .milliseconds(200))
                #expect(taken < body.count)
                for _ in 0..<5 { expectOwnAnswer(conversation, "beside it", host: "narrow.test") }
                #expect(pods[0].requests.first { $0.path == "/later" }?.bodyLength == 1000)
                try conversation.send(Array(body.dropFirst(taken)), on: stream, ends: true)
                #expect(try conversation.response(on: stream)["x-body-length"] == "\(body.count)")
            }
        }

        @Test func `C14 100 MB go down and up, with bounded memory`() throws {
            for version in HTTPVersion.allCases {
                try Self.with(version) { scene in
                    try Self.expectBoundedMemory(scene, "100 MB down from \(version)") {
                        let conversation = try scene.converse()
                        let stream = try conversation.open(HTTP2Request("GET", "/large", authority: "slow.test"))
                        #expect(try conversation.response(on: stream, timeout: .seconds(80)).bodyLength == Self.large)
                        expectOwnAnswer(conversation, "after it")
                    }
                    try Self.expectBoundedMemory(scene, "100 MB up to \(version)") {
                        let conversation = try scene.converse()
                        let stream = try conversation.open(
                            HTTP2Request("POST", "/up", authority: "slow.test"), ends: false)
                        for number in 1...(Self.large / Self.piece.count) {
                            let ends = number == Self.large / Self.piece.count
                            try conversation.send(Self.piece, on: stream, ends: ends, timeout: .seconds(80))
                        }
                        let response = try conversation.response(on: stream, timeout: .seconds(80))
                        #expect(response["x-body-length"] == "\(Self.large)")
                    }
                }
            }
        }
    }
}
