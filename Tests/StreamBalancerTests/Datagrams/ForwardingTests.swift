import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

@Suite struct DatagramForwardingTests {
    @Test(arguments: AddressFamily.allCases)
    func `datagrams go to the endpoint and answers come back`(family: AddressFamily) throws {
        let stage = try DatagramStage()
        let endpoint = try stage.addEndpoint(family)
        let client = try DatagramClient(of: try stage.serve(family).address)
        client.send("one")
        #expect(stage.turns { _ in endpoint.peers.count == 1 })
        stage.settle()
        #expect(client.texts == ["one"])
        client.send("two")
        client.send("three")
        stage.settle()
        #expect(client.texts == ["two", "three"])
        #expect(Set(endpoint.peers).count == 1, "one session, one port")
        #expect(stage.picker.picks == 1 && stage.picker.clients == [client.address])
        #expect(stage.sessionCount == 1)
        let counters = stage.counters
        #expect(counters.sessions == 1 && counters.datagramsDropped == 0 && counters.answersDropped == 0)
        #expect(counters.datagramsFromClients == 3 && counters.datagramsToEndpoints == 3)
        #expect(counters.datagramsFromEndpoints == 3 && counters.datagramsToClients == 3)
        #expect(counters.bytesFromClients == 11 && counters.bytesFromEndpoints == 11)
    }

    @Test func `each client has a session of its own, and its own answers`() throws {
        let stage = try DatagramStage()
        for _ in 0..<3 { try stage.addEndpoint() }
        let listener = try stage.serve()
        let clients = try (0..<100).map { _ in try DatagramClient(of: listener.address) }
        for round in 0..<3 {
            for (index, client) in clients.enumerated() { client.send("\(round).\(index)") }
            stage.settle()
            for (index, client) in clients.enumerated() { #expect(client.texts == ["\(round).\(index)"]) }
        }
        #expect(stage.sessionCount == 100 && stage.sessionCount(listener.handle) == 100)
        #expect(stage.picker.picks == 100 && stage.picker.openSessions == 100)
        #expect(stage.endpoints.map { Set($0.peers).count }.reduce(0, +) == 100)
    }

    @Test func `a client has a session for each frontend`() throws {
        let stage = try DatagramStage()
        let endpoint = try stage.addEndpoint(of: 1)
        let other = try stage.addEndpoint(of: 2)
        // From one port to both, so that only the frontend tells the sessions apart.
        let client = try EchoEndpoint(at: .anyPort())
        let frontends = [try stage.serve(frontend: 1), try stage.serve(frontend: 2)]
        for frontend in frontends { client.send(Array("hello".utf8), to: frontend.address) }
        #expect(stage.turns { $0.counters.datagramsToClients == 2 })
        stage.settle()
        #expect(endpoint.peers.count == 1 && other.peers.count == 1)
        #expect(frontends.map { stage.sessionCount($0.handle) } == [1, 1])
        var batch = try DatagramBatch(capacity: 4, keepsPeers: true)
        #expect(batch.receive(from: client.socket.number).count == 2)
        #expect(
            Set([batch.peer(0).socketAddress, batch.peer(1).socketAddress]) == Set(frontends.map(\.address)),
            "each answer comes from the address that was asked")
    }

    @Test(arguments: [0, 1, 1_472, 4_096, 4_097, 65_507], [1, 2])
    func `datagrams of every size pass whole`(size: Int, count: Int) throws {
        let stage = try DatagramStage()
        try stage.addEndpoint()
        let client = try DatagramClient(of: try stage.serve().address)
        let datagrams = (0..<count).map { index in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) } }
        for datagram in datagrams { #expect(client.send(datagram) == 0) }
        #expect(stage.turns { $0.counters.datagramsToClients == UInt64(count) })
        stage.settle()
        let received = datagrams.map { _ in client.receive() }
        #expect(datagrams.allSatisfy { received.contains(.bytes($0)) })
        #expect(client.receive() == .nothing)
    }

    @Test func `more than a batch keeps its order`() throws {
        // The kernel promises no order where a thread moves between processors. A wrong one of ours is wrong each time.
        var isInOrder = false
        for _ in 0..<5 where !isInOrder { isInOrder = try Self.passInOrder() }
        #expect(isInOrder)
    }

    private static func passInOrder() throws -> Bool {
        let stage = try DatagramStage()
        try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<3).map { _ in try DatagramClient(of: listener.address) }
        // In runs of one client, and one by one.
        for index in 0..<150 { clients[index / 7 % 3].send("\(index)") }
        for index in 150..<200 { clients[index % 3].send("\(index)") }
        #expect(stage.turns { $0.counters.datagramsToClients == 200 })
        stage.settle()
        return clients.enumerated().allSatisfy { number, client in
            let expected =
                (0..<150).filter { $0 / 7 % 3 == number } + (150..<200).filter { $0 % 3 == number }
            let texts = client.texts
            #expect(Set(texts) == Set(expected.map(String.init)))
            return texts == expected.map(String.init)
        }
    }

    @Test func `an endpoint that says much is heard to the end, and others in between`() throws {
        let stage = try DatagramStage()
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let (client, other) = (try DatagramClient(of: listener.address), try DatagramClient(of: listener.address))
        client.send("hello")
        stage.settle()
        #expect(client.texts == ["hello"])
        let peer = try #require(endpoint.peers.first)
        // More than one turn takes.
        for index in 0..<200 { endpoint.send(Array("\(index)".utf8), to: peer) }
        stage.turn(waiting: 1_000)
        let passed = stage.counters.datagramsToClients - 1
        #expect(passed > 0 && passed < 200)
        other.send("me too")
        #expect(stage.turns { $0.counters.datagramsToClients == 202 })
        stage.settle()
        #expect(Set(client.texts) == Set((0..<200).map(String.init)))
        #expect(other.texts == ["me too"])
    }

    @Test func `a client that has gone disturbs nobody`() throws {
        let stage = try DatagramStage()
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let (gone, stays) = (try DatagramClient(of: listener.address), try DatagramClient(of: listener.address))
        gone.send("a")
        stays.send("b")
        stage.settle()
        #expect(stays.texts == ["b"])
        gone.close()
        for peer in endpoint.peers { for _ in 0..<3 { endpoint.send(Array("c".utf8), to: peer) } }
        stage.settle()
        #expect(stays.texts == ["c", "c", "c"])
        stays.send("d")
        stage.settle()
        #expect(stays.texts == ["d"])
    }
}

extension DatagramBatch.Arrival {
    var count: Int? { if case .datagrams(let count) = self { count } else { nil } }
}
