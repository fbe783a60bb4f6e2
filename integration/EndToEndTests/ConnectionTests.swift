import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Established connections go on, whatever becomes of the Service, of Fairlead or of its table.
    @Suite struct ConnectionTests {
        /// Open connections from everywhere, over both families, through every kind of frontend.
        private struct Connections {
            private let all: [(name: String, conversation: TCPConversation)]

            init(to application: Application, nodePort: UInt16, _ scene: Scene) throws {
                self.all = try AddressFamily.allCases.flatMap { family in
                    let nodePort = SocketAddress(scene.node.address(family), nodePort)
                    let frontends = [application.clusterIP(family), nodePort, application.externalIP(family)]
                    return try scene.vantagePoints.flatMap { host in
                        try frontends.map { ("\(host.name) to \($0)", try host.converse(with: $0)) }
                    }
                }
            }

            func expectAlive(_ after: String, sourceLocation: SourceLocation = #_sourceLocation) {
                for (name, conversation) in self.all {
                    #expect(conversation.isAlive(), "\(name), after: \(after)", sourceLocation: sourceLocation)
                }
            }
        }

        private static let nodePort: UInt16 = 30080

        private static func application(on pods: [Host]) -> Application {
            var web = Application(on: pods)
            web.nodePort = Self.nodePort
            web.hasExternalIPs = true
            return web
        }

        @Test func `1.4 survive every change of endpoints and of the Service`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Self.application(on: scene.pods)
            try scene.put(web)
            let connections = try Connections(to: web, nodePort: Self.nodePort, scene)
            connections.expectAlive("nothing")

            try scene.put(Self.application(on: [scene.pods[2]]))
            connections.expectAlive("removal of two endpoints of three")
            try scene.put(Self.application(on: []))
            connections.expectAlive("removal of the last endpoint")
            try scene.remove("web")
            connections.expectAlive("deletion of the Service")
            try scene.put(Self.application(on: [scene.pods[1]]))
            connections.expectAlive("recreation of the Service")
            // The changes were real: new connections go where they should.
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[1]])
        }

        @Test func `survive the end of Fairlead and of its table`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Self.application(on: scene.pods)
            try scene.put(web)
            let connections = try Connections(to: web, nodePort: Self.nodePort, scene)

            #expect(scene.fairlead.terminate() == .exited(0))
            connections.expectAlive("SIGTERM")
            try scene.start()
            connections.expectAlive("restart")
            scene.fairlead.kill9()
            connections.expectAlive("SIGKILL")
            try scene.start()
            connections.expectAlive("another restart")

            // Nothing is in flight when the table goes: without it the kernel translates nothing, so a
            // segment of a server would reach the node's own stack, which answers it with a reset.
            pause(.milliseconds(300))
            try scene.node.shell("nft flush table inet fairlead")
            #expect(scene.fairlead.waitForLog(containing: "has been repaired") != nil)
            connections.expectAlive("flush of all rules and repair")
            pause(.milliseconds(300))
            let lines = scene.fairlead.log.count
            try scene.node.shell("nft delete table inet fairlead")
            #expect(scene.fairlead.waitForLog(containing: "has been repaired", skipping: lines) != nil)
            connections.expectAlive("deletion and repair of the table")
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
        }

        @Test(arguments: AddressFamily.allCases)
        func `D6 a UDP flow goes on across restart and unrelated changes`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Self.application(on: scene.pods)
            try scene.put(web)
            let flows = try scene.vantagePoints.map { try $0.converseByUDP(with: web.clusterIP(family)) }
            let servers = flows.map { $0.exchange().server }
            #expect(!servers.contains(nil))
            scene.fairlead.kill9()
            #expect(flows.map { $0.exchange().server } == servers)
            try scene.start()
            try scene.put(Application("other", number: 11, on: scene.pods))
            #expect(flows.map { $0.exchange().server } == servers)
        }
    }
}
