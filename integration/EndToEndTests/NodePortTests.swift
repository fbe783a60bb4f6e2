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
        func `answers on the primary address and masquerades everybody`(family: AddressFamily) throws {
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
        func `leaves the other addresses to the node's own stack`(family: AddressFamily) throws {
            let scene = try Scene()
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
        func `follows the node's addresses as they come and go`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.0/24,fd00:50::/64"])
            defer { scene.tearDown() }
            try self.put(scene)
            let address = family == .ipv4 ? IPAddress(192, 168, 50, 77) : try #require(IPAddress("fd00:50::77"))
            let entry = "\(address)/\(family == .ipv4 ? 24 : 64) dev \(try self.uplink(scene))"
            let target = SocketAddress(address, Self.nodePort)
            try scene.node.shell("ip address add \(entry)\(family == .ipv6 ? " nodad" : "")")
            try expectSoon("answers on the new address") {
                try scene.client.probe(.tcp, target, timeout: .milliseconds(100)).isAnswered
            }
            try scene.node.shell("ip address del \(entry)")
            try expectSoon("the address is let go") {
                try !scene.node.shell("nft list set inet fairlead node-ips\(family.rawValue)").contains("\(address)")
            }
        }

        /// The interface with the node's own address.
        private func uplink(_ scene: Scene) throws -> String {
            let line = try scene.node.shell("ip -o -4 address show to \(scene.node.ipv4)")
            return String(try #require(line.split(separator: " ").dropFirst().first))
        }

        @Test(arguments: AddressFamily.allCases)
        func `answers on every address inside the given blocks`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.0/24,fd00:50::/64"])
            defer { scene.tearDown() }
            try self.put(scene)
            for address in [try self.alias(scene, family), scene.node.address(family)] {
                try expectAnswered(scene.vantagePoints, SocketAddress(address, Self.nodePort))
            }
            try expectRefused([scene.node], SocketAddress(Self.loopback(family), Self.nodePort))
        }

        @Test(arguments: AddressFamily.allCases)
        func `answers on one block alone`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.3/32,fd00:50::3/128"])
            defer { scene.tearDown() }
            try self.put(scene)
            try expectAnswered(scene.vantagePoints, SocketAddress(try self.alias(scene, family), Self.nodePort))
            try expectRefused(scene.vantagePoints, SocketAddress(scene.node.address(family), Self.nodePort))
        }

        @Test(arguments: AddressFamily.allCases)
        func `leaves an unused NodePort to the node's own stack`(family: AddressFamily) throws {
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

    /// externalIPs: addresses that are on no interface.
    @Suite struct ExternalIPTests {
        @Test(arguments: AddressFamily.allCases)
        func `answers at its ports and masquerades everybody`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: [scene.pods[0], scene.pods[1]])
            web.hasExternalIPs = true
            try scene.put(web)
            let gateway = scene.lab.podGateway(family)
            try expectAnswered(
                scene.vantagePoints + [scene.pods[2]], web.externalIP(family), by: [scene.pods[0], scene.pods[1]]
            ) { _ in gateway }
            // Elsewhere than at its ports the address is not the Service's.
            try expectUnserved(scene.vantagePoints, web.externalIP(family).port(81))
            // Nor is it once the Service lets it go, which its ClusterIP does not notice.
            web.hasExternalIPs = false
            try scene.put(web)
            try expectUnserved(scene.vantagePoints, web.externalIP(family))
            try expectAnswered(scene.vantagePoints, web.clusterIP(family))
        }
    }
}
