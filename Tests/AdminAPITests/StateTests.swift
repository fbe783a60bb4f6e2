import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

@testable import AdminAPI

/// From plans and reports to what is shown.
@Suite struct StateTests {
    private static func report(_ change: (inout StreamEndpointReport) -> Void) -> StreamEndpointReport {
        var report = StreamEndpointReport()
        change(&report)
        return report
    }

    // MARK: - One endpoint

    @Test func `without a report it is as EndpointSlices have it`() {
        for (condition, state) in [
            (EndpointCondition.ready, EndpointState.ready), (.draining, .draining), (.notReady, .notReady),
        ] {
            let standing = EndpointStanding(condition, since: 5, nil)
            #expect(standing.state == state && standing.since == 5 && standing.share == nil)
        }
    }

    @Test func `checks go before slow start, and EndpointSlices before both`() {
        let ill = Self.report {
            $0.isChecked = true
            $0.isUsable = false
            $0.usableSince = 7
            $0.share = 20
            $0.shareSince = 6
        }
        #expect(EndpointStanding(.ready, since: 5, ill).state == .unhealthy)
        #expect(EndpointStanding(.ready, since: 5, ill).since == 7)
        #expect(EndpointStanding(.draining, since: 5, ill).state == .draining)
        #expect(EndpointStanding(.notReady, since: 5, ill).since == 5)
        // Found so by its first check, when it was new.
        #expect(EndpointStanding(.ready, since: 5, Self.report { $0.isUsable = false }).since == 5)
    }

    @Test func `slow start has a share, and ready is since its end`() {
        let warming = EndpointStanding(
            .ready, since: 5,
            Self.report {
                $0.share = 40
                $0.shareSince = 9
                $0.usableSince = 9
            })
        #expect(warming.state == .warmingUp && warming.share == 40 && warming.since == 9)
        let warm = EndpointStanding(
            .ready, since: 5,
            Self.report {
                $0.shareSince = 12
                $0.usableSince = 9
            })
        #expect(warm.state == .ready && warm.share == nil && warm.since == 12)
        #expect(EndpointStanding(.ready, since: 5, Self.report { $0.usableSince = 9 }).since == 9)
        #expect(EndpointStanding(.ready, since: 20, Self.report { $0.usableSince = 9 }).since == 20)
    }

    // MARK: - Lists

    private static func planner() -> (ServicePlanner, EndpointHistory) {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        var history = EndpointHistory()
        let web = Make.service(
            "shop/web", clusterIPs: ["10.96.0.10"],
            ports: [ServicePort(name: "https", port: 443), ServicePort(name: "http", port: 80)])
        for service in [web, Make.service("web", clusterIPs: ["10.96.0.11"])] {
            _ = planner.update(service.metadata.name, service: service)
        }
        let slices = [
            Make.slice(
                "shop/web-1", of: "shop/web",
                endpoints: [Make.endpoint("10.1.0.9", node: "there"), Make.endpoint("10.1.0.2", ready: false)],
                ports: [EndpointPort(name: "http", port: 8080), EndpointPort(name: "https", port: 8443)]),
            Make.slice(
                "web-1", of: "web",
                endpoints: [Make.endpoint("10.1.0.3", ready: false, serving: true, terminating: true)]),
        ]
        for slice in slices {
            _ = planner.update(slice.metadata.name, slice: slice)
            history.update(slice.metadata.name, from: nil, to: slice, at: 100)
        }
        return (planner, history)
    }

    private static func lines(_ list: EndpointList) -> [String] {
        list.items.map { item in
            let connections = item.connections.map { "\($0)" } ?? "-"
            let server = item.servedBy?.rawValue ?? "-"
            return
                "\(item.namespace)/\(item.service):\(item.portName) \(item.address) \(server) \(item.state) \(connections)"
        }
    }

    @Test func `sorted by namespace, Service, port and address`() {
        let (planner, history) = Self.planner()
        let list = EndpointList(planner, history, [:]) { _, _ in .kernel }
        #expect(
            Self.lines(list) == [
                "default/web:http 10.1.0.3:8080 kernel draining -", "shop/web:http 10.1.0.2:8080 kernel notReady -",
                "shop/web:http 10.1.0.9:8080 kernel ready -", "shop/web:https 10.1.0.2:8443 kernel notReady -",
                "shop/web:https 10.1.0.9:8443 kernel ready -",
            ])
        #expect(list.items.allSatisfy { $0.since == 100 })
        #expect(list.items[2].node == "there" && list.items[1].node == nil)
    }

    @Test func `a query narrows it`() {
        let (planner, history) = Self.planner()
        func count(_ namespace: String?, _ service: String?) -> Int {
            let query = ObjectQuery(.endpoints, namespace: namespace, name: service)
            return EndpointList(planner, history, [:], of: query) { _, _ in .kernel }.items.count
        }
        #expect(count("shop", nil) == 4)
        #expect(count(nil, "web") == 5)
        #expect(count("default", "web") == 1)
        #expect(count("default", "shop") == 0)
    }

    @Test func `connections are those of the balancer, where it serves`() {
        let (planner, history) = Self.planner()
        func endpoint(_ port: String, _ address: String, _ number: UInt16) -> StreamEndpoint {
            StreamEndpoint(
                port: ServicePortIdentity(service: Make.name("shop/web"), name: port, transport: .tcp),
                backend: Backend(Make.ip(address), number))
        }
        let reports = [
            endpoint("http", "10.1.0.9", 8080): Self.report { $0.connections = 3 },
            // No slice lists it any more.
            endpoint("http", "10.1.0.7", 8080): Self.report { $0.connections = 2 },
            endpoint("http", "10.1.0.8", 8080): Self.report { $0.lastFailure = "status 503" },
            // Of a NodePort on localhost, say: the port is the kernel's.
            endpoint("https", "10.1.0.9", 8443): Self.report { $0.connections = 5 },
            endpoint("https", "10.1.0.7", 8443): Self.report { $0.connections = 5 },
        ]
        let list = EndpointList(planner, history, reports, of: ObjectQuery(.endpoints, namespace: "shop")) { port, _ in
            port.name == "http" ? .userspace : .kernel
        }
        #expect(
            Self.lines(list) == [
                "shop/web:http 10.1.0.2:8080 userspace notReady 0", "shop/web:http 10.1.0.7:8080 userspace draining 2",
                "shop/web:http 10.1.0.9:8080 userspace ready 3", "shop/web:https 10.1.0.2:8443 kernel notReady -",
                "shop/web:https 10.1.0.9:8443 kernel ready -",
            ])
    }

    @Test func `Services of others are not shown, nor who publishes not ready endpoints as not ready`() {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        let other = Make.service(
            "other", clusterIPs: ["10.96.0.2"], labels: ["service.kubernetes.io/service-proxy-name": "x"])
        let early = Make.service("early", clusterIPs: ["10.96.0.3"])
        for service in [other, early] { _ = planner.update(service.metadata.name, service: service) }
        for name in ["other", "early"] {
            let slice = Make.slice(
                "\(name)-1", of: name,
                endpoints: [Make.endpoint("10.1.0.3", ready: true, serving: true, terminating: true)])
            _ = planner.update(slice.metadata.name, slice: slice)
        }
        let list = EndpointList(planner, EndpointHistory(), [:]) { _, _ in nil }
        #expect(Self.lines(list) == ["default/early:http 10.1.0.3:8080 - ready -"])
    }
}
