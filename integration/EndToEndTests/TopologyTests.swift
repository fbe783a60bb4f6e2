import Lab
import Networking
import Testing

extension EndToEnd {
    /// Hints in EndpointSlices: whom each endpoint is meant for. The node is ``Scene/here`` in zone-a.
    @Suite struct TopologyTests {
        /// Who answers is asked until one of three that should would be missing once in ten billion runs.
        private func expect(
            _ servers: Set<String?>, _ hosts: [Host], _ target: SocketAddress, _ what: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            for host in hosts {
                let counts = try host.tally(.tcp, target, attempts: 60)
                #expect(
                    Set(counts.keys) == servers, "\(what): from \(host.name): \(counts)",
                    sourceLocation: sourceLocation)
            }
        }

        private struct Case {
            let what: String
            /// Zones and nodes that the endpoints are meant for, `pod-1` first.
            let hints: [(zones: [String], nodes: [String])]
            let servers: Set<String?>
        }

        private static let all: Set<String?> = ["pod-1", "pod-2", "pod-3"]

        private static let zoneCases = [
            Case(
                what: "each zone its own", hints: [(["zone-a"], []), (["zone-b"], []), (["zone-c"], [])],
                servers: ["pod-1"]),
            Case(
                what: "one for two zones", hints: [(["zone-a"], []), (["zone-b", "zone-a"], []), (["zone-c"], [])],
                servers: ["pod-1", "pod-2"]),
            Case(what: "one without hints", hints: [(["zone-a"], []), ([], []), (["zone-b"], [])], servers: all),
            Case(
                what: "none for this zone", hints: [(["zone-b"], []), (["zone-b"], []), (["zone-c"], [])], servers: all),
            Case(what: "no hints at all", hints: [([], []), ([], []), ([], [])], servers: all),
        ]

        private static let here = [Scene.here]
        private static let elsewhere = [Scene.elsewhere]

        private static let nodeCases = [
            Case(
                what: "this node's own",
                hints: [(["zone-a"], here), (["zone-a"], elsewhere), (["zone-b"], ["node-c"])], servers: ["pod-1"]),
            Case(
                what: "none for this node, some for its zone",
                hints: [(["zone-a"], elsewhere), (["zone-b"], elsewhere), (["zone-a"], ["node-c"])],
                servers: ["pod-1", "pod-3"]),
            Case(
                what: "one without a node, all with a zone",
                hints: [(["zone-a"], here), (["zone-a"], []), (["zone-b"], elsewhere)], servers: ["pod-1", "pod-2"]),
            Case(
                what: "neither this node nor its zone",
                hints: [(["zone-b"], elsewhere), (["zone-b"], elsewhere), (["zone-c"], ["node-c"])], servers: all),
            Case(
                what: "node hints without zone hints", hints: [([], here), ([], here), ([], elsewhere)],
                servers: ["pod-1", "pod-2"]),
            Case(
                what: "node hints for others, no zone hints",
                hints: [([], elsewhere), ([], elsewhere), ([], elsewhere)],
                servers: all),
        ]

        private static func backends(_ scene: Scene, _ hints: [(zones: [String], nodes: [String])]) -> [Backend] {
            zip(scene.pods, hints).map { Backend($0, zones: $1.zones, nodes: $1.nodes) }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C5 hints choose endpoints where every one has them and one names us`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            try scene.put("node", [NodeManifest(Scene.here, zone: "zone-a")])
            for topology in Self.zoneCases + Self.nodeCases {
                try scene.put("web", web.manifests(of: Self.backends(scene, topology.hints)))
                try self.expect(topology.servers, [scene.client, scene.pods[1]], web.clusterIP(family), topology.what)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C5 only ready endpoints have a say`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            let target = web.clusterIP(family)
            try scene.put("node", [NodeManifest(Scene.here, zone: "zone-a")])
            let ready = [Backend(scene.pods[0], zones: ["zone-a"]), Backend(scene.pods[1], zones: ["zone-b"])]
            for state in [Backend.State.notReady, .draining, .ended] {
                try scene.put("web", web.manifests(of: ready + [Backend(scene.pods[2], state)]))
                try self.expect(["pod-1"], [scene.client], target, "\(state), without hints")
                let other = Backend(scene.pods[2], state, zones: ["zone-a"], nodes: [Scene.here])
                try scene.put("web", web.manifests(of: [ready[1], other]))
                try self.expect(["pod-2"], [scene.client], target, "\(state), the one for this zone")
            }
            // What drains is taken wherever it is meant for: hints are about ready endpoints.
            let draining = [
                Backend(scene.pods[0], .draining, zones: ["zone-a"]),
                Backend(scene.pods[1], .draining, zones: ["zone-b"]),
            ]
            try scene.put("web", web.manifests(of: draining))
            try self.expect(["pod-1", "pod-2"], [scene.client], target, "all draining")
        }

        @Test(arguments: AddressFamily.allCases)
        func `C6 this node, else its zone, else everybody`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            let target = web.clusterIP(family)
            try scene.put("node", [NodeManifest(Scene.here, zone: "zone-a")])
            let backends = [
                Backend(scene.pods[0], on: Scene.here, zones: ["zone-a"], nodes: [Scene.here]),
                Backend(scene.pods[1], on: Scene.elsewhere, zones: ["zone-a"], nodes: [Scene.elsewhere]),
                Backend(scene.pods[2], on: "node-c", zones: ["zone-b"], nodes: ["node-c"]),
            ]
            // As pods die, and as one comes back.
            for (backends, server) in [(backends, "pod-1"), (Array(backends[1...]), "pod-2")] {
                try scene.put("web", web.manifests(of: backends))
                try self.expect([server], scene.vantagePoints, target, "\(backends.count) of them")
            }
            try scene.put("web", web.manifests(of: [backends[2]]))
            try self.expect(["pod-3"], scene.vantagePoints, target, "the last one")
            try scene.put("web", web.manifests(of: backends))
            try self.expect(["pod-1"], scene.vantagePoints, target, "all back")
        }

        /// pod-1 and pod-2 are here, pod-2 and pod-3 are meant for this zone.
        @Test(arguments: AddressFamily.allCases)
        func `C7 hints are nothing to Local policies, only to what goes everywhere`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            let backends = [
                Backend(scene.pods[0], on: Scene.here, zones: ["zone-b"]),
                Backend(scene.pods[1], on: Scene.here, zones: ["zone-a"]),
                Backend(scene.pods[2], on: Scene.elsewhere, zones: ["zone-a"]),
            ]
            let (local, zone): (Set<String?>, Set<String?>) = (["pod-1", "pod-2"], ["pod-2", "pod-3"])
            try scene.put("node", [NodeManifest(Scene.here, zone: "zone-a")])
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: backends))
            for frontend in web.externalFrontends(family, on: scene.node) {
                try self.expect(local, [scene.client], frontend, "external policy Local, \(frontend)")
                try self.expect(zone, [scene.node, scene.pods[0]], frontend, "short circuit, \(frontend)")
            }
            try self.expect(zone, scene.vantagePoints, web.clusterIP(family), "beside an external policy Local")
            web.externalPolicy = nil
            web.internalPolicy = "Local"
            try scene.put("web", web.manifests(of: backends))
            try self.expect(local, scene.vantagePoints, web.clusterIP(family), "internal policy Local")
            for frontend in web.externalFrontends(family, on: scene.node) {
                try self.expect(zone, scene.vantagePoints, frontend, "beside an internal policy Local, \(frontend)")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C8 the node's zone counts from the start, and as it changes`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            let target = web.clusterIP(family)
            let hints: [(zones: [String], nodes: [String])] = [(["zone-a"], []), (["zone-b"], []), (["zone-c"], [])]
            try scene.put("web", web.manifests(of: Self.backends(scene, hints)))
            try self.expect(Self.all, [scene.client], target, "without a Node")
            for (zone, server) in [("zone-b", "pod-2"), ("zone-a", "pod-1"), ("zone-c", "pod-3")] {
                try scene.put("node", [NodeManifest(Scene.here, zone: zone), NodeManifest("node-c", zone: "zone-x")])
                try self.expect([server], [scene.client, scene.pods[0]], target, zone)
            }
            var node = NodeManifest(Scene.here, zone: "zone-c")
            node.labels["example.com/rack"] = "7"
            try scene.put("node", [node])
            try self.expect(["pod-3"], [scene.client], target, "another label")
            // It is known before anything is in force.
            scene.fairlead.terminate()
            try scene.folder.write("node.yaml", [NodeManifest(Scene.here, zone: "zone-b")])
            try scene.start()
            #expect(try scene.client.tally(.tcp, target, attempts: 20) == ["pod-2": 20])
            for nodes in [[NodeManifest(Scene.here)], [], [NodeManifest("node-c", zone: "zone-a")]] {
                try scene.put("node", nodes)
                try self.expect(Self.all, [scene.client], target, "without a zone, \(nodes.map(\.name))")
            }
        }
    }
}
