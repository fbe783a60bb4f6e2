import Lab
import Networking
import Testing

extension EndToEnd {
    /// `loadBalancerSourceRanges`: who may use a load balancer's address.
    @Suite struct SourceRangeTests {
        static func manifests(
            _ ranges: [CIDR], on backends: [Backend], annotations: [String: String] = [:]
        ) -> [any Manifest] {
            let web = Application.everywhere()
            var service = web.service
            service.loadBalancerSourceRanges = ranges
            service.annotations = annotations
            return [service] + web.slices(of: backends)
        }

        private static func block(_ ipv4: String, _ ipv6: String, _ family: AddressFamily) throws -> CIDR {
            try #require(CIDR(family == .ipv4 ? ipv4 : ipv6))
        }

        /// Of the vantage points, and a second pod, `admitted` are answered at the load balancer's address
        /// and the others dropped; nobody notices at the other frontends.
        private func expect(
            _ admitted: [Host], _ scene: Scene, _ family: AddressFamily,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let web = Application.everywhere()
            let hosts = scene.vantagePoints + [scene.pods[1]]
            let others = hosts.filter { host in !admitted.contains { $0 === host } }
            try expectAnswered(admitted, web.loadBalancerIP(family), sourceLocation: sourceLocation)
            try expectDropped(others, web.loadBalancerIP(family), sourceLocation: sourceLocation)
            for frontend in web.frontends(family, on: scene.node) where frontend != web.loadBalancerIP(family) {
                try expectAnswered(hosts, frontend, sourceLocation: sourceLocation)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D1 only those in the ranges reach the load balancer's address, pods and the host included`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let (client, node, pod) = (scene.client, scene.node, scene.pods[0])
            let backends = [Backend(scene.pods[2])]
            func put(_ ranges: [CIDR]) throws { try scene.put("web", Self.manifests(ranges, on: backends)) }
            try put([CIDR(host: client.address(family))])
            try self.expect([client], scene, family)
            try put([CIDR(host: pod.address(family)), CIDR(host: node.address(family))])
            try self.expect([pod, node], scene, family)
            try put([try Self.block("10.244.0.0/16", "fd00:10:244::/48", family)])
            try self.expect([pod, scene.pods[1]], scene, family)
            try put([try Self.block("192.0.2.0/24", "2001:db8:2::/48", family)])
            try self.expect([], scene, family)
            try put([])
            try self.expect([client, node, pod, scene.pods[1]], scene, family)
        }

        /// Ranges come before everything.
        @Test(arguments: AddressFamily.allCases)
        func `D1 those outside are not even told that nobody serves`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let (client, node, pod) = (scene.client, scene.node, scene.pods[0])
            let web = Application.everywhere()
            try scene.put("web", Self.manifests([CIDR(host: client.address(family))], on: []))
            try expectRefused([client], web.loadBalancerIP(family))
            try expectDropped([node, pod], web.loadBalancerIP(family))
            try expectRefused([node, pod], web.externalIP(family))
        }

        @Test(arguments: AddressFamily.allCases)
        func `D1 established connections survive a narrowing`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            let backends = [Backend(scene.pods[2])]
            try scene.put("web", Self.manifests([], on: backends))
            let target = web.loadBalancerIP(family)
            let connections = try scene.vantagePoints.map { try $0.converse(with: target) }
            let flows = try scene.vantagePoints.map { try $0.converseByUDP(with: target) }
            for flow in flows { #expect(flow.exchange().isAnswered) }
            try scene.put(
                "web", Self.manifests([try Self.block("192.0.2.0/24", "2001:db8:2::/48", family)], on: backends))
            try expectDropped(scene.vantagePoints, target)
            for connection in connections { #expect(connection.isAlive()) }
            for flow in flows { #expect(flow.exchange().isAnswered) }
        }

        @Test(arguments: AddressFamily.allCases)
        func `D2 everything is a range, in one piece, in two halves and in many`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let everybody = scene.vantagePoints + [scene.pods[1]]
            let texts: [[(String, String)]] = [
                [("0.0.0.0/0", "::/0")], [("0.0.0.0/1", "::/1"), ("128.0.0.0/1", "8000::/1")],
                [("0.0.0.0/0", "::/0"), ("192.0.2.0/24", "2001:db8:2::/48")],
                [("192.168.50.0/24", "fd00:50::/64"), ("192.168.0.0/16", "fd00::/16"), ("10.0.0.0/8", "fd00:10::/32")],
            ]
            for blocks in texts {
                let ranges = try blocks.map { try Self.block($0.0, $0.1, family) }
                try scene.put("web", Self.manifests(ranges, on: [Backend(scene.pods[2])]))
                try self.expect(everybody, scene, family)
            }
            // One half holds those outside, the other one pods: of IPv6 they are in the same one.
            let half = try Self.block("128.0.0.0/1", "::/1", family)
            try scene.put("web", Self.manifests([half], on: [Backend(scene.pods[2])]))
            try self.expect(family == .ipv4 ? [scene.client, scene.node] : [], scene, family)
        }

        @Test func `D2 ranges of one family close the other one`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            for family in AddressFamily.allCases {
                let other: AddressFamily = family == .ipv4 ? .ipv6 : .ipv4
                let ranges = [CIDR(host: scene.client.address(family))]
                try scene.put("web", Self.manifests(ranges, on: [Backend(scene.pods[2])]))
                try self.expect([scene.client], scene, family)
                try self.expect([], scene, other)
            }
        }

        /// A host that has the address itself speaks from it to itself.
        @Test(arguments: AddressFamily.allCases)
        func `D2 a node in the ranges may use an address of its own`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere()
            let target = web.loadBalancerIP(family)
            try scene.node.shell("ip address add \(CIDR(host: target.address)) dev lo")
            let backends = [Backend(scene.pods[2])]
            try scene.put("web", Self.manifests([CIDR(host: scene.node.address(family))], on: backends))
            try expectAnswered([scene.node], target, by: [scene.pods[2]])
            try expectDropped([scene.client, scene.pods[0]], target)
            try scene.put("web", Self.manifests([CIDR(host: scene.client.address(family))], on: backends))
            try expectAnswered([scene.client], target, by: [scene.pods[2]])
            try expectDropped([scene.node, scene.pods[0]], target)
        }

        /// The first packet of a connection that is dropped shows as a second until the next one.
        @Test(arguments: AddressFamily.allCases)
        func `D1 no admitted client is dropped while ranges come, change and go`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let target = Application.everywhere().loadBalancerIP(family)
            let client = CIDR(host: scene.client.address(family))
            let others = try ["10.0.0.0/8", "192.0.2.0/24", "fd00:10::/32", "2001:db8:2::/48"].map {
                try #require(CIDR($0))
            }
            try scene.put("web", Self.manifests([], on: [Backend(scene.pods[2])]))
            let load = try LoadGenerator(from: scene.client, to: target.address, port: target.port, rate: 500)
            for _ in 0..<10 {
                for ranges in [[client], [client] + others, [others[0], client], []] {
                    try scene.put("web", Self.manifests(ranges, on: [Backend(scene.pods[2])]))
                }
            }
            let report = load.stop()
            #expect(report.failed == 0 && report.skipped == 0 && report.answered >= 50, "\(report)")
            #expect(report.slowest < .milliseconds(500), "\(report)")
        }

        /// What no range says: everybody but these.
        @Test(arguments: AddressFamily.allCases)
        func `D1 denied ranges take away from what is admitted`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let (node, pod) = (scene.node, scene.pods[0])
            let backends = [Backend(scene.pods[2])]
            let denied = [
                "fairlead.dev/denied-source-ranges":
                    "192.168.50.1/32, fd00:50::1/128,10.244.1.3/32,fd00:10:244:1::3/128"
            ]
            try scene.put("web", Self.manifests([], on: backends, annotations: denied))
            try self.expect([node, pod], scene, family)
            let ranges = try [("192.168.50.0/24", "fd00:50::/64")].map { try Self.block($0.0, $0.1, family) }
            try scene.put("web", Self.manifests(ranges, on: backends, annotations: denied))
            try self.expect([node], scene, family)
        }
    }
}
