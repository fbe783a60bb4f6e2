import Lab
import Networking
import Testing

extension EndToEnd {
    /// The virtual IP of a Service: who reaches it, who answers, and whom the server sees.
    @Suite struct ClusterIPTests {
        @Test(arguments: AddressFamily.allCases)
        func `B1 answers pod, node and outside`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: scene.pods)
        }

        @Test(arguments: AddressFamily.allCases)
        func `B8 spreads connections over all endpoints`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            for host in scene.vantagePoints {
                for transport in transports {
                    let counts = try host.tally(transport, web.clusterIP(family), attempts: 300)
                    expectEvenSpread(counts, over: scene.pods, "\(transport) from \(host.name)")
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.5 shows pods' own addresses and masquerades everybody else`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1], scene.pods[2]])
            try scene.put(web)
            let gateway = scene.lab.podGateway(family)
            try expectAnswered([scene.pods[0]], web.clusterIP(family)) { $0.address(family) }
            try expectAnswered([scene.client, scene.node], web.clusterIP(family)) { _ in gateway }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.5 masquerades a pod that reaches itself`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let pod = scene.pods[0]
            let gateway = scene.lab.podGateway(family)
            let web = Application(on: [pod])
            try scene.put(web)
            try expectAnswered([pod], web.clusterIP(family), by: [pod]) { _ in gateway }
            // Only itself: from another pod the same server sees the pod.
            try expectAnswered([scene.pods[1]], web.clusterIP(family), by: [pod]) { $0.address(family) }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.5 masquerades nobody but a pod to itself without a cluster CIDR`(family: AddressFamily) throws {
            let scene = try Scene(clusterCIDR: nil)
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[0]])
            try scene.put(web)
            let others = [scene.client, scene.node, scene.pods[1]]
            try expectAnswered(others, web.clusterIP(family)) { $0.address(family) }
            let gateway = scene.lab.podGateway(family)
            try expectAnswered([scene.pods[0]], web.clusterIP(family)) { _ in gateway }
        }

        @Test(arguments: AddressFamily.allCases)
        func `1.5 masquerades pods too if told to`(family: AddressFamily) throws {
            let scene = try Scene(["--masquerade-all"])
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            let gateway = scene.lab.podGateway(family)
            try expectAnswered(scene.vantagePoints, web.clusterIP(family)) { _ in gateway }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B9 refuses what is no port of it`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            for host in scene.vantagePoints {
                try expectRefused([host], web.clusterIP(family).port(81))
                let ping = try host.ping(to: web.clusterIP(family).address)
                #expect(ping.isRefused, "ping from \(host.name): \(ping)")
                #expect(ping.duration.map { $0 < .seconds(1) } ?? false, "ping from \(host.name): \(ping)")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B1 leaves addresses alone that are no ClusterIP`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            try expectUnserved(scene.vantagePoints, .clusterIP(99, family))
            // One that was a ClusterIP is nobody's again.
            try scene.remove(web.name)
            try expectUnserved(scene.vantagePoints, web.clusterIP(family))
            // And packets that are for no Service pass as if Fairlead were not there.
            let direct = SocketAddress(scene.pods[1].address(family), Scene.targetPort)
            let gateway = scene.lab.podGateway(family)
            try expectAnswered(scene.vantagePoints, direct, by: [scene.pods[1]]) {
                $0.name == "node" ? gateway : $0.address(family)
            }
        }
    }
}
