import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// What goes wrong with endpoints of the userspace balancer, and with clients: nothing is left over, and nobody else notices.
    @Suite struct FaultTests {
        // MARK: - Connecting

        @Test(arguments: AddressFamily.allCases)
        func `a connection that one endpoint refuses goes to another`(family: AddressFamily) throws {
            let stage = try FaultScene([.greet, .echo], family: family)
            defer { stage.tearDown() }
            try stage.expectHarmless("an endpoint refuses") {
                let failures = try stage.metric("endpoint_connect_failures_total")
                stage.servers[0].refuse()
                #expect(try stage.client.tally(.tcp, stage.target, attempts: 200) == ["pod-2": 200])
                // Otherwise it has not been asked.
                try expectSoon("refused") { try stage.metric("endpoint_connect_failures_total") > failures + 20 }
                stage.servers[0].listen()
                #expect((try stage.client.tally(.tcp, stage.target, attempts: 100)["pod-1"] ?? 0) > 10)
            }
            #expect(try stage.metric("connections_unserved_total") == 0)
        }

        @Test func `a connection that one endpoint leaves unanswered goes to another, and others do not wait`() throws {
            let patience = Duration.milliseconds(300)
            let stage = try FaultScene([.greet, .echo], ["--balancer-connect-timeout", "300ms"])
            defer { stage.tearDown() }
            stage.servers[0].refuse()
            let silent = try FullBacklog(on: stage.scene.pods[0], stage.servers[0].address)
            try stage.expectHarmless("an endpoint hangs") {
                let load = try LoadGenerator(
                    from: stage.client, to: stage.target.address, port: stage.target.port, rate: 50,
                    duration: .seconds(2), timeout: .seconds(10))
                let report = load.finish()
                #expect(report.failed == 0 && report.answeredBy == ["pod-2": 100], "\(report)")
                #expect(report.slowest >= patience && report.slowest < .seconds(5), "\(report)")
            }
            #expect(try stage.metric("connections_unserved_total") == 0)
            withExtendedLifetime(silent) {}
        }

        @Test func `who is left by all endpoints is reset, and may come again`() throws {
            let stage = try FaultScene([.greet, .echo])
            defer { stage.tearDown() }
            try stage.expectHarmless("nobody is there") {
                for server in stage.servers { server.refuse() }
                for _ in 0..<100 { #expect(try stage.client.probe(.tcp, stage.target) == .reset) }
                for server in stage.servers { server.listen() }
                try expectAnswered([stage.client], stage.target, over: [.tcp])
            }
        }

        // MARK: - In the middle

        /// Bytes that no client takes before it reads.
        private static let endless = 256 << 20

        @Test func `a client learns that its endpoint has reset the connection`() throws {
            let stage = try FaultScene([.send(Self.endless)])
            defer { stage.tearDown() }
            try stage.expectHarmless("endpoints reset") {
                for _ in 0..<10 {
                    let reader = try stage.connect()
                    let bytes = try reader.read(1 << 20)
                    #expect(BytePattern().firstDifference(in: bytes[...], from: 0) == nil)
                    for server in stage.servers { server.resetConnections() }
                    #expect(reader.ending() == .reset)
                }
                // Who has not read yet learns it after what came before.
                let idle = try (0..<10).map { _ in try stage.connect() }
                pause(.milliseconds(200))
                for server in stage.servers { server.resetConnections() }
                for conversation in idle { #expect(conversation.ending(within: .seconds(5)) == .reset) }
            }
        }

        @Test func `an endpoint learns that its client has reset the connection`() throws {
            let stage = try FaultScene([.receiveToEnd])
            defer { stage.tearDown() }
            try stage.expectHarmless("clients reset") {
                for _ in 0..<10 {
                    let conversation = try stage.connect()
                    let before = stage.received
                    try conversation.send([1])
                    let hasArrived = waitUntil(timeout: .seconds(5)) { stage.received == before + 1 }
                    #expect(hasArrived)
                    try conversation.resetAtEnd()
                }
                let isTold = waitUntil(timeout: .seconds(5)) {
                    stage.records.allSatisfy { $0.end == .byClientReset }
                }
                #expect(isTold, "\(stage.records)")
                #expect(stage.records.allSatisfy { !$0.clientHasFinished })
            }
        }

        /// What is on its way to an endpoint that reads nothing can never be passed on: it must not keep two connections open.
        @Test func `an endpoint that reads nothing learns that its client has reset the connection`() throws {
            let stage = try FaultScene([.hang])
            defer { stage.tearDown() }
            // More than all buffers on the way hold: tcp_rmem is up to 32 MiB since Linux 6.16.
            let much = [UInt8](repeating: 0, count: 128 << 20)
            try stage.expectHarmless("clients of endpoints that do not read reset") {
                for _ in 0..<5 {
                    let conversation = try stage.connect()
                    #expect(throws: LabError.self, "it was taken") {
                        try conversation.send(much, timeout: .milliseconds(300))
                    }
                    try conversation.resetAtEnd()
                }
                let isTold = waitUntil(timeout: .seconds(5)) {
                    !stage.records.isEmpty && stage.records.allSatisfy { $0.end == .byClientReset }
                }
                #expect(isTold, "\(stage.records)")
            }
        }

        @Test func `an endpoint that dies takes its clients with it, and new ones go to the rest`() throws {
            let stage = try FaultScene([.greet, .echo])
            defer { stage.tearDown() }
            try stage.expectHarmless("an endpoint dies") {
                let target = stage.target
                let open = try (0..<20).map { _ in try stage.client.converse(with: target) }
                let lost = open.filter { $0.answer.server == "pod-1" }
                let kept = open.filter { $0.answer.server == "pod-2" }
                #expect(lost.count + kept.count == 20 && lost.count > 3 && kept.count > 3)
                stage.servers[0].die()
                #expect(try stage.client.tally(.tcp, target, attempts: 50) == ["pod-2": 50])
                for conversation in lost {
                    let start = ContinuousClock.now
                    #expect(!conversation.isAlive())
                    #expect(ContinuousClock.now - start < .seconds(1), "cut, and not silent")
                }
                for conversation in kept { #expect(conversation.isAlive()) }
                stage.servers[0].listen()
            }
        }

        @Test func `an endpoint that ends while it sends ends its clients' connections properly`() throws {
            let size = 1 << 20
            let stage = try FaultScene([.send(size), .close])
            defer { stage.tearDown() }
            try stage.expectHarmless("endpoints end") {
                for _ in 0..<10 {
                    let conversation = try stage.connect()
                    let bytes = try conversation.read(size)
                    #expect(BytePattern().firstDifference(in: bytes[...], from: 0) == nil)
                    #expect(conversation.ending() == .end)
                }
            }
        }
    }
}
