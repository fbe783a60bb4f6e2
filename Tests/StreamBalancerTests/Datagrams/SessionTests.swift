import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

@Suite struct DatagramSessionTests {
    // MARK: - Endpoints change

    @Test func `sessions of an endpoint that is gone move with their next datagram, others stay`() throws {
        let stage = try DatagramStage()
        let (first, second) = (try stage.addEndpoint(), try stage.addEndpoint())
        let listener = try stage.serve()
        let clients = try (0..<10).map { _ in try DatagramClient(of: listener.address) }
        for client in clients { client.send("1") }
        stage.settle()
        #expect(clients.flatMap(\.texts).count == 10)
        #expect(first.peers.count == 5 && second.peers.count == 5)
        let kept = Set(second.peers)

        stage.picker.endpoints[7] = [second.address]
        stage.update(listener.handle, frontend: 7)
        for client in clients { client.send("2") }
        stage.settle()
        #expect(clients.flatMap(\.texts).count == 10)
        #expect(first.peers.count == 5, "nothing more")
        #expect(second.peers.count == 15)
        #expect(kept.isSubset(of: second.peers.suffix(10)), "who could stay did")
        #expect(stage.counters.sessionsMoved == 5 && stage.picker.picks == 15)
        #expect(stage.sessionCount == 10 && stage.picker.openSessions == 10)
    }

    @Test func `answers of an endpoint that is gone no longer count`() throws {
        let stage = try DatagramStage()
        let (first, second) = (try stage.addEndpoint(), try stage.addEndpoint(of: nil))
        let listener = try stage.serve()
        let client = try DatagramClient(of: listener.address)
        client.send("1")
        stage.settle()
        #expect(client.texts == ["1"])
        let peer = try #require(first.peers.first)
        stage.picker.endpoints[7] = [second.address]
        stage.update(listener.handle, frontend: 7)
        first.send(Array("too late".utf8), to: peer)
        stage.settle()
        #expect(client.receive() == .nothing)
        #expect(stage.sessionCount == 0 && stage.picker.openSessions == 0)
        client.send("2")
        stage.settle()
        #expect(client.texts == ["2"])
        #expect(second.peers.count == 1)
    }

    @Test func `a session that may stay is asked for once`() throws {
        let stage = try DatagramStage()
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let client = try DatagramClient(of: listener.address)
        for text in ["1", "2", "3"] {
            stage.update(listener.handle, frontend: 7)
            client.send(text)
            stage.settle()
            #expect(client.texts == [text])
        }
        #expect(Set(endpoint.peers).count == 1 && stage.picker.picks == 1)
    }

    @Test func `a listener that gets another frontend moves everybody`() throws {
        let stage = try DatagramStage()
        let (first, second) = (try stage.addEndpoint(of: 1), try stage.addEndpoint(of: 2))
        let listener = try stage.serve(frontend: 1)
        let client = try DatagramClient(of: listener.address)
        client.send("1")
        stage.settle()
        stage.update(listener.handle, frontend: 2)
        client.send("2")
        stage.settle()
        #expect(client.texts == ["1", "2"])
        #expect(first.peers.count == 1 && second.peers.count == 1)
    }

    // MARK: - Listeners go

    @Test func `a listener that is withdrawn serves who is there, refuses others, and closes with the last`() throws {
        let stage = try DatagramStage { $0.sessionTimeout = 1_000 }
        try stage.addEndpoint()
        let listener = try stage.serve()
        let (old, new) = (try DatagramClient(of: listener.address), try DatagramClient(of: listener.address))
        old.send("1")
        stage.settle()
        stage.withdraw(listener.handle)
        old.send("2")
        new.send("me")
        stage.settle()
        #expect(old.texts == ["1", "2"])
        #expect(new.receive() == .error(111), "ECONNREFUSED")
        #expect(stage.isOpen(listener.handle))
        stage.pass(1_200)
        #expect(!stage.isOpen(listener.handle))
        stage.settle()
        // The kernel itself says so now.
        old.send("3")
        stage.settle()
        #expect(old.receive() == .error(111))
        #expect(stage.picker.openSessions == 0)
    }

    @Test func `a listener without sessions closes at once`() throws {
        let stage = try DatagramStage()
        let listener = try stage.serve()
        stage.withdraw(listener.handle)
        #expect(!stage.isOpen(listener.handle))
        // The handle names nothing any more, and does no harm.
        stage.update(listener.handle, frontend: 7)
        stage.withdraw(listener.handle)
        stage.close(listener.handle)
        #expect(stage.sessionCount(listener.handle) == 0)
    }

    @Test func `a listener that was withdrawn can be served again`() throws {
        let stage = try DatagramStage()
        try stage.addEndpoint()
        let listener = try stage.serve()
        let (old, new) = (try DatagramClient(of: listener.address), try DatagramClient(of: listener.address))
        old.send("1")
        stage.settle()
        stage.withdraw(listener.handle)
        stage.update(listener.handle, frontend: 7)
        old.send("2")
        new.send("me")
        stage.settle()
        #expect(old.texts == ["1", "2"])
        #expect(new.texts == ["me"])
    }

    @Test func `a listener that is closed takes its sessions with it, and nobody else's`() throws {
        let stage = try DatagramStage()
        try stage.addEndpoint()
        let (closed, stays) = (try stage.serve(), try stage.serve())
        let (gone, client) = (try DatagramClient(of: closed.address), try DatagramClient(of: stays.address))
        gone.send("a")
        client.send("b")
        stage.settle()
        stage.close(closed.handle)
        #expect(!stage.isOpen(closed.handle))
        #expect(stage.sessionCount == 1 && stage.picker.openSessions == 1)
        gone.send("c")
        client.send("d")
        stage.settle()
        #expect(client.texts == ["b", "d"])
        #expect(gone.receive() == .error(111), "what the kernel says where nobody is")
        #expect(gone.texts == ["a"])
    }

    @Test func `draining takes nobody new and ends who is silent`() throws {
        let stage = try DatagramStage()
        try stage.addEndpoint()
        let listener = try stage.serve()
        let (silent, busy, new) = (
            try DatagramClient(of: listener.address), try DatagramClient(of: listener.address),
            try DatagramClient(of: listener.address)
        )
        silent.send("1")
        busy.send("1")
        stage.settle()
        stage.drain()
        #expect(!stage.isDone)
        new.send("me")
        stage.settle()
        #expect(new.receive() == .error(111))
        for _ in 0..<5 {
            stage.pass(500)
            busy.send("2")
            stage.settle()
        }
        #expect(busy.texts == ["1", "2", "2", "2", "2", "2"])
        #expect(stage.sessionCount == 1)
        stage.pass(2_100)
        #expect(stage.isDone && stage.picker.openSessions == 0)
    }

    // MARK: - Time

    @Test func `sessions end after their time without a datagram, answered ones later`() throws {
        let stage = try DatagramStage {
            $0.sessionTimeout = 10_000
            $0.unansweredSessionTimeout = 3_000
        }
        try stage.addEndpoint(of: 1)
        let silent = try DatagramListener(at: .anyPort(), isShared: false)
        stage.picker.endpoints[2] = [silent.address]
        let answered = try DatagramClient(of: try stage.serve(frontend: 1).address)
        let unanswered = try DatagramClient(of: try stage.serve(frontend: 2).address)
        answered.send("a")
        unanswered.send("b")
        stage.settle()
        stage.pass(2_900)
        #expect(stage.sessionCount == 2)
        stage.pass(350)
        #expect(stage.sessionCount == 1, "the unanswered one is over")
        stage.pass(6_500)
        #expect(stage.sessionCount == 1)
        stage.pass(1_000)
        #expect(stage.sessionCount == 0)
        #expect(stage.counters.sessionsExpired == 2 && stage.picker.openSessions == 0)
        // And again.
        answered.send("c")
        stage.settle()
        #expect(answered.texts == ["a", "c"])
        #expect(stage.picker.picks == 3)
    }

    @Test func `a datagram in either direction keeps a session`() throws {
        let stage = try DatagramStage { $0.sessionTimeout = 4_000 }
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let (asks, listens, silent) = (
            try DatagramClient(of: listener.address), try DatagramClient(of: listener.address),
            try DatagramClient(of: listener.address)
        )
        listens.send("1")
        stage.settle()
        let listener2 = try #require(endpoint.peers.first)
        asks.send("1")
        silent.send("1")
        stage.settle()
        for _ in 0..<6 {
            stage.pass(1_500)
            asks.send("2")
            endpoint.send(Array("2".utf8), to: listener2)
            stage.settle()
        }
        #expect(asks.texts.count == 7 && listens.texts.count == 7 && silent.texts.count == 1)
        #expect(stage.sessionCount == 2 && stage.counters.sessionsExpired == 1)
        #expect(stage.picker.picks == 3)
        stage.pass(4_500)
        #expect(stage.sessionCount == 0)
    }

    @Test func `many sessions that end at once do it in turns`() throws {
        let stage = try DatagramStage { $0.sessionTimeout = 1_000 }
        try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<600).map { _ in try DatagramClient(of: listener.address) }
        for (index, client) in clients.enumerated() {
            client.send("x")
            if index % 100 == 99 { stage.settle() }
        }
        #expect(stage.sessionCount == 600)
        stage.now += 5_000
        stage.turn()
        #expect(stage.sessionCount > 0 && stage.sessionCount < 600)
        stage.pass(200)
        #expect(stage.sessionCount == 0 && stage.picker.openSessions == 0)
    }

    // MARK: - Bounds

    @Test func `the session that has been idle longest gives way`() throws {
        let stage = try DatagramStage { $0.maximumSessions = 4 }
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<5).map { _ in try DatagramClient(of: listener.address) }
        for client in clients.prefix(4) {
            client.send("1")
            stage.settle()
            stage.pass(1_500)
        }
        // The first is no longer the one.
        clients[0].send("2")
        stage.settle()
        clients[4].send("1")
        stage.settle()
        #expect(stage.sessionCount == 4 && stage.counters.sessionsEvicted == 1)
        #expect(endpoint.peers.count == 6 && Set(endpoint.peers).count == 5)
        // Who has a session still has the port it had; the second has not.
        for index in [0, 2, 3, 4] {
            clients[index].send("3")
            stage.settle()
        }
        #expect(Set(endpoint.peers).count == 5)
        clients[1].send("3")
        stage.settle()
        #expect(Set(endpoint.peers).count == 6 && stage.picker.openSessions == 4)
        #expect(clients[1].texts == ["1", "3"])
    }

    @Test func `who was active just now is passed over, though the list has it first`() throws {
        let stage = try DatagramStage { $0.maximumSessions = 3 }
        let endpoint = try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<4).map { _ in try DatagramClient(of: listener.address) }
        for client in clients.prefix(3) {
            client.send("1")
            stage.settle()
            stage.pass(32)
        }
        clients[0].send("2")
        stage.settle()
        stage.pass(32)
        clients[3].send("1")
        stage.settle()
        clients[0].send("3")
        stage.settle()
        #expect(Set(endpoint.peers).count == 4, "the first has the session it had")
        #expect(stage.counters.sessionsEvicted == 1)
    }

    @Test func `with room for one only, clients take turns`() throws {
        let stage = try DatagramStage { $0.maximumSessions = 1 }
        try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<3).map { _ in try DatagramClient(of: listener.address) }
        for round in 0..<3 {
            for client in clients {
                client.send("\(round)")
                stage.settle()
                #expect(client.texts == ["\(round)"])
                #expect(stage.sessionCount == 1)
            }
        }
        #expect(stage.counters.sessionsEvicted == 8)
    }
}
