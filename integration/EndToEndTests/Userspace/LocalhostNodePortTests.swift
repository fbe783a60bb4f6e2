import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// NodePorts at 127.0.0.1 and [::1], as KEP-6032 wants them.
    @Suite struct LocalhostNodePortTests {
        private static func loopback(_ family: AddressFamily) -> IPAddress {
            family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
        }

        @Test(arguments: AddressFamily.allCases)
        func `B4 answers on localhost, for the node alone`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            let target = SocketAddress(Self.loopback(family), 30080)
            #expect(try scene.node.probe(.tcp, target).isRefused)
            try scene.put(web)
            try expectAnswered([scene.node], target, by: scene.pods)
            try scene.remove("web")
            expectSoon("refused again", since: .now) {
                (try? scene.node.probe(.tcp, target).isRefused) == true
            }
        }

        @Test func `B4 is not there if it is not wanted`() throws {
            let scene = try Scene(["--localhost-nodeports=false"])
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            #expect(try scene.node.probe(.tcp, SocketAddress(Self.loopback(.ipv4), 30080)).isRefused)
            try expectAnswered([scene.node], web.nodePort(.ipv4, on: scene.node))
        }

        @Test func `B4 a port that is taken is named, and taken over when it is free`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let own = try EchoServer(on: scene.node, port: 30080, name: "own", addresses: [IPAddress(127, 0, 0, 1)])
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            let said = scene.fairlead.waitForLog(containing: "127.0.0.1:30080")
            #expect(said != nil && said?.contains("default/web") == true, "\(scene.fairlead.log.suffix(5))")
            #expect(try scene.node.probe(.tcp, SocketAddress(IPAddress(127, 0, 0, 1), 30080)).server == "own")
            own.stop()
            let isTaken = waitUntil(timeout: .seconds(40)) {
                (try? scene.node.probe(.tcp, SocketAddress(IPAddress(127, 0, 0, 1), 30080)))?.isAnswered == true
            }
            #expect(isTaken)
        }
    }
}
