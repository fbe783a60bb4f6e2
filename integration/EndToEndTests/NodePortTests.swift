import Lab
import Networking
import Testing

extension EndToEnd {
    /// NodePorts: on which of the node's addresses they answer, and to whom.
    @Suite struct NodePortTests {
        static let nodePort: UInt16 = 30080

        private func put(_ scene: Scene) throws {
            var web = Application(on: [scene.pods[0], scene.pods[1]])
            web.nodePort = Self.nodePort
            try scene.put(web)
        }

        private func alias(_ scene: Scene, _ family: AddressFamily) throws -> IPAddress {
            try #require(scene.lab.nodeAliases.first { $0.family == family })
        }

        private static func loopback(_ family: AddressFamily) -> IPAddress {
            family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
        }

        @Test(arguments: AddressFamily.allCases)
        func `B2 answers on the primary address and masquerades everybody`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try self.put(scene)
            let gateway = scene.lab.podGateway(family)
            // pod-3 is no endpoint, pod-1 is: both are masqueraded.
            try expectAnswered(
                scene.vantagePoints + [scene.pods[2]], SocketAddress(scene.node.address(family), Self.nodePort),
                by: [scene.pods[0], scene.pods[1]]
            ) { _ in gateway }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B4 leaves loopback and the other addresses to the node's own stack`(family: AddressFamily) throws {
            let scene = try Scene(["--localhost-nodeports=false"])
            defer { scene.tearDown() }
            try self.put(scene)
            let alias = try self.alias(scene, family)
            try expectRefused(scene.vantagePoints, SocketAddress(alias, Self.nodePort))
            let loopback = SocketAddress(Self.loopback(family), Self.nodePort)
            try expectRefused([scene.node], loopback)
            // It is the stack that answers: what listens there is reached.
            let server = try EchoServer(
                on: scene.node, port: Self.nodePort, name: "own", addresses: [alias, loopback.address])
            defer { server.stop() }
            for transport in transports {
                #expect(try scene.client.probe(transport, SocketAddress(alias, Self.nodePort)).server == "own")
                #expect(try scene.node.probe(transport, loopback).server == "own")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B3 follows the node's addresses as they come and go`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.0/24,fd00:50::/64"])
            defer { scene.tearDown() }
            try self.put(scene)
            let address = family == .ipv4 ? IPAddress(192, 168, 50, 77) : try #require(IPAddress("fd00:50::77"))
            let entry = "\(address)/\(family == .ipv4 ? 24 : 64) dev \(try self.uplink(scene))"
            let target = SocketAddress(address, Self.nodePort)
            try scene.node.shell("ip address add \(entry)\(family == .ipv6 ? " nodad" : "")")
            try expectSoon("the address is taken up") { try self.isNodeAddress(address, scene) }
            // Who asks for the link layer address before the host listens for that asks again after a second (RFC 4861 section 10).
            try expectSoon("answers on the new address", within: .seconds(5)) {
                try scene.client.probe(.tcp, target, timeout: .milliseconds(100)).isAnswered
            }
            try scene.node.shell("ip address del \(entry)")
            try expectSoon("the address is let go") { try !self.isNodeAddress(address, scene) }
        }

        private func isNodeAddress(_ address: IPAddress, _ scene: Scene) throws -> Bool {
            try scene.node.shell("nft list set inet fairlead node-ips\(address.family.rawValue)").contains("\(address)")
        }

        /// The interface with the node's own address.
        private func uplink(_ scene: Scene) throws -> String {
            let line = try scene.node.shell("ip -o -4 address show to \(scene.node.ipv4)")
            return String(try #require(line.split(separator: " ").dropFirst().first))
        }

        @Test(arguments: AddressFamily.allCases)
        func `B3 answers on every address inside the given blocks`(family: AddressFamily) throws {
            let scene = try Scene([
                "--nodeport-addresses", "192.168.50.0/24,fd00:50::/64", "--localhost-nodeports=false",
            ])
            defer { scene.tearDown() }
            try self.put(scene)
            for address in [try self.alias(scene, family), scene.node.address(family)] {
                try expectAnswered(scene.vantagePoints, SocketAddress(address, Self.nodePort))
            }
            try expectRefused([scene.node], SocketAddress(Self.loopback(family), Self.nodePort))
        }

        @Test(arguments: AddressFamily.allCases)
        func `B3 answers on one block alone`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.3/32,fd00:50::3/128"])
            defer { scene.tearDown() }
            try self.put(scene)
            try expectAnswered(scene.vantagePoints, SocketAddress(try self.alias(scene, family), Self.nodePort))
            try expectRefused(scene.vantagePoints, SocketAddress(scene.node.address(family), Self.nodePort))
        }

        /// The alias is the address by which the cluster knows the node, until it says something else.
        @Test(arguments: AddressFamily.allCases)
        func `B2 the Node's internal address is the primary one`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try self.put(scene)
            let own = SocketAddress(scene.node.address(family), Self.nodePort)
            let alias = SocketAddress(try self.alias(scene, family), Self.nodePort)
            try expectAnswered(scene.vantagePoints, own)
            try scene.put("node", [NodeManifest(Scene.here, internalIPs: scene.lab.nodeAliases)])
            try expectAnswered(scene.vantagePoints, alias)
            try expectRefused(scene.vantagePoints, own)
            try scene.put("node", [NodeManifest(Scene.here, internalIPs: [scene.node.ipv4, scene.node.ipv6])])
            // An address that comes later, say a load balancer's, does not take its place.
            let later = SocketAddress.loadBalancerIP(9, family, port: Self.nodePort)
            try scene.node.shell("ip address add \(CIDR(host: later.address)) dev uplink")
            try scene.settle()
            try expectAnswered(scene.vantagePoints, own)
            try expectRefused(scene.vantagePoints, alias)
            try expectRefused(scene.vantagePoints, later)
        }

        /// The node speaks from its own address still, so that is the one by which it is known.
        @Test(arguments: AddressFamily.allCases)
        func `B2 a load balancer's address on the uplink is not the primary one`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try self.put(scene)
            let later = SocketAddress.loadBalancerIP(9, family, port: Self.nodePort)
            try scene.node.shell("ip address add \(CIDR(host: later.address)) dev uplink")
            try scene.settle()
            try expectAnswered(scene.vantagePoints, SocketAddress(scene.node.address(family), Self.nodePort))
            try expectRefused(scene.vantagePoints, later)
        }

        /// Blocks of one family say nothing about the other, and of all of them loopback is left out.
        @Test func `B3 a family without blocks answers on all addresses, and so does a block of everything`() throws {
            for blocks in ["192.168.50.3/32", "0.0.0.0/0,::/0"] {
                let scene = try Scene(["--nodeport-addresses", blocks, "--localhost-nodeports=false"])
                defer { scene.tearDown() }
                try self.put(scene)
                for family in AddressFamily.allCases {
                    let alias = SocketAddress(try self.alias(scene, family), Self.nodePort)
                    let own = SocketAddress(scene.node.address(family), Self.nodePort)
                    let gateway = SocketAddress(scene.lab.podGateway(family), Self.nodePort)
                    try expectAnswered(scene.vantagePoints, alias)
                    if family == .ipv4, blocks == "192.168.50.3/32" {
                        try expectRefused(scene.vantagePoints, own)
                        try expectRefused([scene.node, scene.pods[0]], gateway)
                    } else {
                        try expectAnswered(scene.vantagePoints, own)
                        try expectAnswered([scene.node, scene.pods[0]], gateway)
                    }
                    try expectRefused([scene.node], SocketAddress(Self.loopback(family), Self.nodePort))
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B4 loopback takes no NodePorts, even where a block names it`(family: AddressFamily) throws {
            let scene = try Scene([
                "--nodeport-addresses", "127.0.0.0/8,192.168.50.2/32,::1/128,fd00:50::2/128",
                "--localhost-nodeports=false",
            ])
            defer { scene.tearDown() }
            try self.put(scene)
            try expectAnswered(scene.vantagePoints, SocketAddress(scene.node.address(family), Self.nodePort))
            let loopback = SocketAddress(Self.loopback(family), Self.nodePort)
            try expectRefused([scene.node], loopback)
            let own = try EchoServer(on: scene.node, port: Self.nodePort, name: "own", addresses: [loopback.address])
            defer { own.stop() }
            for transport in transports { #expect(try scene.node.probe(transport, loopback).server == "own") }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B11 leaves an unused NodePort to the node's own stack`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try self.put(scene)
            let unused = SocketAddress(scene.node.address(family), Self.nodePort + 1)
            try expectRefused(scene.vantagePoints, unused)
            let server = try EchoServer(on: scene.node, port: unused.port)
            defer { server.stop() }
            try expectAnswered(scene.vantagePoints, unused, by: [scene.node])
        }
    }
}
