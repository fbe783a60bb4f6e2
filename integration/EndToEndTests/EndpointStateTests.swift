import Lab
import Networking
import Testing

extension EndToEnd {
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
