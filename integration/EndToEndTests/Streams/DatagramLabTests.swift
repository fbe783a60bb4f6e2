import Lab
import Linux
import Networking
import Testing

/// The lab's UDP servers and its many clients.
@Suite struct DatagramLabTests {
    private static let local = IPAddress(127, 0, 0, 1)
    private static let address = SocketAddress(local, 9000)
    private static let payload = BytePattern().bytes(from: 0, count: 1200)

    private func exchange(
        _ manner: DatagramServer.Manner, clients: Int = 20, timeout: Duration = .seconds(2)
    ) throws -> (DatagramReport, [SocketAddress: Int]) {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let server = try DatagramServer(on: sandbox.host, Self.address, name: "one", manner)
        defer { server.stop() }
        let report = try sandbox.host.exchangeDatagrams(
            with: Self.address, clients: clients, from: [Self.local, IPAddress(127, 0, 0, 2)], firstPort: 65_526,
            payload: Self.payload, timeout: timeout)
        return (report, server.peers)
    }

    @Test func everyClientHasAnAddressOfItsOwn() throws {
        let (report, peers) = try self.exchange(.echo)
        #expect([report.answered, report.wrong, report.doubled, report.refused, report.silent] == [20, 0, 0, 0, 0])
        #expect(report.answeredBy.isEmpty)
        #expect(peers.count == 20)
        #expect(peers.values.allSatisfy { $0 == 1 })
        #expect(peers[SocketAddress(Self.local, 65_526)] == 1)
        #expect(peers[SocketAddress(IPAddress(127, 0, 0, 2), 65_535)] == 1)
    }

    @Test func aServerNamesItself() throws {
        let (report, _) = try self.exchange(.named)
        #expect(report.answeredBy == ["one": 20])
        #expect(report.wrong == 0)
    }

    @Test func copiesAndSilenceAreTold() throws {
        let (doubled, _) = try self.exchange(.copies(2), clients: 1)
        #expect(doubled.answered == 1)
        let (silent, peers) = try self.exchange(.silent, timeout: .milliseconds(200))
        #expect([silent.answered, silent.silent] == [0, 20])
        #expect(peers.count == 20)
    }

    @Test func nobodyThereIsARefusal() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let report = try sandbox.host.exchangeDatagrams(
            with: Self.address, clients: 10, from: [Self.local], payload: [1], timeout: .seconds(2))
        #expect([report.refused, report.silent] == [10, 0])
    }

    @Test func thousandsOfClientsGoInWaves() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let server = try DatagramServer(on: sandbox.host, Self.address, .echo)
        defer { server.stop() }
        let report = try sandbox.host.exchangeDatagrams(
            with: Self.address, clients: 5000, from: [Self.local], firstPort: 10_000, payload: [1, 2, 3], wave: 1000,
            timeout: .seconds(10))
        #expect(report.answered == 5000)
        #expect(server.peers.count == 5000)
    }
}
