import Lab
import Linux
import Networking
import Testing

/// The load of the balancer's benchmark: its figures are only worth what these are.
@Suite struct MeasuredStreamsTests {
    private static let backend = SocketAddress(IPAddress(127, 0, 0, 1), 8000)
    /// Where nobody is.
    private static let nobody = SocketAddress(IPAddress(127, 0, 0, 1), 8001)

    private func run(
        _ kind: MeasuredStreams.Kind, connections: Int, to target: SocketAddress = backend
    ) throws -> MeasuredStreams.Report {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        return try sandbox.host.run {
            var load = try MeasuredStreams(to: target, backend: Self.backend, kind, connections: connections)
            return try load.run(seconds: 1)
        }
    }

    @Test(arguments: [
        MeasuredStreams.Kind.download(write: 4096), .download(write: 256 << 10), .upload(write: 4096),
        .upload(write: 256 << 10),
    ])
    func bulkFlowsAllTheTime(kind: MeasuredStreams.Kind) throws {
        let report = try self.run(kind, connections: 3)
        #expect(report.failed == 0)
        #expect(report.count > 10 << 20)
        #expect(report.seconds >= 1)
    }

    @Test(arguments: [MeasuredStreams.Kind.exchange(64), .exchange(16 << 10), .connection(64)])
    func everyExchangeIsCountedWithItsTime(kind: MeasuredStreams.Kind) throws {
        let report = try self.run(kind, connections: 8)
        #expect(report.failed == 0)
        #expect(report.count > 100)
        #expect(report.latency.count == report.count)
        #expect(report.latency.percentile(0.5) > 0)
    }

    @Test func eachConnectionOfManyIsUsedOnceAndHeld() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.run {
            var load = try MeasuredStreams(to: Self.backend, backend: Self.backend, .exchange(64), connections: 300)
            let report = try load.exchangeOnce()
            #expect([report.count, report.failed, report.latency.count] == [300, 0, 300])
            let established = try sandbox.host.shell("ss -Htn state established sport = :8000 | wc -l")
            #expect(established == "300\n")
            withExtendedLifetime(load) {}
        }
    }

    @Test func connectionsThatFailAreNotCounted() throws {
        // Refused, until there have been too many.
        let report = try self.run(.connection(64), connections: 4, to: Self.nobody)
        #expect(report.count == 0)
        #expect(report.failed > 0)
        #expect(throws: LabError.self) { try self.run(.exchange(64), connections: 1, to: Self.nobody) }
    }

    @Test func aProxyThatCutsConnectionsIsNoticed() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let cutter = try StreamServer(on: sandbox.host, Self.nobody, [.receive(64), .send(10), .reset])
        defer { cutter.stop() }
        try sandbox.host.run {
            var load = try MeasuredStreams(to: Self.nobody, backend: Self.backend, .exchange(64), connections: 5)
            let report = try load.run(seconds: 1)
            #expect([report.count, report.failed] == [0, 5])
        }
    }

    @Test(arguments: [64, 1200])
    func datagramsComeBack(size: Int) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.run {
            var load = try MeasuredDatagrams(to: Self.backend, backend: Self.backend, clients: 32, size: size)
            let report = try load.run(concurrency: 16, seconds: 1)
            #expect(report.lost == 0)
            #expect(report.count > 1000)
            #expect(report.latency.count == report.count)
        }
    }

    @Test func datagramsThatGoNowhereAreLost() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let silent = try DatagramServer(on: sandbox.host, Self.nobody, .silent)
        defer { silent.stop() }
        try sandbox.host.run {
            var load = try MeasuredDatagrams(to: Self.nobody, backend: Self.backend, clients: 8, size: 64)
            let report = try load.run(concurrency: 4, seconds: 1)
            #expect(report.count == 0)
            // Four at a time, each given up after a quarter of a second.
            #expect((4...16).contains(report.lost))
        }
        // A copy too many, or one that comes too late, is not counted.
        let doubling = try DatagramServer(on: sandbox.host, SocketAddress(IPAddress(127, 0, 0, 2), 8001), .copies(2))
        defer { doubling.stop() }
        try sandbox.host.run {
            var load = try MeasuredDatagrams(to: doubling.address, backend: Self.backend, clients: 8, size: 64)
            let report = try load.run(concurrency: 4, seconds: 1)
            #expect(report.lost == 0)
            #expect(report.count <= doubling.datagrams)
        }
    }
}
