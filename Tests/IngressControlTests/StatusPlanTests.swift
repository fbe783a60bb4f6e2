import KubernetesAPI
import KubernetesClient
import Networking
import Routing
import Testing

@testable import IngressControl

/// Which statuses are written (S1 to S3).
@Suite struct StatusPlanTests {
    private static func name(_ name: String) -> ObjectName { ObjectName(namespace: "default", name: name) }

    private static func served(_ name: String, _ addresses: String...) -> ServedIngress {
        ServedIngress(
            name: Self.name(name),
            addresses: addresses.map { text in
                IPAddress(text).map { LoadBalancerAddress(ip: $0) } ?? LoadBalancerAddress(hostname: text)
            })
    }

    private static let ours: [PublishedAddress] = [.ip("192.0.2.7"), .hostname("lb.example")]

    private static func plan(_ served: ServedIngress...) -> StatusPlan {
        var plan = StatusPlan()
        plan.take(IngressNews(served: served))
        plan.take(Self.ours)
        return plan
    }

    @Test func `addresses are each there once, addresses before names, in an order of their own`() {
        var plan = StatusPlan()
        plan.take([
            .hostname("b.example"), .ip("192.0.2.10"), .ip("192.0.2.9"), .hostname("a.example"), .ip("192.0.2.9"),
        ])
        #expect(
            plan.addresses == [.ip("192.0.2.9"), .ip("192.0.2.10"), .hostname("a.example"), .hostname("b.example")])
    }

    @Test func `nothing is written while it is not known where Ingresses are reached`() {
        var plan = StatusPlan()
        plan.take(IngressNews(served: [Self.served("a"), Self.served("b", "203.0.113.1")]))
        #expect(plan.due(isResync: true) == [])
        #expect(plan.farewell == [])
        plan.take(nil)
        #expect(plan.due(isResync: true) == [])
    }

    @Test func `only what says something else is written`() {
        let plan = Self.plan(
            Self.served("a"), Self.served("b", "192.0.2.7", "lb.example"), Self.served("c", "192.0.2.7"))
        #expect(
            plan.due(isResync: false)
                == [.publish(Self.ours, Self.name("a")), .publish(Self.ours, Self.name("c"))])
    }

    @Test func `what was written is not written again before the next round`() {
        var plan = Self.plan(Self.served("a"))
        plan.done(.publish(Self.ours, Self.name("a")))
        #expect(plan.due(isResync: false) == [])
        // Somebody else does not agree.
        plan.take(IngressNews(served: [Self.served("a", "203.0.113.1")]))
        #expect(plan.due(isResync: false) == [])
        #expect(plan.due(isResync: true) == [.publish(Self.ours, Self.name("a"))])
        // Other addresses are another matter.
        plan.take([.ip("192.0.2.8")])
        #expect(plan.due(isResync: false) == [.publish([.ip("192.0.2.8")], Self.name("a"))])
    }

    @Test func `addresses that cannot be told any more stay`() {
        var plan = Self.plan(Self.served("a", "192.0.2.7", "lb.example"))
        plan.take(nil)
        #expect(plan.addresses == Self.ours)
        #expect(plan.due(isResync: true) == [])
    }

    @Test func `a class that is lost takes our addresses with it, those of before too`() {
        var plan = Self.plan(Self.served("a"), Self.served("b"))
        plan.take([.ip("192.0.2.8")])
        plan.take(
            IngressNews(served: [Self.served("b", "192.0.2.8")], released: [Self.served("a", "192.0.2.7")]))
        let all = Set(Self.ours + [.ip("192.0.2.8")])
        #expect(plan.due(isResync: false) == [.withdraw(all, Self.name("a"))])
        plan.done(.withdraw(all, Self.name("a")))
        #expect(plan.due(isResync: true) == [])
    }

    @Test func `one that was released without an address, or is ours again, is left alone`() {
        var plan = Self.plan()
        plan.take(IngressNews(served: [], released: [Self.served("a")]))
        #expect(plan.due(isResync: false) == [])
        plan.take(IngressNews(served: [], released: [Self.served("b", "192.0.2.7", "lb.example")]))
        plan.take(IngressNews(served: [Self.served("b", "192.0.2.7", "lb.example")]))
        #expect(plan.due(isResync: false) == [])
    }

    @Test func `at the end all that may name us is taken back`() {
        var plan = Self.plan(Self.served("a", "192.0.2.7", "lb.example"), Self.served("b"), Self.served("c"))
        plan.done(.publish(Self.ours, Self.name("b")))
        #expect(
            plan.farewell
                == [.withdraw(Set(Self.ours), Self.name("a")), .withdraw(Set(Self.ours), Self.name("b"))])
    }
}

@Suite struct PublishedAddressTests {
    private static func service(_ type: ServiceType) -> KubernetesAPI.Service {
        KubernetesAPI.Service(
            metadata: ObjectMeta(name: ObjectName(namespace: "default", name: "front")), type: type,
            clusterIPs: [IPAddress(10, 96, 0, 1)],
            externalName: "front.example",
            loadBalancer: [
                LoadBalancerAddress(ip: IPAddress(203, 0, 113, 1)), LoadBalancerAddress(hostname: "lb.example"),
            ])
    }

    /// As ingress-nginx does it (internal/ingress/status/status.go).
    @Test(arguments: [
        (ServiceType.clusterIP, false, ["10.96.0.1"]), (.clusterIP, true, ["10.96.0.1"]),
        (.nodePort, false, ["10.96.0.1"]), (.nodePort, true, ["198.51.100.1"]),
        (.loadBalancer, false, ["203.0.113.1", "lb.example"]),
        (.loadBalancer, true, ["203.0.113.1", "lb.example", "198.51.100.1"]), (.externalName, false, ["front.example"]),
    ])
    func `where a Service is reached`(type: ServiceType, hasExternalIP: Bool, expected: [String]) {
        var service = Self.service(type)
        if hasExternalIP { service.externalIPs = [IPAddress(198, 51, 100, 1)] }
        #expect(PublishedAddresses.list(service).map(\.text) == expected)
    }

    @Test(arguments: [
        ("192.0.2.1", PublishedAddress.ip("192.0.2.1")), ("2001:DB8::0:1", .ip("2001:db8::1")),
        ("lb.example", .hostname("lb.example")), ("LB.example", nil), ("", nil), ("a_b", nil),
        ("1.2.3", .hostname("1.2.3")),
    ])
    func `addresses and names`(text: String, expected: PublishedAddress?) {
        #expect(PublishedAddress(text) == expected)
    }
}
