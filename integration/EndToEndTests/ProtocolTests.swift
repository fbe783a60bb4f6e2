import Lab
import Networking
import Testing

extension EndToEnd {
    /// SCTP, which no kernel of the lab speaks: its packets are made by hand.
    @Suite struct ProtocolTests {
        private static let port: UInt16 = 3868
        private static let nodePort: UInt16 = 30068

        private static func manifests(_ family: AddressFamily, on pods: [Host]) -> [any Manifest] {
            let web = Application()
            var service = ServiceManifest(
                "web", clusterIPs: [web.clusterIP(family).address],
                ports: [
                    .init(Self.port, name: "sctp", transport: .sctp, nodePort: Self.nodePort),
                    .init(Self.port, name: "tcp", transport: .tcp, nodePort: Self.nodePort),
                ])
            service.type = "LoadBalancer"
            service.externalIPs = [web.externalIP(family).address]
            service.loadBalancerIPs = [web.loadBalancerIP(family).address]
            return [
                service,
                EndpointSliceManifest(
                    of: "web", family: family, endpoints: pods.map { .init($0.address(family)) },
                    ports: [
                        .init(9868, name: "sctp", transport: .sctp), .init(Scene.targetPort, name: "tcp"),
                    ]),
            ]
        }

        private static func frontends(_ scene: Scene, _ family: AddressFamily) -> [SocketAddress] {
            [
                .clusterIP(10, family, port: Self.port), .externalIP(10, family, port: Self.port),
                .loadBalancerIP(10, family, port: Self.port),
                SocketAddress(scene.node.address(family), Self.nodePort),
            ]
        }

        @Test(arguments: AddressFamily.allCases)
        func `A13 SCTP is balanced, masqueraded and refused like TCP and UDP`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let responders = try scene.pods.map { try SCTPResponder(on: $0, port: 9868) }
            defer { for responder in responders { responder.stop() } }
            let pods = Array(scene.pods[1...])
            try scene.put("web", Self.manifests(family, on: pods))
            let gateway = scene.lab.podGateway(family)
            for host in scene.vantagePoints {
                for frontend in Self.frontends(scene, family) {
                    let keepsSource = host === scene.pods[0] && frontend == .clusterIP(10, family, port: Self.port)
                    var counts: [String?: Int] = [:]
                    for _ in 0..<60 {
                        let result = try host.sctp(to: frontend)
                        counts[result.server, default: 0] += 1
                        #expect(
                            result.source == (keepsSource ? host.address(family) : gateway),
                            "\(host.name) to \(frontend): \(result)")
                    }
                    expectEvenSpread(counts, over: pods, "\(host.name) to \(frontend)")
                    // The same number over TCP is another port of the Service.
                    #expect(try host.probe(.tcp, frontend).isAnswered)
                }
                let result = try host.sctp(to: .clusterIP(10, family, port: 81))
                #expect(result.isRefused, "\(host.name) to a port that is none: \(result)")
            }
            try scene.put("web", Self.manifests(family, on: []))
            for host in scene.vantagePoints {
                for frontend in Self.frontends(scene, family) {
                    let result = try host.sctp(to: frontend)
                    #expect(result.isRefused, "\(host.name) to \(frontend), without endpoints: \(result)")
                }
            }
        }
    }
}

extension Host {
    fileprivate func sctp(to target: SocketAddress) throws -> ProbeResult {
        try self.run { try Probe.sctp(to: target.address, port: target.port) }
    }
}
