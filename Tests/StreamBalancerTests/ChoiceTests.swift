import HealthChecking
import KubernetesAPI
import LineSupport
import Networking
import Reactor
import ServiceModel
import Testing

@testable import StreamBalancer

/// Which endpoint gets a connection, and who gets one.
@Suite struct ChoiceTests {
    /// Connections to several endpoints, by which of them got each.
    private static func spread(
        _ count: Int, over endpoints: [TestEndpoint], _ stage: Stage, _ address: StreamAddress,
        keep: (Line, Line, Int) -> Void = { _, _, _ in }
    ) async throws -> [Int] {
        var got = [Int](repeating: 0, count: endpoints.count)
        for _ in 0..<count {
            let client = try stage.connect(address)
            let start = ContinuousClock.now
            search: while true {
                for (index, endpoint) in endpoints.enumerated() {
                    if let server = endpoint.acceptWaiting() {
                        got[index] += 1
                        keep(client, server, index)
                        break search
                    }
                }
                try await Line.wait(since: start, "nobody got it")
            }
        }
        return got
    }

    @Test func `all endpoints get some`() async throws {
        let stage = try Stage()
        let endpoints = try (0..<3).map { _ in try TestEndpoint() }
        let got = try await Self.spread(90, over: endpoints, stage, stage.serve(endpoints))
        // One in three each: below ten of ninety is once in some ten million runs.
        #expect(got.allSatisfy { $0 > 9 })
    }

    @Test func `the least connected one`() async throws {
        let stage = try Stage()
        let endpoints = try (0..<2).map { _ in try TestEndpoint() }
        var policy = StreamPolicy()
        policy.algorithm = .leastConnections
        let address = try stage.serve(endpoints, policy: policy)
        var kept: [(Line, Line)] = []
        let got = try await Self.spread(40, over: endpoints, stage, address) { client, server, _ in
            kept.append((client, server))
        }
        // Two draws that name the same one, four times in a row, are no choice: by chance alone it would be 6 apart and more.
        #expect(abs(got[0] - got[1]) <= 4)
        #expect(kept.count == 40)
    }

    @Test func `session affinity, also over several workers`() async throws {
        let stage = try Stage(workers: 3)
        let endpoints = try (0..<4).map { _ in try TestEndpoint() }
        let address = try stage.serve(endpoints, balancing: .clientIPAffinity(100))
        let got = try await Self.spread(30, over: endpoints, stage, address)
        #expect(got.sorted() == [0, 0, 0, 30])
        // Its endpoint leaves: another one, and again only that.
        let index = got.firstIndex(of: 30) ?? 0
        let left = endpoints.enumerated().filter { $0.offset != index }.map(\.element)
        _ = try stage.serve(left, at: address, balancing: .clientIPAffinity(100))
        #expect(try await Self.spread(10, over: left, stage, address).sorted() == [0, 0, 10])
    }

    @Test func `a hash of the client's address`() async throws {
        let stage = try Stage(workers: 2)
        let endpoints = try (0..<4).map { _ in try TestEndpoint() }
        let address = try stage.serve(endpoints, balancing: .clientIPHash(4_096))
        #expect(try await Self.spread(12, over: endpoints, stage, address).sorted() == [0, 0, 0, 12])
    }

    @Test func `clients from outside go elsewhere, or nowhere`() throws {
        var chooser = EndpointChooser(ClientBook(capacity: 16), seed: 1)
        chooser.detection = ClientDetection(
            podBlocks: [try #require(CIDR("10.244.0.0/16"))], nodeAddresses: [IPAddress(192, 0, 2, 1)])
        let targets = FrontendTargets(main: .refuse, outside: .drop)
        func isOutside(_ client: IPAddress) -> Bool {
            if case .drop = chooser.target(of: client, targets) { true } else { false }
        }
        #expect(isOutside(IPAddress(203, 0, 113, 1)))
        #expect(!isOutside(IPAddress(10, 244, 1, 2)))
        #expect(!isOutside(IPAddress(192, 0, 2, 1)))
        #expect(!isOutside(IPAddress(127, 0, 0, 1)))
    }

    @Test(arguments: [TransportProtocol.tcp, .udp])
    func `who may not come is told nothing`(transport: TransportProtocol) async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let range = try #require(AddressRange(IPAddress(1, 0, 0, 0), IPAddress(126, 255, 255, 255)))
        let free = try Stage.freeAddress()
        let address = StreamAddress(transport, free.address, free.port)
        _ = try stage.serve(Stage.route([endpoint.port]), at: address, sources: [range])
        if transport == .tcp {
            let client = try stage.connect(address)
            #expect(try await client.isSilent(for: .milliseconds(300)))
            #expect(endpoint.acceptWaiting() == nil)
        }
        // And as soon as everybody may come, it does.
        _ = try stage.serve(Stage.route([endpoint.port]), at: address)
        if transport == .tcp {
            try await stage.connect(address).send("x")
            _ = try await endpoint.accept()
        }
        #expect(stage.balancer.report().refused == 0)
    }

    @Test func `where clients are to be told nothing, they are not`() async throws {
        let stage = try Stage()
        let address = try stage.serve(.drop)
        #expect(try await stage.connect(address).isSilent(for: .milliseconds(300)))
        _ = try stage.serve(.refuse, at: address)
        #expect(try await stage.connect(address).end() == .broken(111))
    }

    @Test func `so many connections of a client, and more when some have ended`() async throws {
        let stage = try Stage(workers: 2)
        let endpoint = try TestEndpoint()
        var policy = StreamPolicy()
        policy.connectionsPerClient = 2
        let address = try stage.serve([endpoint], policy: policy)
        let first = try stage.connect(address)
        _ = try await endpoint.accept()
        let second = try stage.connect(address)
        let secondServer = try await endpoint.accept()
        #expect(try await stage.connect(address).end() == .broken(104))
        first.reset()
        try await stage.expectReport("one has ended") { $0.open == 1 && $0.limited == 1 }
        let third = try stage.connect(address)
        let server = try await endpoint.accept()
        try await third.send("x")
        #expect(try await server.read(1) == [120])
        try await second.send("y")
        #expect(try await secondServer.read(1) == [121])
    }

    @Test func `the client is introduced`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        var policy = StreamPolicy()
        policy.sendsProxyProtocol = true
        let address = try stage.serve([endpoint], policy: policy)
        let client = try stage.connect(address)
        let server = try await endpoint.accept()
        // Before the client has said anything.
        let header = try await server.read(28)
        #expect(Array(header[..<16]) == [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12])
        #expect(Array(header[16..<24]) == [127, 0, 0, 1] + address.address.bytes)
        #expect(UInt16(header[26]) << 8 | UInt16(header[27]) == address.port)
        try await client.send("x")
        #expect(try await server.read(1) == [120])
    }

    @Test func `TLS goes where its server name leads, untouched`() async throws {
        // Tests beside this one may hold it up for longer than a client may take by default.
        var limits = StreamLimits()
        limits.helloTimeout = 120_000
        let stage = try Stage(limits)
        let (own, shop, wild) = (try TestEndpoint(), try TestEndpoint(), try TestEndpoint())
        var policy = StreamPolicy()
        policy.serverNames = [
            .init(name: "shop.example", route: Stage.route([shop.port])),
            .init(name: "*.example", route: Stage.route([wild.port])),
            .init(name: "closed.test", route: .refuse),
        ]
        let address = try stage.serve([own], policy: policy)
        for (name, endpoint) in [("shop.example", shop), ("a.example", wild), ("other.test", own)] {
            let hello = ServerNameTests.hello([ServerNameTests.serverName(name)])
            let client = try stage.connect(address)
            // In two pieces.
            try await client.send(Array(hello.prefix(20)))
            try await Task.sleep(for: .milliseconds(20))
            try await client.send(Array(hello.dropFirst(20)))
            #expect(try await endpoint.accept().read(hello.count) == hello, "\(name)")
        }
        let refused = try stage.connect(address)
        try await refused.send(ServerNameTests.hello([ServerNameTests.serverName("closed.test")]))
        #expect(try await refused.end() == .broken(104))
        let plain = try stage.connect(address)
        try await plain.send("GET / HTTP/1.1\r\n\r\n")
        #expect(try await own.accept().read(3) == Array("GET".utf8))
    }

    @Test func `who never says a name is not waited for`() async throws {
        var limits = StreamLimits()
        limits.helloTimeout = 100
        let stage = try Stage(workers: 1, limits)
        var policy = StreamPolicy()
        policy.serverNames = [.init(name: "shop.example", route: .refuse)]
        let client = try stage.connect(try stage.serve([try TestEndpoint()], policy: policy))
        try await client.send([22, 3, 1])
        #expect(try await client.end() == .broken(104))
    }

    @Test func `a dead endpoint is taken out by checks and comes back slowly`() async throws {
        let stage = try Stage()
        let (alive, sick) = (try TestEndpoint(), try TestEndpoint())
        var policy = StreamPolicy()
        policy.healthCheck = HealthCheckPolicy(
            .http(path: "/healthz"), interval: 100, timeout: 10_000, rise: 1, fall: 2)
        policy.slowStart = 400
        let address = try stage.serve([alive, sick], policy: policy)
        // Checks and clients come to the same endpoints: each is answered by what it says.
        func answer(_ line: Line, isWell: Bool) async throws -> Bool {
            let byte = try await line.read(1)
            guard byte == [71] else { return false }
            _ = try await line.read(through: "\r\n\r\n")
            try await line.send("HTTP/1.1 \(isWell ? 200 : 503) x\r\nContent-Length: 0\r\n\r\n")
            line.close()
            return true
        }
        func serve(
            sickIsWell: Bool, until isDone: (HealthReport, _ alive: Int, _ sick: Int) -> Bool
        ) async throws -> (alive: Int, sick: Int) {
            var counts = (alive: 0, sick: 0)
            let start = ContinuousClock.now
            var open: [Line] = []
            while !isDone(stage.balancer.report().health, counts.alive, counts.sick) {
                try await Line.wait(since: start, "\(stage.balancer.report().health), \(counts)")
                let client = try stage.connect(address)
                try await client.send("c")
                open.append(client)
                try await Task.sleep(for: .milliseconds(5))
                while let line = alive.acceptWaiting() {
                    if try await !answer(line, isWell: true) { counts.alive += 1 }
                }
                while let line = sick.acceptWaiting() {
                    if try await !answer(line, isWell: sickIsWell) { counts.sick += 1 }
                }
            }
            return counts
        }
        _ = try await serve(sickIsWell: false) { health, _, _ in health.unhealthyEndpoints == 1 }
        // What was on its way already may still come.
        _ = try await serve(sickIsWell: false) { _, alive, _ in alive >= 5 }
        let without = try await serve(sickIsWell: false) { _, alive, _ in alive >= 30 }
        #expect(without.sick == 0)
        _ = try await serve(sickIsWell: true) { health, _, _ in health.unhealthyEndpoints == 0 }
        _ = try await serve(sickIsWell: true) { _, _, sick in sick >= 10 }
        let with = try await serve(sickIsWell: true) { _, alive, sick in alive + sick >= 60 }
        // Its full share by now: less than ten of sixty at one half is once in some ten million runs.
        #expect(with.sick >= 10)
    }
}
