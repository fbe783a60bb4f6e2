import Glibc
import Lab
import Linux
import Networking
import Synchronization
import Testing

extension EndToEnd.HTTP2.Hurried {
    /// Rules Z: who wants to use up what there is, by HTTP/2 (spec: CVE-2019-9511 to 9518, CVE-2023-44487,
    /// CVE-2025-8671, VU#421644). Memory stays bounded, and innocent clients of both versions are served as ever.
    ///
    /// Each goes on for two seconds here; `make attacks` makes it twenty (FAIRLEAD_ATTACK_SECONDS).
    @Suite struct HTTP2AttackTests {
        @Test(arguments: HTTP2Flood.all)
        func `Z1 to Z12 a flood ends its connection, and nothing else`(flood: HTTP2Flood) throws {
            let scene = try Stage.scene
            let backend = try scene.backend("a")
            backend.script(HTTP2Case.slowPath, [.wait(.seconds(1)), .awaitBody, .answer])
            try Attack.expectHarmless(flood.name) { scene in
                let end = ContinuousClock.now + Attack.time
                var endings: [String: Int] = [:]
                var isSaid = false
                repeat {
                    let (ending, count) = try Self.play(flood, on: scene)
                    endings["\(ending)", default: 0] += 1
                    #expect(ending.isClosed || flood.mayGoOn, "\(ending) after \(count)")
                    // It may be lost on its way to who does not read.
                    guard let code = ending.goAway, !flood.codes.isEmpty else { continue }
                    #expect(flood.codes.contains(code), "\(ending) after \(count)")
                    isSaid = true
                } while ContinuousClock.now < end
                print("\(flood.name): \(endings)")
                #expect(isSaid || flood.codes.isEmpty || flood.mayGoOn, "\(endings)")
            }
            // Nobody works for who is gone.
            let isCancelled = waitUntil(timeout: .seconds(5)) { backend.openConnections <= 200 }
            #expect(isCancelled, "\(backend.openConnections)")
        }

        /// On one connection, of which nothing is read before its end.
        private static func play(
            _ flood: HTTP2Flood, on scene: IngressScene
        ) throws -> (ending: HTTP2Conversation.Ending, count: Int) {
            let conversation = try scene.converse(acknowledges: false)
            defer { conversation.close(reset: true) }
            // What is owed for them is no reason to end it.
            _ = try conversation.peerSettings()
            try conversation.send([.settingsAcknowledgment] + flood.first)
            var stream: UInt32 = flood.first.isEmpty ? 1 : 3
            var count = 0
            while count < flood.limit {
                var batch: [UInt8] = []
                for _ in 0..<50 {
                    for frame in flood.repeated(stream) { batch += frame.bytes }
                    stream += 2
                    count += 1
                }
                // Refused, or not read any more.
                guard conversation.offer(bytes: batch, for: .seconds(2)) == batch.count else { break }
            }
            return (conversation.ending(within: flood.mayGoOn ? .milliseconds(500) : .seconds(10)), count)
        }

        @Test(arguments: HTTPVersion.allCases)
        func `Z13 windows that never open, or by a byte at a time`(backend: HTTPVersion) throws {
            let scene = try Stage.scene
            let piece = [UInt8](repeating: 120, count: 1 << 16)
            try scene.backend("stall").script(
                "/stall", [.text("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"), .flood(piece, 16)])
            let two = try scene.http2Backend("stall-two")
            two.script("/stall", [.head(200), .flood(piece, 16)])
            let objects = backend == .one ? try scene.service("stall") : scene.http2Service("stall", on: [two])
            try scene.with("stall", objects + [ingress("stall", [.init("stall.test", [.prefix("/", .to("stall"))])])]) {
                try Attack.expectHarmless("windows of nothing, backend \(backend)") { scene in
                    let conversations = try (0..<4).map { _ in
                        try scene.converse([.init(.initialWindowSize, 0)], opensWindows: false)
                    }
                    let streams = try conversations.map { conversation in
                        try (0..<100).map { _ in
                            try conversation.open(HTTP2Request("GET", "/stall", authority: "stall.test"))
                        }
                    }
                    let end = ContinuousClock.now + Attack.time
                    while ContinuousClock.now < end {
                        pause(.milliseconds(200))
                        // The last two give a byte now and then.
                        for index in 2..<4 {
                            let frames = streams[index].map { HTTP2Frame.windowUpdate(1, on: $0) }
                            try? conversations[index].send(frames, timeout: .seconds(1))
                        }
                    }
                    // They get their time, and no more: a second each to take some bytes.
                    let limit = ContinuousClock.now + .seconds(8)
                    var left = 0
                    for (index, conversation) in conversations.enumerated() {
                        for stream in streams[index] {
                            let verdict = try conversation.verdict(on: stream, within: limit - .now)
                            if case .answered(let response) = verdict { Issue.record("\(response.bodyLength) bytes") }
                            if case .nothing = verdict { left += 1 }
                        }
                    }
                    #expect(left == 0)
                }
            }
        }

        @Test func `Z14 a body of single bytes is a body, and costs no memory`() throws {
            try Attack.expectHarmless("DATA of one byte") { scene in
                let end = ContinuousClock.now + Attack.time
                repeat {
                    let conversation = try scene.converse()
                    let stream = try conversation.open(
                        HTTP2Request("POST", "/dust", authority: "a.example"), ends: false)
                    let dust = (0..<20_000).flatMap { _ in HTTP2Frame.data([120], on: stream).bytes }
                    _ = conversation.offer(bytes: dust, for: .seconds(20))
                    _ = conversation.offer(bytes: HTTP2Frame.data([], on: stream, ends: true).bytes, for: .seconds(5))
                    switch try conversation.verdict(on: stream) {
                    case .answered(let response): #expect(response["x-body-length"] == "20000", "\(response)")
                    case .ended(let ending): #expect(ending.goAway == .enhanceYourCalm, "\(ending)")
                    case .reset(let code): #expect(code == .enhanceYourCalm)
                    case .nothing: Issue.record("nothing came")
                    }
                } while ContinuousClock.now < end
            }
        }

        @Test func `Z15 a thousand connections that say the preface and no more`() throws {
            try Attack.expectHarmless("idle connections") { scene in
                let conversations = try (0..<1000).map { _ in try scene.converse() }
                pause(Attack.time)
                let limit = ContinuousClock.now + .seconds(8)
                let closed = conversations.count { $0.ending(within: limit - .now).isClosed }
                #expect(closed == 1000)
            }
        }

        /// What an h2c backend says instead of an answer, again and again.
        static let backendFloods: [(name: String, frames: @Sendable (UInt32) -> [HTTP2Frame])] = [
            (
                "interim answers",
                { [.headers(HPACKEncoder.encode([HTTPField(":status", "103")]), on: $0, ends: false)] }
            ),
            ("PING", { _ in [.ping(1)] }), ("SETTINGS", { _ in [.settings([])] }),
            ("WINDOW_UPDATE", { _ in [.windowUpdate(1)] }), ("PRIORITY", { [.priority(on: $0)] }),
        ]

        @Test(arguments: backendFloods.indices)
        func `Z16 a flood from a backend ends its connection, and the request by 502`(index: Int) throws {
            let (name, frames) = Self.backendFloods[index]
            let annotations = ["proxy-next-upstream-tries": "1", "proxy-read-timeout": "3s"]
            let scene = try Stage.scene
            let backend = try scene.http2Backend("flooding")
            backend.script(
                "/flood",
                [
                    .frames { stream in (0..<20_000).flatMap { _ in frames(stream) } }, .awaitBody, .wait(.seconds(5)),
                    .answer,
                ])
            let rules = ingress("flooding", [.init("flooding.test", [.prefix("/", .to("flooding"))])], annotations)
            try scene.with("flooding", scene.http2Service("flooding", on: [backend]) + [rules]) {
                try Attack.expectHarmless("a backend's \(name)") { scene in
                    let end = ContinuousClock.now + Attack.time
                    repeat {
                        let conversation = try scene.converse()
                        let stream = try conversation.open(HTTP2Request("GET", "/flood", authority: "flooding.test"))
                        switch try conversation.verdict(on: stream) {
                        case .answered(let response): #expect([502, 504].contains(response.status), "\(response)")
                        case .reset: break
                        case .ended(let ending): Issue.record("\(name): \(ending)")
                        case .nothing: Issue.record("\(name): nothing came")
                        }
                    } while ContinuousClock.now < end
                }
            }
        }
    }
}
