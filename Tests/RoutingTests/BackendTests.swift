import KubernetesAPI
import Networking
import Routing
import ServiceModel
import Testing

/// Where requests go, and what they get when they cannot.
@Suite struct BackendTests {
    private static func ingress(_ backend: IngressBackend, annotations: [String: String] = [:]) -> KubernetesObject {
        Make.ingress(
            "web", annotations: annotations,
            [IngressRule(host: "a.example", paths: [IngressPath(path: "/", backend: backend)])])
    }

    private static func texts(_ backend: BackendPlan?) -> [String] {
        (backend?.endpoints ?? []).map { "\($0.address):\($0.port)" }
    }

    @Test func b1TheServiceIsOfTheIngressesNamespace() {
        var cluster = Cluster()
        cluster.addServices("other/s")
        cluster.add(Self.ingress(Make.to("s")))
        #expect(cluster.answer("a.example", "/") == "503 service-missing")
        cluster.addServices("s")
        #expect(cluster.answer("a.example", "/") == "s")
    }

    private static let twoPorts = [
        ServicePort(name: "http", port: 80, targetPort: .number(8080)),
        ServicePort(name: "admin", port: 9000, targetPort: .name("http")),
        ServicePort(name: "dns", transport: .udp, port: 53),
    ]

    /// By the Service's number and name; its target port is nobody's business.
    @Test(arguments: [
        (PortReference.number(80), "10.0.0.1:8080"), (.name("http"), "10.0.0.1:8080"),
        (.number(9000), "10.0.0.1:8081"), (.name("admin"), "10.0.0.1:8081"),
        (.number(8080), "503 service-port-missing"),
        (.name("web"), "503 service-port-missing"), (.number(53), "503 service-port-missing"),
    ])
    func b2ByThePortOfTheService(port: PortReference, expected: String) {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", ports: Self.twoPorts),
            Make.slice(
                "s", of: "s", [Make.endpoint("10.0.0.1")],
                ports: [EndpointPort(name: "http", port: 8080), EndpointPort(name: "admin", port: 8081)]),
            Self.ingress(Make.to("s", port)))
        let answer = cluster.answer("a.example", "/")
        #expect(answer == "s" ? Self.texts(cluster.backend("a.example")) == [expected] : answer == expected)
        #expect(cluster.problems() == (answer == "s" ? [] : ["ServicePortMissing web"]))
    }

    @Test func b3WhatIsMissingIs503AndRecovers() {
        var cluster = Cluster()
        cluster.add(Self.ingress(Make.to("s")))
        #expect(cluster.answer("a.example", "/") == "503 service-missing")
        #expect(cluster.problems() == ["ServiceMissing web"])
        cluster.add(Make.service("s", ports: [ServicePort(name: "http", port: 8000)]))
        #expect(cluster.answer("a.example", "/") == "503 service-port-missing")
        #expect(cluster.problems() == ["ServicePortMissing web"])
        cluster.add(Make.service("s"))
        #expect(cluster.answer("a.example", "/") == "503 no-endpoints")
        #expect(cluster.problems() == [])
        let routes = cluster.planner.plan().routes.revision
        cluster.add(Make.slice("s", of: "s", [Make.endpoint("10.0.0.1", ready: false, serving: false)]))
        #expect(cluster.answer("a.example", "/") == "503 no-endpoints")
        cluster.add(Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]))
        #expect(cluster.answer("a.example", "/") == "s")
        cluster.remove(.service, Make.name("s"))
        #expect(cluster.answer("a.example", "/") == "503 service-missing")
        #expect(cluster.planner.plan().routes.revision == routes)
    }

    @Test func b4OnlyReadyEndpoints() {
        var cluster = Cluster()
        cluster.add(Make.service("s"), Self.ingress(Make.to("s")))
        let draining = Make.endpoint("10.0.0.3", ready: false, terminating: true)
        let unready = Make.endpoint("10.0.0.2", ready: false, serving: false)
        cluster.add(Make.slice("s", of: "s", [draining, unready, Make.endpoint("10.0.0.1")]))
        #expect(Self.texts(cluster.backend("a.example")) == ["10.0.0.1:8080"])
        cluster.add(Make.slice("s", of: "s", [draining, unready]))
        #expect(Self.texts(cluster.backend("a.example")) == ["10.0.0.3:8080"])
    }

    @Test func b5SlicesAreMergedAndSorted() {
        var cluster = Cluster()
        let name = String(repeating: "s", count: 63)
        cluster.add(
            Make.service(name), Self.ingress(Make.to(name)),
            Make.slice("one", of: name, [Make.endpoint("10.0.0.9"), Make.endpoint("10.0.0.2")]),
            Make.slice("two", of: name, [Make.endpoint("10.0.0.2"), Make.endpoint("10.0.0.4")]))
        #expect(
            Self.texts(cluster.backend("a.example")) == ["10.0.0.2:8080", "10.0.0.4:8080", "10.0.0.9:8080"])
        cluster.remove(.endpointSlice, Make.name("one"))
        #expect(Self.texts(cluster.backend("a.example")) == ["10.0.0.2:8080", "10.0.0.4:8080"])
    }

    @Test func b5TopologyHintsAndZones() {
        var cluster = Cluster(node: NodeFacts(name: "here", zone: "a"))
        cluster.add(Make.service("s"), Self.ingress(Make.to("s")))
        func slice(hints: Bool) -> KubernetesObject {
            Make.slice(
                "s", of: "s",
                ["a", "b"].enumerated().map { index, zone in
                    Make.endpoint("10.0.0.\(index + 1)", zone: zone, zoneHints: hints ? [zone] : [])
                })
        }
        cluster.add(slice(hints: false))
        #expect(cluster.backend("a.example")?.endpoints.map(\.isSameZone) == [true, false])
        cluster.add(slice(hints: true))
        #expect(Self.texts(cluster.backend("a.example")) == ["10.0.0.1:8080"])
        cluster.planner.update(NodeFacts(name: "here", zone: "b"))
        #expect(Self.texts(cluster.backend("a.example")) == ["10.0.0.2:8080"])
    }

    /// A Pod with two addresses is one endpoint, by the family that its Service has first.
    @Test(arguments: [(["fd00::1", "10.96.0.1"], "fd00:1::1:8080"), (["10.96.0.1", "fd00::1"], "10.0.0.1:8080")])
    func b5DualStack(clusterIPs: [String], expected: String) {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", clusterIPs: clusterIPs), Self.ingress(Make.to("s")),
            Make.slice("four", of: "s", [Make.endpoint("10.0.0.1")]),
            Make.slice("six", of: "s", family: .ipv6, [Make.endpoint("fd00:1::1")]))
        #expect(Self.texts(cluster.backend("a.example")) == [expected])
    }

    @Test func b5TheOtherFamilyStandsInAndHeadlessServicesCount() {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", clusterIPs: []), Self.ingress(Make.to("s")),
            Make.slice(
                "six", of: "s", family: .ipv6, [Make.endpoint("fd00:1::1")], labels: [KnownKey.headless: ""]))
        #expect(Self.texts(cluster.backend("a.example")) == ["fd00:1::1:8080"])
    }

    @Test func weightsOfSlicesAndZonesCount() {
        var cluster = Cluster()
        cluster.add(
            Make.service("s"), Self.ingress(Make.to("s")),
            Make.slice("one", of: "s", [Make.endpoint("10.0.0.1")], labels: ["fairlead.dev/weight": "30"]),
            Make.slice("two", of: "s", [Make.endpoint("10.0.0.2")], labels: ["fairlead.dev/weight": "10"]),
            Make.slice("none", of: "s", [Make.endpoint("10.0.0.3")], labels: ["fairlead.dev/weight": "0"]))
        #expect(cluster.backend("a.example")?.endpoints.map(\.weight) == [3, 1])
    }

    @Test func b6ExternalNamesAreOffUnlessAllowed() {
        for isAllowed in [false, true] {
            var options = IngressPlannerOptions()
            options.allowsExternalNames = isAllowed
            var cluster = Cluster(options)
            cluster.add(
                Make.service("s", type: .externalName, clusterIPs: [], ports: [], externalName: "db.example.org"),
                Self.ingress(Make.to("s", .number(8443))))
            let backend = cluster.backend("a.example")
            #expect(
                backend?.external == (isAllowed ? ExternalBackend(name: "db.example.org", port: 8443) : nil))
            #expect(cluster.answer("a.example", "/") == (isAllowed ? "s" : "503 external-name-refused"))
            #expect(cluster.problems() == (isAllowed ? [] : ["ExternalNameRefused web"]))
            cluster.add(Self.ingress(Make.to("s", .name("https"))))
            #expect(
                cluster.answer("a.example", "/")
                    == (isAllowed ? "503 service-port-missing" : "503 external-name-refused"))
        }
    }

    private static let bucket = IngressBackend.resource(apiGroup: "k8s.example.com", kind: "StorageBucket", name: "b")

    @Test func b7AResourceIsRefusedAndTheOthersAreNot() {
        var cluster = Cluster()
        cluster.addServices("s", "fallback")
        func ingress(default backend: IngressBackend? = nil) -> KubernetesObject {
            Make.ingress(
                "web", default: backend,
                [
                    IngressRule(
                        host: "a.example",
                        paths: [IngressPath(path: "/icons", backend: Self.bucket), Make.path("/", "s")])
                ])
        }
        cluster.add(ingress())
        #expect(cluster.answer("a.example", "/icons/x") == "404 resourceBackend")
        #expect(cluster.answer("a.example", "/x") == "s")
        #expect(cluster.problems() == ["ResourceBackend web"])
        cluster.add(ingress(default: Make.to("fallback")))
        #expect(cluster.answer("a.example", "/icons/x") == "fallback")
        cluster.add(ingress(), Make.ingress("all", default: Make.to("fallback")))
        #expect(cluster.answer("a.example", "/icons/x") == "fallback")
        cluster.add(ingress(default: Self.bucket))
        #expect(cluster.answer("a.example", "/icons/x") == "fallback")
        #expect(cluster.answer("a.example", "/x") == "s")
    }

    @Test func b8ABadOneDoesNotTouchTheOthers() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress("good", [IngressRule(host: "a.example", paths: [Make.path("/", "s")])]),
            Make.ingress(
                "bad", annotations: ["proxy-body-size": "lots", "auth-tls-secret": "a/b/c", "nonsense": "1"],
                default: Self.bucket,
                tls: [IngressTLS(hosts: ["*"], secretName: "nothing")],
                [
                    IngressRule(host: "*", paths: [Make.path("/", "s")]),
                    IngressRule(host: "b.example", paths: [Make.path("x", "s"), Make.path("/ok", "s")]),
                ]))
        #expect(cluster.answer("a.example", "/") == "s")
        #expect(cluster.planner.plan().problems.allSatisfy { $0.object.name.name == "bad" })
        #expect(Set(cluster.problems()).count == 6)
        #expect(cluster.answer("b.example", "/ok") == "503 noClientAuthority")
    }

    @Test func appProtocolAndSettingsArePassedOn() {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: "kubernetes.io/h2c")]),
            Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]),
            Self.ingress(Make.to("s"), annotations: ["load-balance": "least_requests"]))
        #expect(cluster.backend("a.example")?.appProtocol == "kubernetes.io/h2c")
        #expect(cluster.backend("a.example")?.settings.loadBalancing == .leastRequests)
    }
}
