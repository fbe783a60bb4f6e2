import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// A node goes over from kube-proxy to Fairlead, and back, under load: `docs/migrate-from-kube-proxy.md`.
    @Suite struct SwitchTests {
        /// New connections from everywhere to every frontend, and some that stay open.
        private final class Traffic {
            private let load: [(name: String, generator: LoadGenerator)]
            private let open: [(name: String, conversation: TCPConversation)]
            private let flows: [SteadySender]

            /// Connections a second of each generator; there are twelve of them.
            static let rate = 100

            init(to application: Application, _ scene: Scene) throws {
                let pairs = AddressFamily.allCases.flatMap { family in
                    let frontends = [application.clusterIP(family), application.nodePort(family, on: scene.node)]
                    return scene.vantagePoints.flatMap { host in frontends.map { (host, $0) } }
                }
                self.open = try pairs.map { host, target in
                    ("\(host.name) to \(target)", try host.converse(with: target))
                }
                self.flows = try pairs.map { host, target in try SteadySender(from: host, to: target) }
                self.load = try pairs.map { host, target in
                    let generator = try LoadGenerator(
                        from: host, to: target.address, port: target.port, rate: Self.rate)
                    return ("\(host.name) to \(target)", generator)
                }
            }

            func expectWhole(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) {
                var started = 0
                var slowest = Duration.zero
                for (name, generator) in self.load {
                    let report = generator.stop()
                    #expect(report.failed == 0, "\(what): \(name): \(report)", sourceLocation: sourceLocation)
                    #expect(report.answered == report.started, "\(what): \(name)", sourceLocation: sourceLocation)
                    #expect(report.answered > 50, "\(what): \(name): \(report)", sourceLocation: sourceLocation)
                    started += report.started
                    slowest = max(slowest, report.slowest)
                }
                for (name, conversation) in self.open {
                    #expect(conversation.isAlive(), "\(what): \(name)", sourceLocation: sourceLocation)
                }
                var longestGap = Duration.zero
                for flow in self.flows {
                    flow.stop()
                    let replies = flow.replies
                    #expect(replies.count > 50, "\(what): \(flow.name)", sourceLocation: sourceLocation)
                    #expect(
                        !replies.contains { $0.answer == nil }, "\(what): \(flow.name) was refused",
                        sourceLocation: sourceLocation)
                    // One flow stays with one endpoint.
                    #expect(
                        Set(replies.compactMap { $0.answer?.server }).count == 1, "\(what): \(flow.name)",
                        sourceLocation: sourceLocation)
                    for (one, next) in zip(replies, replies.dropFirst()) {
                        longestGap = max(longestGap, next.time - one.time)
                    }
                }
                print(
                    "\(what): \(started) new connections, none failed, slowest \(slowest); \(self.open.count) open ones; "
                        + "\(self.flows.count) UDP flows, longest gap \(longestGap)")
            }
        }

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

            let there = try Traffic(to: web, scene)
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

            let back = try Traffic(to: web, scene)
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
