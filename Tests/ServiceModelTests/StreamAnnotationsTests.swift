import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// What Services ask of the userspace balancer.
@Suite struct StreamAnnotationsTests {
    private static func annotations(_ values: [String: String]) -> ServiceAnnotations {
        ServiceAnnotations(Dictionary(uniqueKeysWithValues: values.map { ("fairlead.dev/\($0)", $1) }))
    }

    private static func policy(_ change: (inout StreamPolicy) -> Void) -> StreamPolicy {
        var policy = StreamPolicy()
        change(&policy)
        return policy
    }

    @Test(arguments: [
        ([:], StreamPolicy()),
        (["load-balancing": "flow-hash"], StreamPolicy()),
        (["load-balancing": "least-connections"], Self.policy { $0.algorithm = .leastConnections }),
        (["proxy-protocol": "v2"], Self.policy { $0.sendsProxyProtocol = true }),
        (["slow-start": "30"], Self.policy { $0.slowStart = 30_000 }),
        (["slow-start": "500ms"], Self.policy { $0.slowStart = 500 }),
        (["connections-per-client": "20"], Self.policy { $0.connectionsPerClient = 20 }),
        (["connection-rate-per-client": "5"], Self.policy { $0.connectionRatePerClient = 5 }),
        (["keep-client-address": "False"], StreamPolicy()),
        (["health-check": "tcp"], Self.policy { $0.healthCheck = HealthCheckPolicy(.tcp) }),
        (
            [
                "health-check": "http", "health-check-path": "/ok", "health-check-interval": "2s",
                "health-check-timeout": "250ms", "health-check-rise": "1", "health-check-fall": "5",
            ],
            Self.policy {
                $0.healthCheck = HealthCheckPolicy(.http(path: "/ok"), interval: 2_000, timeout: 250, rise: 1, fall: 5)
            }
        ),
        (
            ["health-check": "grpc", "health-check-grpc-service": "shop.Cart"],
            Self.policy { $0.healthCheck = HealthCheckPolicy(.grpc(service: "shop.Cart")) }
        ),
    ])
    func whatIsAsked(values: [String: String], policy: StreamPolicy) {
        let annotations = Self.annotations(values)
        #expect(annotations.streamPolicy == policy)
        #expect(annotations.problems.isEmpty)
    }

    @Test(arguments: [
        ("proxy-protocol", "v1", "must be v2, not \"v1\""),
        ("slow-start", "soon", "must be a time from 1ms to 24h, in seconds where there is no unit, not \"soon\""),
        ("slow-start", "25h", "must be a time from 1ms to 24h, in seconds where there is no unit, not \"25h\""),
        ("connections-per-client", "-1", "must be a number up to 1000000, 0 for any, not \"-1\""),
        ("connections-per-client", "1000001", "must be a number up to 1000000, 0 for any, not \"1000001\""),
        ("connection-rate-per-client", "5/s", "must be a number up to 1000000, 0 for any, not \"5/s\""),
        ("keep-client-address", "yes", "must be true or false, not \"yes\""),
        (
            "keep-client-address", "true",
            "the userspace balancer has no transparent sockets: what it serves comes from the node's address; "
                + "fairlead.dev/proxy-protocol tells endpoints the client's"
        ),
        ("health-check", "icmp", "must be grpc, http or tcp, not \"icmp\""),
        ("health-check-fall", "3", "no effect without fairlead.dev/health-check"),
    ])
    func whatCannotBeReadIsNamed(key: String, text: String, problem: String) {
        let annotations = Self.annotations([key: text])
        #expect(annotations.problems == ["fairlead.dev/\(key): \(problem)"])
        #expect(annotations.streamPolicy == StreamPolicy())
    }

    @Test func serverNames() {
        let stream = StreamAnnotations([
            "fairlead.dev/tls-passthrough": "Shop.example=shop:443, *.api.example = api,db.example=db:tls"
        ])
        #expect(stream.problems.isEmpty)
        #expect(stream.serverNames.map(\.name) == ["shop.example", "*.api.example", "db.example"])
        #expect(stream.serverNames.map(\.service) == ["shop", "api", "db"])
        #expect(stream.serverNames.map(\.port) == [.number(443), nil, .name("tls")])
    }

    @Test(arguments: [
        "shop.example", "=shop", "shop.example=", "shop.example=a=b", "*=shop", "a.*.b=shop", "shop.example=shop:",
        "shop.example=shop:0", "shop.example=shop:65536", "shop.example=shop:443:1", "sho p=shop", "a=other/shop",
    ])
    func aServerNameThatIsNone(text: String) {
        let stream = StreamAnnotations(["fairlead.dev/tls-passthrough": "\(text),ok.example=ok"])
        #expect(stream.serverNames.map(\.name) == ["ok.example"])
        #expect(stream.problems.count == 1)
    }

    @Test func aServerNameTwice() {
        let stream = StreamAnnotations(["fairlead.dev/tls-passthrough": "a.example=b,A.example=c"])
        #expect(stream.serverNames.map(\.service) == ["b"])
        #expect(stream.problems == ["fairlead.dev/tls-passthrough: a.example is there twice, the first one counts"])
    }
}

/// Which frontends the balancer serves, and as what.
@Suite struct StreamPlanTests {
    private static func service(
        _ name: String, _ annotations: [String: String], ports: [ServicePort], address: String = "10.96.0.10"
    ) -> Service {
        var service = Make.service(name, type: .nodePort, clusterIPs: [address], ports: ports)
        for (key, value) in annotations { service.metadata.annotations["fairlead.dev/\(key)"] = value }
        return service
    }

    private static let ports = [
        ServicePort(name: "web", transport: .tcp, port: 80, nodePort: 30080),
        ServicePort(name: "dns", transport: .udp, port: 53),
        ServicePort(name: "sig", transport: .sctp, port: 36412),
    ]

    private static func plan(_ annotations: [String: String]) throws -> ServicePlan {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        _ = planner.update(Make.name("web"), service: Self.service("web", annotations, ports: Self.ports))
        return try #require(planner.plan(for: Make.name("web")))
    }

    private static func handedOver(_ plan: ServicePlan) -> [String] {
        plan.frontends.filter(plan.needsBalancer).map { "\($0.frontend)" }
    }

    private static let tcp = ["10.96.0.10:80/tcp", "nodePort 30080/tcp (IPv4)"]

    @Test(arguments: [
        ([:], []),
        (["load-balancing": "client-ip-hash"], []),
        (["load-balancing": "least-connections"], Self.tcp + ["10.96.0.10:53/udp"]),
        (["connections-per-client": "2"], Self.tcp + ["10.96.0.10:53/udp"]),
        (["slow-start": "1m"], Self.tcp + ["10.96.0.10:53/udp"]),
        (["health-check": "tcp"], Self.tcp),
        (["proxy-protocol": "v2"], Self.tcp),
        (["tls-passthrough": "a.example=b"], Self.tcp),
    ])
    func onlyWhatNeedsIt(annotations: [String: String], frontends: [String]) throws {
        #expect(Self.handedOver(try Self.plan(annotations)) == frontends)
    }

    @Test func datagramsAreTakenWithoutWhatOnlyConnectionsHave() throws {
        let plan = try Self.plan([
            "health-check": "tcp", "proxy-protocol": "v2", "connections-per-client": "3",
        ])
        let udp = try #require(plan.frontends.first { $0.port.transport == .udp })
        var expected = StreamPolicy()
        expected.connectionsPerClient = 3
        #expect(plan.streamPolicy(at: udp) == expected)
    }

    @Test func whatHasNoEffectIsSaid() {
        let udp = Self.service(
            "dns", ["health-check": "tcp", "proxy-protocol": "v2", "tls-passthrough": "a.example=b"],
            ports: [Self.ports[1], Self.ports[2]])
        #expect(
            udp.notes == [
                "fairlead.dev/health-check has no effect: the Service has no TCP port",
                "fairlead.dev/proxy-protocol has no effect: the Service has no TCP port",
                "fairlead.dev/tls-passthrough has no effect: the Service has no TCP port",
                "port 36412/SCTP stays with the kernel: the userspace balancer has TCP and UDP",
            ])
    }

    // MARK: - Server names

    private struct Scene {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))

        init(_ passthrough: String) {
            _ = self.planner.update(
                Make.name("front"),
                service: StreamPlanTests.service(
                    "front", ["tls-passthrough": passthrough],
                    ports: [ServicePort(name: "tls", transport: .tcp, port: 443)]))
        }

        mutating func add(_ name: String, _ ports: [ServicePort], _ number: Int) -> Set<ObjectName> {
            self.planner.update(
                Make.name(name), service: Make.service(name, clusterIPs: ["10.96.1.\(number)"], ports: ports))
        }

        mutating func fill(_ name: String, _ address: String, port: String, node: String = "there") -> Set<ObjectName> {
            self.planner.update(
                Make.name("\(name)-1"),
                slice: Make.slice(
                    "\(name)-1", of: name, endpoints: [Make.endpoint(address, node: node)],
                    ports: [EndpointPort(name: port, transport: .tcp, port: 8443)]))
        }

        var routes: [String: Route] {
            let plan = self.planner.plan(for: Make.name("front"))
            return Dictionary(
                uniqueKeysWithValues: (plan?.frontends.first?.serverNames ?? []).map { ($0.name, $0.route) })
        }
    }

    @Test func serverNamesLeadToTheEndpointsOfOthers() {
        var scene = Scene("a.example=shop:443, b.example=shop:admin, c.example=shop, d.example=gone")
        #expect(
            scene.add(
                "shop",
                [
                    ServicePort(name: "https", transport: .tcp, port: 443),
                    ServicePort(name: "admin", transport: .tcp, port: 9443),
                ], 1) == [Make.name("shop"), Make.name("front")])
        #expect(scene.fill("shop", "10.244.0.1", port: "https") == [Make.name("shop"), Make.name("front")])
        let https = Route.backends(.cluster, [WeightedBackend(Backend(Make.ip("10.244.0.1"), 8443))])
        #expect(
            scene.routes == ["a.example": https, "b.example": .refuse, "c.example": https, "d.example": .refuse])
        #expect(
            scene.planner.passthroughProblems(of: Make.name("front")) == [
                "fairlead.dev/tls-passthrough: d.example is refused: there is no Service default/gone with endpoints of its own"
            ])
    }

    @Test func aPortThatIsNotThereIsSaid() {
        var scene = Scene("a.example=shop:444,b.example=shop")
        _ = scene.add(
            "shop",
            [
                ServicePort(name: "x", transport: .tcp, port: 1), ServicePort(name: "y", transport: .tcp, port: 2),
            ], 1)
        #expect(
            scene.planner.passthroughProblems(of: Make.name("front")) == [
                "fairlead.dev/tls-passthrough: a.example is refused: Service default/shop does not have TCP port 444",
                "fairlead.dev/tls-passthrough: b.example is refused: Service default/shop does not have one TCP port",
            ])
    }

    @Test func whoIsNotNamedAnyMoreAffectsNobody() {
        var scene = Scene("a.example=shop")
        _ = scene.add("shop", [ServicePort(transport: .tcp, port: 443)], 1)
        _ = scene.planner.update(
            Make.name("front"),
            service: Self.service("front", [:], ports: [ServicePort(name: "tls", transport: .tcp, port: 443)]))
        #expect(scene.fill("shop", "10.244.0.1", port: "") == [Make.name("shop")])
        #expect(scene.planner.passthroughProblems(of: Make.name("front")).isEmpty)
    }

    /// The policies are those of the Service that clients come to.
    @Test func policiesOfTheFrontCount() throws {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        var front = Self.service(
            "front", ["tls-passthrough": "a.example=shop"],
            ports: [ServicePort(name: "tls", transport: .tcp, port: 443, nodePort: 30443)])
        front.externalTrafficPolicy = .local
        front.internalTrafficPolicy = .local
        _ = planner.update(Make.name("front"), service: front)
        var scene = Scene("")
        scene.planner = planner
        _ = scene.add("shop", [ServicePort(transport: .tcp, port: 443)], 1)
        _ = scene.fill("shop", "10.244.0.1", port: "")
        let plan = try #require(scene.planner.plan(for: Make.name("front")))
        let remote = Route.backends(.cluster, [WeightedBackend(Backend(Make.ip("10.244.0.1"), 8443))])
        let byRole = Dictionary(uniqueKeysWithValues: plan.frontends.map { ($0.role, $0.serverNames) })
        #expect(byRole[.clusterIP] == [StreamPolicy.ServerNameRoute(name: "a.example", route: .drop)])
        #expect(
            byRole[.nodePort] == [
                StreamPolicy.ServerNameRoute(name: "a.example", route: remote, externalRoute: .drop)
            ])
    }
}
