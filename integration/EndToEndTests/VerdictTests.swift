import Lab
import Networking
import Testing

extension EndToEnd {
    /// What becomes of a connection that no endpoint may take: every frontend, from everywhere.
    @Suite struct VerdictTests {
        /// The host's own stack would refuse a NodePort as well: a listener there shows who it is.
        private static func listener(_ web: Application, _ scene: Scene) throws -> EchoServer {
            try EchoServer(on: scene.node, port: try #require(web.nodePort), name: "own")
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.4 no usable endpoint anywhere is a refusal for everybody, whatever the policy`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            let own = try Self.listener(web, scene)
            defer { own.stop() }
            for policy in ["Cluster", "Local"] {
                web.internalPolicy = policy
                web.externalPolicy = policy
                for backends in [[], [Backend.here(scene.pods[1], .notReady), .elsewhere(scene.pods[2], .ended)]] {
                    try scene.put("web", web.manifests(of: backends))
                    for frontend in web.frontends(family, on: scene.node) {
                        try expectRefused(scene.vantagePoints, frontend)
                    }
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.4 endpoints only elsewhere are a drop for Local clients, none for those inside`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            let own = try Self.listener(web, scene)
            defer { own.stop() }
            let frontends = web.externalFrontends(family, on: scene.node)
            let backends = [Backend.elsewhere(scene.pods[1]), Backend.elsewhere(scene.pods[2])]
            web.internalPolicy = "Local"
            try scene.put("web", web.manifests(of: backends))
            try expectDropped(scene.vantagePoints, web.clusterIP(family))
            for frontend in frontends {
                try expectAnswered(scene.vantagePoints, frontend, by: [scene.pods[1], scene.pods[2]])
            }
            web.internalPolicy = nil
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: backends))
            try expectDropped([scene.client], frontends)
            for frontend in frontends {
                for host in [scene.node, scene.pods[0]] {
                    let counts = try host.tally(.tcp, frontend, attempts: 40)
                    #expect(Set(counts.keys) == ["pod-2", "pod-3"], "\(host.name) to \(frontend): \(counts)")
                    #expect(try host.probe(.udp, frontend).isAnswered)
                }
            }
            try expectAnswered(scene.vantagePoints, web.clusterIP(family))
        }

        /// Nobody can be told from a client outside then, except this host itself.
        @Test(arguments: AddressFamily.allCases)
        func `1.4 without a way to tell pods they are as clients outside`(family: AddressFamily) throws {
            let scene = try Scene(clusterCIDR: nil)
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.externalPolicy = "Local"
            let frontends = web.externalFrontends(family, on: scene.node)
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1])]))
            try expectDropped([scene.client, scene.pods[0]], frontends)
            for frontend in frontends { try expectAnswered([scene.node], frontend, by: [scene.pods[1]]) }
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1]), .here(scene.pods[2])]))
            for frontend in frontends {
                #expect(try scene.pods[0].tally(.tcp, frontend, attempts: 20) == ["pod-3": 20])
                #expect(Set(try scene.node.tally(.tcp, frontend, attempts: 40).keys) == ["pod-2", "pod-3"])
            }
        }

        /// Only new connections are judged. UDP flows to an endpoint that is gone are another matter (D6).
        @Test(arguments: AddressFamily.allCases)
        func `1.4 established connections are not cut, and neither are flows to endpoints that serve`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1])]))
            let frontends = web.frontends(family, on: scene.node)
            let connections = try frontends.flatMap { frontend in
                try scene.vantagePoints.map { ("\($0.name) to \(frontend)", try $0.converse(with: frontend)) }
            }
            let flows = try frontends.map { ($0, try scene.client.converseByUDP(with: $0)) }
            for (name, flow) in flows { #expect(flow.exchange().server == "pod-2", "\(name)") }
            web.internalPolicy = "Local"
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1])]))
            try expectDropped([scene.client], web.clusterIP(family), web.loadBalancerIP(family))
            for (name, connection) in connections { #expect(connection.isAlive(), "\(name), policy Local") }
            for (name, flow) in flows { #expect(flow.exchange().server == "pod-2", "\(name), policy Local") }
            try scene.put("web", web.manifests(of: [.elsewhere(scene.pods[1], .notReady)]))
            try expectRefused([scene.client], web.clusterIP(family))
            for (name, connection) in connections { #expect(connection.isAlive(), "\(name), not ready") }
            try scene.put("web", [web.service])
            try expectRefused([scene.client], web.clusterIP(family))
            for (name, connection) in connections { #expect(connection.isAlive(), "\(name), no endpoints") }
        }

        /// Where kube-proxy's verdict would come too late: the packet is never routed.
        @Test(arguments: AddressFamily.allCases)
        func `1.4 a refusal needs no route`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            try scene.put("web", web.manifests(of: []))
            try scene.node.shell("ip -\(family.rawValue) route del default")
            for frontend in web.frontends(family, on: scene.node) {
                try expectRefused([scene.client, scene.pods[0]], frontend, over: [.tcp])
            }
        }
    }
}
