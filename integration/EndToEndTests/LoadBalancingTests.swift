import Lab
import Networking
import Testing

extension EndToEnd {
    /// Which endpoint gets how much: uniformly at random, unless a Service asks for something else.
    @Suite struct LoadBalancingTests {
        private static func manifests(
            _ web: Application, _ annotations: [String: String], _ backends: [Backend]
        ) -> [any Manifest] {
            var service = web.service
            service.annotations = annotations
            return [service] + web.slices(of: backends)
        }

        /// A slice for each of the pods, with a label that says its weight.
        private static func weighted(_ web: Application, _ scene: Scene, _ weights: [String?]) -> [any Manifest] {
            let slices = AddressFamily.allCases.flatMap { family in
                zip(scene.pods, weights).map { pod, weight in
                    var slice = web.slice(family, [Backend(pod).endpoint(family)], name: "web-\(pod.name)-\(family)")
                    slice.labels["fairlead.dev/weight"] = weight
                    return slice
                }
            }
            return [web.service] + slices
        }

        @Test(arguments: AddressFamily.allCases)
        func `B8 slices' weights share connections out`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            let cases: [(weights: [String?], shares: [String: Double])] = [
                (["6", "2", "1"], ["pod-1": 6, "pod-2": 2, "pod-3": 1]),
                (["100", "0", "50"], ["pod-1": 2, "pod-3": 1]),
                (["0", "0", "0"], ["pod-1": 1, "pod-2": 1, "pod-3": 1]),
                (["4", nil, "many"], ["pod-1": 4, "pod-2": 1, "pod-3": 1]),
            ]
            for (weights, shares) in cases {
                try scene.put("web", Self.weighted(web, scene, weights))
                for (transport, frontend) in [
                    (TransportProtocol.tcp, web.clusterIP(family)), (.udp, web.nodePort(family, on: scene.node)),
                ] {
                    let counts = try scene.client.tally(transport, frontend, attempts: 500)
                    #expect(Set(counts.keys) == Set(shares.keys.map { Optional($0) }), "\(weights): \(counts)")
                    expectSpread(counts, shares: shares, "\(weights), \(transport)")
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B8 zones' weights share connections out`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            let backends = zip(scene.pods, ["zone-a", "zone-b", "zone-b"]).map { pod, zone in
                var backend = Backend(pod)
                backend.zone = zone
                return backend
            }
            let cases: [(text: String, shares: [String: Double])] = [
                ("zone-a=6,zone-b=1", ["pod-1": 6, "pod-2": 1, "pod-3": 1]), ("zone-b=0", ["pod-1": 1]),
                ("zone-a=0", ["pod-2": 1, "pod-3": 1]), ("zone-c=7", ["pod-1": 1, "pod-2": 1, "pod-3": 1]),
            ]
            for (text, shares) in cases {
                try scene.put("web", Self.manifests(web, ["fairlead.dev/zone-weights": text], backends))
                let counts = try scene.client.tally(.tcp, web.clusterIP(family), attempts: 500)
                #expect(Set(counts.keys) == Set(shares.keys.map { Optional($0) }), "\(text): \(counts)")
                expectSpread(counts, shares: shares, text)
            }
        }

        /// Two labs are two nodes of a cluster.
        @Test(arguments: AddressFamily.allCases)
        func `B8 a client's hash finds the same endpoint from everywhere, and loses it only with it`(
            family: AddressFamily
        ) throws {
            let web = Application.everywhere()
            let hash = ["fairlead.dev/load-balancing": "client-ip-hash"]
            var answers: [[String?]] = []
            for _ in 0..<2 {
                let scene = try Scene()
                defer { scene.tearDown() }
                let all = scene.pods.map { Backend($0) }
                let clients = try Clients(scene, family, 100..<160)
                try scene.put("web", Self.manifests(web, hash, all))
                let before = try clients.servers(.tcp, web.clusterIP(family))
                #expect(Set(before) == ["pod-1", "pod-2", "pod-3"], "\(before)")
                for frontend in web.frontends(family, on: scene.node) {
                    for transport in transports {
                        #expect(try clients.servers(transport, frontend) == before, "\(transport) to \(frontend)")
                    }
                }
                try scene.put("web", Self.manifests(web, hash, Array(all[1...])))
                let after = try clients.servers(.tcp, web.clusterIP(family))
                for (old, new) in zip(before, after) {
                    #expect(old == "pod-1" ? ["pod-2", "pod-3"].contains(new) : new == old)
                }
                try scene.put("web", Self.manifests(web, hash, all))
                #expect(try clients.servers(.tcp, web.clusterIP(family)) == before, "back again")
                answers.append(before + after)
            }
            #expect(answers[0] == answers[1])
        }

        @Test(arguments: AddressFamily.allCases)
        func `B8 a flow's hash is by address and port`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            let annotations = ["fairlead.dev/load-balancing": "flow-hash", "fairlead.dev/hash-table-size": "1024"]
            try scene.put("web", Self.manifests(web, annotations, scene.pods.map { Backend($0) }))
            func servers(_ target: SocketAddress) throws -> [String?] {
                try (UInt16(20000)..<20060).map { sourcePort in
                    try scene.client.tcp(to: target.address, port: target.port, sourcePort: sourcePort).server
                }
            }
            let first = try servers(web.clusterIP(family))
            #expect(Set(first) == ["pod-1", "pod-2", "pod-3"], "\(first)")
            // Conntrack knows nothing of these yet, so it is the hash that finds the same endpoints.
            for frontend in web.externalFrontends(family, on: scene.node) {
                #expect(try servers(frontend) == first, "\(frontend)")
            }
        }
    }
}
