import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Clients of the userspace balancer who want more than there is.
    @Suite struct ExhaustionFaultTests {
        // MARK: - Descriptors

        @Test func `without descriptors who is connected stays, and others get their turn`() throws {
            let stage = try FaultScene([.greet, .echo], prefix: ["prlimit", "--nofile=400:400"])
            defer { stage.tearDown() }
            try Self.exhaustDescriptors(of: stage)
            let before = try stage.usageAtRest()
            try Self.exhaustDescriptors(of: stage)
            try stage.expectGivenBack("too few descriptors", since: before)
            #expect(stage.scene.fairlead.waitForLog(containing: "LimitNOFILE=") != nil)
        }

        /// Clients come for whom there is no descriptor, and go.
        private static func exhaustDescriptors(of stage: FaultScene) throws {
            let established = try stage.client.converse(with: stage.innocent.clusterIP(.ipv4))
            let flow = try SteadySender(from: stage.client, to: stage.innocent.clusterIP(.ipv4))
            defer { flow.stop() }
            // It has its session before there is none to be had.
            #expect(waitUntil(timeout: .seconds(2)) { flow.replies.count > 1 })
            var greedy = try (0..<400).map { _ in try stage.connect() }
            pause(.milliseconds(500))
            #expect(stage.process.isRunning)
            let served = stage.servers.map(\.openConnections).reduce(0, +)
            print("\(served) of \(greedy.count) connections are relayed; \(try stage.usage())")
            #expect(served > 50 && served < 200, "two descriptors each, of 400")
            #expect(established.isAlive())
            // Connections are not all that this process is for: it is asked how it is, and follows its manifests.
            try expectSoon("told") { try stage.metric("connections_delayed_total") > 0 }
            try stage.scene.put(Application("changed", number: 20, on: [stage.scene.pods[2]]))
            let answers = flow.replies.count
            #expect(waitUntil(timeout: .seconds(2)) { flow.replies.count > answers + 10 })
            for conversation in greedy { try conversation.resetAtEnd() }
            greedy = []
            let innocent = stage.innocent.clusterIP(.ipv4)
            try expectSoon("served again", within: .seconds(5)) {
                try stage.client.probe(.tcp, innocent, timeout: .seconds(1)).isAnswered
            }
            #expect(try stage.client.tally(.tcp, innocent, attempts: 50) == ["pod-3": 50])
            #expect(established.isAlive())
            // It may have sockets of its own.
            try stage.scene.remove("changed")
        }

        // MARK: - UDP

        /// Clients have an address and port each.
        private static func datagrams(_ stage: FaultScene, clients: Int) throws -> DatagramReport {
            try stage.client.exchangeDatagrams(
                with: stage.target, clients: clients, from: Self.sources, firstPort: 50_000,
                payload: Array("hello".utf8), timeout: Sanitizer.bound(.seconds(1)))
        }

        private static let sources = (11...14).map { IPAddress(192, 168, 50, $0) }

        private static func addSources(_ stage: FaultScene) throws -> [DatagramServer] {
            for source in Self.sources { try stage.client.shell("ip address add \(source)/24 dev eth0") }
            return try zip(stage.scene.pods, stage.servers).map { try DatagramServer(on: $0, $1.address, .named) }
        }

        @Test func `fifty thousand UDP clients keep nobody else waiting, and nothing is left of them`() throws {
            let stage = try FaultScene(
                [.greet, .echo], ["--balancer-udp-timeout", "3s", "--balancer-udp-unanswered-timeout", "3s"])
            defer { stage.tearDown() }
            let servers = try Self.addSources(stage)
            defer { for server in servers { server.stop() } }
            try stage.expectHarmless("UDP clients", growth: 64 << 20) {
                let start = ContinuousClock.now
                let clients = Sanitizer.isOn ? 5_000 : 50_000
                let report = try Self.datagrams(stage, clients: clients)
                let sessions = try stage.metric("udp_sessions")
                print("\(report) in \(ContinuousClock.now - start); \(sessions) sessions, \(try stage.usage())")
                // A burst of datagrams may be lost on the way, where nothing is to be dropped by the balancer.
                #expect(report.answered > clients - 100 && report.answeredBy.count == 2, "\(report)")
                let dropped = try stage.metric("udp_datagrams_dropped_total")
                #expect(dropped == 0)
                #expect(report.wrong == 0 && report.doubled == 0 && report.refused == 0, "\(report)")
            }
        }

        @Test func `UDP clients who have all descriptors make way for connections`() throws {
            // They have to be there until the last has come.
            let lifetime = "\(Int(Sanitizer.bound(.seconds(8)) / .seconds(1)))s"
            let stage = try FaultScene(
                [.greet, .echo], prefix: ["prlimit", "--nofile=1024:1024"],
                ["--balancer-udp-timeout", lifetime, "--balancer-udp-unanswered-timeout", lifetime])
            defer { stage.tearDown() }
            let servers = try Self.addSources(stage)
            defer { for server in servers { server.stop() } }
            let report = try Self.datagrams(stage, clients: 3000)
            #expect(report.answered > 2950, "\(report)")
            try expectSoon("they have them") { try stage.metric("udp_sessions") > 500 }
            // They are there for seconds still.
            let open = try (0..<50).map { _ in try stage.client.converse(with: stage.target) }
            for conversation in open { #expect(conversation.isAlive()) }
            #expect(try stage.client.converseByUDP(with: stage.innocent.clusterIP(.ipv4)).exchange().isAnswered)
            try stage.scene.put(Application("changed", number: 20, on: [stage.scene.pods[2]]))
        }

        // MARK: - Slow readers

        @Test func `clients that do not read cost a pipe each, and get every byte once they do`() throws {
            let (count, size) = (24, 1 << 20)
            let stage = try FaultScene([.send(size), .finishSending, .receiveToEnd])
            defer { stage.tearDown() }
            try stage.expectHarmless("slow readers") {
                let slow = try (0..<count).map { _ in try stage.connect(receiveBuffer: 32 << 10) }
                pause(.milliseconds(500))
                let usage = try stage.usage()
                let sent = stage.records.reduce(0) { $0 + $1.sent }
                print("slow readers: \(usage), \(sent >> 20) MiB sent")
                #expect(try stage.metric("pipes") >= count / 2, "they have not been held up")
                #expect(try stage.metric("pipes") <= count + FaultScene.workers * FaultScene.pooledPipes)
                for conversation in slow {
                    let bytes = try conversation.read(size, timeout: .seconds(10))
                    #expect(BytePattern().firstDifference(in: bytes[...], from: 0) == nil)
                    #expect(conversation.ending() == .end)
                }
            }
        }
    }
}
