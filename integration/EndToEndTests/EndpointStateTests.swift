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
        func `C1 ready ones, else terminating ones that still serve, else none`(family: AddressFamily) throws {
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
        }

        /// Neither is used, alone or beside the other; what is refused is the whole Service.
        @Test(arguments: AddressFamily.allCases)
        func `C3 what is not ready, or does not serve any more, is never used`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            for policy in ["Cluster", "Local"] {
                web.internalPolicy = policy
                web.externalPolicy = policy
                let unused = [Backend.here(scene.pods[0], .notReady), .here(scene.pods[1], .ended)]
                for backends in [unused, Array(unused[..<1]), Array(unused[1...])] {
                    try scene.put("web", web.manifests(of: backends))
                    for frontend in web.frontends(family, on: scene.node) {
                        try expectRefused(scene.vantagePoints, frontend)
                    }
                    // Beside one that is draining they are as nothing.
                    try scene.put("web", web.manifests(of: backends + [.here(scene.pods[2], .draining)]))
                    for frontend in web.frontends(family, on: scene.node) {
                        #expect(try scene.client.tally(.tcp, frontend, attempts: 20) == ["pod-3": 20])
                    }
                }
            }
        }

        @Test func `A8 only the first address of an endpoint counts, and it may have none`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            try scene.put("web", [web.service])
            let (first, second) = (scene.pods[0].ipv4, scene.pods[1].ipv4)
            for (endpoints, isServed) in [
                ("[{addresses: [\"\(first)\", \"\(second)\"]}, {addresses: []}]", true), ("[{addresses: []}]", false),
            ] {
                try scene.folder.write(
                    "slice.yaml",
                    """
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
                    addressType: IPv4
                    ports: [{name: http, port: \(Scene.targetPort)}]
                    endpoints: \(endpoints)
                    """)
                try scene.settle()
                if isServed {
                    #expect(try scene.client.tally(.tcp, web.clusterIP(.ipv4), attempts: 30) == ["pod-1": 30])
                } else {
                    try expectRefused(scene.vantagePoints, web.clusterIP(.ipv4), over: [.tcp])
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `A8 an endpoint in two slices counts once, and ready beats terminating`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            let target = web.clusterIP(family)
            let pods = Array(scene.pods[..<2])
            func slice(_ name: String, _ backends: [Backend]) -> EndpointSliceManifest {
                web.slice(family, backends.map { $0.endpoint(family) }, name: name)
            }
            // Counted twice, pod-1 would have two thirds.
            try scene.put(
                "web", [web.service, slice("a", pods.map { Backend($0) }), slice("b", [Backend(pods[0])])])
            for transport in transports {
                let counts = try scene.client.tally(transport, target, attempts: 600)
                expectEvenSpread(counts, over: pods, "\(transport)")
            }
            // If terminating won, pod-2 alone would be ready.
            let terminating = [Backend(pods[0], .draining)]
            let ready = pods.map { Backend($0) }
            for slices in [
                [slice("a", terminating), slice("b", ready)], [slice("a", ready), slice("b", terminating)],
            ] {
                try scene.put("web", [web.service] + slices)
                #expect(Set(try scene.client.tally(.tcp, target, attempts: 60).keys) == ["pod-1", "pod-2"])
            }
        }

        @Test func `A8 conditions that are not given mean ready`() throws {
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
