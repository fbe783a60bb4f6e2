import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

@Suite struct SourcePortTests {
    @Test(
        arguments: [
            ("32768\t60999", 32_768...60_999), ("1024 65535", 1_024...65_535), ("5000\t5000", 5_000...5_000),
            ("60999\t32768", nil), ("", nil), ("32768", nil), ("a\tb", nil), ("1\t70000", nil),
        ] as [(String, ClosedRange<UInt16>?)])
    func `the range of the kernel's setting`(text: String, range: ClosedRange<UInt16>?) {
        #expect(SourcePorts.range(text) == range)
    }

    @Test(
        arguments: [
            ("", []), ("8080", [8_080...8_080]), ("8080,9148-9150", [8_080...8_080, 9_148...9_150]),
            ("x,1-2,9-3", [1...2]),
        ] as [(String, [ClosedRange<UInt16>])])
    func `the reserved ports of the kernel's setting`(text: String, ranges: [ClosedRange<UInt16>]) {
        #expect(SourcePorts.reserved(text) == ranges)
    }

    @Test func `workers share the ports, and each has its own`() {
        let all = (0..<3).map { SourcePorts(100...120, reserved: [103...104, 120...130], worker: $0, of: 3).ports }
        #expect(all.flatMap(\.self).sorted() == Array(100...102) + Array(105...119))
        #expect(all.map(\.count) == [6, 6, 6])
    }

    @Test func `of this host`() {
        let (first, second) = (SourcePorts.ofThisHost(worker: 0, of: 2), SourcePorts.ofThisHost(worker: 1, of: 2))
        #expect(!first.ports.isEmpty && Set(first.ports).isDisjoint(with: second.ports))
    }

    /// Ports that nobody has, and nobody gets by chance: below those that the kernel chooses from.
    private static func freePorts(_ count: Int, from first: UInt16) throws -> SourcePorts {
        let loopback = IPAddress(127, 0, 0, 1)
        let free = (first..<first + 1_000).lazy.filter {
            (try? DatagramListener(at: SocketAddress(loopback, $0), isShared: false)) != nil
        }
        let ports = Array(free.prefix(count))
        let last = try #require(ports.last)
        let others = (first...last).filter { !ports.contains($0) }.map { $0...$0 }
        return SourcePorts(first...last, reserved: others, worker: 0, of: 1)
    }

    @Test func `a port is used once for each endpoint`() throws {
        let stage = try DatagramStage(ports: try Self.freePorts(2, from: 21_000))
        for _ in 0..<3 { try stage.addEndpoint() }
        let listener = try stage.serve()
        let clients = try (0..<6).map { _ in try DatagramClient(of: listener.address) }
        for (index, client) in clients.enumerated() {
            client.send("\(index)")
            stage.settle()
        }
        #expect(stage.sessionCount == 6 && stage.counters.sessionsEvicted == 0)
        for (index, client) in clients.enumerated() { #expect(client.texts == ["\(index)"]) }
        for endpoint in stage.endpoints { #expect(Set(endpoint.peers.map(\.port)).count == 2) }
        #expect(Set(stage.endpoints.flatMap(\.peers)).count == 2, "of two ports")
        for (index, client) in clients.enumerated() { client.send("\(index)") }
        stage.settle()
        for (index, client) in clients.enumerated() { #expect(client.texts == ["\(index)"]) }
    }

    @Test func `with all ports of an endpoint taken, its longest idle session gives way`() throws {
        let stage = try DatagramStage(ports: try Self.freePorts(2, from: 22_000))
        let endpoint = try stage.addEndpoint(of: 1)
        try stage.addEndpoint(of: 2)
        let (full, other) = (try stage.serve(frontend: 1), try stage.serve(frontend: 2))
        let bystander = try DatagramClient(of: other.address)
        bystander.send("1")
        stage.settle()
        let clients = try (0..<3).map { _ in try DatagramClient(of: full.address) }
        for client in clients {
            stage.pass(2_000)
            client.send("1")
            stage.settle()
            #expect(client.texts == ["1"])
        }
        #expect(stage.sessionCount(full.handle) == 2 && stage.sessionCount(other.handle) == 1)
        #expect(stage.counters.sessionsEvicted == 1)
        // The first has lost its own; the second and third have not.
        #expect(endpoint.peers[2] == endpoint.peers[0])
        clients[1].send("2")
        stage.settle()
        #expect(endpoint.peers[3] == endpoint.peers[1])
        #expect(stage.picker.openSessions == 3)
    }

    @Test func `a port that somebody else has is left to him`() throws {
        let ports = try Self.freePorts(1, from: 23_000)
        let stage = try DatagramStage(ports: ports)
        try stage.addEndpoint()
        let client = try DatagramClient(of: try stage.serve().address)
        do {
            let port = try #require(ports.ports.first)
            let holder = try DatagramListener(at: SocketAddress(IPAddress(127, 0, 0, 1), port), isShared: false)
            client.send("1")
            stage.settle()
            #expect(stage.counters.exhaustions == 1 && stage.counters.datagramsDropped == 1)
            #expect(stage.sessionCount == 0 && stage.picker.openSessions == 0)
            #expect(holder.address.port == port)
        }
        // A process that is being started in another test may have the socket still, for a moment.
        let isServed = stage.turns { _ in
            client.send("2")
            return client.text == "2"
        }
        #expect(isServed)
    }

    @Test func `without ports of our own the kernel chooses`() throws {
        let stage = try DatagramStage(ports: SourcePorts(1...1, worker: 0, of: 2))
        try stage.addEndpoint()
        let listener = try stage.serve()
        let clients = try (0..<20).map { _ in try DatagramClient(of: listener.address) }
        for client in clients { client.send("1") }
        stage.settle()
        #expect(clients.allSatisfy { $0.texts == ["1"] })
        #expect(Set(stage.endpoints[0].peers).count == 20)
    }
}
