import Admin
import Lab
import Linux
import Networking
import TestSupport
import Testing

/// Which ports are open, where and for how long.
@Suite struct ListenerTests {
    private let elsewhere = IPAddress(127, 0, 0, 2)

    private func check(_ name: String, _ port: UInt16, endpoints: Int = 1) -> HealthCheck {
        HealthCheck(namespace: "default", name: name, port: port, localEndpoints: endpoints)
    }

    @Test func aPortIsOpenAsLongAsItIsWanted() async throws {
        try await ServedNode.with { node in
            #expect(try node.isRefused(31000))
            for _ in 0..<3 {
                node.serve([self.check("a", 31000), self.check("b", 31001)])
                let connection = try await node.connect(31000)
                let other = try await node.connect(31001)
                #expect(try connection.ask().status == 200)
                #expect(try other.ask().body.contains("\"name\": \"b\""))

                node.serve([self.check("b", 31001)])
                #expect(connection.isClosed())
                for address in [IPAddress.local, .local6] {
                    try await eventually("no listener at \(address)") { try node.isRefused(31000, at: address) }
                }
                #expect(try other.ask().status == 200)
            }
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func aPortMovesToAnotherService() async throws {
        try await ServedNode.with { node in
            node.serve([self.check("a", 31000, endpoints: 1)])
            let connection = try await node.connect(31000)
            #expect(try connection.ask().status == 200)
            node.serve([self.check("b", 31000, endpoints: 2)])
            #expect(connection.isClosed())
            #expect(try await node.ask(31000).body.contains("\"name\": \"b\""))
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func twoServicesWithOnePort() async throws {
        try await ServedNode.with { node in
            node.serve([self.check("b", 31000), self.check("a", 31000)])
            #expect(try await node.ask(31000).body.contains("\"name\": \"a\""))
            node.serve([self.check("b", 31000), self.check("a", 31000, endpoints: 0)])
            try await eventually("the new count") { try node.host.connect(to: .local, port: 31000).ask().status == 503 }
            #expect(
                node.log.lines == [
                    "warning a health check port is claimed twice holder=default/a port=31000 service=default/b"
                ])
            node.serve([self.check("b", 31000)])
            // A connection that the old listener had not accepted yet is reset.
            try await eventually("b") {
                (try? node.host.connect(to: .local, port: 31000).ask().body.contains("\"b\"")) == true
            }
        }
    }

    @Test func aTakenPortIsTriedAgain() async throws {
        try await ServedNode.with { node in
            var holder: EchoServer? = try EchoServer(
                on: node.host, port: 31000, addresses: [.local], transports: [.tcp])
            node.serve([self.check("a", 31000), self.check("b", 31001)], at: [.local, .local6])
            #expect(try await node.ask(31001).status == 200)
            #expect(try await node.ask(31000, at: .local6).status == 200)
            try await Task.sleep(for: .milliseconds(150))
            let warnings = node.log.lines(with: "warning")
            #expect(
                warnings == [
                    "warning a health check port cannot be opened, which is tried again until it can "
                        + "address=127.0.0.1 find=ss -Htlnp 'sport = :31000' port=31000 "
                        + "reason=Address already in use service=default/a"
                ])
            _ = holder
            holder = nil
            try await eventually("the port") { !node.log.lines(with: "notice").isEmpty }
            #expect(try await node.ask(31000).status == 200)
            #expect(node.log.lines.count == 2)
        }
    }

    @Test func aTakenPortThatIsNotWantedAnyMoreIsLeftAlone() async throws {
        try await ServedNode.with { node in
            var holder: EchoServer? = try EchoServer(
                on: node.host, port: 31000, addresses: [.local], transports: [.tcp])
            node.serve([self.check("a", 31000)], at: [.local])
            try await eventually("a warning") { !node.log.lines(with: "warning").isEmpty }
            node.serve([self.check("b", 31001)], at: [.local])
            #expect(try await node.ask(31001).status == 200)
            _ = holder
            holder = nil
            try await Task.sleep(for: .milliseconds(200))
            #expect(try node.isRefused(31000))
        }
    }

    @Test func onlyTheAddressesThatDifferChange() async throws {
        try await ServedNode.with { node in
            node.serve([self.check("a", 31000)], at: [.local])
            let connection = try await node.connect(31000)
            #expect(try node.isRefused(31000, at: self.elsewhere))

            node.serve([self.check("a", 31000)], at: [.local, self.elsewhere])
            let other = try await node.connect(31000, at: self.elsewhere)
            #expect(try other.ask().status == 200)
            #expect(try connection.ask().status == 200)

            node.serve([self.check("a", 31000)], at: [.local, .local6])
            try await eventually("the other address is let go") {
                try other.isClosed() && node.isRefused(31000, at: self.elsewhere)
            }
            #expect(try await node.ask(31000, at: .local6).status == 200)
            #expect(try connection.ask().status == 200)

            // From some addresses to all of them, over the same ports.
            node.serve([self.check("a", 31000)])
            #expect(connection.isClosed())
            #expect(try await node.ask(31000, at: self.elsewhere).status == 200)
            #expect(try await node.ask(31000, at: .local6).status == 200)
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func anAddressThatIsNotThereYetIsTriedAgain() async throws {
        try await ServedNode.with { node in
            let address = IPAddress(192, 0, 2, 7)
            node.serve([self.check("a", 31000)], at: [address])
            try await eventually("a warning") { !node.log.lines(with: "Cannot assign").isEmpty }
            try node.host.shell("ip address add 192.0.2.7/32 dev lo")
            #expect(try await node.ask(31000, at: address).status == 200)
        }
    }

    @Test func theNewestStateWinsWhicheverThreadItComesFrom() async throws {
        try await ServedNode.with { node in
            let thread = try OSThread {
                for round in 0..<500 {
                    node.serve([self.check(round % 2 == 0 ? "a" : "b", 31000 + UInt16(round % 3))])
                }
                node.serve([self.check("c", 31005)])
            }
            #expect(try await node.ask(31005).body.contains("\"name\": \"c\""))
            thread.join()
            for port in UInt16(31000)...31002 { #expect(try node.isRefused(port)) }
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func connectionsAreLimited() async throws {
        var limits = ServerLimits.forTests
        limits.connectionsPerListener = 3
        try await ServedNode.with(limits) { node in
            node.serve([self.check("a", 31000), self.check("b", 31001)])
            var connections: [ByteConversation] = []
            for _ in 0..<3 {
                let connection = try await node.connect(31000)
                #expect(try connection.ask().status == 200)
                connections.append(connection)
            }
            #expect(try await node.connect(31000).isClosed())
            #expect(try await node.ask(31001).status == 200)
            // As soon as one goes another may come.
            connections.removeFirst()
            try await eventually("room") {
                (try? node.host.connect(to: .local, port: 31000).ask().status) == 200
            }
            #expect(try connections.allSatisfy { try $0.ask().status == 200 })
        }
    }

    @Test func connectionsOnWhichNothingIsAnsweredEnd() async throws {
        var limits = ServerLimits.forTests
        limits.idleTimeout = .milliseconds(1500)
        try await ServedNode.with(limits) { node in
            node.serve([self.check("a", 31000)])
            let busy = try await node.connect(31000)
            let idle = try await node.connect(31000)
            let slow = try await node.connect(31000)
            try slow.send("GET / HTTP/1.1\r\n")
            // Without giving the thread away: others may keep it longer than the busy connection may be idle.
            let deadline = ContinuousClock.now + .seconds(20)
            while !idle.isClosed(within: .milliseconds(10)) {
                // A byte now and then is no answer.
                try? slow.send("A")
                _ = try busy.ask()
                try #require(ContinuousClock.now < deadline, "the idle connection does not end")
            }
            #expect(slow.isClosed(within: .milliseconds(300)))
            #expect(try busy.ask().status == 200)
        }
    }

    @Test func whoeverDoesNotReadIsCutOff() async throws {
        try await ServedNode.with { node in
            // Small buffers, so that they are full soon.
            try node.host.setKernelParameters([
                ("net/ipv4/tcp_rmem", "4096 16384 16384"), ("net/ipv4/tcp_wmem", "4096 16384 16384"),
            ])
            node.serve([self.check("a", 31000)])
            let connection = try await node.connect(31000)
            let many = String(repeating: ByteConversation.get, count: 100)
            #expect(throws: SystemError.self) { for _ in 0..<1000 { try connection.send(many) } }
            let reply = try await node.ask(31000)
            #expect(reply.status == 200)
        }
    }

    @Test func shutdownClosesEverything() async throws {
        var connection: ByteConversation?
        var kept: ServedNode?
        try await ServedNode.with { node in
            node.serve([self.check("a", 31000)])
            connection = try await node.connect(31000)
            #expect(try connection?.ask().status == 200)
            kept = node
        }
        #expect(connection?.isClosed() == true)
        let node = try #require(kept)
        #expect(try node.isRefused(31000))
        // Of no effect, and no harm.
        node.serve([self.check("a", 31000)])
        #expect(try node.isRefused(31000))
    }
}
