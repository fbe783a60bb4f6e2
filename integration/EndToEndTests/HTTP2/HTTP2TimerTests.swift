import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Hurried {
    /// Rules C: the time that connections have, whatever their streams do.
    @Suite struct HTTP2TimerTests {
        private static let host = "timed.test"

        private static func request(_ path: String) -> HTTP2Request { HTTP2Request("GET", path, authority: Self.host) }

        /// A client whose socket is full, though it has opened every window.
        @Test(arguments: [false, true])
        func `C46 a client that reads nothing holds up nobody else, and is ended in time, whatever it asks for`(
            asks: Bool
        ) throws {
            let scene = try Stage.scene
            let backend = try scene.backend("timed")
            let piece = [UInt8](repeating: 120, count: 64 << 10)
            // Of this run alone: what the one before has left open may be used again.
            let endless = "/endless-\(asks)"
            backend.script(
                endless,
                [.text("HTTP/1.1 200 OK\r\nContent-Length: \(piece.count * 4_000)\r\n\r\n"), .flood(piece, 4_000)])
            let rules = ingress("timed", [.init(Self.host, [.prefix("/", .to("timed"))])])
            try scene.with("timed", try scene.service("timed") + [rules]) {
                let silent = try scene.converse([.init(.initialWindowSize, 1 << 30)], receiveBuffer: 4 << 10)
                // It acknowledges them, asks for everything at once, and reads no more. What it asked for after the first
                // answer has filled its socket would not be read.
                _ = try silent.peerSettings()
                let request = HPACKEncoder.encode(Self.request(endless).list)
                let requests = [1, 3, 5, 7].map { HTTP2Frame.headers(request, on: $0) }
                try silent.send([.windowUpdate(1 << 30)] + requests)
                let start = ContinuousClock.now
                func ended() -> [Bool] {
                    backend.records.filter { $0.targets.contains(endless) }.map { $0.end != nil }
                }
                #expect(waitUntil(timeout: .seconds(5)) { ended().count == 4 })
                var isOver = false
                var next: UInt32 = 101
                while !isOver, ContinuousClock.now - start < .seconds(8) {
                    if asks {
                        // Few enough to find room in the kernel: only a connection that is closed takes none of them.
                        let frame = HTTP2Frame.headers(HPACKEncoder.encode(Self.request("/more").list), on: next).bytes
                        isOver = silent.offer(bytes: frame, for: .milliseconds(50)) < frame.count
                        next += 2
                    } else {
                        isOver = ended().allSatisfy { $0 }
                    }
                    // On the same worker or on the other one.
                    expectOwnAnswer(try scene.converse(), "beside it", host: Self.host)
                    expectOwnAnswer(try scene.connect(), "beside it", host: Self.host)
                    pause(.milliseconds(50))
                }
                let duration = ContinuousClock.now - start
                #expect(isOver && duration > .milliseconds(700), "\(duration)")
                let ending = silent.ending(within: .seconds(5))
                #expect(ending.isClosed && (ending.goAway == nil || !asks), "\(ending)")
            }
        }

        @Test func `C47 a client that never acknowledges SETTINGS is told so and let go, one that does is not`() throws
        {
            let scene = try Stage.scene
            let proper = try scene.converse()
            let silent = try scene.converse(acknowledges: false)
            let start = ContinuousClock.now
            // Requests of both, so that neither is idle.
            func ask(_ conversation: HTTP2Conversation) throws -> HTTP2Conversation.Verdict {
                try conversation.verdict(on: try conversation.open(HTTP2Request(authority: "a.example")))
            }
            var end: HTTP2Conversation.Ending?
            while end == nil, ContinuousClock.now - start < .seconds(8) {
                expectOwnAnswer(proper, "who has acknowledged")
                pause(.milliseconds(50))
                guard let verdict = try? ask(silent) else {
                    end = silent.ending(within: .seconds(3))
                    break
                }
                if case .ended = verdict { end = silent.ending(within: .seconds(3)) }
            }
            let duration = ContinuousClock.now - start
            #expect(end?.goAway == .settingsTimeout && end?.isClosed == true, "\(end as Any)")
            #expect(duration > .milliseconds(700), "\(duration)")
            for _ in 0..<5 {
                pause(.milliseconds(100))
                expectOwnAnswer(proper, "who has acknowledged")
            }
        }

        /// An endpoint that says nothing, or does not acknowledge; how long a request waits for a connection, and what it is told.
        struct Silence: Sendable, CustomTestStringConvertible {
            var greets = true
            var acknowledges = true
            var patience = "5s"

            var testDescription: String { "\(self.greets ? "no acknowledgement" : "no SETTINGS"), \(self.patience)" }
        }

        @Test(arguments: [
            Silence(greets: false), Silence(greets: false, patience: "300ms"), Silence(acknowledges: false),
        ])
        func `C48 an endpoint that does not say its SETTINGS, or acknowledge ours, loses its connection`(
            silence: Silence
        ) throws {
            let name = "silent-\(silence.greets ? "a" : "b")\(silence.patience)"
            var manners = HTTP2Backend.Manners()
            // Who says nothing acknowledges nothing: its first frame would have to be SETTINGS.
            (manners.greets, manners.acknowledges) = (silence.greets, silence.greets && silence.acknowledges)
            let annotations = ["proxy-connect-timeout": silence.patience, "proxy-next-upstream-tries": "1"]
            try withHTTP2Application(name, ["1"], annotations, [], manners) { scene, pods in
                pods[0].script("/hang", [.hang])
                let conversation = try scene.converse()
                let start = ContinuousClock.now
                for number in 1...2 {
                    let streams = try (0..<3).map { _ in
                        try conversation.open(HTTP2Request("GET", "/hang", authority: "\(name).test"))
                    }
                    for stream in streams {
                        let response = try conversation.response(on: stream)
                        #expect(response.status == (silence.greets ? 502 : 504), "\(response)")
                        let reason = silence.greets ? "endpoint-closed" : "endpoint-connect-timeout"
                        #expect(response["x-fairlead-reason"] == reason, "\(response)")
                    }
                    // None of the next requests waits for what the ones before have waited for in vain.
                    #expect(pods[0].records.count == number, "\(pods[0].records.count)")
                    expectSoon("the connection is closed", within: .seconds(3)) { pods[0].openConnections == 0 }
                }
                let duration = ContinuousClock.now - start
                #expect(duration < .seconds(12) && duration > .milliseconds(500), "\(duration)")
                if silence.patience == "5s" {
                    #expect(pods[0].records.allSatisfy { $0.goAway == .settingsTimeout }, "\(pods[0].records)")
                }
            }
        }
    }
}

extension EndToEnd.HTTP2 {
    /// With a Fairlead of its own.
    @Suite struct HTTP2IdleEndpointTests {
        @Test func `C49 a connection to an endpoint is closed when it has had no stream for its time, and not before`()
            throws
        {
            let scene = try Stage.build(["--upstream-keepalive-timeout", "1s"])
            defer { scene.tearDown() }
            let backend = try scene.http2Backend("two")
            try scene.put(
                "two",
                scene.http2Service("two", on: [backend]) + [
                    ingress("two", [.init("two.test", [.prefix("/", .to("two"))])])
                ])
            backend.script("/long", [.wait(.seconds(2)), .answer])
            let conversation = try scene.converse()
            // Used again and again it stays, for longer than that.
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(2) {
                expectOwnAnswer(conversation, "kept", host: "two.test")
                pause(.milliseconds(100))
            }
            let stream = try conversation.open(HTTP2Request("GET", "/long", authority: "two.test"))
            #expect(try conversation.response(on: stream)["x-connection"] == "0")
            let idleSince = ContinuousClock.now
            #expect(backend.records.count == 1 && backend.openConnections == 1)
            expectSoon("it is closed", within: .seconds(4)) { backend.openConnections == 0 }
            #expect(ContinuousClock.now - idleSince > .milliseconds(700))
            #expect(backend.records.first?.end == .byClient)
            expectOwnAnswer(conversation, "over another one", host: "two.test")
            #expect(backend.records.count == 2)
        }
    }
}
