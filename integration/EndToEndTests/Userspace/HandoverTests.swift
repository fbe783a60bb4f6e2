import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Services that the kernel hands to the userspace balancer, by annotation.
    @Suite struct HandoverTests {
        private static func manifests(_ web: Application, _ annotations: [String: String]) -> [any Manifest] {
            var service = web.service
            service.annotations = annotations
            return [service] + web.slices
        }

        private static let leastConnections = ["fairlead.dev/load-balancing": "least-connections"]

        @Test(arguments: AddressFamily.allCases)
        func `answers at every frontend, over TCP and UDP, from everywhere`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: scene.pods)
            try scene.put("web", Self.manifests(web, Self.leastConnections))
            for frontend in web.frontends(family, on: scene.node) {
                try expectAnswered(scene.vantagePoints, frontend, by: scene.pods)
            }
            // And one beside it is the kernel's.
            let plain = Application("plain", number: 11, on: [scene.pods[0]])
            try scene.put(plain)
            try expectAnswered([scene.pods[1]], plain.clusterIP(family), by: [scene.pods[0]]) { $0.address(family) }
        }

        @Test func `the least connected endpoint gets the next connection`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put("web", Self.manifests(web, Self.leastConnections))
            let open = try (0..<60).map { _ in try scene.client.converse(with: web.clusterIP(.ipv4)) }
            var counts: [String: Int] = [:]
            for conversation in open { counts[conversation.answer.server, default: 0] += 1 }
            // By chance alone the three would be some 7 apart and often more.
            #expect(counts.count == 3 && counts.values.allSatisfy { abs($0 - 20) <= 4 }, "\(counts)")
        }

        @Test(arguments: AddressFamily.allCases)
        func `endpoints learn who the client is`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            scene.servers[0].stop()
            let server = try StreamServer(
                on: scene.pods[0], SocketAddress(scene.pods[0].address(family), Scene.targetPort),
                [.proxyHeader, .greet, .echo])
            defer { server.stop() }
            try scene.put("web", Self.manifests(web, ["fairlead.dev/proxy-protocol": "v2"]))
            for host in scene.vantagePoints {
                let conversation = try host.converse(with: web.clusterIP(family))
                let header = try #require(server.records.last?.proxyHeader)
                #expect(header.source?.address == host.address(family), "\(host.name): \(header)")
                #expect(try conversation.exchange("hello") == "hello")
            }
        }

        @Test func `connections stay when a Service comes to the balancer, and when it goes`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            let traffic = try SteadyTraffic(to: web, scene, sendsDatagrams: false)
            pause(.milliseconds(300))
            try scene.put("web", Self.manifests(web, Self.leastConnections))
            let inUserspace = try scene.vantagePoints.map { try $0.converse(with: web.clusterIP(.ipv4)) }
            pause(.milliseconds(300))
            try scene.put(web)
            pause(.milliseconds(300))
            for conversation in inUserspace { #expect(conversation.isAlive()) }
            traffic.expectWhole("to the balancer and back")
            for conversation in inUserspace { #expect(conversation.isAlive()) }
        }

        @Test func `an endpoint that fails its checks gets nothing, and then its share again`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(
                "web",
                Self.manifests(
                    web,
                    [
                        "fairlead.dev/health-check": "tcp", "fairlead.dev/health-check-interval": "100ms",
                        "fairlead.dev/health-check-timeout": "200ms", "fairlead.dev/health-check-fall": "2",
                        "fairlead.dev/health-check-rise": "1", "fairlead.dev/slow-start": "1s",
                    ]))
            try expectAnswered([scene.client], web.clusterIP(.ipv4), by: scene.pods)
            scene.servers[1].stop()
            let start = ContinuousClock.now
            expectSoon("taken out", since: start) {
                (try? scene.client.tally(.tcp, web.clusterIP(.ipv4), attempts: 20)) == ["pod-1": 20]
            }
            let revived = try EchoServer(on: scene.pods[1], port: Scene.targetPort)
            defer { revived.stop() }
            let back = waitUntil(timeout: .seconds(5)) {
                let counts = try? scene.client.tally(.tcp, web.clusterIP(.ipv4), attempts: 40)
                return (counts?["pod-2"] ?? 0) > 8
            }
            #expect(back)
        }

        @Test func `TLS goes to the Service that its server name leads to`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let front = Application("front", number: 10, on: [scene.pods[0]])
            let shop = Application("shop", number: 11, on: [scene.pods[1]])
            for server in scene.servers { server.stop() }
            let servers = try scene.pods.map {
                try StreamServer(on: $0, SocketAddress($0.ipv4, Scene.targetPort), [.receiveToEnd])
            }
            defer { for server in servers { server.stop() } }
            try scene.put("shop", shop.manifests)
            try scene.put("front", Self.manifests(front, ["fairlead.dev/tls-passthrough": "shop.example=shop:http"]))
            for (name, index) in [("shop.example", 1), ("other.example", 0)] {
                let before = servers.map(\.records.count)
                let client = try scene.client.spawn([
                    "openssl", "s_client", "-connect", "\(front.clusterIP(.ipv4))", "-servername", name,
                ])
                let got = servers[index].records { $0.dropFirst(before[index]).contains { $0.received > 100 } }
                client.kill()
                #expect(got, "\(name)")
                #expect(servers[1 - index].records.count == before[1 - index], "\(name)")
            }
        }

        @Test func `a client may have so many connections`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put("web", Self.manifests(web, ["fairlead.dev/connections-per-client": "2"]))
            let open = try (0..<2).map { _ in try scene.client.converse(with: web.clusterIP(.ipv4)) }
            #expect(try !scene.client.probe(.tcp, web.clusterIP(.ipv4)).isAnswered)
            #expect(try scene.pods[0].probe(.tcp, web.clusterIP(.ipv4)).isAnswered)
            for conversation in open { #expect(conversation.isAlive()) }
        }

        @Test func `what cannot be read is said, and the kernel goes on`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put("web", Self.manifests(web, ["fairlead.dev/connections-per-client": "many"]))
            #expect(scene.fairlead.waitForLog(containing: "fairlead.dev/connections-per-client") != nil)
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
        }
    }
}
