import Linux
import Networking
import Reactor
import StreamBalancer
import Testing

@Suite struct DatagramErrorTests {
    private static let refused = DatagramClient.Answer.error(111)  // ECONNREFUSED

    /// Where nobody is.
    private static func emptyAddress(_ family: AddressFamily) throws -> SocketAddress {
        try DatagramListener(at: .anyPort(family), isShared: false).address
    }

    @Test(arguments: AddressFamily.allCases)
    func `an endpoint that is not there is told to the client, whose next datagram may go elsewhere`(
        family: AddressFamily
    ) throws {
        let stage = try DatagramStage()
        let gone = try Self.emptyAddress(family)
        stage.picker.endpoints[7] = [gone]
        let endpoint = try stage.addEndpoint(family)
        let client = try DatagramClient(of: try stage.serve(family).address)
        client.send("1")
        #expect(stage.turns { $0.counters.errorsTold == 1 })
        stage.settle()
        #expect(client.receive() == Self.refused)
        #expect(stage.picker.failures == [UInt64(gone.port)])
        #expect(stage.sessionCount == 0 && stage.picker.openSessions == 0)
        client.send("2")
        stage.settle()
        #expect(client.texts == ["2"])
        #expect(endpoint.peers.count == 1 && stage.counters.endpointErrors == 1)
    }

    @Test func `an error that waits on the socket does not cost the next datagram`() throws {
        let stage = try DatagramStage()
        let gone = try Self.emptyAddress(.ipv4)
        let endpoint = try stage.addEndpoint()
        stage.picker.endpoints[7] = [gone, endpoint.address, endpoint.address]
        let listener = try stage.serve()
        let (client, other) = (try DatagramClient(of: listener.address), try DatagramClient(of: listener.address))
        client.send("1")
        stage.listen(listener.handle, until: 1)
        other.send("other")
        stage.listen(listener.handle, until: 2)
        // Nobody looks at the session, where the error is by now.
        if var pause = try? EventLoop() { pause.wait(milliseconds: 100) }
        client.send("2")
        stage.listen(listener.handle, until: 3)
        stage.settle()
        #expect(client.receive() == Self.refused)
        #expect(client.texts == ["2"])
        #expect(other.texts == ["other"])
        #expect(stage.picker.failures == [UInt64(gone.port)] && stage.picker.openSessions == 2)
    }

    @Test func `what the endpoint said before it went is passed on before the error`() throws {
        let stage = try DatagramStage()
        let client = try DatagramClient(of: try stage.serve().address)
        var endpoint: EchoEndpoint? = try EchoEndpoint(at: .anyPort())
        let address = try #require(endpoint?.address)
        stage.picker.endpoints[7] = [address]
        client.send("1")
        stage.settle()
        endpoint?.answer()
        stage.settle()
        #expect(client.texts == ["1"])
        let peer = try #require(endpoint?.peers.first)
        endpoint?.send(Array("last words".utf8), to: peer)
        endpoint = nil
        // The client's datagram is refused while the answer waits.
        client.send("2")
        stage.settle()
        #expect(client.receive() == Self.refused, "which the kernel says first")
        #expect(client.texts == ["last words"])
        #expect(stage.counters.errorsTold == 1)
    }

    @Test(arguments: AddressFamily.allCases)
    func `where there is nobody the client is told, or not, as the picker says`(family: AddressFamily) throws {
        let stage = try DatagramStage()
        let listener = try stage.serve(family)
        let client = try DatagramClient(of: listener.address)
        client.send("1")
        stage.settle()
        #expect(client.receive() == .nothing)
        stage.picker.otherwise = .refuse
        client.send("2")
        stage.settle()
        #expect(client.receive() == Self.refused)
        let counters = stage.counters
        #expect(counters.datagramsDropped == 2 && counters.errorsTold == 1 && counters.errorsUntold == 0)
        #expect(stage.sessionCount == 0)
    }

    @Test func `no more errors are told than are allowed`() throws {
        let stage = try DatagramStage()
        stage.picker.otherwise = .refuse
        let clients = [try EchoEndpoint(at: .anyPort()), try EchoEndpoint(at: .anyPort())]
        let listener = try stage.serve()
        // Datagrams of one client that come together are told of once.
        for _ in 0..<12 {
            for index in 0..<100 { clients[index % 2].send([1], to: listener.address) }
            stage.settle()
        }
        #expect(stage.counters.errorsTold == 1_000 && stage.counters.errorsUntold > 100)
        // In time there are more.
        stage.pass(16)
        for index in 0..<200 { clients[index % 2].send([1], to: listener.address) }
        stage.settle()
        #expect(stage.counters.errorsTold == 1_160)
    }

    @Test func `a way that is closed is told as well`() throws {
        let stage = try DatagramStage()
        // Without SO_BROADCAST: EACCES.
        stage.picker.endpoints[7] = [SocketAddress(IPAddress(255, 255, 255, 255), 9)]
        let client = try DatagramClient(of: try stage.serve().address)
        client.send("1")
        stage.settle()
        #expect(client.receive() == .error(113), "EHOSTUNREACH, which is what it makes of code 13")
        #expect(stage.picker.failures == [9] && stage.picker.openSessions == 0)
        #expect(stage.sessionCount == 0 && stage.counters.datagramsDropped == 1)
    }
}
