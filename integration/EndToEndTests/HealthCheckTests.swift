import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `healthCheckNodePort`: where load balancers ask whether this node has endpoints of its own.
    @Suite struct HealthCheckTests {
        private static let port: UInt16 = 31500

        private static func manifests(
            _ backends: [Backend], policy: String = "Local", port: UInt16? = port, type: String = "LoadBalancer"
        ) -> [any Manifest] {
            var web = Application.everywhere()
            web.externalPolicy = policy
            var service = web.service
            service.type = type
            service.healthCheckNodePort = port
            return [service] + web.slices(of: backends)
        }

        /// The answer is of a server of its own, so it may come a little after the packets' one.
        private func expect(
            _ status: Int, weight: Int, _ host: Host, _ target: SocketAddress,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            var last: HTTPAnswer?
            try expectSoon("\(status), weight \(weight)", sourceLocation: sourceLocation) {
                last = try host.get(target)
                return last?.status == status
            }
            let answer = try #require(last, "nobody answers \(host.name) at \(target)", sourceLocation: sourceLocation)
            #expect(
                answer.headers["x-load-balancing-endpoint-weight"] == "\(weight)", "\(answer)",
                sourceLocation: sourceLocation)
        }

        private func expectClosed(
            _ host: Host, _ target: SocketAddress, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try expectSoon("refused at \(target)", sourceLocation: sourceLocation) {
                try host.probe(.tcp, target).isRefused
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D4 200 as long as endpoints here are ready, else 503`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let (one, two, three) = (scene.pods[0], scene.pods[1], scene.pods[2])
            let target = SocketAddress(scene.node.address(family), Self.port)
            let nodePort = Application.everywhere().nodePort(family, on: scene.node)
            let steps: [(backends: [Backend], status: Int, weight: Int)] = [
                ([.here(one), .here(two), .elsewhere(three)], 200, 2), ([.here(one), .elsewhere(three)], 200, 1),
                ([.elsewhere(three)], 503, 0), ([.here(one, .notReady), .elsewhere(three)], 503, 0),
                ([.here(one, .draining), .here(two)], 200, 1), ([], 503, 0),
                ([Backend(one), .here(two)], 200, 1), ([.here(one, .ended)], 503, 0),
            ]
            for (backends, status, weight) in steps {
                try scene.put("web", Self.manifests(backends))
                for host in scene.vantagePoints { try self.expect(status, weight: weight, host, target) }
            }
            // What drains still serves, but new load balancing should go elsewhere.
            try scene.put("web", Self.manifests([.here(one, .draining), .here(two, .draining)]))
            try self.expect(503, weight: 0, scene.client, target)
            try expectAnswered([scene.client], nodePort, by: [one, two])
        }

        @Test(arguments: AddressFamily.allCases)
        func `D4 it is there for Local load balancers alone, on the primary address`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let backends = [Backend.here(scene.pods[0])]
            let target = SocketAddress(scene.node.address(family), Self.port)
            let alias = SocketAddress(
                try #require(scene.lab.nodeAliases.first { $0.family == family }), Self.port)
            try expectClosed(scene.client, target)
            try scene.put("web", Self.manifests(backends))
            try self.expect(200, weight: 1, scene.client, target)
            #expect(try scene.client.probe(.tcp, alias).isRefused)
            try scene.put("web", Self.manifests(backends, policy: "Cluster", port: nil))
            try expectClosed(scene.client, target)
            // The NodePort has opened to all meanwhile, and closes again.
            try scene.put("web", Self.manifests([.elsewhere(scene.pods[1])]))
            try self.expect(503, weight: 0, scene.client, target)
            try scene.put("web", Self.manifests(backends, port: Self.port + 1))
            try expectClosed(scene.client, target)
            try self.expect(200, weight: 1, scene.client, target.port(Self.port + 1))
            try scene.put("web", Self.manifests(backends, port: nil, type: "NodePort"))
            try expectClosed(scene.client, target.port(Self.port + 1))
            try scene.put("web", Self.manifests(backends))
            try self.expect(200, weight: 1, scene.client, target)
            try scene.remove("web")
            try expectClosed(scene.client, target)
        }

        @Test(arguments: AddressFamily.allCases)
        func `D4 with blocks for NodePorts it is on every address inside`(family: AddressFamily) throws {
            let scene = try Scene(["--nodeport-addresses", "192.168.50.0/24,fd00:50::/64"])
            defer { scene.tearDown() }
            try scene.put("web", Self.manifests([.here(scene.pods[0])]))
            let alias = try #require(scene.lab.nodeAliases.first { $0.family == family })
            for address in [alias, scene.node.address(family)] {
                try self.expect(200, weight: 1, scene.client, SocketAddress(address, Self.port))
            }
            let gateway = SocketAddress(scene.lab.podGateway(family), Self.port)
            #expect(try scene.pods[0].probe(.tcp, gateway).isRefused)
        }

        /// Byte for byte what load balancers have been reading since Kubernetes 1.7.
        @Test(arguments: AddressFamily.allCases)
        func `D5 the answer is kube-proxy's, at any path`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let target = SocketAddress(scene.node.address(family), Self.port)
            for (count, status) in [(2, 200), (0, 503)] {
                try scene.put("web", Self.manifests(scene.pods[..<count].map { .here($0) }))
                for path in ["/", "/healthz", "/any/path?x=1"] {
                    var last: HTTPAnswer?
                    try expectSoon("status \(status)") {
                        last = try scene.client.get(target, path: path)
                        return last?.status == status
                    }
                    let answer = try #require(last)
                    #expect(answer.headers["content-type"] == "application/json", "\(answer)")
                    #expect(answer.headers["x-content-type-options"] == "nosniff", "\(answer)")
                    #expect(answer.headers["x-load-balancing-endpoint-weight"] == "\(count)", "\(answer)")
                    let body = """
                        {
                        \t"service": {
                        \t\t"namespace": "default",
                        \t\t"name": "web"
                        \t},
                        \t"localEndpoints": \(count),
                        \t"serviceProxyHealthy": true
                        }
                        """
                    #expect(answer.body == body, "\(answer)")
                }
            }
        }

        /// Somebody else has the port: that one is served by them, everything else goes on.
        @Test func `D5 a port that is taken is said, and taken over when it is free`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            var thief: EchoServer? = try EchoServer(on: scene.node, port: Self.port, transports: [.tcp])
            #expect(try scene.client.probe(.tcp, SocketAddress(scene.node.ipv4, Self.port)).server == thief?.name)
            let web = Application.everywhere()
            try scene.put("web", Self.manifests([.here(scene.pods[0])]))
            #expect(scene.fairlead.waitForLog(containing: "\(Self.port)") != nil, "\(scene.fairlead.log)")
            try expectAnswered(scene.vantagePoints, web.loadBalancerIP(.ipv4))
            thief = nil
            try expectSoon("served", within: .seconds(10)) {
                try scene.client.get(SocketAddress(scene.node.ipv4, Self.port))?.status == 200
            }
        }
    }
}
