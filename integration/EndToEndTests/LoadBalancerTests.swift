import Lab
import Networking
import Testing

extension EndToEnd {
    /// Addresses that a load balancer outside of the cluster leads to the node.
    @Suite struct LoadBalancerTests {
        @Test(arguments: AddressFamily.allCases)
        func `B5 a load balancer's address answers, whatever the Service's type is by now`(
            family: AddressFamily
        ) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: [scene.pods[1]])
            web.isLoadBalancer = true
            let second = SocketAddress.loadBalancerIP(20, family)
            let gateway = scene.lab.podGateway(family)
            for type in ["LoadBalancer", "NodePort", "ClusterIP"] {
                var service = web.service
                service.type = type
                service.loadBalancerIngress = [.init(second.address, ipMode: "VIP")]
                try scene.put("web", [service] + web.slices)
                for address in [web.loadBalancerIP(family), second] {
                    try expectAnswered(scene.vantagePoints + [scene.pods[1]], address, by: [scene.pods[1]]) { _ in
                        gateway
                    }
                }
                // Elsewhere than at its ports the address is the load balancer's business.
                try expectUnserved(scene.vantagePoints, second.port(81))
            }
            // An address that the status does not name any more is let go, the others stay.
            try scene.put(web)
            try expectUnserved(scene.vantagePoints, second)
            try expectAnswered(scene.vantagePoints, web.loadBalancerIP(family))
            web.isLoadBalancer = false
            try scene.put(web)
            try expectUnserved(scene.vantagePoints, web.loadBalancerIP(family))
            try expectAnswered(scene.vantagePoints, web.clusterIP(family))
        }

        @Test(arguments: AddressFamily.allCases)
        func `B5 with ipMode Proxy, and by name, the load balancer itself is reached`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: [scene.pods[1]])
            web.isLoadBalancer = true
            let target = web.loadBalancerIP(family)
            var service = web.service
            service.loadBalancerIPs = []
            for ingress in [
                [ServiceManifest.Ingress(target.address, ipMode: "Proxy")], [.init(hostname: "lb.example.com")],
                [
                    .init(hostname: "lb.example.com"),
                    .init(target.address, ipMode: "Proxy", hostname: "lb.example.com"),
                ],
            ] {
                service.loadBalancerIngress = ingress
                try scene.put("web", [service] + web.slices)
                try expectUnserved(scene.vantagePoints, target)
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
            }
            // Beside one with a name, an address counts.
            service.loadBalancerIngress = [.init(hostname: "lb.example.com"), .init(target.address)]
            try scene.put("web", [service] + web.slices)
            try expectAnswered(scene.vantagePoints, target, by: [scene.pods[1]])
        }

        @Test(arguments: AddressFamily.allCases)
        func `B5 TCP and UDP on one port of a load balancer lead to their own ports`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let stream = try EchoServer(on: scene.pods[0], port: 6001, name: "stream", transports: [.tcp])
            let datagram = try EchoServer(on: scene.pods[0], port: 6002, name: "datagram", transports: [.udp])
            defer {
                stream.stop()
                datagram.stop()
            }
            let web = Application.everywhere()
            let slice = EndpointSliceManifest(
                of: web.name, family: family, endpoints: [.init(scene.pods[0].address(family))],
                ports: [.init(6001, name: "http", transport: .tcp), .init(6002, name: "http-udp", transport: .udp)])
            try scene.put("web", [web.service, slice])
            for frontend in web.frontends(family, on: scene.node) {
                for host in scene.vantagePoints {
                    #expect(try host.probe(.tcp, frontend).server == "stream")
                    #expect(try host.probe(.udp, frontend).server == "datagram")
                }
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `B6 the gate AllowServiceExternalIPs takes external IPs away and nothing else`(
            family: AddressFamily
        ) throws {
            let web = Application.everywhere()
            for isAllowed in [true, false] {
                let scene = try Scene(pods: 2, ["--feature-gates", "AllowServiceExternalIPs=\(isAllowed)"])
                defer { scene.tearDown() }
                try scene.put("web", web.manifests(of: [Backend(scene.pods[1])]))
                for frontend in web.frontends(family, on: scene.node) {
                    if frontend == web.externalIP(family), !isAllowed {
                        try expectUnserved(scene.vantagePoints, frontend)
                    } else {
                        try expectAnswered(scene.vantagePoints, frontend, by: [scene.pods[1]])
                    }
                }
            }
        }

        /// The listener shows that it is the host's stack that refuses there without NodePorts.
        @Test(arguments: AddressFamily.allCases)
        func `B7 a load balancer without NodePorts serves at its addresses alone`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application.everywhere(on: [scene.pods[1]])
            let nodePort = web.nodePort(family, on: scene.node)
            try scene.put(web)
            try expectAnswered(scene.vantagePoints, nodePort, by: [scene.pods[1]])
            web.nodePort = nil
            var service = web.service
            service.allocateLoadBalancerNodePorts = false
            try scene.put("web", [service] + web.slices)
            for address in [web.clusterIP(family), web.externalIP(family), web.loadBalancerIP(family)] {
                try expectAnswered(scene.vantagePoints, address, by: [scene.pods[1]])
            }
            let own = try EchoServer(on: scene.node, port: nodePort.port, name: "own")
            defer { own.stop() }
            for host in scene.vantagePoints {
                for transport in transports { #expect(try host.probe(transport, nodePort).server == "own") }
            }
        }
    }
}
