import Lab
import Networking
import Testing

extension EndToEnd {
    /// IPv4 and IPv6 side by side, and addresses as objects spell them.
    @Suite struct FamilyTests {
        @Test func `A11 every address belongs to its own family's part of the Service`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let names = EndpointSliceManifest(
                of: "web", name: "names", family: .ipv4, endpoints: [.init(scene.pods[2].ipv4)],
                ports: [.init(Scene.targetPort, name: "http")]
            ).yaml.replacing("addressType: IPv4", with: "addressType: FQDN")
                .replacing("\"\(scene.pods[2].ipv4)\"", with: "\"pod-3.example.com\"")
            try scene.folder.write("names.yaml", names)
            var web = Application.everywhere(on: [scene.pods[1]])
            for families in [[AddressFamily.ipv4], [.ipv6], [.ipv6, .ipv4]] {
                web.families = families
                var service = web.service
                // They are there whatever the families are, as users and load balancers write them.
                service.externalIPs = AddressFamily.allCases.map { web.externalIP($0).address }
                service.loadBalancerIPs = AddressFamily.allCases.map { web.loadBalancerIP($0).address }
                try scene.put("web", [service] + web.slices)
                for family in AddressFamily.allCases {
                    let addresses = [web.clusterIP(family), web.externalIP(family), web.loadBalancerIP(family)]
                    let nodePort = web.nodePort(family, on: scene.node)
                    if families.contains(family) {
                        for address in addresses + [nodePort] {
                            try expectAnswered(scene.vantagePoints, address, by: [scene.pods[1]])
                        }
                    } else {
                        try expectUnserved(scene.vantagePoints, addresses)
                        try expectRefused(scene.vantagePoints, nodePort)
                    }
                }
            }
        }

        @Test func `A11 a host without IPv6 serves IPv4`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            try scene.put(web)
            scene.fairlead.terminate()
            try scene.node.setKernelParameters([
                ("net/ipv6/conf/all/disable_ipv6", "1"), ("net/ipv6/conf/default/disable_ipv6", "1"),
            ])
            try scene.start()
            for frontend in web.frontends(.ipv4, on: scene.node) {
                try expectAnswered(scene.vantagePoints, frontend, by: [scene.pods[1]])
            }
            try scene.put(Application.everywhere(on: [scene.pods[2]]))
            for frontend in web.frontends(.ipv4, on: scene.node) {
                try expectAnswered(scene.vantagePoints, frontend, by: [scene.pods[2]])
            }
            #expect(!scene.fairlead.log.contains { $0.contains("failed") }, "\(scene.fairlead.log)")
        }

        @Test func `A12 zeros and spaces around addresses and ranges are overlooked`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application.everywhere(on: [scene.pods[1]])
            var service = web.service
            let others = try #require(CIDR("203.0.113.0/24"))
            service.loadBalancerSourceRanges = [CIDR(host: scene.client.ipv4), others]
            let padded = [
                ("\"10.96.0.10\"", "\"010.096.000.010\""), ("\"203.0.113.10\"", "\"203.000.113.010\""),
                ("\"198.51.100.10\"", "\"198.051.100.010\""), ("\"192.168.50.1/32\"", "\" 192.168.050.001/032 \""),
                ("\"203.0.113.0/24\"", "\"203.0.113.007/024\""),
            ]
            var yaml = service.yaml
            for (plain, padding) in padded {
                #expect(yaml.contains(plain), "\(plain) in \(yaml)")
                yaml = yaml.replacing(plain, with: padding)
            }
            let address = "\"\(scene.pods[1].ipv4)\""
            let slices = web.slices.map { $0.yaml.replacing(address, with: "\"010.244.001.003\"") }
            try scene.folder.write("web.yaml", ([yaml] + slices).joined(separator: "---\n"))
            try scene.settle()
            for frontend in [web.clusterIP(.ipv4), web.externalIP(.ipv4), web.nodePort(.ipv4, on: scene.node)] {
                try expectAnswered(scene.vantagePoints, frontend, by: [scene.pods[1]])
            }
            try expectAnswered([scene.client], web.loadBalancerIP(.ipv4), by: [scene.pods[1]])
            try expectDropped([scene.node, scene.pods[0]], web.loadBalancerIP(.ipv4))
        }
    }
}
