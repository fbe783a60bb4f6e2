import Lab
import Networking
import Testing

extension EndToEnd {
    /// Other programs' tables: what they drop stays dropped, and they see the addresses that they expect.
    @Suite struct FirewallTests {
        private static func put(_ scene: Scene, on pod: Host) throws -> Application {
            let web = Application.everywhere(on: [pod])
            try scene.put(web)
            return web
        }

        private static func rules(_ scene: Scene, _ hook: String, _ priority: Int, _ rule: String) throws {
            try scene.node.shell(
                """
                nft -f - <<'END'
                table inet firewall
                delete table inet firewall
                table inet firewall {
                    chain lab { type filter hook \(hook) priority \(priority); policy accept; \(rule); }
                }
                END
                """)
        }

        @Test(arguments: AddressFamily.allCases)
        func `D11 a firewall that drops what is forwarded wins`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = try Self.put(scene, on: scene.pods[1])
            let frontends = web.frontends(family, on: scene.node)
            for frontend in frontends { try expectAnswered(scene.vantagePoints, frontend) }
            // By then it is the endpoint's address, whichever frontend it was.
            let name = family == .ipv4 ? "ip" : "ip6"
            let rule = "\(name) daddr \(scene.pods[1].address(family)) th dport \(Scene.targetPort) drop"
            for priority in [-150, 0, 50] {
                try Self.rules(scene, "forward", priority, rule)
                try expectDropped([scene.client, scene.pods[0]], frontends)
                // What it lets pass, passes.
                for frontend in frontends { try expectAnswered([scene.node], frontend) }
            }
            try Self.rules(scene, "output", 0, rule)
            try expectDropped([scene.node], frontends)
            for frontend in frontends { try expectAnswered([scene.client, scene.pods[0]], frontend) }
            try scene.node.shell("nft delete table inet firewall")
            for frontend in frontends { try expectAnswered(scene.vantagePoints, frontend) }
        }

        /// An endpoint on the node's own network.
        @Test(arguments: AddressFamily.allCases)
        func `D11 a firewall that drops what comes in wins`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let own = try EchoServer(on: scene.node, port: Scene.targetPort)
            defer { own.stop() }
            let web = try Self.put(scene, on: scene.node)
            let frontends = web.frontends(family, on: scene.node)
            for frontend in frontends {
                try expectAnswered(scene.vantagePoints, frontend, by: [scene.node])
            }
            try Self.rules(scene, "input", 0, "th dport \(Scene.targetPort) drop")
            try expectDropped(scene.vantagePoints, frontends)
            // Policies may say it for everything else as well.
            try Self.rules(scene, "input", 0, "ct state established accept; iif lo accept; counter drop")
            try expectDropped([scene.client, scene.pods[0]], frontends)
            for frontend in frontends { try expectAnswered([scene.node], frontend, by: [scene.node]) }
        }

        /// Before -100 it is the Service's address, after it the endpoint's, as kube-proxy promises others.
        @Test(arguments: AddressFamily.allCases)
        func `D11 a firewall in prerouting or output wins on either side of the translation`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = try Self.put(scene, on: scene.pods[1])
            let frontends = web.frontends(family, on: scene.node)
            let name = family == .ipv4 ? "ip" : "ip6"
            let endpoint = "\(name) daddr \(scene.pods[1].address(family)) drop"
            for (hook, hosts, others) in [
                ("prerouting", [scene.client, scene.pods[0]], [scene.node]),
                ("output", [scene.node], [scene.client, scene.pods[0]]),
            ] {
                try Self.rules(scene, hook, -90, endpoint)
                try expectDropped(hosts, frontends)
                for frontend in frontends { try expectAnswered(others, frontend) }
                try Self.rules(scene, hook, -150, endpoint)
                for frontend in frontends { try expectAnswered(scene.vantagePoints, frontend) }
                let services = frontends.map { "\(name) daddr \($0.address) th dport \($0.port) drop" }
                try Self.rules(scene, hook, -150, services.joined(separator: "; "))
                try expectDropped(hosts, frontends)
                for frontend in frontends { try expectAnswered(others, frontend) }
            }
        }

        /// Whom it sees: before 100 in postrouting the client itself.
        @Test(arguments: AddressFamily.allCases)
        func `D11 a firewall sees clients' own addresses until postrouting`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = try Self.put(scene, on: scene.pods[1])
            let name = family == .ipv4 ? "ip" : "ip6"
            for (hook, priority) in [("forward", 0), ("postrouting", 90)] {
                try Self.rules(
                    scene, hook, priority,
                    "\(name) saddr \(scene.client.address(family)) th dport \(Scene.targetPort) drop")
                let frontends = web.frontends(family, on: scene.node)
                try expectDropped([scene.client], frontends)
                for frontend in frontends { try expectAnswered([scene.node, scene.pods[0]], frontend) }
            }
        }
    }
}
