import Lab
import Linux
import Networking
import Testing

/// The lab's servers and clients of TCP, without a balancer between them: what its tests say of the balancer stands on these.
@Suite struct StreamLabTests {
    private static let address = SocketAddress(IPAddress(127, 0, 0, 1), 9000)

    private func withServer<Result>(
        _ steps: [StreamServer.Step], _ body: (Host, StreamServer) throws -> Result
    ) throws -> Result {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let server = try StreamServer(on: sandbox.host, Self.address, name: "one", steps)
        defer { server.stop() }
        return try body(sandbox.host, server)
    }

    @Test(arguments: [0, 1, 65_520, 65_521, 65_522, 1_000_000])
    func everyChangeOfAPatternShows(start: Int) {
        let pattern = BytePattern()
        let bytes = pattern.bytes(from: start, count: 200_000)
        #expect(bytes.count == 200_000)
        #expect(pattern.firstDifference(in: bytes[...], from: start) == nil)
        // Lost: a byte, a buffer, a whole turn of the table. Doubled, foreign.
        for lost in [1, 4096, 65_521, 65_536] {
            #expect(pattern.firstDifference(in: bytes.dropFirst(lost), from: start) != nil, "\(lost) lost")
        }
        #expect(BytePattern(1).firstDifference(in: bytes[...], from: start) != nil)
        var changed = bytes
        changed[150_000] ^= 1
        #expect(pattern.firstDifference(in: changed[...], from: start) == start + 150_000)
    }

    @Test func aTransferIsCheckedToTheByteInBothDirections() throws {
        try self.withServer([.echo]) { host, server in
            let report = try host.transfer(with: Self.address, TransferPlan(sends: 3_000_000))
            #expect(report.isWhole, "\(report)")
            #expect(server.records(satisfy: { $0.first?.end == .byUs }))
            let record = try #require(server.records.first)
            #expect([record.received, record.firstDifference] == [3_000_000, nil])
            #expect(record.clientHasFinished)
        }
    }

    @Test func bothDirectionsGoOnAtOnceAndEndByThemselves() throws {
        try self.withServer([.exchange(2_000_000), .finishSending]) { host, server in
            let first = try host.transfer(with: Self.address, TransferPlan(sends: 1_000_000, receives: 2_000_000))
            #expect(first.isWhole, "\(first)")
            // The server's direction ends first, ours goes on.
            server.script([.send(500_000), .finishSending, .receiveToEnd])
            let second = try host.transfer(with: Self.address, TransferPlan(sends: 700_000, receives: 500_000))
            #expect(second.isWhole, "\(second)")
            #expect(server.records(satisfy: { $0.count == 2 && $0.allSatisfy { $0.end == .byUs } }))
            #expect(server.records.map(\.received) == [1_000_000, 700_000])
            #expect(server.records.allSatisfy { $0.firstDifference == nil })
        }
    }

    @Test func whatIsNotThePatternIsFound() throws {
        try self.withServer([.receive(10), .send(100)]) { host, server in
            var plan = TransferPlan(sends: 10, receives: 100)
            plan.pattern = BytePattern(1)
            let report = try host.transfer(with: Self.address, plan)
            #expect(report.firstDifference == 0)
            #expect(!report.isWhole)
            #expect(server.records.first?.firstDifference == 0)
            // One byte less than was expected.
            plan = TransferPlan(sends: 10, receives: 101)
            #expect(try host.transfer(with: Self.address, plan).isWhole == false)
        }
    }

    @Test func aServerGreetsAsAnEchoServer() throws {
        try self.withServer([.greet, .echo]) { host, _ in
            var plan = TransferPlan(sends: 5)
            plan.isGreeted = true
            let report = try host.transfer(with: Self.address, plan)
            #expect(report.isWhole)
            #expect(report.greeting?.server == "one")
            #expect(report.greeting?.local == Self.address)
            #expect(try host.tcp(to: Self.address.address, port: Self.address.port).server == "one")
        }
    }

    @Test func aResetIsNoEnd() throws {
        try self.withServer([.receive(1000), .send(1000), .reset]) { host, server in
            let report = try host.transfer(with: Self.address, TransferPlan(sends: 1000, receives: 1000))
            #expect(report.ending == .reset)
            #expect(!report.isWhole)
            server.script([.send(1), .wait(.milliseconds(20)), .close])
            let conversation = try host.connect(to: Self.address.address, port: Self.address.port)
            #expect(try conversation.read(1) == BytePattern().bytes(from: 0, count: 1))
            #expect(conversation.ending() == .end)
            // Unread bytes make a reset of a close.
            try host.connect(to: Self.address.address, port: Self.address.port).send("unread")
            #expect(server.records(satisfy: { $0.count == 3 && $0.allSatisfy { $0.end != nil } }))
        }
    }

    @Test func aResetOfTheClientIsToldFromItsEnd() throws {
        try self.withServer([.receiveToEnd]) { host, server in
            do {
                let conversation = try host.connect(to: Self.address.address, port: Self.address.port)
                try conversation.send("half")
                #expect(server.records(satisfy: { $0.first?.received == 4 }))
                try conversation.resetAtEnd()
            }
            #expect(server.records(satisfy: { $0.first?.end == .byClientReset }))
            #expect(server.records.first?.clientHasFinished == false)
            server.script([.hang])
            do {
                let conversation = try host.connect(to: Self.address.address, port: Self.address.port)
                #expect(conversation.ending(within: .milliseconds(50)) == nil)
                try conversation.resetAtEnd()
            }
            #expect(server.records(satisfy: { $0.last?.end == .byClientReset }))
        }
    }

    @Test func aServerThatHangsSaysAndTakesNothing() throws {
        try self.withServer([.receive(10), .hang]) { host, server in
            var plan = TransferPlan(sends: 16 << 20)
            plan.halfCloses = false
            let report = try host.transfer(with: Self.address, plan, timeout: .milliseconds(300))
            #expect(report.ending == .timedOut)
            #expect(report.received == 0)
            #expect(report.sent < plan.sends)
            #expect(server.records.first?.received == 10)
            #expect(server.openConnections == 1)
        }
    }

    @Test func aServerThatDiesResetsAndRefuses() throws {
        try self.withServer([.greet, .echo]) { host, server in
            let conversation = try host.converse(with: Self.address.address, port: Self.address.port)
            let raw = try host.connect(to: Self.address.address, port: Self.address.port)
            _ = try raw.read(1)
            server.die()
            #expect(raw.ending() == .reset)
            #expect(!conversation.isAlive(timeout: .milliseconds(500)))
            #expect(try host.tcp(to: Self.address.address, port: Self.address.port).isRefused)
            server.listen()
            #expect(try host.tcp(to: Self.address.address, port: Self.address.port).isAnswered)
        }
    }

    @Test func aFullQueueAnswersNobody() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        do {
            let full = try FullBacklog(on: sandbox.host, Self.address)
            let result = try sandbox.host.tcp(
                to: Self.address.address, port: Self.address.port, timeout: .milliseconds(300))
            #expect(result == .timedOut)
            withExtendedLifetime(full) {}
        }
        #expect(try sandbox.host.tcp(to: Self.address.address, port: Self.address.port).isRefused)
    }

    @Test func slowReadersHoldUpTheSender() throws {
        try self.withServer([.exchange(4 << 20)]) { host, server in
            var plan = TransferPlan(sends: 0, receives: 4 << 20)
            plan.readSize = 1000
            plan.readPause = .milliseconds(10)
            plan.receiveBuffer = 8 << 10
            let report = try host.transfer(with: Self.address, plan, timeout: .milliseconds(400))
            #expect(report.ending == .timedOut)
            #expect(report.received > 0 && report.received <= 41_000)
            #expect(report.firstDifference == nil)
            server.script([.readSlowly(1000, every: .milliseconds(10)), .receiveToEnd])
            let other = try host.transfer(
                with: Self.address, TransferPlan(sends: 16 << 20, receives: 0), timeout: .milliseconds(400))
            #expect(other.ending == .timedOut)
            #expect(other.sent < 16 << 20)
            let received = try #require(server.records.last?.received)
            #expect(received > 0 && received <= 60_000)
        }
    }
}
