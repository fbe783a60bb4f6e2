import Lab
import Networking
import Testing

extension EndToEnd {
    /// Traffic policies: which endpoints are used by whom, and what becomes of a connection without any.
    @Suite struct PolicyTests {
        private typealias State = Backend.State

        /// The state of an endpoint here and of one elsewhere; nil for none.
        private static let states: [(here: State?, elsewhere: State?)] = {
            let all: [State?] = State.allCases.map { $0 } + [nil]
            return all.flatMap { here in all.map { (here, $0) } }
        }()

        /// Who answers under a policy, by the words of the specification (C1 and C2).
        private static func servers(
            _ here: State?, _ elsewhere: State?, isLocal: Bool
        ) -> Set<String?> {
            let candidates: [(name: String, state: State?)] =
                [("pod-1", here)] + (isLocal ? [] : [("pod-2", elsewhere)])
            let ready = candidates.filter { $0.state == .ready }
            let draining = candidates.filter { $0.state == .draining }
            return Set((ready.isEmpty ? draining : ready).map(\.name))
        }

        private static func backends(_ scene: Scene, _ here: State?, _ elsewhere: State?) -> [Backend] {
            [here.map { Backend.here(scene.pods[0], $0) }, elsewhere.map { .elsewhere(scene.pods[1], $0) }]
                .compactMap { $0 }
        }

        /// Each of `servers` answers and nobody else; if there are none, the connection is dropped where
        /// somebody serves elsewhere, and refused where nobody does.
        private func expect(
            _ servers: Set<String?>, isServedElsewhere: Bool, _ hosts: [Host], _ targets: [SocketAddress],
            _ what: String
        ) throws {
            if servers.isEmpty, isServedElsewhere { return try expectDropped(hosts, targets) }
            for target in targets {
                if servers.isEmpty {
                    try expectRefused(hosts, target)
                    continue
                }
                for host in hosts {
                    for transport in transports {
                        let counts = try host.tally(transport, target, attempts: servers.count > 1 ? 40 : 6)
                        #expect(Set(counts.keys) == servers, "\(what): \(transport) from \(host.name): \(counts)")
                    }
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C1 Cluster takes what is ready, else what drains, wherever it is`(family: AddressFamily) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.internalPolicy = "Cluster"
            web.externalPolicy = "Cluster"
            for (here, elsewhere) in Self.states {
                try scene.put("web", web.manifests(of: Self.backends(scene, here, elsewhere)))
                let servers = Self.servers(here, elsewhere, isLocal: false)
                let what = "here \(String(describing: here)), elsewhere \(String(describing: elsewhere))"
                let frontends = [web.clusterIP(family), web.nodePort(family, on: scene.node)]
                try self.expect(servers, isServedElsewhere: false, [scene.client, scene.pods[0]], frontends, what)
            }
        }

        /// `ClusterIP` follows the internal policy, everything else the external one, each by itself.
        @Test func `C2 Local takes what is ready here, else what drains here`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            var web = Application.everywhere()
            for isInternal in [true, false] {
                web.internalPolicy = isInternal ? "Local" : "Cluster"
                web.externalPolicy = isInternal ? "Cluster" : "Local"
                for (here, elsewhere) in Self.states {
                    try scene.put("web", web.manifests(of: Self.backends(scene, here, elsewhere)))
                    let local = Self.servers(here, elsewhere, isLocal: true)
                    let cluster = Self.servers(here, elsewhere, isLocal: false)
                    let what = "here \(String(describing: here)), elsewhere \(String(describing: elsewhere))"
                    let clusterIPs = AddressFamily.allCases.map { web.clusterIP($0) }
                    let nodePorts = AddressFamily.allCases.map { web.nodePort($0, on: scene.node) }
                    try self.expect(
                        local, isServedElsewhere: !cluster.isEmpty, [scene.client],
                        isInternal ? clusterIPs : nodePorts, what)
                    try self.expect(
                        cluster, isServedElsewhere: false, [scene.client], isInternal ? nodePorts : clusterIPs, what)
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C2 ready ones elsewhere do not keep draining ones here from Local clients`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: [.here(scene.pods[1], .draining), .elsewhere(scene.pods[2])]))
            for frontend in web.externalFrontends(family, on: scene.node) {
                #expect(try scene.client.tally(.tcp, frontend, attempts: 20) == ["pod-2": 20])
                // From inside it is as if the policy were Cluster.
                #expect(try scene.pods[0].tally(.tcp, frontend, attempts: 20) == ["pod-3": 20])
                #expect(try scene.node.tally(.tcp, frontend, attempts: 20) == ["pod-3": 20])
            }
            for host in scene.vantagePoints {
                #expect(try host.tally(.tcp, web.clusterIP(family), attempts: 20) == ["pod-3": 20])
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C4 Local drops while somebody serves elsewhere, and refuses when nobody does`(
            family: AddressFamily
        ) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.internalPolicy = "Local"
            web.externalPolicy = "Local"
            let frontends = web.frontends(family, on: scene.node)
            let steps: [(backends: [Backend], isServedElsewhere: Bool)] = [
                ([.elsewhere(scene.pods[1])], true), ([.elsewhere(scene.pods[1], .notReady)], false),
                ([.elsewhere(scene.pods[1], .draining), .here(scene.pods[0], .notReady)], true),
                ([.elsewhere(scene.pods[1], .ended), .here(scene.pods[0], .ended)], false), ([], false),
            ]
            for (backends, isServedElsewhere) in steps {
                try scene.put("web", web.manifests(of: backends))
                try self.expect([], isServedElsewhere: isServedElsewhere, [scene.client], frontends, "\(backends)")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C9 the internal policy is the ClusterIP's, the external one all others'`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            let both: Set<String?> = ["pod-2", "pod-3"]
            for (internalPolicy, externalPolicy) in [("Local", "Cluster"), ("Cluster", "Local"), ("Local", "Local")] {
                web.internalPolicy = internalPolicy
                web.externalPolicy = externalPolicy
                try scene.put("web", web.manifests(of: [.here(scene.pods[1]), .elsewhere(scene.pods[2])]))
                for frontend in web.frontends(family, on: scene.node) {
                    let policy = frontend == web.clusterIP(family) ? internalPolicy : externalPolicy
                    try self.expect(
                        policy == "Local" ? ["pod-2"] : both, isServedElsewhere: true, [scene.client], [frontend],
                        "\(internalPolicy), \(externalPolicy), \(frontend)")
                    // Of the internal policy pods and the host know as well; the external one is not for them.
                    let inside = frontend == web.clusterIP(family) && internalPolicy == "Local"
                    try self.expect(
                        inside ? ["pod-2"] : both, isServedElsewhere: true, [scene.node, scene.pods[0]], [frontend],
                        "\(internalPolicy), \(externalPolicy), \(frontend)")
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `C9 external IPs alone are enough for an external policy`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application()
            web.hasExternalIPs = true
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: [.here(scene.pods[1]), .elsewhere(scene.pods[2])]))
            try expectAnswered([scene.client], web.externalIP(family), by: [scene.pods[1]]) { $0.address(family) }
            #expect(try scene.client.tally(.tcp, web.externalIP(family), attempts: 20) == ["pod-2": 20])
            #expect(Set(try scene.client.tally(.tcp, web.clusterIP(family), attempts: 40).keys) == ["pod-2", "pod-3"])
        }
    }
}
