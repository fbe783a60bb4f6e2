import AdminAPI
import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// Services as this node serves them.
@Suite struct ServiceListTests {
    private static func planner() -> ServicePlanner {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        var web = Make.service(
            "shop/web", type: .loadBalancer, clusterIPs: ["10.96.0.10"], externalIPs: ["203.0.113.7"],
            ports: [
                .init(name: "http", transport: .tcp, port: 80, nodePort: 30080),
                .init(name: "dns", transport: .udp, port: 53),
            ], created: 1)
        web.loadBalancerIPs = [Make.ip("203.0.113.5")]
        web.sessionAffinity = .clientIP(timeoutSeconds: 60)
        web.externalTrafficPolicy = .local
        web.metadata.annotations["fairlead.dev/slow-start"] = "soon"
        web.metadata.allLabels = LabelSet(["app": "web", "tier": "front"])
        let younger = Make.service("other", clusterIPs: ["10.96.0.10"], created: 2)
        for service in [web, younger] { _ = planner.update(service.metadata.name, service: service) }
        let slice = Make.slice(
            "shop/web-1", of: "shop/web",
            endpoints: [Make.endpoint("10.244.1.2"), Make.endpoint("10.244.1.3", ready: false, serving: false)])
        _ = planner.update(slice.metadata.name, slice: slice)
        return planner
    }

    private static func list(_ query: ObjectQuery = ObjectQuery(.services)) -> ServiceList {
        ServiceList(self.planner(), of: query) { port, _ in port.transport == .udp ? .userspace : .kernel }
    }

    @Test func `what a Service is, and what is wrong with it`() throws {
        let items = Self.list().items
        #expect(items.map(\.name) == ["other", "web"])
        let web = items[1]
        #expect(web.type == "LoadBalancer" && web.clusterIPs == ["10.96.0.10"])
        #expect(web.externalIPs == ["203.0.113.5", "203.0.113.7"])
        #expect(web.externalPolicy == "Local" && web.affinity == 60)
        #expect(web.ports.map(\.ready) == [1, 0] && web.ports.map(\.listed) == [2, 0])
        #expect(web.ports.map(\.servedBy) == [.kernel, .userspace])
        #expect(web.problems.contains { $0.contains("fairlead.dev/slow-start: must be a time") })
        #expect(items[0].problems == ["10.96.0.10:80/tcp is held by the older Service shop/web"])
    }

    @Test func `a query narrows it`() {
        #expect(Self.list(ObjectQuery(.services, namespace: "shop")).items.map(\.name) == ["web"])
        #expect(Self.list(ObjectQuery(.services, name: "other")).items.count == 1)
        #expect(Self.list(ObjectQuery(.services, namespace: "none")).items.isEmpty)
        #expect(ObjectQuery(.services, namespace: "shop").target == "/v1/services?namespace=shop")
    }

    @Test func `labels narrow it`() throws {
        for (selector, names) in [
            ("app=web", ["web"]), ("app!=web", ["other"]), ("tier in (front, back),app", ["web"]),
        ] {
            var query = ObjectQuery(.services)
            query.selector = try LabelSelector(selector)
            #expect(try ObjectQuery(.services, query: String(query.target.drop { $0 != "?" }.dropFirst())) == query)
            #expect(Self.list(query).items.map(\.name) == names)
        }
        #expect(throws: APIFailure.self) { try ObjectQuery(.services, query: "labelSelector=a%3D%3D%3Db") }
        #expect(throws: APIFailure.self) { try ObjectQuery(.nodes, query: "labelSelector=a") }
    }

    @Test func `pages are parts of the whole, in its order`() throws {
        let whole = Self.list()
        var names: [String] = []
        var next: ObjectName?
        repeat {
            var query = ObjectQuery(.services)
            query.page = ListPage(limit: 1, after: next)
            #expect(try ObjectQuery(.services, query: String(query.target.drop { $0 != "?" }.dropFirst())) == query)
            let page = Self.list(query)
            #expect(page.items.count == 1)
            names += page.items.map(\.name)
            let document = Array(page.json.utf8)
            #expect(try ServiceList(json: document) == page)
            #expect(ListPage.next(in: document) == page.next)
            next = page.next
        } while next != nil && names.count < 10
        #expect(names == whole.items.map(\.name))
        #expect(whole.next == nil)
        // The Service that a page ended with may be gone by then.
        var query = ObjectQuery(.services)
        query.page = ListPage(limit: 10, after: ObjectName(namespace: "default", name: "zzz"))
        #expect(Self.list(query).items.map(\.name) == ["web"])
        query.page = ListPage(limit: 10, after: ObjectName(namespace: "zzz", name: ""))
        #expect(Self.list(query).items.isEmpty)
    }

    @Test(arguments: [
        "limit=0", "limit=-1", "limit=x", "limit=", "continue=shop/web", "limit=5&continue=web", "limit=5&limit=6",
    ])
    func `pages that are none are refused`(query: String) {
        #expect(throws: APIFailure.self) { try ObjectQuery(.services, query: query) }
        #expect(throws: APIFailure.self) { try ObjectQuery(.routes, query: "limit=5") }
    }

    @Test func `it is read as it was written`() throws {
        let list = Self.list()
        #expect(try ServiceList(json: Array(list.json.utf8)) == list)
        #expect(throws: APIFailure.self) { try ServiceList(json: Array(EndpointList().json.utf8)) }
        let broken = list.json.replacing("\"protocol\":\"TCP\"", with: "\"protocol\":\"QUIC\"")
        #expect(throws: APIFailure.self) { try ServiceList(json: Array(broken.utf8)) }
        #expect(
            list.json.hasPrefix(#"{"apiVersion":"admin.fairlead.dev/v1","kind":"ServiceList","items":[{"namespace":"#))
    }

    @Test func `columns as kubectl has them`() {
        #expect(
            Self.list().text() == """
                NAMESPACE   NAME    TYPE           CLUSTER-IP   EXTERNAL-IP               PORT(S)               READY   SERVED-BY
                default     other   ClusterIP      10.96.0.10   <none>                    80/TCP                0/0     kernel
                shop        web     LoadBalancer   10.96.0.10   203.0.113.5,203.0.113.7   80:30080/TCP,53/UDP   0/0     kernel,userspace

                """)
        #expect(Self.list().text(isWide: true).contains("ClientIP(60s)"))
        #expect(Self.list().names == "service/default/other\nservice/shop/web\n")
    }
}
