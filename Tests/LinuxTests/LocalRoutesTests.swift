import Glibc
import Lab
import Linux
import Networking
import Testing

/// Addresses that the host takes for its own, in network namespaces of their own.
@Suite(.serialized) struct LocalRoutesTests {
    private static func addresses(_ count: Int, from first: UInt32 = 0x0a60_0000) -> [IPAddress] {
        (0..<UInt32(count)).map { IPAddress(ipv4: first + $0) }
    }

    /// The socket stays in the namespace that it is made in.
    private static func inSandbox(_ body: (Host, inout LocalRoutes) throws -> Void) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        var routes = try sandbox.host.run { try LocalRoutes() }
        try body(sandbox.host, &routes)
    }

    @Test func theyComeAndGo() throws {
        try Self.inSandbox { (host, routes) throws in
            #expect(try routes.marked().isEmpty)
            let addresses = [IPAddress(10, 96, 0, 10), IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: 10)]
            #expect(try routes.add(addresses).isEmpty)
            #expect(try routes.marked() == Set(addresses))
            #expect(try host.shell("ip -4 route get 10.96.0.10").hasPrefix("local"))
            #expect(try host.shell("ip -6 route get fd00:10:96::a").hasPrefix("local"))
            #expect(try host.shell("ip -4 route show table local proto 147").hasPrefix("local 10.96.0.10 dev lo"))
            #expect(try host.shell("ip -6 route show table local proto 147").hasPrefix("local fd00:10:96::a dev lo"))
            // Nobody takes them for addresses of the node.
            #expect(try host.run { try HostAddresses.all() }.allSatisfy(\.isLoopback))
            #expect(try routes.remove(addresses).isEmpty)
            #expect(try routes.marked().isEmpty)
            #expect(try host.shell("ip -4 route show table local proto 147").isEmpty)
        }
    }

    /// The next process finds what the last one left.
    @Test func theMarkIsReadBack() throws {
        try Self.inSandbox { (host, routes) throws in
            #expect(try routes.add(Self.addresses(3)).isEmpty)
            var second = try host.run { try LocalRoutes() }
            #expect(try second.marked() == Set(Self.addresses(3)))
        }
    }

    @Test func whatOthersPutThereIsNotOurs() throws {
        try Self.inSandbox { (host, routes) throws in
            try host.shell(
                "ip address add 10.96.0.1/32 dev lo; ip route add local 10.96.0.9/32 dev lo table local proto static")
            #expect(try routes.marked().isEmpty)
            let failures = try routes.add(Self.addresses(3))
            #expect(failures.mapValues(\.number) == [IPAddress(10, 96, 0, 1): EEXIST])
            #expect(try routes.marked() == [IPAddress(10, 96, 0, 0), IPAddress(10, 96, 0, 2)])
            #expect(try routes.remove([IPAddress(10, 96, 0, 1), IPAddress(10, 96, 0, 9)]).isEmpty)
            #expect(try host.shell("ip -4 route show table local").contains("local 10.96.0.9 dev lo proto static"))
            #expect(try host.shell("ip -4 route show table local").contains("local 10.96.0.1 dev lo proto kernel"))
        }
    }

    @Test func removingWhatIsNotThereIsNoFailure() throws {
        try Self.inSandbox { (_, routes) throws in
            #expect(try routes.remove(Self.addresses(2)).isEmpty)
        }
    }

    /// More than one batch, and all of it without a wait for each.
    @Test func manyAtOnce() throws {
        try Self.inSandbox { (host, routes) throws in
            let addresses = Self.addresses(5_000)
            #expect(try routes.add(addresses).isEmpty)
            #expect(try routes.marked().count == 5_000)
            // All of a batch may be refused: no answer is lost.
            #expect(try routes.add(addresses).count == 5_000)
            #expect(try routes.remove(addresses).isEmpty)
            #expect(try routes.marked().isEmpty)
        }
    }

    /// A service of any program that listens at all addresses answers there, and hosts outside reach it.
    @Test func aSocketListensThere() throws {
        let lab = try Lab(pods: 1)
        defer { lab.tearDown() }
        var routes = try lab.node.run { try LocalRoutes() }
        let addresses = [IPAddress(10, 96, 0, 10), IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: 10)]
        #expect(try routes.add(addresses).isEmpty)
        try lab.node.shell("sysctl -qw net.ipv6.ip_nonlocal_bind=1")
        let server = try EchoServer(on: lab.node, port: 80, addresses: addresses)
        defer { server.stop() }
        for address in addresses {
            for host in [lab.client, lab.pods[0], lab.node] {
                #expect(try host.tcp(to: address, port: 80).server == "node", "\(host.name)")
                #expect(try host.udp(to: address, port: 80).server == "node", "\(host.name)")
            }
        }
    }
}
