import LineSupport
import Networking
import Reactor
import ServiceModel
import Testing

@testable import StreamBalancer

/// Connections through the balancer, over loopback.
@Suite struct RelayTests {
    /// So that each byte says where it belongs.
    static func pattern(_ count: Int, seed: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) &* 7 ^ seed) }
    }

    /// Where nobody listens.
    private static func deadPort() throws -> UInt16 { try TestEndpoint().port }

    @Test func `bytes go both ways, and each end by itself`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        try await client.send("hello")
        #expect(try await server.read(5) == Array("hello".utf8))
        try await server.send("good day")
        #expect(try await client.read(8) == Array("good day".utf8))
        client.finishWriting()
        #expect(try await server.end() == .closed)
        // The other direction is open still.
        try await server.send("bye")
        server.close()
        let rest = try await client.readToEnd()
        #expect(rest.bytes == Array("bye".utf8))
        #expect(rest.ending == .closed)
    }

    @Test func `an endpoint may speak first`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        try await server.send("220 ready\r\n")
        #expect(try await client.read(through: "\r\n") == "220 ready\r\n")
    }

    @Test func `a client may say all before its endpoint is there`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        try await client.send("all of it")
        client.finishWriting()
        let server = try await endpoint.accept()
        let got = try await server.readToEnd()
        #expect(got.bytes == Array("all of it".utf8))
        try await server.send("answer")
        server.close()
        #expect(try await client.readToEnd().bytes == Array("answer".utf8))
    }

    @Test(arguments: [1, 1_000, 32 << 10, 33_000, 256 << 10, 5_000_000])
    func `every byte arrives, in order, both ways at once`(size: Int) async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        let (up, down) = (Self.pattern(size, seed: 1), Self.pattern(size, seed: 2))
        try await client.send(up, while: server)
        try await server.send(down, while: client)
        client.finishWriting()
        server.finishWriting()
        let (atServer, atClient) = (try await server.readToEnd(), try await client.readToEnd())
        #expect(atServer.bytes == up)
        #expect(atClient.bytes == down)
        #expect(atServer.ending == .closed && atClient.ending == .closed)
        try await stage.expectReport("it is over") { $0.open == 0 && $0.bytesToEndpoints == UInt64(size) }
    }

    @Test func `who does not read holds up who writes, and others not`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let address = try stage.serve([endpoint])
        let slow = try stage.connect(address)
        let server = try await endpoint.accept()
        // More than all buffers on the way hold, of which this side takes nothing for a while.
        let all = Self.pattern(20 << 20, seed: 3)
        try await server.send(all, while: slow, after: .milliseconds(300))
        let other = try stage.connect(address)
        let otherServer = try await endpoint.accept()
        try await other.send("quick")
        #expect(try await otherServer.read(5) == Array("quick".utf8))
        #expect(try await slow.read(all.count) == all)
    }

    @Test func `a reset is passed on as a reset`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let address = try stage.serve([endpoint])
        let client = try stage.connect(address)
        let server = try await endpoint.accept()
        try await client.send("x")
        _ = try await server.read(1)
        client.reset()
        #expect(try await server.end() == .broken(104))

        let second = try stage.connect(address)
        let secondServer = try await endpoint.accept()
        try await second.send("x")
        _ = try await secondServer.read(1)
        secondServer.reset()
        #expect(try await second.end() == .broken(104))
        try await stage.expectReport("all is given back") { $0.open == 0 }
    }

    @Test func `a client's reset is passed on to an endpoint that reads nothing`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        // More than all buffers on the way hold: tcp_rmem is up to 32 MiB (Linux 6.16), and the balancer's grows as it reads.
        await #expect(throws: Line.Problem.self) {
            try await client.send([UInt8](repeating: 0, count: 128 << 20), within: .milliseconds(300))
        }
        client.reset()
        try await stage.expectReport("all is given back") { $0.open == 0 }
        #expect(try await server.readToEnd().ending == .broken(104))
    }

    @Test func `what an endpoint said before it broke off arrives`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        try await server.send("last words")
        #expect(try await client.read(10) == Array("last words".utf8))
        // With bytes that it never read, its close is a reset.
        try await client.send("not read")
        try await Task.sleep(for: .milliseconds(50))
        server.close()
        #expect(try await client.end() == .broken(104))
    }

    @Test func `an endpoint that refuses is passed over`() async throws {
        let stage = try Stage()
        let (first, second) = (try TestEndpoint(), try TestEndpoint())
        let address = try stage.serve(Stage.route([first.port, second.port, try Self.deadPort()]))
        for _ in 0..<30 {
            let client = try stage.connect(address)
            try await client.send("x")
            let start = ContinuousClock.now
            while true {
                if let server = first.acceptWaiting() ?? second.acceptWaiting() {
                    #expect(try await server.read(1) == [120])
                    break
                }
                try await Line.wait(since: start, "nobody got it")
            }
        }
        #expect(stage.balancer.report().unserved == 0)
    }

    @Test func `with no endpoint that answers the client is sent away`() async throws {
        let stage = try Stage()
        let client = try stage.connect(try stage.serve(Stage.route([try Self.deadPort()])))
        #expect(try await client.end() == .broken(104))
        try await stage.expectReport("counted") { $0.unserved == 1 && $0.open == 0 && $0.connectFailures >= 1 }
    }

    @Test func `where nobody is served nobody listens`() async throws {
        let stage = try Stage()
        let address = try stage.serve(.refuse)
        #expect(try await stage.connect(address).end() == .broken(111))
        let endpoint = try TestEndpoint()
        _ = try stage.serve([endpoint], at: address)
        let client = try stage.connect(address)
        try await client.send("x")
        #expect(try await endpoint.accept().read(1) == [120])
        _ = try stage.serve(.refuse, at: address)
        // The workers have it within a turn; who comes before that comes to the endpoint.
        let start = ContinuousClock.now
        while try await stage.connect(address).ending(within: .milliseconds(100)) != .broken(111) {
            try await Line.wait(since: start, "somebody listens")
        }
        // What was there goes on.
        try await client.send("y")
    }

    @Test func `a port that is taken is named, and the rest is served`() async throws {
        let stage = try Stage()
        let endpoint = try TestEndpoint()
        let taken = try TestEndpoint()
        let free = try Stage.freeAddress()
        let blocked = StreamAddress(.tcp, IPAddress(127, 0, 0, 1), taken.port)
        let problems = stage.balancer.apply(
            [blocked, free].map { .serve($0, Stage.frontend($0, Stage.route([endpoint.port]))) },
            clients: ClientDetection())
        #expect(problems.map(\.address) == [blocked])
        #expect(problems[0].description.contains("Service default/web:http: 127.0.0.1:\(taken.port)/tcp"))
        let client = try stage.connect(free)
        try await client.send("x")
        #expect(try await endpoint.accept().read(1) == [120])
    }

    @Test func `an endpoint that leaves keeps what it has and gets nothing new`() async throws {
        let stage = try Stage()
        let (first, second) = (try TestEndpoint(), try TestEndpoint())
        let address = try stage.serve([first])
        let client = try stage.connect(address)
        let server = try await first.accept()
        _ = try stage.serve([second], at: address)
        let next = try stage.connect(address)
        try await next.send("n")
        #expect(try await second.accept().read(1) == [110])
        try await client.send("o")
        #expect(try await server.read(1) == [111])
        stage.withdraw(address)
        try await client.send("k")
        #expect(try await server.read(1) == [107])
    }

    @Test func `idle connections end`() async throws {
        var limits = StreamLimits()
        limits.idleTimeout = 100
        let stage = try Stage(workers: 1, limits)
        let endpoint = try TestEndpoint()
        let client = try stage.connect(try stage.serve([endpoint]))
        let server = try await endpoint.accept()
        #expect(try await client.end() == .broken(104))
        #expect(try await server.end() == .broken(104))
    }

    @Test func `several workers share a port`() async throws {
        let stage = try Stage(workers: 3)
        let endpoint = try TestEndpoint()
        let address = try stage.serve([endpoint])
        for _ in 0..<30 {
            let client = try stage.connect(address)
            try await client.send("x")
            #expect(try await endpoint.accept().read(1) == [120])
        }
        try await stage.expectReport("all are counted") { $0.connections == 30 }
    }
}
