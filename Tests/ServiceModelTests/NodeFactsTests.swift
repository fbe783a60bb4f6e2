import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// What a change of the node's facts is to Services.
@Suite struct NodeFactsTests {
    private static let facts = NodeFacts(name: "here", zone: "a", addresses: [Make.ip("192.168.50.2")])

    private func planner() -> ServicePlanner {
        var planner = ServicePlanner(node: Self.facts)
        var guarded = Make.service("guarded", type: .loadBalancer, clusterIPs: ["10.96.0.1"])
        guarded.loadBalancerIPs = [Make.ip("203.0.113.1")]
        guarded.loadBalancerSourceRanges = ["192.168.50.0/24"].compactMap { CIDR($0) }
        let services = [
            guarded, Make.service("plain", clusterIPs: ["10.96.0.2"]),
            Make.service("exposed", clusterIPs: ["10.96.0.3"], externalIPs: ["203.0.113.3"], created: 1),
            Make.service("second", clusterIPs: ["10.96.0.4"], externalIPs: ["203.0.113.3"], created: 2),
        ]
        for service in services { _ = planner.update(service.metadata.name, service: service) }
        var endpoints = [Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "there")]
        endpoints[0].zoneHints = ["a"]
        endpoints[1].zoneHints = ["b"]
        _ = planner.update(Make.name("plain"), slice: Make.slice("plain", of: "plain", endpoints: endpoints))
        return planner
    }

    private func names(_ names: String...) -> Set<ObjectName> { Set(names.map { Make.name($0) }) }

    @Test func nothingNewIsNothing() {
        var planner = self.planner()
        #expect(planner.update(Self.facts).isEmpty)
    }

    @Test func aZoneConcernsAll() {
        var planner = self.planner()
        #expect(
            planner.plan(for: Make.name("plain"))?.frontends.first?.backends.map(\.address) == [Make.ip("10.0.0.1")])
        var facts = Self.facts
        facts.zone = "b"
        #expect(planner.update(facts) == self.names("guarded", "plain", "exposed", "second"))
        #expect(
            planner.plan(for: Make.name("plain"))?.frontends.first?.backends.map(\.address) == [Make.ip("10.0.0.2")])
        facts.zone = nil
        #expect(planner.update(facts).count == 4)
        #expect(planner.plan(for: Make.name("plain"))?.frontends.first?.backends.count == 2)
    }

    @Test func aNameConcernsAll() {
        var planner = self.planner()
        var facts = Self.facts
        facts.name = "there"
        #expect(planner.update(facts).count == 4)
        #expect(planner.plan(for: Make.name("plain"))?.hairpins == [])
    }

    @Test func addressesConcernThoseWithSourceRanges() throws {
        var planner = self.planner()
        var facts = Self.facts
        facts.addresses = [Make.ip("192.0.2.2")]
        let before = try #require(planner.plan(for: Make.name("guarded")))
        #expect(planner.update(facts) == self.names("guarded"))
        let after = try #require(planner.plan(for: Make.name("guarded")))
        let guarded = { (plan: ServicePlan) in
            plan.frontends.first { $0.role == .loadBalancerIP }?.admittedSources?.count
        }
        #expect(guarded(before) == 2)
        #expect(guarded(after) == 1)
    }

    @Test func externalIPsMayNotCount() {
        var planner = self.planner()
        let shared = Frontend(.address(Make.ip("203.0.113.3")), .tcp, 80)
        func holders() -> [ObjectName] {
            planner.serviceNames.filter { planner.plan(for: $0)?.frontends.contains { $0.frontend == shared } == true }
        }
        #expect(holders() == [Make.name("exposed")])
        #expect(planner.conflicts(of: Make.name("second")).count == 1)
        var facts = Self.facts
        facts.allowsExternalIPs = false
        facts.zone = "b"
        #expect(planner.update(facts) == self.names("guarded", "plain", "exposed", "second"))
        #expect(holders().isEmpty)
        #expect(planner.conflicts(of: Make.name("second")).isEmpty)
        #expect(planner.node == facts)
        // A load balancer's address counts as ever.
        #expect(planner.plan(for: Make.name("guarded"))?.frontends.map(\.role) == [.clusterIP, .loadBalancerIP])
        #expect(planner.update(Self.facts).count == 4)
        #expect(holders() == [Make.name("exposed")])
    }

    // MARK: - Flows

    @Test func flowsMayGoOnToWhoeverServes() {
        var planner = ServicePlanner(node: Self.facts)
        var service = Make.service(
            "dns", type: .nodePort, clusterIPs: ["10.96.0.10"],
            ports: [
                ServicePort(name: "dns", transport: .udp, port: 53, nodePort: 30053),
                ServicePort(name: "tcp", port: 53),
            ])
        service.internalTrafficPolicy = .local
        service.externalTrafficPolicy = .local
        let name = service.metadata.name
        _ = planner.update(name, service: service)
        var endpoints = [
            Make.endpoint("10.0.0.1", node: "there"), Make.endpoint("10.0.0.2", ready: false, terminating: true),
            Make.endpoint("10.0.0.3", ready: false, serving: true),
            Make.endpoint("10.0.0.4", ready: false, serving: false, terminating: true),
            Make.endpoint("10.0.0.5", ready: false, serving: false),
        ]
        endpoints[0].zoneHints = ["b"]
        let ports = [
            EndpointPort(name: "dns", transport: .udp, port: 5353), EndpointPort(name: "tcp", port: 5353),
        ]
        _ = planner.update(name, slice: Make.slice("dns", of: "dns", endpoints: endpoints, ports: ports))
        func backends(_ numbers: ClosedRange<Int>) -> Set<Backend> {
            Set(numbers.map { Backend(Make.ip("10.0.0.\($0)"), 5353) })
        }
        let clusterIP = Frontend(.address(Make.ip("10.96.0.10")), .udp, 53)
        let nodePort = Frontend(.node(.ipv4), .udp, 30053)
        // Neither policy nor readiness nor hints matter.
        #expect(
            planner.flowTargets(of: name, .udp, .serving) == [clusterIP: backends(1...3), nodePort: backends(1...3)])
        let tcp = Frontend(.address(Make.ip("10.96.0.10")), .tcp, 53)
        #expect(planner.flowTargets(of: name, .tcp, .listed) == [tcp: backends(1...5)])
        #expect(planner.flowTargets(of: name, .sctp, .serving).isEmpty)
        // Without endpoints a frontend has nowhere to go.
        _ = planner.update(name, slice: nil)
        #expect(planner.flowTargets(of: name, .udp, .serving) == [clusterIP: [], nodePort: []])
        // One that another Service holds is that one's business.
        let older = Make.service("older", clusterIPs: ["10.96.0.10"], ports: [service.ports[0]], created: 1)
        _ = planner.update(older.metadata.name, service: older)
        #expect(planner.flowTargets(of: name, .udp, .serving).isEmpty)
        #expect(planner.flowTargets(of: Make.name("nobody"), .udp, .serving).isEmpty)
    }
}
