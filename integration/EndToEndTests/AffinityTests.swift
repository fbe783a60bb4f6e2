import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `sessionAffinity: ClientIP`: a client that comes again reaches whom it reached before.
    @Suite struct AffinityTests {
        private static func manifests(
            _ seconds: Int? = 10800, on backends: [Backend], externalPolicy: String? = nil
        ) -> [any Manifest] {
            var web = Application.everywhere()
            web.externalPolicy = externalPolicy
            var service = web.service
            service.clientIPAffinity = seconds
            return [service] + web.slices(of: backends)
        }

        @Test(arguments: AddressFamily.allCases)
        func `D3 one client, one endpoint, through every frontend`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try scene.put("web", Self.manifests(on: scene.pods.map { Backend($0) }))
            let web = Application.everywhere()
            let frontends = web.frontends(family, on: scene.node)
            for host in scene.vantagePoints {
                for transport in transports {
                    let answers = try (0..<15).map { try host.probe(transport, frontends[$0 % frontends.count]).server }
                    #expect(answers[0] != nil)
                    #expect(Set(answers).count == 1, "\(transport) from \(host.name): \(answers)")
                }
            }
            // It is the client that sticks, not the Service: others draw for themselves.
            let clients = try Clients(scene, family)
            let servers = try transports.map { try clients.servers($0, web.clusterIP(family)) }
            for (transport, servers) in zip(transports, servers) {
                #expect(Set(servers) == ["pod-1", "pod-2", "pod-3"], "\(servers)")
                for frontend in frontends {
                    #expect(try clients.servers(transport, frontend) == servers, "\(transport) to \(frontend)")
                }
            }
            #expect(servers[0] != servers[1], "each port of the Service by itself")
        }

        /// Half of the clients come again in between. Only the others may have been forgotten.
        @Test func `D3 the timeout is counted from the last new connection`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try scene.put("web", Self.manifests(2, on: scene.pods.map { Backend($0) }))
            let targets = AddressFamily.allCases.map { Application.everywhere().clusterIP($0) }
            let clients = try AddressFamily.allCases.map { try Clients(scene, $0) }
            let before = try zip(clients, targets).map { try $0.servers(.tcp, $1) }
            for _ in 0..<6 {
                pause(.milliseconds(450))
                for (index, target) in targets.enumerated() {
                    let servers = try clients[index].servers(.tcp, target, only: 0..<16)
                    #expect(servers == Array(before[index][..<16]), "those that come again")
                }
            }
            for (index, target) in targets.enumerated() {
                let servers = try clients[index].servers(.tcp, target, only: 16..<32)
                #expect(servers != Array(before[index][16...]), "those that stayed away")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D3 only those whose endpoint is gone move, and nobody when it comes back`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let target = Application.everywhere().clusterIP(family)
            let all = scene.pods.map { Backend($0) }
            for (index, state) in [nil, Backend.State.notReady, .draining].enumerated() {
                // New ones each time: nobody must have moved before.
                let clients = try Clients(scene, family, (100 + index * 40)..<(140 + index * 40))
                try scene.put("web", Self.manifests(on: all))
                let before = try transports.map { try clients.servers($0, target) }
                let rest = Array(all[1...]) + (state.map { [Backend(scene.pods[0], $0)] } ?? [])
                try scene.put("web", Self.manifests(on: rest))
                let after = try transports.map { try clients.servers($0, target) }
                for (old, new) in zip(before.joined(), after.joined()) {
                    #expect(old == "pod-1" ? ["pod-2", "pod-3"].contains(new) : new == old)
                }
                #expect(before.allSatisfy { $0.contains("pod-1") })
                try scene.put("web", Self.manifests(on: all))
                #expect(try transports.map { try clients.servers($0, target) } == after, "all back")
            }
        }

        @Test func `D3 it outlives Fairlead, and changes of the timeout`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let all = scene.pods.map { Backend($0) }
            try scene.put("web", Self.manifests(on: all))
            let targets = AddressFamily.allCases.map { Application.everywhere().clusterIP($0) }
            let clients = try AddressFamily.allCases.map { try Clients(scene, $0) }
            let before = try zip(clients, targets).map { try $0.servers(.tcp, $1) }
            #expect(scene.fairlead.terminate() == .exited(0))
            for (index, target) in targets.enumerated() {
                #expect(try clients[index].servers(.tcp, target) == before[index], "while it is down")
            }
            try scene.start()
            for (index, target) in targets.enumerated() {
                #expect(try clients[index].servers(.tcp, target) == before[index], "after the start")
            }
            scene.fairlead.kill9()
            try scene.start()
            try scene.put("other", Application("other", number: 11, on: scene.pods).manifests)
            for (index, target) in targets.enumerated() {
                #expect(try clients[index].servers(.tcp, target) == before[index], "after another start")
            }
            // A shorter one counts from then on, a longer one does as well.
            try scene.put("web", Self.manifests(1, on: all))
            let short = try zip(clients, targets).map { try $0.servers(.tcp, $1) }
            pause(.milliseconds(1300))
            for (index, target) in targets.enumerated() {
                #expect(try clients[index].servers(.tcp, target) != short[index], "after a second")
            }
            try scene.put("web", Self.manifests(600, on: all))
            let long = try zip(clients, targets).map { try $0.servers(.tcp, $1) }
            pause(.milliseconds(1300))
            for (index, target) in targets.enumerated() {
                #expect(try clients[index].servers(.tcp, target) == long[index], "after another second")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D3 it can be switched off and on`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let all = scene.pods.map { Backend($0) }
            let web = Application.everywhere()
            for seconds in [10800, nil, 10800, nil] {
                try scene.put("web", Self.manifests(seconds, on: all))
                for frontend in web.frontends(family, on: scene.node) {
                    for transport in transports {
                        let attempts = seconds == nil ? 60 : 15
                        let counts = try scene.client.tally(transport, frontend, attempts: attempts)
                        #expect(counts.count == (seconds == nil ? 3 : 1), "\(transport) to \(frontend): \(counts)")
                        #expect(counts[nil] == nil, "\(transport) to \(frontend): \(counts)")
                    }
                }
            }
        }

        /// What a client has elsewhere is no reason to leave the node where the policy says not to.
        @Test(arguments: AddressFamily.allCases)
        func `D3 a Local policy comes before it`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            let backends = [Backend.here(scene.pods[0])] + scene.pods[1...].map { .elsewhere($0) }
            let clients = try Clients(scene, family)
            try scene.put("web", Self.manifests(on: backends, externalPolicy: "Local"))
            #expect(Set(try clients.servers(.tcp, web.clusterIP(family))).count == 3)
            let nodePort = web.nodePort(family, on: scene.node)
            #expect(Set(try clients.servers(.tcp, nodePort)) == ["pod-1"])
            // From then on the policy leaves the choice, and the client keeps its last one or an older one.
            try scene.put("web", Self.manifests(on: backends, externalPolicy: "Cluster"))
            let servers = try clients.servers(.tcp, nodePort)
            #expect(try clients.servers(.tcp, nodePort) == servers)
            #expect(try clients.servers(.tcp, web.clusterIP(family)) == servers)
        }
    }
}
