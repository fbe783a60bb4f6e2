import Lab
import Networking
import Testing

extension EndToEnd {
    /// Services that nobody serves refuse, so that clients need not wait; and serve once somebody does.
    @Suite struct NoEndpointsTests {
        static let nodePort: UInt16 = 30030

        private static func application(on pods: [Host]) -> Application {
            var application = Application("empty", number: 30, on: pods)
            application.nodePort = Self.nodePort
            application.hasExternalIPs = true
            return application
        }

        private static func frontends(of application: Application, _ scene: Scene, _ family: AddressFamily)
            -> [SocketAddress]
        {
            let nodePort = SocketAddress(scene.node.address(family), Self.nodePort)
            return [application.clusterIP(family), nodePort, application.externalIP(family)]
        }

        @Test(arguments: AddressFamily.allCases, [true, false])
        func `1.4 refuses at once on every frontend`(family: AddressFamily, hasSlice: Bool) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let empty = Self.application(on: [])
            try scene.put("empty", hasSlice ? empty.manifests : [empty.service])
            // The node's own stack would refuse a NodePort as well: a listener there shows who it is.
            let own = try EchoServer(on: scene.node, port: Self.nodePort, name: "own")
            defer { own.stop() }
            for frontend in Self.frontends(of: empty, scene, family) {
                try expectRefused(scene.vantagePoints, frontend)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.4 refuses after the last endpoint is gone, and answers after one is back`(family: AddressFamily) throws
        {
            let scene = try Scene()
            defer { scene.tearDown() }
            for pods in [scene.pods, [], [scene.pods[1]]] {
                let application = Self.application(on: pods)
                try scene.put(application)
                for frontend in Self.frontends(of: application, scene, family) {
                    if pods.isEmpty {
                        try expectRefused(scene.vantagePoints, frontend)
                    } else {
                        try expectAnswered(scene.vantagePoints, frontend, by: pods)
                    }
                }
            }
        }

        /// A refusal must leave no trace in conntrack that would hold the flow off its endpoint later.
        @Test(arguments: AddressFamily.allCases)
        func `D8 a refused UDP client is answered on the same socket within a second`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let empty = Self.application(on: [])
            try scene.put(empty)
            let frontends = Self.frontends(of: empty, scene, family)
            let clients = try scene.vantagePoints.flatMap { host in
                try frontends.enumerated().map { index, frontend in
                    let socket = try host.converseByUDP(with: frontend, sourcePort: 40000 + UInt16(index))
                    return (name: "\(host.name) to \(frontend)", socket: socket)
                }
            }
            for client in clients {
                let result = client.socket.exchange()
                #expect(result.isRefused, "\(client.name): \(result)")
            }
            let start = ContinuousClock.now
            try scene.folder.write("empty.yaml", Self.application(on: [scene.pods[1]]).manifests)
            for client in clients {
                expectSoon("\(client.name) is answered", since: start) {
                    client.socket.exchange(timeout: .milliseconds(50)).server == "pod-2"
                }
            }
        }
    }
}
