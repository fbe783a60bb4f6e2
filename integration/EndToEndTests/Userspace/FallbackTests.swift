import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// nftables is taken away, and given back.
    @Suite struct FallbackTests {
        /// Somebody else owns our table, so that every commit to it fails, until ``giveBack(_:)``. Another table's chain keeps the kernel's
        /// translation of open connections, throughout, and its rule keeps the connection tracking without which there is none: a chain
        /// alone does not. Without them not even ports would be told apart, and one of the balancer's own could be that of a connection
        /// which the kernel has masqueraded.
        private static func takeAway(_ scene: Scene) throws -> ChildProcess {
            try scene.node.shell(
                "nft 'table inet other { chain keep { type nat hook prerouting priority -90; ct state new; }; }'")
            return try scene.node.spawn([
                "sh", "-c",
                """
                { echo 'delete table inet fairlead; add table inet fairlead { flags owner; }'
                while [ ! -e \(Self.end(scene)) ]; do sleep 0.05; done; } | nft -i
                """,
            ])
        }

        private static func end(_ scene: Scene) -> String { "\(scene.folder.path)/.given-back" }

        private static func giveBack(_ scene: Scene) throws { try scene.node.shell("touch \(Self.end(scene))") }

        @Test func `no connection fails when nftables is taken away and given back`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            // Who comes in between sends its SYN again, the node itself over IPv6 twice: it looks for another way only after the second.
            let traffic = try SteadyTraffic(to: web, scene, sendsDatagrams: false, timeout: .seconds(5))
            pause(.milliseconds(500))
            let thief = try Self.takeAway(scene)
            defer { thief.kill() }
            #expect(
                scene.fairlead.waitForLog(containing: "userspace") != nil, "\(scene.fairlead.log.suffix(5))")
            let isServed = waitUntil(timeout: .seconds(5)) {
                (try? scene.node.shell("ip route show table local").contains("10.96.0.10")) == true
            }
            #expect(isServed)
            pause(.milliseconds(500))
            var inUserspace = try scene.vantagePoints.map { try $0.converse(with: web.clusterIP(.ipv4)) }
            // Changes are served meanwhile.
            let other = Application("other", number: 12, on: [scene.pods[1]])
            try scene.folder.write("other.yaml", other.manifests)
            let isAnswered = waitUntil(timeout: .seconds(5)) {
                (try? scene.client.probe(.tcp, other.clusterIP(.ipv4), timeout: .milliseconds(200)))?.server == "pod-2"
            }
            #expect(isAnswered)
            try Self.giveBack(scene)
            let isBack = waitUntil(timeout: .seconds(20)) {
                (try? scene.node.shell("nft list table inet fairlead").contains("10.96.0.10")) == true
            }
            #expect(isBack, "\(scene.fairlead.log.suffix(5))")
            pause(.seconds(1))
            for conversation in inUserspace { #expect(conversation.isAlive()) }
            traffic.expectWhole("nftables away and back")
            inUserspace = []
            let isClean = waitUntil(timeout: .seconds(15)) {
                (try? scene.node.shell("ip route show table local").contains("10.96.0.10")) == false
            }
            #expect(isClean, "routes go with the last connection")
        }
    }
}
