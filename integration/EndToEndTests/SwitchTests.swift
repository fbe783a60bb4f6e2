import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// A node goes over from kube-proxy to Fairlead, and back, under load: `docs/migrate-from-kube-proxy.md`.
    @Suite struct SwitchTests {
        @Test(arguments: KubeProxyRules.Mode.allCases)
        func `no connection fails, there and back`(mode: KubeProxyRules.Mode) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            // What kube-proxy has when it is stopped: rules, and no process.
            scene.fairlead.terminate()
            try scene.node.shell("nft delete table inet fairlead")
            let rules = KubeProxyRules(mode: mode, service: web, node: scene.node)
            try rules.put()
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
                try expectAnswered(scene.vantagePoints, web.nodePort(family, on: scene.node))
            }

            let there = try SteadyTraffic(to: web, scene)
            pause(.milliseconds(500))
            try scene.start(["--cleanup-kube-proxy"])
            // One line for each table.
            #expect(
                waitUntil(timeout: .seconds(10)) {
                    scene.fairlead.log.count { $0.contains("removed what kube-proxy left") } == 2
                }, "\(scene.fairlead.log)")
            pause(.milliseconds(700))
            there.expectWhole("from \(mode) to Fairlead")
            #expect(try !rules.isThere())
            // It is Fairlead that serves: its elements count connections.
            let counters = try scene.node.shell("nft list map inet fairlead frontends4")
            #expect(counters.contains("\(web.clusterIP(.ipv4).address) . tcp . 80 counter packets "))
            #expect(!counters.contains("\(web.clusterIP(.ipv4).address) . tcp . 80 counter packets 0 "))

            let back = try SteadyTraffic(to: web, scene)
            pause(.milliseconds(500))
            // kube-proxy starts while Fairlead is still there.
            try rules.put()
            pause(.milliseconds(300))
            scene.fairlead.terminate()
            let cleanup = try scene.node.execute([try FairleadProcess.locate(), "cleanup"])
            #expect(cleanup.succeeded, "\(cleanup.errorOutput)")
            pause(.milliseconds(700))
            back.expectWhole("from Fairlead to \(mode)")
            #expect(try rules.isThere())
            #expect(try !scene.node.shell("nft list tables").contains("fairlead"))
        }
    }
}
