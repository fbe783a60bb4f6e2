import Lab
import Networking
import Testing

extension EndToEnd {
    /// Which objects count, and which of them belong together.
    @Suite struct IdentityTests {
        private static let proxyName = "service.kubernetes.io/service-proxy-name"
        private static let headless = "service.kubernetes.io/headless"

        @Test func `A1 objects that are for other programs or nodes count for nothing`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[0]])
            var others = web.slices(of: [Backend(scene.pods[1])])
            for index in others.indices {
                others[index].name += "-headless"
                others[index].labels[Self.headless] = ""
            }
            let foreign = Application("foreign", number: 11, on: scene.pods)
            var labelled = foreign.service
            labelled.labels[Self.proxyName] = "other"
            let zone = CIDR(host: foreign.clusterIP(.ipv4).address)
            // Another node's name for pods, or its zone, is not ours.
            let node = NodeManifest(Scene.elsewhere, zone: "zone-b", podCIDRs: [zone])
            try scene.put("web", web.manifests + others)
            try scene.put("foreign", [labelled] + foreign.slices + [node])
            for family in AddressFamily.allCases {
                for transport in transports {
                    #expect(try scene.client.tally(transport, web.clusterIP(family), attempts: 30) == ["pod-1": 30])
                }
                try expectUnserved(scene.vantagePoints, foreign.clusterIP(family))
            }
            // They count as soon as they are meant for us.
            try scene.put("web", web.manifests + web.slices(of: [Backend(scene.pods[1])]).map(Self.renamed))
            try scene.put(foreign)
            for family in AddressFamily.allCases {
                let counts = try scene.client.tally(.tcp, web.clusterIP(family), attempts: 60)
                #expect(Set(counts.keys) == ["pod-1", "pod-2"])
                try expectAnswered(scene.vantagePoints, foreign.clusterIP(family))
            }
        }

        private static func renamed(_ slice: EndpointSliceManifest) -> EndpointSliceManifest {
            var slice = slice
            slice.name += "-second"
            return slice
        }

        @Test(arguments: ["", "other-proxy"])
        func `A2 a Service with another proxy's name is let go, and taken back`(value: String) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            var labelled = web.service
            labelled.labels[Self.proxyName] = value
            for service in [labelled, web.service, labelled, web.service] {
                try scene.put("web", [service] + web.slices)
                for family in AddressFamily.allCases {
                    let frontends = [web.clusterIP(family), web.externalIP(family), web.loadBalancerIP(family)]
                    if service.labels.isEmpty {
                        for frontend in frontends { try expectAnswered(scene.vantagePoints, frontend) }
                        try expectAnswered(scene.vantagePoints, web.nodePort(family, on: scene.node))
                    } else {
                        try expectUnserved(scene.vantagePoints, frontends)
                        // Its NodePort is the host's own again.
                        try expectRefused(scene.vantagePoints, web.nodePort(family, on: scene.node))
                    }
                }
            }
        }

        @Test(arguments: ["", "true"])
        func `A3 headless slices leave a Service without endpoints`(value: String) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            var slices = web.slices
            for index in slices.indices { slices[index].labels[Self.headless] = value }
            for family in AddressFamily.allCases {
                try scene.put("web", [web.service] + slices)
                try expectRefused(scene.vantagePoints, web.clusterIP(family))
                try scene.put(web)
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
            }
        }

        @Test func `A4 a Service that is a name, or has no ClusterIP, has no frontends at all`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            var name = web.service
            name.type = "ExternalName"
            name.externalName = "web.example.com"
            for index in name.ports.indices { name.ports[index].nodePort = nil }
            var nowhere = Application("nowhere", number: 11, on: scene.pods)
            nowhere.families = []
            var headless = ServiceManifest("headless", clusterIPs: [], ports: nowhere.service.ports)
            headless.externalIPs = [SocketAddress.externalIP(12, .ipv4).address]
            let none = headless.yaml.replacing("  type: ClusterIP\n", with: "  clusterIP: None\n")
            var empty = ServiceManifest("empty", clusterIPs: [], ports: nowhere.service.ports)
            empty.externalIPs = [SocketAddress.externalIP(13, .ipv4).address]
            // As the API server stores what waits for an address.
            let unassigned = empty.yaml.replacing("  type: ClusterIP\n", with: "  clusterIP: \"\"\n")
            try scene.folder.write("others.yaml", "\(none)---\n\(unassigned)")
            for service in [name, web.service, name] {
                try scene.put("web", [service] + web.slices)
                for family in AddressFamily.allCases {
                    let frontends = web.frontends(family, on: scene.node)
                    if service.type == "ExternalName" {
                        try expectUnserved(scene.vantagePoints, frontends.filter { $0.port == Application.port })
                        try expectRefused(scene.vantagePoints, web.nodePort(family, on: scene.node))
                    } else {
                        for frontend in frontends { try expectAnswered(scene.vantagePoints, frontend) }
                    }
                }
                try expectUnserved(scene.vantagePoints, .externalIP(12, .ipv4), .externalIP(13, .ipv4))
            }
            #expect(!scene.fairlead.log.contains { $0.contains("manifest error") }, "\(scene.fairlead.log)")
        }

        @Test(arguments: AddressFamily.allCases)
        func `A5 a slice's port belongs by name and protocol, a slice by namespace and name`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let target = SocketAddress.clusterIP(10, family)
            func slice(_ ports: [EndpointSliceManifest.Port], namespace: String = "default") -> EndpointSliceManifest {
                let pod = namespace == "default" ? scene.pods[1] : scene.pods[2]
                var slice = EndpointSliceManifest(
                    of: "web", family: family, endpoints: [.init(pod.address(family))], ports: ports)
                slice.namespace = namespace
                return slice
            }
            let service = ServiceManifest("web", clusterIPs: [target.address], ports: [.init(80, name: "http")])
            let right = EndpointSliceManifest.Port(Scene.targetPort, name: "http")
            for wrong in [
                EndpointSliceManifest.Port(Scene.targetPort, name: "https"),
                .init(Scene.targetPort, name: ""),
                .init(Scene.targetPort, name: "http", transport: .udp),
            ] {
                try scene.put("web", [service, slice([wrong])])
                try expectRefused(scene.vantagePoints, target)
            }
            try scene.put("web", [service, slice([right])])
            try expectAnswered(scene.vantagePoints, target, by: [scene.pods[1]], over: [.tcp])
            // A port without a name has the empty one.
            let unnamed = ServiceManifest("web", clusterIPs: [target.address], ports: [.init(80, name: "")])
            try scene.put("web", [unnamed, slice([right])])
            try expectRefused(scene.vantagePoints, target)
            try scene.put("web", [unnamed, slice([.init(Scene.targetPort, name: "")])])
            try expectAnswered(scene.vantagePoints, target, by: [scene.pods[1]], over: [.tcp])
            // The same name in another namespace is another Service.
            let elsewhere = SocketAddress.clusterIP(11, family)
            var namesake = ServiceManifest("web", clusterIPs: [elsewhere.address], ports: [.init(80, name: "http")])
            namesake.namespace = "other"
            try scene.put("web", [service, slice([right])])
            try scene.put("other", [namesake])
            try expectRefused(scene.vantagePoints, elsewhere, over: [.tcp])
            try scene.put("other", [namesake, slice([right], namespace: "other")])
            #expect(try scene.client.tally(.tcp, target, attempts: 20) == ["pod-2": 20])
            #expect(try scene.client.tally(.tcp, elsewhere, attempts: 20) == ["pod-3": 20])
        }

        @Test(arguments: AddressFamily.allCases)
        func `A9 publishNotReadyAddresses changes nothing here`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            var service = web.service
            service.publishNotReadyAddresses = true
            // The controller publishes them by saying that they are ready; nobody else may.
            try scene.put("web", [service] + web.slices(of: [Backend(scene.pods[1], .notReady)]))
            try expectRefused(scene.vantagePoints, web.clusterIP(family))
            try scene.put("web", [service] + web.slices(of: [Backend(scene.pods[1], .ready)]))
            try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: [scene.pods[1]])
        }

        /// `internalTrafficPolicy: Local` shows what is local.
        @Test(arguments: [Scene.here, "Node-A", nil])
        func `A10 local is what names this node, in whatever case that was given`(hostname: String?) throws {
            let scene = try Scene(hostname: hostname)
            defer { scene.tearDown() }
            let name = try scene.node.shell("cat /proc/sys/kernel/hostname").split(separator: "\n").first ?? ""
            let here = hostname ?? String(name)
            var web = Application()
            web.internalPolicy = "Local"
            for family in AddressFamily.allCases {
                let target = web.clusterIP(family)
                try scene.put(
                    "web",
                    web.manifests(of: [
                        Backend(scene.pods[0], on: here.lowercased()), .elsewhere(scene.pods[1]),
                        Backend(scene.pods[2]),
                    ]))
                for host in scene.vantagePoints {
                    #expect(try host.tally(.tcp, target, attempts: 30) == ["pod-1": 30])
                    #expect(try host.tally(.udp, target, attempts: 30) == ["pod-1": 30])
                }
                // One that does not say where it is is not here.
                try scene.put("web", web.manifests(of: [Backend(scene.pods[2])]))
                try expectDropped(scene.vantagePoints, target)
            }
        }
    }
}
