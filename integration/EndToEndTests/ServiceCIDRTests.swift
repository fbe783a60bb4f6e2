import Lab
import Networking
import Testing

extension EndToEnd {
    /// Addresses that Services could have: what nobody has of them is nobody's.
    @Suite struct ServiceCIDRTests {
        /// Inside the usual block, and on a server that is reached as long as nobody objects.
        private static func unallocated(_ family: AddressFamily) -> SocketAddress {
            .clusterIP(200, family, port: Scene.targetPort)
        }

        private static func blocks(_ family: AddressFamily) throws -> CIDR {
            try #require(CIDR(family == .ipv4 ? "10.96.0.0/16" : "fd00:10:96::/64"))
        }

        /// Routes the address to pod-3 and lets a server answer there.
        private static func serve(_ scene: Scene, _ family: AddressFamily) throws -> EchoServer {
            let address = Self.unallocated(family).address
            let prefix = "\(address)/\(address.family == .ipv4 ? 32 : 128)"
            try scene.pods[2].shell("ip address add \(prefix) dev eth0\(family == .ipv6 ? " nodad" : "")")
            try scene.node.shell("ip route add \(prefix) dev pod-3")
            return try EchoServer(on: scene.pods[2], port: Scene.targetPort, name: "stray", addresses: [address])
        }

        @Test(arguments: AddressFamily.allCases)
        func `B10 what no Service has is dropped, as ServiceCIDRs come and go`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let server = try Self.serve(scene, family)
            defer { server.stop() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            let target = Self.unallocated(family)
            func expectStray() throws {
                for host in scene.vantagePoints {
                    for transport in transports { #expect(try host.probe(transport, target).server == "stray") }
                }
            }
            try expectStray()
            let conversation = try scene.client.converse(with: target)
            let block = try Self.blocks(family)
            try scene.put("cidr", [ServiceCIDRManifest("kubernetes", cidrs: [block])])
            try expectDropped(scene.vantagePoints, target, target.port(80))
            for host in scene.vantagePoints {
                let ping = try host.ping(to: target.address, timeout: .milliseconds(150))
                #expect(ping == .timedOut, "ping from \(host.name): \(ping)")
            }
            // What lives inside goes on: Services, their missing ports, and connections that were there before.
            try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: [scene.pods[1]])
            try expectRefused(scene.vantagePoints, web.clusterIP(family).port(81))
            #expect(conversation.isAlive())
            // A Service takes the address, and leaves it.
            let taker = Application("taker", number: 200, on: [scene.pods[0]])
            try scene.put(taker)
            try expectAnswered(scene.vantagePoints, taker.clusterIP(family), by: [scene.pods[0]])
            try expectRefused(scene.vantagePoints, target)
            try scene.remove("taker")
            try expectDropped(scene.vantagePoints, target, taker.clusterIP(family))
            // The object goes, and with it the claim.
            try scene.remove("cidr")
            try expectStray()
        }

        /// Dual-stack, several objects, overlapping blocks, and one that changes: each at once.
        @Test func `B10 the blocks of all ServiceCIDRs count, and those of Services win`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let servers = try AddressFamily.allCases.map { try Self.serve(scene, $0) }
            defer { for server in servers { server.stop() } }
            let far = try #require(CIDR("10.112.0.0/16"))
            let wide = try #require(CIDR("10.96.0.0/12"))
            let (ipv4, ipv6) = (try Self.blocks(.ipv4), try Self.blocks(.ipv6))
            /// Which families' addresses are claimed by these objects.
            let states: [(cidrs: [[CIDR]], claimed: [AddressFamily])] = [
                ([[ipv4, ipv6]], [.ipv4, .ipv6]), ([[far], [ipv6]], [.ipv6]), ([[far], [ipv4]], [.ipv4]),
                ([[ipv4], [wide, ipv6]], [.ipv4, .ipv6]), ([[wide]], [.ipv4]), ([[far]], []),
            ]
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            for (cidrs, claimed) in states {
                let objects = cidrs.enumerated().map { ServiceCIDRManifest("cidr-\($0)", cidrs: $1) }
                try scene.put("cidrs", objects)
                for family in AddressFamily.allCases {
                    let target = Self.unallocated(family)
                    if claimed.contains(family) {
                        try expectDropped(scene.vantagePoints, target)
                    } else {
                        for host in scene.vantagePoints {
                            #expect(try host.probe(.udp, target).server == "stray", "\(cidrs), \(host.name)")
                        }
                    }
                    try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: [scene.pods[1]])
                }
            }
        }
    }
}
