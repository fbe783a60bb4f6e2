import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// Which endpoints a policy leaves, and whose connections are masqueraded, as plans.
@Suite struct TrafficPolicyTests {
    /// In what condition an endpoint is; those of the API come down to these four.
    enum Condition: CaseIterable {
        case ready
        /// Terminating, and serving still.
        case draining
        /// Terminating, and serving no more.
        case done
        case notReady

        func endpoint(_ address: String, node: String?) -> Endpoint {
            Make.endpoint(
                address, ready: self == .ready, serving: self == .ready || self == .draining,
                terminating: self == .draining || self == .done, node: node)
        }
    }

    static let node = NodeFacts(name: "here", zone: "a")

    /// A Service with every kind of frontend.
    static func service() -> Service {
        var service = Make.service(
            "web", type: .loadBalancer, clusterIPs: ["10.96.0.10"], externalIPs: ["203.0.113.2"],
            ports: [ServicePort(name: "http", port: 80, nodePort: 30080)])
        service.loadBalancerIPs = [Make.ip("203.0.113.1")]
        return service
    }

    static func plan(_ service: Service, _ endpoints: [Endpoint], node: NodeFacts = node) throws -> ServicePlan {
        var planner = ServicePlanner(node: node)
        _ = planner.update(service.metadata.name, service: service)
        let slice = Make.slice("web", of: "web", endpoints: endpoints)
        _ = planner.update(slice.metadata.name, slice: slice)
        return try #require(planner.plan(for: service.metadata.name))
    }

    static func frontend(_ plan: ServicePlan, _ role: FrontendPlan.Role) throws -> FrontendPlan {
        try #require(plan.frontends.first { $0.role == role })
    }

    /// `1 3`: the last parts of addresses; `refuse`, `drop`.
    static func text(_ route: Route?) -> String? {
        switch route {
        case nil: nil
        case .refuse: "refuse"
        case .drop: "drop"
        case .backends(_, let backends):
            backends.map { String($0.backend.address.description.split(separator: ".").last ?? "") }.joined(
                separator: " ")
        }
    }

    // MARK: - Conditions

    /// Two endpoints here and two elsewhere, in each of four conditions, under each policy, against what the rules
    /// say in so many words.
    @Test func everyConditionUnderEveryPolicy() throws {
        let all = Condition.allCases
        for first in all {
            for second in all {
                for third in all {
                    for fourth in all {
                        try self.check([(first, "here"), (second, "here"), (third, "there"), (fourth, nil)])
                    }
                }
            }
        }
    }

    private func check(_ conditions: [(condition: Condition, node: String?)]) throws {
        let endpoints = conditions.enumerated().map { index, each in
            each.condition.endpoint("10.0.0.\(index + 1)", node: each.node)
        }
        func expected(_ isLocal: Bool) -> String {
            let near = conditions.enumerated().filter { !isLocal || $0.element.node == "here" }
            let ready = near.filter { $0.element.condition == .ready }
            let draining = near.filter { $0.element.condition == .draining }
            let chosen = ready.isEmpty ? draining : ready
            if !chosen.isEmpty { return chosen.map { "\($0.offset + 1)" }.joined(separator: " ") }
            return conditions.contains { $0.condition == .ready || $0.condition == .draining } ? "drop" : "refuse"
        }
        for (external, internalPolicy) in [
            (TrafficPolicy.cluster, TrafficPolicy.cluster), (.local, .cluster), (.cluster, .local), (.local, .local),
        ] {
            var service = Self.service()
            service.externalTrafficPolicy = external
            service.internalTrafficPolicy = internalPolicy
            let plan = try Self.plan(service, endpoints)
            let clusterIP = try Self.frontend(plan, .clusterIP)
            #expect(Self.text(clusterIP.route) == expected(internalPolicy == .local), "\(conditions)")
            #expect(clusterIP.externalRoute == nil)
            for role in [FrontendPlan.Role.nodePort, .externalIP, .loadBalancerIP] {
                let frontend = try Self.frontend(plan, role)
                #expect(Self.text(frontend.route) == expected(false), "\(role) \(conditions)")
                #expect(
                    Self.text(frontend.externalRoute) == (external == .local ? expected(true) : nil),
                    "\(role) \(conditions)")
            }
        }
    }

    /// A route says by which policy it came about: pools of clients are kept apart by that.
    @Test func aRouteKnowsItsPolicy() throws {
        var service = Self.service()
        service.externalTrafficPolicy = .local
        let plan = try Self.plan(service, [Condition.ready.endpoint("10.0.0.1", node: "here")])
        let backends = [WeightedBackend(Backend(Make.ip("10.0.0.1"), 8080))]
        #expect(try Self.frontend(plan, .clusterIP).route == .backends(.cluster, backends))
        #expect(try Self.frontend(plan, .nodePort).route == .backends(.cluster, backends))
        #expect(try Self.frontend(plan, .nodePort).externalRoute == .backends(.local, backends))
        service.internalTrafficPolicy = .local
        let other = try Self.plan(service, [Condition.ready.endpoint("10.0.0.1", node: "here")])
        #expect(try Self.frontend(other, .clusterIP).route == .backends(.local, backends))
    }

    // MARK: - Masquerading

    @Test(arguments: TrafficPolicy.allCases, TrafficPolicy.allCases)
    func whoseConnectionsAreMasqueraded(external: TrafficPolicy, internalPolicy: TrafficPolicy) throws {
        var service = Self.service()
        service.externalTrafficPolicy = external
        service.internalTrafficPolicy = internalPolicy
        let plan = try Self.plan(service, [Condition.ready.endpoint("10.0.0.1", node: "here")])
        #expect(try Self.frontend(plan, .clusterIP).masquerade == .nonPods)
        for role in [FrontendPlan.Role.nodePort, .externalIP, .loadBalancerIP] {
            #expect(try Self.frontend(plan, role).masquerade == (external == .local ? .thisNode : .everybody))
        }
    }

    // MARK: - Hints

    struct Hinted: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let endpoints: [Endpoint]
        let expected: String

        /// Each endpoint: zone hints, node hints, condition.
        init(_ description: String, _ endpoints: [([String], [String], Condition)], _ expected: String) {
            self.testDescription = description
            self.endpoints = endpoints.enumerated().map { index, each in
                var endpoint = each.2.endpoint("10.0.0.\(index + 1)", node: index == 0 ? "here" : "there")
                endpoint.zoneHints = each.0
                endpoint.nodeHints = each.1
                return endpoint
            }
            self.expected = expected
        }
    }

    static let hinted: [Hinted] = [
        Hinted("no hints", [([], [], .ready), ([], [], .ready)], "1 2"),
        Hinted("zones on all", [(["b"], [], .ready), (["a"], [], .ready), (["a", "b"], [], .ready)], "2 3"),
        Hinted("zones on some", [(["a"], [], .ready), ([], [], .ready)], "1 2"),
        Hinted("zones, none of them ours", [(["b"], [], .ready), (["c"], [], .ready)], "1 2"),
        Hinted("nodes on all", [([], ["here"], .ready), ([], ["there"], .ready)], "1"),
        Hinted("nodes on some", [([], ["here"], .ready), ([], [], .ready)], "1 2"),
        Hinted("nodes, none of them ours", [([], ["x"], .ready), ([], ["y"], .ready)], "1 2"),
        Hinted("nodes before zones", [(["b"], ["here"], .ready), (["a"], ["there"], .ready)], "1"),
        Hinted("zones where no node is ours", [(["b"], ["x"], .ready), (["a"], ["y"], .ready)], "2"),
        Hinted("zones where not all have nodes", [(["b"], ["here"], .ready), (["a"], [], .ready)], "2"),
        Hinted(
            "one without hints that is not ready", [(["a"], [], .ready), ([], [], .notReady), (["b"], [], .ready)], "1"),
        Hinted(
            "one without hints that is draining", [(["a"], [], .ready), ([], [], .draining), (["b"], [], .ready)], "1"),
        Hinted("ours is not ready", [(["a"], [], .notReady), (["b"], [], .ready), (["c"], [], .ready)], "2 3"),
        Hinted("ours is draining", [(["a"], [], .draining), (["b"], [], .ready)], "2"),
        Hinted("all are draining", [(["a"], ["here"], .draining), (["b"], ["there"], .draining)], "1 2"),
    ]

    @Test(arguments: hinted)
    func hintsChooseAmongThoseThatAreReady(hinted: Hinted) throws {
        let plan = try Self.plan(Self.service(), hinted.endpoints)
        for frontend in plan.frontends { #expect(Self.text(frontend.route) == hinted.expected, "\(frontend.role)") }
        // A node without a zone is in none.
        let nowhere = try Self.plan(Self.service(), hinted.endpoints, node: NodeFacts(name: "other"))
        let ready = hinted.endpoints.filter(\.isReady).count
        #expect(nowhere.frontends.allSatisfy { $0.backends.count == (ready == 0 ? hinted.endpoints.count : ready) })
    }

    /// The policy Local has nothing to choose from but what is here.
    @Test(arguments: hinted)
    func hintsAreNotAboutThePolicyLocal(hinted: Hinted) throws {
        var service = Self.service()
        service.externalTrafficPolicy = .local
        service.internalTrafficPolicy = .local
        var endpoints = hinted.endpoints
        for index in endpoints.indices { endpoints[index].nodeName = "here" }
        var plain = endpoints
        for index in plain.indices { (plain[index].zoneHints, plain[index].nodeHints) = ([], []) }
        let (plan, unhinted) = (try Self.plan(service, endpoints), try Self.plan(service, plain))
        #expect(try Self.frontend(plan, .clusterIP).route == Self.frontend(unhinted, .clusterIP).route)
        #expect(try Self.frontend(plan, .nodePort).externalRoute == Self.frontend(unhinted, .nodePort).externalRoute)
        // What such a Service does for pods and this node goes by the hints still.
        #expect(Self.text(try Self.frontend(plan, .nodePort).route) == hinted.expected)
    }

    // MARK: - Health checks

    @Test func loadBalancersAreToldHowManyAreReadyHere() throws {
        func count(_ service: Service, _ endpoints: [Endpoint]) throws -> Int? {
            try Self.plan(service, endpoints).healthCheck?.localEndpoints
        }
        var service = Self.service()
        service.externalTrafficPolicy = .local
        service.healthCheckNodePort = 32000
        service.ports.append(ServicePort(name: "metrics", port: 9100))
        let endpoints = [
            Condition.ready.endpoint("10.0.0.1", node: "here"), Condition.ready.endpoint("10.0.0.2", node: "here"),
            Condition.draining.endpoint("10.0.0.3", node: "here"),
            Condition.notReady.endpoint("10.0.0.4", node: "here"),
            Condition.ready.endpoint("10.0.0.5", node: "there"), Condition.ready.endpoint("10.0.0.6", node: nil),
        ]
        #expect(try count(service, endpoints) == 2)
        #expect(try count(service, Array(endpoints.dropFirst(2))) == 0)
        #expect(try Self.plan(service, endpoints).healthCheck?.port == 32000)

        // Two ports of one address are one endpoint; of two families the one with more counts.
        var planner = ServicePlanner(node: Self.node)
        _ = planner.update(service.metadata.name, service: service)
        let ports = [EndpointPort(name: "http", port: 8080), EndpointPort(name: "metrics", port: 9100)]
        let slices = [
            Make.slice("a", of: "web", endpoints: endpoints, ports: ports),
            Make.slice("b", of: "web", endpoints: Array(endpoints.prefix(1)), ports: [ports[0]]),
            Make.slice(
                "c", of: "web", family: .ipv6,
                endpoints: (1...3).map { Condition.ready.endpoint("fd00::\($0)", node: "here") }, ports: ports),
        ]
        for slice in slices { _ = planner.update(slice.metadata.name, slice: slice) }
        #expect(planner.plan(for: service.metadata.name)?.healthCheck?.localEndpoints == 3)
        _ = planner.update(slices[2].metadata.name, slice: nil)
        #expect(planner.plan(for: service.metadata.name)?.healthCheck?.localEndpoints == 2)

        // Only such Services are asked about.
        var other = service
        other.externalTrafficPolicy = .cluster
        #expect(try count(other, endpoints) == nil)
        other = service
        other.type = .nodePort
        #expect(try count(other, endpoints) == nil)
        other = service
        other.healthCheckNodePort = nil
        #expect(try count(other, endpoints) == nil)
    }

    @Test func thoseThatAreDrainingAreListed() throws {
        let plan = try Self.plan(
            Self.service(),
            [
                Condition.draining.endpoint("10.0.0.2", node: "there"), Condition.ready.endpoint("10.0.0.3", node: nil),
                Condition.draining.endpoint("10.0.0.1", node: "here"),
                Condition.done.endpoint("10.0.0.4", node: "here"),
            ])
        #expect(plan.draining == ["10.0.0.1", "10.0.0.2"].map { Backend(Make.ip($0), 8080) })
    }

    // MARK: - Source ranges

    struct Admission: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let ranges: [String]
        var denied: String?
        let ipv4: [String]?
        let ipv6: [String]?
    }

    static let admissions: [Admission] = [
        Admission(testDescription: "nothing said", ranges: [], ipv4: nil, ipv6: nil),
        Admission(
            testDescription: "one block closes the other family", ranges: ["192.0.2.0/24"],
            ipv4: ["192.0.2.0-192.0.2.255"], ipv6: []),
        Admission(
            testDescription: "blocks of both", ranges: ["2001:db8::/126", "192.0.2.0/31"],
            ipv4: ["192.0.2.0-192.0.2.1"], ipv6: ["2001:db8::-2001:db8::3"]),
        Admission(testDescription: "the whole of one", ranges: ["192.0.2.0/24", "0.0.0.0/0"], ipv4: nil, ipv6: []),
        Admission(testDescription: "the whole of both", ranges: ["::/0", "0.0.0.0/0"], ipv4: nil, ipv6: nil),
        Admission(testDescription: "two halves", ranges: ["0.0.0.0/1", "128.0.0.0/1"], ipv4: nil, ipv6: []),
        Admission(
            testDescription: "blocks that overlap and touch",
            ranges: ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "13.0.0.0/8"],
            ipv4: ["10.0.0.0-11.255.255.255", "13.0.0.0-13.255.255.255"], ipv6: []),
        Admission(
            testDescription: "some are denied", ranges: [], denied: "192.0.2.0/24",
            ipv4: [
                "0.0.0.0-192.0.1.255", "192.0.3.0-255.255.255.255",
            ], ipv6: nil),
        Admission(
            testDescription: "some of some are denied", ranges: ["192.0.2.0/24"],
            denied: "192.0.2.128/25, 2001:db8::/32",
            ipv4: ["192.0.2.0-192.0.2.127"], ipv6: []),
        Admission(
            testDescription: "all are denied", ranges: ["192.0.2.0/24"], denied: "0.0.0.0/0", ipv4: [], ipv6: []),
        Admission(
            testDescription: "the node is one of them", ranges: ["192.168.50.0/24"],
            ipv4: ["192.168.50.0-192.168.50.255", "203.0.113.1-203.0.113.1"], ipv6: []),
        Admission(
            testDescription: "the node of both families", ranges: ["192.168.50.2/32", "fd00:50::/64"],
            ipv4: ["192.168.50.2-192.168.50.2", "203.0.113.1-203.0.113.1"],
            ipv6: ["2001:db8::1-2001:db8::1", "fd00:50::-fd00:50::ffff:ffff:ffff:ffff"]),
        Admission(
            testDescription: "the node is denied", ranges: ["192.168.50.0/24"], denied: "192.168.50.2/32",
            ipv4: ["192.168.50.0-192.168.50.1", "192.168.50.3-192.168.50.255", "203.0.113.1-203.0.113.1"], ipv6: []),
    ]

    @Test(arguments: admissions)
    func whoMayUseALoadBalancersAddress(admission: Admission) throws {
        var service = Self.service()
        service.clusterIPs.append(Make.ip("fd00::10"))
        service.loadBalancerIPs.append(Make.ip("2001:db8::1"))
        service.loadBalancerSourceRanges = admission.ranges.compactMap { CIDR($0) }
        service.metadata.annotations[ServiceAnnotations.Key.deniedSources] = admission.denied
        let node = NodeFacts(name: "here", addresses: [Make.ip("192.168.50.2"), Make.ip("fd00:50::2")])
        let plan = try Self.plan(service, [], node: node)
        for frontend in plan.frontends {
            let texts = frontend.admittedSources?.map { "\($0.first)-\($0.last)" }
            if frontend.role == .loadBalancerIP {
                #expect(texts == (frontend.frontend.family == .ipv4 ? admission.ipv4 : admission.ipv6))
            } else {
                #expect(texts == nil, "\(frontend.role) is not guarded")
            }
        }
    }

    // MARK: - Balancing

    @Test func affinityGoesBeforeHashing() throws {
        var service = Self.service()
        func balancing() throws -> [Balancing] { Array(Set(try Self.plan(service, []).frontends.map(\.balancing))) }
        #expect(try balancing() == [.random])
        service.metadata.annotations[ServiceAnnotations.Key.tableSize] = "100"
        #expect(try balancing() == [.random])
        service.metadata.annotations[ServiceAnnotations.Key.algorithm] = "client-ip-hash"
        #expect(try balancing() == [.clientIPHash(100)])
        service.metadata.annotations = [ServiceAnnotations.Key.algorithm: "flow-hash"]
        #expect(try balancing() == [.flowHash(4096)])
        service.sessionAffinity = .clientIP(timeoutSeconds: 60)
        #expect(try balancing() == [.clientIPAffinity(60)])
    }
}
