import LineSupport
import Networking
import Reactor
import ServiceModel
import Testing

@testable import StreamBalancer

/// UDP through the whole balancer, over loopback.
@Suite struct DatagramServiceTests {
    private static func address() throws -> StreamAddress {
        let free = try Stage.freeAddress()
        return StreamAddress(.udp, free.address, free.port)
    }

    private static func client(_ address: StreamAddress) throws -> DatagramClient {
        try DatagramClient(of: SocketAddress(address.address, address.port))
    }

    private static func route(_ endpoints: [EchoEndpoint]) -> Route { Stage.route(endpoints.map(\.address.port)) }

    /// What comes back; the endpoints answer by themselves.
    private static func exchange(
        _ text: String, _ client: DatagramClient, _ endpoints: [EchoEndpoint]
    ) async throws -> DatagramClient.Answer {
        client.send(text)
        let start = ContinuousClock.now
        while true {
            for endpoint in endpoints { endpoint.answer() }
            let answer = client.receive()
            if answer != .nothing { return answer }
            try await Line.wait(since: start, "no answer to \(text)")
        }
    }

    private static func bytes(_ text: String) -> DatagramClient.Answer { .bytes(Array(text.utf8)) }

    @Test func `a session stays with its endpoint, and moves when that leaves`() async throws {
        let stage = try Stage(workers: 2)
        let endpoints = try (0..<3).map { _ in try EchoEndpoint(at: .anyPort) }
        let address = try stage.serve(Self.route(endpoints), at: try Self.address())
        let client = try Self.client(address)
        for number in 0..<10 {
            #expect(try await Self.exchange("\(number)", client, endpoints) == Self.bytes("\(number)"))
        }
        let used = endpoints.filter { !$0.peers.isEmpty }
        #expect(used.count == 1)
        #expect(Set(used[0].peers).count == 1)
        let left = endpoints.filter { $0 !== used[0] }
        _ = try stage.serve(Self.route(left), at: address)
        // The worker has it within a turn.
        let start = ContinuousClock.now
        while left.allSatisfy(\.peers.isEmpty) {
            client.send("next")
            for endpoint in endpoints { endpoint.answer() }
            try await Line.wait(since: start, "the session stays")
        }
        try await stage.expectReport("moved") { $0.datagrams.sessionsMoved == 1 && $0.sessions == 1 }
    }

    @Test func `session affinity spans a client's ports`() async throws {
        let stage = try Stage(workers: 2)
        let endpoints = try (0..<4).map { _ in try EchoEndpoint(at: .anyPort) }
        let address = try stage.serve(
            Self.route(endpoints), at: try Self.address(), balancing: .clientIPAffinity(100))
        for number in 0..<12 {
            let client = try Self.client(address)
            #expect(try await Self.exchange("\(number)", client, endpoints) == Self.bytes("\(number)"))
        }
        #expect(endpoints.count { !$0.peers.isEmpty } == 1)
    }

    // Descriptors are of a whole process, so this one has one of its own.
    @Test func `connections that find no descriptor leave the few sessions there are alone`() async {
        await #expect(processExitsWith: .success) {
            var limits = StreamLimits()
            limits.leaveDescriptors(of: 1_024)
            let stage = try Stage(limits)
            // At the same port by TCP and UDP.
            let greeter = try TestEndpoint()
            let endpoint = try EchoEndpoint(at: SocketAddress(IPAddress(127, 0, 0, 1), greeter.port))
            // Addresses that are counted are those of the process that began this one, too.
            let address = StreamAddress(.udp, IPAddress(127, 78, 0, 2), 8_080)
            let target = StreamAddress(.tcp, address.address, address.port)
            _ = try stage.serve([greeter], at: target)
            _ = try stage.serve(Self.route([endpoint]), at: address)
            let client = try Self.client(address)
            #expect(try await Self.exchange("1", client, [endpoint]) == Self.bytes("1"))
            // Others are faster.
            var taken = try (0..<limits.descriptorCeiling).map { _ in try EchoEndpoint(at: .anyPort) }
            // By this one the worker learns of it; then it has no connection.
            let first = try stage.connect(target)
            try await stage.expectReport("connected") { $0.open == 1 }
            first.reset()
            try await stage.expectReport("gone") { $0.open == 0 && $0.connections == 1 }
            let second = try stage.connect(target)
            try await stage.expectReport("waits") { $0.delayed > 2 || $0.datagrams.sessionsEvicted > 0 }
            #expect(try await Self.exchange("2", client, [endpoint]) == Self.bytes("2"))
            #expect(stage.balancer.report().datagrams.sessionsEvicted == 0)
            withExtendedLifetime(taken) {}
            taken = []
            try await stage.expectReport("has its turn") { $0.connections == 2 && $0.open == 1 }
            withExtendedLifetime(second) {}
        }
    }

    @Test func `where nobody is left the client is refused`() async throws {
        let stage = try Stage()
        let endpoint = try EchoEndpoint(at: .anyPort)
        let address = try stage.serve(Self.route([endpoint]), at: try Self.address())
        let client = try Self.client(address)
        #expect(try await Self.exchange("x", client, [endpoint]) == Self.bytes("x"))
        _ = try stage.serve(.refuse, at: address)
        let start = ContinuousClock.now
        // ECONNREFUSED, of the host itself. What comes between may be answered or lost.
        while client.receive() != .error(111), client.send("y") != 111 {
            endpoint.answer()
            try await Line.wait(since: start, "still served")
        }
        try await stage.expectReport("forgotten") { $0.sessions == 0 }
    }

    @Test func `so many sessions of a client`() async throws {
        let stage = try Stage()
        let endpoint = try EchoEndpoint(at: .anyPort)
        var policy = StreamPolicy()
        policy.connectionsPerClient = 2
        let address = try stage.serve(Self.route([endpoint]), at: try Self.address(), policy: policy)
        let clients = try (0..<3).map { _ in try Self.client(address) }
        for client in clients.prefix(2) {
            #expect(try await Self.exchange("x", client, [endpoint]) == Self.bytes("x"))
        }
        clients[2].send("x")
        try await stage.expectReport("dropped") { $0.datagrams.datagramsDropped == 1 && $0.sessions == 2 }
        #expect(clients[2].receive() == .nothing)
    }

    @Test func `a withdrawn address is another's`() async throws {
        let stage = try Stage()
        let endpoint = try EchoEndpoint(at: .anyPort)
        let address = try stage.serve(Self.route([endpoint]), at: try Self.address())
        #expect(try await Self.exchange("x", try Self.client(address), [endpoint]) == Self.bytes("x"))
        #expect(stage.balancer.openConnections(at: address.address) == 1)
        stage.withdraw(address)
        let start = ContinuousClock.now
        while stage.balancer.openConnections(at: address.address) > 0 {
            try await Line.wait(since: start, "still there")
        }
        // Alone, as it was with others.
        _ = try DatagramListener(at: SocketAddress(address.address, address.port), isShared: false)
    }
}
