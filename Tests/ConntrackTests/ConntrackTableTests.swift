import Conntrack
import Lab
import Linux
import Networking
import Testing

/// The connection table of the real kernel, in namespaces of their own.
@Suite(.serialized)
struct ConntrackTableTests {
    private static let port: UInt16 = 80
    private static let endpointPort: UInt16 = 8080

    private static func serviceAddress(_ family: AddressFamily) -> IPAddress {
        family == .ipv4 ? IPAddress(10, 96, 0, 10) : IPAddress(ipv6High: 0xfd00 << 48, low: 0x10)
    }

    /// A Service on loopback whose one endpoint is the sandbox itself, or another address of it.
    private static func translatedSandbox() throws -> Sandbox {
        let sandbox = try Sandbox()
        try sandbox.host.shell("ip addr add 10.96.0.10/32 dev lo; ip addr add fd00::10/128 dev lo nodad")
        try Self.translate(sandbox, ipv4: "127.0.0.1", ipv6: "::1")
        return sandbox
    }

    private static func translate(_ sandbox: Sandbox, ipv4: String, ipv6: String) throws {
        try sandbox.host.shell(
            """
            nft -f - <<'END'
            table inet translation
            delete table inet translation
            table inet translation {
                chain output {
                    type nat hook output priority -100;
                    meta l4proto { tcp, udp } ip daddr 10.96.0.10 th dport 80 dnat ip to \(ipv4):8080
                    meta l4proto { tcp, udp } ip6 daddr fd00::10 th dport 80 dnat ip6 to [\(ipv6)]:8080
                }
            }
            END
            """
        )
    }

    private static func table(in sandbox: Sandbox, filtersInKernel: Bool = true) throws -> ConntrackTable {
        try sandbox.host.run { try ConntrackTable(filtersInKernel: filtersInKernel) }
    }

    private static func flows(
        _ table: ConntrackTable, _ transport: TransportProtocol, _ family: AddressFamily
    ) throws -> [ConntrackFlow] {
        var flows: [ConntrackFlow] = []
        try table.forEach(transport, family) { flows.append($0) }
        return flows
    }

    /// Makes one connection of each kind to the Service, and a direct one to the endpoint.
    private static func connect(_ sandbox: Sandbox, _ family: AddressFamily) throws -> [TCPConversation] {
        let conversations = [
            try sandbox.host.converse(with: Self.serviceAddress(family), port: Self.port),
            try sandbox.host.converse(with: sandbox.host.address(family), port: Self.endpointPort),
        ]
        let flow = try sandbox.host.converseByUDP(with: Self.serviceAddress(family), port: Self.port)
        #expect(flow.exchange().isAnswered)
        return conversations
    }

    // MARK: - Listing

    @Test(arguments: AddressFamily.allCases, [true, false])
    func theTuplesOfBothDirectionsAreListed(family: AddressFamily, filtersInKernel: Bool) throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let server = try EchoServer(on: sandbox.host, port: Self.endpointPort)
        defer { server.stop() }
        let conversations = try Self.connect(sandbox, family)
        let table = try Self.table(in: sandbox, filtersInKernel: filtersInKernel)
        let service = Self.serviceAddress(family)
        let endpoint = sandbox.host.address(family)

        let tcp = try Self.flows(table, .tcp, family)
        #expect(tcp.count == 2)
        let translated = try #require(tcp.first { $0.isDestinationTranslated })
        #expect(translated.transport == .tcp)
        #expect(translated.original.destination == service)
        #expect(translated.original.destinationPort == Self.port)
        #expect(translated.original.source == conversations[0].answer.peer.address)
        #expect(translated.original.sourcePort == conversations[0].answer.peer.port)
        #expect(translated.reply.source == endpoint)
        #expect(translated.reply.sourcePort == Self.endpointPort)
        #expect(translated.reply.destination == translated.original.source)
        #expect(translated.reply.destinationPort == translated.original.sourcePort)
        #expect(translated.tcpState == 3, "established")
        #expect(translated.identifier != nil)

        let direct = try #require(tcp.first { !$0.isDestinationTranslated })
        #expect(direct.original.destination == endpoint)
        #expect(direct.reply.source == endpoint)
        #expect(direct.original.sourcePort == conversations[1].answer.peer.port)
        #expect(direct.identifier != translated.identifier)

        let udp = try Self.flows(table, .udp, family)
        #expect(udp.map(\.original.destination) == [service])
        #expect(udp.map(\.reply.source) == [endpoint])
        #expect(udp.map(\.isDestinationTranslated) == [true])
        #expect(udp.map(\.tcpState) == [nil])
    }

    @Test(arguments: AddressFamily.allCases, [true, false])
    func otherProtocolsAndFamiliesAreNotListed(family: AddressFamily, filtersInKernel: Bool) throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let server = try EchoServer(on: sandbox.host, port: Self.endpointPort)
        defer { server.stop() }
        let conversations = try Self.connect(sandbox, family)
        try sandbox.host.setKernelParameters([("net/ipv4/ping_group_range", "0 0")])
        #expect(try sandbox.host.ping(to: sandbox.host.address(family)).isAnswered)
        let other: AddressFamily = family == .ipv4 ? .ipv6 : .ipv4
        let table = try Self.table(in: sandbox, filtersInKernel: filtersInKernel)
        #expect(try Self.flows(table, .tcp, family).count == conversations.count)
        #expect(try Self.flows(table, .udp, family).count == 1)
        #expect(try Self.flows(table, .sctp, family).isEmpty)
        for transport in TransportProtocol.allCases {
            #expect(try Self.flows(table, transport, other).isEmpty)
        }
    }

    @Test func connectionsOfOtherZonesAreNotListed() throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell(
            "nft 'add table inet zones { chain output { type filter hook output priority raw; udp dport 7 ct zone set 5; }; }'"
        )
        _ = try sandbox.host.run { try FlowSource.datagrams(to: 7, count: 1) }
        let listed = try sandbox.host.run { try FlowSource.datagrams(to: 9, count: 1) }
        let table = try Self.table(in: sandbox)
        #expect(try Self.flows(table, .udp, .ipv4).map(\.original.sourcePort) == [listed])
    }

    @Test(arguments: [true, false])
    func allOfManyConnectionsAreListed(filtersInKernel: Bool) throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let count = 20_000
        let source = try sandbox.host.run { try FlowSource.datagrams(to: 9, count: count) }
        let table = try Self.table(in: sandbox, filtersInKernel: filtersInKernel)
        let flows = Set(try Self.flows(table, .udp, .ipv4).filter { $0.original.sourcePort == source })
        #expect(
            Set(flows.map(\.original.destination)) == Set((0..<count).map { IPAddress(ipv4: 0x7f01_0000 + UInt32($0)) })
        )
        #expect(flows.count == count)
    }

    // MARK: - Deletion

    @Test(arguments: AddressFamily.allCases)
    func aDeletionTakesExactlyOne(family: AddressFamily) throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let server = try EchoServer(on: sandbox.host, port: Self.endpointPort)
        defer { server.stop() }
        let conversations = try Self.connect(sandbox, family)
        let table = try Self.table(in: sandbox)
        for transport in [TransportProtocol.tcp, .udp] {
            let before = Set(try Self.flows(table, transport, family).map(\.original))
            let flow = try #require(try Self.flows(table, transport, family).first { $0.isDestinationTranslated })
            #expect(try table.delete(flow))
            let after = Set(try Self.flows(table, transport, family).map(\.original))
            #expect(after == before.subtracting([flow.original]))
            #expect(try !table.delete(flow))
        }
        #expect(conversations[1].isAlive(), "the direct connection was left alone")
    }

    @Test func deletionsInBatchesAreCounted() throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let count = 1000
        let source = try sandbox.host.run { try FlowSource.datagrams(to: 9, count: count) }
        let table = try Self.table(in: sandbox)
        let flows = try Self.flows(table, .udp, .ipv4).filter { $0.original.sourcePort == source }
        #expect(flows.count == count)
        #expect(try table.delete([]) == 0)
        #expect(try table.delete(Array(flows[..<300])) == 300)
        #expect(try Self.flows(table, .udp, .ipv4).count == count - 300)
        #expect(try table.delete(flows) == count - 300)
        #expect(try table.delete(flows) == 0)
        #expect(try Self.flows(table, .udp, .ipv4).isEmpty)
    }

    @Test func theEndpointsOfOneClientAreToldApart() throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let addresses = [IPAddress(127, 0, 0, 1), IPAddress(127, 0, 0, 2)]
        let server = try EchoServer(on: sandbox.host, port: Self.endpointPort, addresses: addresses)
        defer { server.stop() }
        let table = try Self.table(in: sandbox)
        let client = try sandbox.host.converseByUDP(with: Self.serviceAddress(.ipv4), port: Self.port)
        // Often: the newer entry mostly gets the memory of the older one, and so its identifier.
        for round in 0..<50 {
            #expect(client.exchange().isAnswered)
            let older = try #require(try Self.flows(table, .udp, .ipv4).first)
            #expect(try table.delete(older))
            let endpoint = addresses[(round + 1) % 2]
            try Self.translate(sandbox, ipv4: "\(endpoint)", ipv6: "::1")
            #expect(client.exchange().isAnswered)
            let newer = try #require(try Self.flows(table, .udp, .ipv4).first)
            #expect(newer.original == older.original)
            #expect(newer.reply.source == endpoint)
            #expect(try !table.delete(older))
            #expect(try Self.flows(table, .udp, .ipv4).map(\.identifier) == [newer.identifier])
        }
    }

    @Test func anotherIdentifierIsAnotherConnection() throws {
        let sandbox = try Self.translatedSandbox()
        defer { sandbox.tearDown() }
        let source = try sandbox.host.run { try FlowSource.datagrams(to: 9, count: 1) }
        let table = try Self.table(in: sandbox)
        let flow = try #require(try Self.flows(table, .udp, .ipv4).first { $0.original.sourcePort == source })
        func named(_ identifier: UInt32?) -> ConntrackFlow {
            ConntrackFlow(
                transport: flow.transport, original: flow.original, reply: flow.reply, identifier: identifier,
                isDestinationTranslated: flow.isDestinationTranslated, tcpState: flow.tcpState
            )
        }
        let identifier = try #require(flow.identifier)
        #expect(try !table.delete(named(identifier ^ 1)))
        #expect(try Self.flows(table, .udp, .ipv4) == [flow])
        #expect(try table.delete(named(nil)), "without an identifier any entry of the tuple")
    }
}
