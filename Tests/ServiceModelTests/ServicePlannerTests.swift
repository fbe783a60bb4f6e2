import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

@Suite struct ServicePlannerTests {
    private let web = Make.name("web")

    private func frontends(_ service: Service) -> [String] {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(service.metadata.name, service: service)
        return planner.plan(for: service.metadata.name)?.frontends.map { "\($0.frontend) \($0.role)" } ?? []
    }

    @Test func aServiceHasAFrontendForEachAddressAndPort() {
        let service = Make.service(
            "web", type: .nodePort, clusterIPs: ["10.96.0.10", "fd00::10"],
            externalIPs: ["203.0.113.1", "2001:db8::1"],
            ports: [
                ServicePort(name: "http", port: 80, nodePort: 30080),
                ServicePort(name: "dns", transport: .udp, port: 53),
            ])
        #expect(
            self.frontends(service) == [
                "10.96.0.10:80/tcp clusterIP", "[fd00::10]:80/tcp clusterIP", "203.0.113.1:80/tcp externalIP",
                "[2001:db8::1]:80/tcp externalIP", "nodePort 30080/tcp (IPv4) nodePort",
                "nodePort 30080/tcp (IPv6) nodePort",
                "10.96.0.10:53/udp clusterIP", "[fd00::10]:53/udp clusterIP", "203.0.113.1:53/udp externalIP",
                "[2001:db8::1]:53/udp externalIP",
            ])
    }

    @Test func anAddressOfAFamilyTheServiceHasNotIsNoFrontend() {
        let service = Make.service("web", clusterIPs: ["10.96.0.10"], externalIPs: ["2001:db8::1"])
        #expect(self.frontends(service) == ["10.96.0.10:80/tcp clusterIP"])
    }

    @Test func servicesThatAreNotOursHaveNoPlan() {
        var headless = Make.service("a", clusterIPs: [])
        headless.isHeadless = true
        let others = [
            headless, Make.service("b", type: .externalName, clusterIPs: ["10.96.0.1"]),
            Make.service("c", clusterIPs: []),
            Make.service("d", clusterIPs: ["10.96.0.2"], labels: ["service.kubernetes.io/service-proxy-name": ""]),
        ]
        for service in others {
            var planner = ServicePlanner(node: NodeFacts(name: "here"))
            _ = planner.update(service.metadata.name, service: service)
            #expect(planner.plan(for: service.metadata.name) == nil, "\(service.metadata.name)")
        }
    }

    @Test func aSliceAffectsTheServiceItLeavesAndTheOneItComesTo() {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        let slice = Make.name("s")
        #expect(planner.update(slice, slice: Make.slice("s", of: "web", endpoints: [])) == [self.web])
        #expect(
            planner.update(slice, slice: Make.slice("s", of: "api", endpoints: [])) == [self.web, Make.name("api")])
        #expect(planner.update(slice, slice: nil) == [Make.name("api")])
        #expect(planner.update(slice, slice: nil) == [])
    }

    @Test func theOlderServiceKeepsAFrontendInAnyOrder() throws {
        let old = Make.service("zebra", clusterIPs: ["10.96.0.1"], externalIPs: ["203.0.113.1"], created: 1)
        let young = Make.service("aardvark", clusterIPs: ["10.96.0.2"], externalIPs: ["203.0.113.1"], created: 2)
        let unknown = Make.service("abc", clusterIPs: ["10.96.0.3"], externalIPs: ["203.0.113.1"])
        let shared = Frontend(.address(Make.ip("203.0.113.1")), .tcp, 80)
        for order in [[old, young, unknown], [unknown, young, old], [young, unknown, old]] {
            var planner = ServicePlanner(node: NodeFacts(name: "here"))
            for service in order { _ = planner.update(service.metadata.name, service: service) }
            let holders = planner.serviceNames.filter { name in
                planner.plan(for: name)?.frontends.contains { $0.frontend == shared } == true
            }
            #expect(holders == [Make.name("zebra")])
            #expect(planner.conflicts(of: Make.name("zebra")).isEmpty)
            let conflict = try #require(planner.conflicts(of: Make.name("abc")).first)
            #expect(
                conflict.description
                    == "Service default/abc: 203.0.113.1:80/tcp is held by the older Service default/zebra")

            // When it goes, the next in age has it, and is named to be planned again.
            #expect(planner.update(Make.name("zebra"), service: nil).contains(Make.name("aardvark")))
            #expect(planner.plan(for: Make.name("aardvark"))?.frontends.contains { $0.frontend == shared } == true)
            #expect(planner.plan(for: Make.name("abc"))?.frontends.contains { $0.frontend == shared } == false)
        }
    }

    @Test func whoMayReachItself() {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(self.web, service: Make.service("web", clusterIPs: ["10.96.0.10"]))
        let endpoints = [
            Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "there"),
            Make.endpoint("10.0.0.3"),
            Make.endpoint("10.0.0.4", ready: false, node: "here"),
        ]
        _ = planner.update(Make.name("s"), slice: Make.slice("s", of: "web", endpoints: endpoints))
        #expect(planner.plan(for: self.web)?.hairpins == [Make.ip("10.0.0.1"), Make.ip("10.0.0.3")])
    }

    @Test func anAddressThatALoadBalancerGaveIsClaimedWhateverTheType() {
        var service = Make.service("web", type: .loadBalancer, clusterIPs: ["10.96.0.10"])
        service.loadBalancerIPs = ["203.0.113.1", "2001:db8::1", "203.0.113.2"].map(Make.ip)
        let expected = [
            "10.96.0.10:80/tcp clusterIP", "203.0.113.1:80/tcp loadBalancerIP", "203.0.113.2:80/tcp loadBalancerIP",
        ]
        #expect(self.frontends(service) == expected)
        service.type = .clusterIP
        #expect(self.frontends(service) == expected)
    }

    /// One address may be said several times, and in several ways.
    @Test func aFrontendIsAskedForOnce() {
        var service = Make.service(
            "web", type: .loadBalancer, clusterIPs: ["10.96.0.10"], externalIPs: ["203.0.113.1", "203.0.113.2"])
        service.loadBalancerIPs = [Make.ip("203.0.113.1")]
        #expect(
            self.frontends(service) == [
                "10.96.0.10:80/tcp clusterIP", "203.0.113.1:80/tcp loadBalancerIP", "203.0.113.2:80/tcp externalIP",
            ])
    }

    @Test func aLoadBalancersAddressIsHeldByTheOlderService() {
        var old = Make.service("old", type: .loadBalancer, clusterIPs: ["10.96.0.1"], created: 1)
        var young = Make.service("young", type: .loadBalancer, clusterIPs: ["10.96.0.2"], created: 2)
        old.loadBalancerIPs = [Make.ip("203.0.113.1")]
        young.loadBalancerIPs = [Make.ip("203.0.113.1")]
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(young.metadata.name, service: young)
        #expect(planner.update(old.metadata.name, service: old) == [old.metadata.name, young.metadata.name])
        #expect(planner.plan(for: young.metadata.name)?.frontends.map(\.role) == [.clusterIP])
        // It gives the address back: the other has it.
        old.loadBalancerIPs = []
        #expect(planner.update(old.metadata.name, service: old).contains(young.metadata.name))
        #expect(planner.plan(for: young.metadata.name)?.frontends.map(\.role) == [.clusterIP, .loadBalancerIP])
    }

    @Test func whatHasNoEffectIsSaid() {
        #expect(Make.service("web", clusterIPs: []).notes.map { $0.hasPrefix("spec.clusterIP is not set") } == [true])
        var service = Make.service("web", clusterIPs: ["10.96.0.10"])
        #expect(service.notes.isEmpty)
        service.externalTrafficPolicy = .local
        service.internalTrafficPolicy = .local
        service.sessionAffinity = .clientIP(timeoutSeconds: 10)
        #expect(service.notes.isEmpty, "all of this is honoured")
        service.metadata.annotations = [
            ServiceAnnotations.Key.algorithm: "flow-hash", ServiceAnnotations.Key.deniedSources: "192.0.2.0/24",
            ServiceAnnotations.Key.tableSize: "many",
        ]
        #expect(
            service.notes == [
                "fairlead.dev/hash-table-size: must be a number between 64 and 65536, not \"many\"",
                "fairlead.dev/load-balancing has no effect beside sessionAffinity ClientIP",
                "fairlead.dev/denied-source-ranges has no effect: the Service has no load balancer address",
            ])
        service.sessionAffinity = .none
        service.loadBalancerIPs = [Make.ip("203.0.113.1")]
        service.metadata.annotations[ServiceAnnotations.Key.tableSize] = nil
        #expect(service.notes.isEmpty)
        // Not ours: nothing to say of it.
        service.type = .externalName
        service.clusterIPs = []
        #expect(service.notes.isEmpty)
    }

    @Test func whatIsOddAboutEndpointsIsSaid() {
        #expect(Make.slice("s", of: "web", endpoints: [Make.endpoint("10.0.0.1")]).notes.isEmpty)
        #expect(
            Make.slice("s", of: "web", endpoints: [Make.endpoint("127.0.0.1")]).notes.first?.contains("route_localnet")
                == true)
        #expect(Make.slice("s", of: "web", endpoints: [Make.endpoint("::1")]).notes.count == 1)
        let weighted = { (text: String) in
            Make.slice("s", of: "web", endpoints: [], labels: [ServiceAnnotations.Key.weight: text]).notes
        }
        #expect(weighted("100").isEmpty)
        for wrong in ["101", "-1", "", "1.5", "heavy"] {
            #expect(weighted(wrong) == ["label fairlead.dev/weight: must be a number from 0 to 100, not \"\(wrong)\""])
        }
    }

    @Test func endpointsAreCountedAsSlicesComeChangeAndGo() {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        func slice(_ name: String, of service: String, _ family: AddressFamily, _ addresses: String...) {
            let slice = Make.slice(
                name, of: service, family: family, endpoints: addresses.map { Make.endpoint($0, ready: false) })
            _ = planner.update(slice.metadata.name, slice: slice)
        }
        slice("a", of: "web", .ipv4, "10.244.0.1", "10.244.0.2")
        slice("b", of: "web", .ipv6, "fd00::1")
        #expect(planner.endpointCounts == [.ipv4: 2, .ipv6: 1])
        // To another Service, and of another family.
        slice("a", of: "api", .ipv4, "10.244.0.1", "10.244.0.2", "10.244.0.3")
        slice("b", of: "web", .ipv4, "10.244.0.4")
        #expect(planner.endpointCounts == [.ipv4: 4, .ipv6: 0])
        for name in ["a", "b", "a", "nobody"] { _ = planner.update(Make.name(name), slice: nil) }
        #expect(planner.endpointCounts == [.ipv4: 0, .ipv6: 0])
    }
}
