import Lab
import Linux
import Networking
import Synchronization
import Testing

extension EndToEnd {
    /// UDP knows no connections, so a client that keeps its socket would send to where it sent first for
    /// as long as it sends: conntrack must forget the flow. All servers go on answering in these tests, so
    /// whoever is sent to answers.
    @Suite struct StaleFlowTests {
        /// Senders from everywhere to every frontend of an application.
        private final class Flows {
            let senders: [SteadySender]

            init(
                to web: Application, _ scene: Scene, _ family: AddressFamily, from hosts: [Host]? = nil,
                only frontends: [SocketAddress]? = nil
            ) throws {
                self.senders = try (hosts ?? scene.vantagePoints).flatMap { host in
                    try (frontends ?? web.frontends(family, on: scene.node)).enumerated().map { index, frontend in
                        try SteadySender(
                            from: host, to: frontend, sourcePort: 41000 + UInt16(index), interval: .milliseconds(8))
                    }
                }
            }

            deinit { for sender in self.senders { sender.stop() } }

            /// Within a second of `start` each of them is answered by `server`, or refused if that is nil, and
            /// then by nobody else.
            func expect(
                _ server: String?, since start: ContinuousClock.Instant = .now,
                sourceLocation: SourceLocation = #_sourceLocation
            ) {
                for sender in self.senders {
                    expectSoon(
                        "\(sender.name) by \(server ?? "nobody"), last \(String(describing: sender.latest))",
                        since: start, sourceLocation: sourceLocation
                    ) {
                        pause(.milliseconds(1))
                        return sender.latest.map { $0.time > start && $0.answer?.server == server } ?? false
                    }
                }
                let settled = ContinuousClock.now
                pause(Sanitizer.bound(.milliseconds(60)))
                for sender in self.senders {
                    let servers = Set(sender.replies.filter { $0.time > settled }.map { $0.answer?.server })
                    #expect(servers == [server], "\(sender.name), later on", sourceLocation: sourceLocation)
                }
            }

            /// Within a second nobody answers any more. To be told so is as good.
            func expectSilence(sourceLocation: SourceLocation = #_sourceLocation) {
                let start = ContinuousClock.now
                for sender in self.senders {
                    expectSoon("\(sender.name) hears nothing", since: start, sourceLocation: sourceLocation) {
                        pause(.milliseconds(1))
                        let last = sender.replies.last { $0.answer != nil }?.time ?? start
                        return ContinuousClock.now - max(last, start) > .milliseconds(100)
                    }
                }
            }
        }

        /// Puts objects into force, and says when that began.
        private static func change(_ scene: Scene, _ objects: [any Manifest]) throws -> ContinuousClock.Instant {
            let start = ContinuousClock.now
            try scene.folder.write("web.yaml", objects)
            return start
        }

        @Test(arguments: AddressFamily.allCases)
        func `D6 flows follow when their endpoint is replaced`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try scene.put(Application.everywhere(on: [scene.pods[1]]))
            let flows = try Flows(to: Application.everywhere(), scene, family)
            flows.expect("pod-2")
            for (pod, name) in [(scene.pods[2], "pod-3"), (scene.pods[1], "pod-2")] {
                let start = try Self.change(scene, Application.everywhere(on: [pod]).manifests)
                flows.expect(name, since: start)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D6 what changed while Fairlead was down is made up for at its start`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try scene.put(Application.everywhere(on: [scene.pods[1]]))
            let flows = try Flows(to: Application.everywhere(), scene, family)
            flows.expect("pod-2")
            scene.fairlead.kill9()
            _ = try Self.change(scene, Application.everywhere(on: [scene.pods[2]]).manifests)
            try scene.start()
            flows.expect("pod-3")
        }

        @Test(arguments: AddressFamily.allCases)
        func `D8 flows follow when the target port changes`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let other = try EchoServer(on: scene.pods[1], port: 9090, name: "other")
            defer { other.stop() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            let flows = try Flows(to: web, scene, family)
            flows.expect("pod-2")
            var slices = web.slices
            for index in slices.indices {
                for port in slices[index].ports.indices { slices[index].ports[port].port = 9090 }
            }
            flows.expect("other", since: try Self.change(scene, [web.service] + slices))
        }

        /// The packets of the time before leave entries that say: not translated.
        @Test(arguments: AddressFamily.allCases)
        func `D8 flows older than the Service and its endpoints are served`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            let flows = try Flows(to: web, scene, family)
            try expectSoon("they are known to conntrack") {
                let table = try scene.node.shell("cat /proc/net/nf_conntrack")
                return flows.senders.indices.allSatisfy { index in
                    table.contains("sport=\(41000 + index % 4) ")
                } && table.split(separator: "\n").count { $0.contains(" udp ") } >= flows.senders.count
            }
            flows.expect("pod-2", since: try Self.change(scene, web.manifests))
            // And the same from a Service that has nobody yet.
            flows.expect(nil, since: try Self.change(scene, [web.service]))
            flows.expect("pod-2", since: try Self.change(scene, web.manifests))
        }

        /// Their first segment was let pass as it was; the next one, after a second, finds the Service.
        @Test func `D8 connections that began before the Service are made`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            let results = Mutex<[String: String?]>([:])
            var threads: [OSThread] = []
            for family in AddressFamily.allCases {
                for frontend in [web.clusterIP(family), web.externalIP(family), web.loadBalancerIP(family)] {
                    for host in scene.vantagePoints {
                        threads.append(
                            try OSThread {
                                let result = try? host.probe(.tcp, frontend, timeout: .milliseconds(1500))
                                results.withLock { $0["\(host.name) to \(frontend)"] = result?.server }
                            })
                    }
                }
            }
            pause(.milliseconds(100))
            try scene.put(web)
            for thread in threads { thread.join() }
            let answers = results.withLock { $0 }
            #expect(answers.count == threads.count)
            for (name, server) in answers { #expect(server == "pod-2", "\(name)") }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D8 flows are served when an endpoint becomes ready`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            try scene.put("web", web.manifests(of: [Backend(scene.pods[1], .notReady)]))
            let flows = try Flows(to: web, scene, family)
            flows.expect(nil)
            flows.expect("pod-2", since: try Self.change(scene, web.manifests(of: [Backend(scene.pods[1])])))
        }

        /// As a DaemonSet does it: for a moment there is nobody here, and packets are dropped.
        @Test(arguments: AddressFamily.allCases)
        func `D8 flows follow when the one endpoint of a Local policy is replaced`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere()
            web.internalPolicy = "Local"
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: [.here(scene.pods[1]), .elsewhere(scene.pods[0])]))
            let flows = try Flows(to: web, scene, family, from: [scene.client])
            flows.expect("pod-2")
            _ = try Self.change(scene, web.manifests(of: [.elsewhere(scene.pods[0])]))
            flows.expectSilence()
            let backends = [Backend.here(scene.pods[2]), .elsewhere(scene.pods[0])]
            flows.expect("pod-3", since: try Self.change(scene, web.manifests(of: backends)))
        }

        @Test(arguments: AddressFamily.allCases)
        func `D7 flows are refused once nobody serves, and end with their Service`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            let flows = try Flows(to: web, scene, family)
            flows.expect("pod-2")
            flows.expect(nil, since: try Self.change(scene, web.manifests(of: [])))
            flows.expect("pod-2", since: try Self.change(scene, web.manifests))
            flows.expect(nil, since: try Self.change(scene, web.manifests(of: [Backend(scene.pods[1], .ended)])))
            flows.expect("pod-2", since: try Self.change(scene, web.manifests))
            try scene.folder.remove("web.yaml")
            flows.expectSilence()
        }

        @Test(arguments: AddressFamily.allCases)
        func `D7 flows are served at once where a Service gets new frontends, and end where it loses them`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let plain = Application(on: [scene.pods[1]])
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(plain)
            let flows = try Flows(
                to: web, scene, family, only: web.externalFrontends(family, on: scene.node))
            let steady = try Flows(to: web, scene, family, only: [web.clusterIP(family)])
            steady.expect("pod-2")
            for _ in 0..<2 {
                flows.expectSilence()
                flows.expect("pod-2", since: try Self.change(scene, web.manifests))
                _ = try Self.change(scene, plain.manifests)
            }
            flows.expectSilence()
            steady.expect("pod-2")
        }

        /// The older of two Services has what both claim; when it goes the other one takes over.
        @Test(arguments: AddressFamily.allCases)
        func `D7 flows follow a frontend that changes hands`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var older = Application.everywhere("older", on: [scene.pods[1]])
            older.creationTimestamp = "2024-01-01T00:00:00Z"
            var younger = Application.everywhere("younger", on: [scene.pods[2]])
            younger.creationTimestamp = "2025-01-01T00:00:00Z"
            try scene.put(older)
            try scene.put(younger)
            let flows = try Flows(to: older, scene, family)
            flows.expect("pod-2")
            var start = ContinuousClock.now
            try scene.folder.remove("older.yaml")
            flows.expect("pod-3", since: start)
            start = .now
            try scene.folder.write("older.yaml", older.manifests)
            flows.expect("pod-2", since: start)
        }

        /// Another address of the node becomes one for NodePorts, which it was to packets before only by name.
        @Test(arguments: AddressFamily.allCases)
        func `D7 flows are served at once where an address begins to take NodePorts`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "203.0.113.77/32,2001:db8::77/128"])
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            let address = SocketAddress.externalIP(
                family == .ipv4 ? 77 : 0x77, family, port: try #require(web.nodePort))
            let flows = try Flows(to: web, scene, family, from: [scene.client, scene.pods[0]], only: [address])
            flows.expectSilence()
            let start = ContinuousClock.now
            try scene.node.shell("ip address add \(CIDR(host: address.address)) dev uplink")
            flows.expect("pod-2", since: start)
        }

        /// Conntrack is changed for stale flows alone: an entry that went and came back would show another
        /// port behind a random masquerade, or another server.
        @Test(arguments: AddressFamily.allCases)
        func `D6 flows that serve, other Services' and nobody's stay untouched`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            try scene.node.shell(
                """
                nft -f - <<'END'
                table inet lab {
                    chain postrouting {
                        type nat hook postrouting priority 90; udp dport { 7777, 8080 } masquerade fully-random
                    }
                }
                END
                """)
            let direct = try EchoServer(on: scene.client, port: 7777, name: "direct")
            defer { direct.stop() }
            let web = Application.everywhere(on: [scene.pods[1]])
            let other = Application("other", number: 11, on: scene.pods)
            try scene.put(web)
            try scene.put(other)
            let flows = try Flows(to: web, scene, family)
            let kept = [
                try Flows(to: other, scene, family),
                try Flows(
                    to: other, scene, family, from: [scene.pods[0], scene.node],
                    only: [SocketAddress(scene.client.address(family), 7777)]),
            ]
            flows.expect("pod-2")
            // Draining, the endpoint keeps what it has; new flows go elsewhere.
            let draining = [Backend(scene.pods[1], .draining), Backend(scene.pods[2])]
            try scene.put("web", web.manifests(of: draining))
            flows.expect("pod-2")
            #expect(try scene.client.tally(.udp, web.clusterIP(family), attempts: 20) == ["pod-3": 20])
            let peers = Set(flows.senders.map { Set($0.replies.compactMap { $0.answer?.peer }) })
            #expect(peers.allSatisfy { $0.count == 1 }, "\(peers)")
            // Gone, it does not, which is nobody else's business.
            flows.expect("pod-3", since: try Self.change(scene, web.manifests(of: [Backend(scene.pods[2])])))
            try scene.remove("web")
            try scene.put(web)
            for sender in kept.flatMap(\.senders) {
                let answers = Set(sender.replies.map(\.answer))
                #expect(answers.count == 1 && !answers.contains(nil), "\(sender.name): \(answers)")
                #expect(sender.replies.count > 20, "\(sender.name)")
            }
        }
    }
}
