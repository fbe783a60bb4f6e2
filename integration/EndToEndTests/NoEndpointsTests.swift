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
        func `refuses at once on every frontend`(family: AddressFamily, hasSlice: Bool) throws {
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
        func `refuses after the last endpoint is gone, and answers after one is back`(family: AddressFamily) throws {
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
        func `a refused UDP client is answered on the same socket within a second`(family: AddressFamily) throws {
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

    /// Which endpoints are used, by what their conditions say.
    @Suite struct EndpointStateTests {
        private typealias Endpoint = EndpointSliceManifest.Endpoint

        private static func endpoint(
            _ host: Host, _ family: AddressFamily, ready: Bool, serving: Bool, terminating: Bool
        ) -> Endpoint {
            var endpoint = Endpoint(host.address(family))
            endpoint.ready = ready
            endpoint.serving = serving
            endpoint.terminating = terminating
            return endpoint
        }

        /// pod-1 is ready, pod-2 is not, pod-3 terminates and serves, pod-4 terminates and does not serve.
        @Test(arguments: AddressFamily.allCases)
        func `ready ones, else terminating ones that still serve, else none`(family: AddressFamily) throws {
            let scene = try Scene(pods: 4)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            let endpoints = [
                Self.endpoint(scene.pods[0], family, ready: true, serving: true, terminating: false),
                Self.endpoint(scene.pods[1], family, ready: false, serving: false, terminating: false),
                Self.endpoint(scene.pods[2], family, ready: false, serving: true, terminating: true),
                Self.endpoint(scene.pods[3], family, ready: false, serving: false, terminating: true),
            ]
            let target = web.clusterIP(family)
            func put(_ endpoints: [Endpoint]) throws {
                try scene.put("web", [web.service, web.slice(family, endpoints)])
            }
            for transport in transports {
                try put(endpoints)
                #expect(try scene.client.tally(transport, target, attempts: 40) == ["pod-1": 40])
                try put(Array(endpoints[1...]))
                #expect(try scene.client.tally(transport, target, attempts: 40) == ["pod-3": 40])
            }
            for rest in [[endpoints[1], endpoints[3]], [endpoints[1]], [endpoints[3]]] {
                try put(rest)
                try expectRefused(scene.vantagePoints, target)
            }
        }

        @Test func `conditions that are not given mean ready`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: [])
            try scene.put("web", [web.service])
            try scene.folder.write(
                "slice.yaml",
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: http, port: 8080}]
                endpoints: [{addresses: ["\(scene.pods[0].ipv4)"]}]
                """)
            try scene.settle()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), over: [.tcp])
        }
    }
}
