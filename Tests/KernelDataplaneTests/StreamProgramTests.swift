import ClusterState
import KernelDataplane
import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

/// Plans of one Service, without a cluster around it.
struct StreamScene {
    var planner = ServicePlanner(node: NodeFacts(name: "here", addresses: [Make.ip("192.168.50.2")]))

    /// `web`: ClusterIP 10.96.0.10 and fd00::10, port 80, NodePort 30080, load balancer 203.0.113.4; endpoints here and there.
    static func web(_ annotations: [String: String] = [:], _ change: (inout Service) -> Void = { _ in }) -> StreamScene
    {
        var scene = StreamScene()
        var service = Make.service(
            "web", type: .loadBalancer, clusterIPs: ["10.96.0.10", "fd00::10"],
            ports: [ServicePort(name: "http", transport: .tcp, port: 80, nodePort: 30080)])
        service.loadBalancerIPs = [Make.ip("203.0.113.4")]
        for (key, value) in annotations { service.metadata.annotations["fairlead.dev/\(key)"] = value }
        change(&service)
        scene.add(service)
        scene.fill(["10.244.1.2": "here", "10.244.2.2": "there"])
        return scene
    }

    mutating func add(_ service: Service) { _ = self.planner.update(service.metadata.name, service: service) }

    mutating func fill(_ endpoints: [String: String], port: String = "http", of name: String = "web") {
        _ = self.planner.update(
            Make.name("\(name)-1"),
            slice: Make.slice(
                "\(name)-1", of: name,
                endpoints: endpoints.sorted { $0.key < $1.key }.map { Make.endpoint($0, node: $1) },
                ports: [EndpointPort(name: port, transport: .tcp, port: 8080)]))
    }

    var plans: [ObjectName: ServicePlan?] {
        var plans: [ObjectName: ServicePlan?] = [:]
        for name in self.planner.serviceNames { plans[name] = .some(self.planner.plan(for: name)) }
        return plans
    }

    static func settings(_ change: (inout StreamProgram.Settings) -> Void = { _ in }) -> StreamProgram.Settings {
        var settings = StreamProgram.Settings()
        settings.handover = [.ipv4, .ipv6]
        settings.servesLocalhost = false
        settings.nodePortAddresses = [Make.ip("192.168.50.2"), Make.ip("fd00:50::2"), Make.ip("fe80::1")]
        change(&settings)
        return settings
    }
}

extension StreamProgram {
    mutating func apply(_ plans: [ObjectName: ServicePlan?]) -> [ObjectName: ServicePlan?] {
        var touched = Touched()
        return self.apply(plans, touched: &touched)
    }
}

@Suite struct StreamProgramTests {
    private static let handedOver = ["load-balancing": "least-connections"]
    private static let balancer = Make.ip("169.254.77.77")

    private static func kernelPlan(_ plans: [ObjectName: ServicePlan?]) throws -> ServicePlan {
        let plan = try #require(plans[Make.name("web")])
        return try #require(plan)
    }

    private static func routes(_ plan: ServicePlan, _ family: AddressFamily = .ipv4) -> [FrontendPlan.Role: [Route?]] {
        var routes: [FrontendPlan.Role: [Route?]] = [:]
        for frontend in plan.frontends where frontend.frontend.family == family {
            routes[frontend.role] = [frontend.route, frontend.externalRoute]
        }
        return routes
    }

    @Test func whatNobodyAsksForIsTheKernels() throws {
        let scene = StreamScene.web()
        var program = StreamProgram(StreamScene.settings())
        #expect(program.apply(scene.plans) == scene.plans)
        #expect(program.served.isEmpty && program.virtualAddresses.isEmpty && program.handedOver.isEmpty)
    }

    /// To the kernel the Service has one endpoint, and its clients keep their addresses.
    @Test func theBalancerIsTheOneEndpoint() throws {
        let scene = StreamScene.web(Self.handedOver)
        var program = StreamProgram(StreamScene.settings())
        let plan = try Self.kernelPlan(program.apply(scene.plans))
        let routes = Self.routes(plan)
        let ways = Set(program.served.keys)
        #expect(ways.count == 2)
        #expect(ways.allSatisfy { $0.address == Self.balancer && BalancerAddresses.defaultPorts.contains($0.port) })
        // Both families have no endpoint of IPv6: refused by the kernel, and served by nobody.
        #expect(Self.routes(plan, .ipv6) == [.clusterIP: [.refuse, nil], .nodePort: [.refuse, nil]])
        #expect(routes[.nodePort] == routes[.loadBalancerIP])
        #expect(routes[.nodePort] != routes[.clusterIP])
        for frontend in plan.frontends where frontend.frontend.family == .ipv4 {
            #expect(frontend.masquerade == .nobody)
            let backend = try #require(frontend.backends.first)
            let stream = try #require(program.served[StreamAddress(.tcp, backend.address, backend.port)])
            #expect(stream.plan.backends.map(\.address) == [Make.ip("10.244.1.2"), Make.ip("10.244.2.2")])
            #expect(stream.policy.algorithm == .leastConnections)
            #expect(program.handoverTargets(of: frontend.frontend, of: plan.service) == [backend])
        }
        #expect(program.virtualAddresses == [Self.balancer])
        #expect(program.handedOver == [Make.name("web")])
    }

    /// The kernel says who is outside: those come by a port of their own.
    @Test func clientsFromOutsideHaveAPortOfTheirOwn() throws {
        let scene = StreamScene.web(Self.handedOver) { service in
            service.externalTrafficPolicy = .local
            service.loadBalancerSourceRanges = ["192.0.2.0/24"].compactMap { CIDR($0) }
        }
        var program = StreamProgram(StreamScene.settings())
        let plan = try Self.kernelPlan(program.apply(scene.plans))
        let balanced = try #require(plan.frontends.first { $0.role == .loadBalancerIP })
        #expect(balanced.admittedSources != nil)
        let outside = try #require(balanced.externalRoute)
        let streams = try [balanced.route, outside].map { route in
            let backend = try #require(route.backends.first).backend
            return try #require(program.served[StreamAddress(.tcp, backend.address, backend.port)])
        }
        #expect(streams[0].plan.backends.count == 2)
        #expect(streams[1].plan.backends == [Backend(Make.ip("10.244.1.2"), 8080)])
        for stream in streams {
            #expect(stream.plan.externalRoute == nil)
            #expect(stream.plan.admittedSources == nil)
        }
        #expect(program.served.count == 3)
    }

    @Test func withoutEndpointsHereTheKernelDrops() throws {
        var scene = StreamScene.web(Self.handedOver) { $0.externalTrafficPolicy = .local }
        scene.fill(["10.244.2.2": "there"])
        var program = StreamProgram(StreamScene.settings())
        let plan = try Self.kernelPlan(program.apply(scene.plans))
        let nodePort = try #require(plan.frontends.first { $0.role == .nodePort && $0.frontend.family == .ipv4 })
        #expect(nodePort.externalRoute == .drop)
        #expect(nodePort.backends.map(\.address) == [Self.balancer])
        scene.fill([:])
        let empty = try Self.kernelPlan(program.apply(scene.plans))
        #expect(empty.frontends.allSatisfy { $0.route == .refuse })
        #expect(program.served.isEmpty && program.virtualAddresses.isEmpty)
    }

    @Test func aPortStaysWhatItIs() throws {
        var scene = StreamScene.web(Self.handedOver)
        var program = StreamProgram(StreamScene.settings())
        _ = program.apply(scene.plans)
        let before = Set(program.served.keys)
        scene.fill(["10.244.9.9": "here"])
        _ = program.apply(scene.plans)
        #expect(Set(program.served.keys) == before)
        // The same in another process.
        var other = StreamProgram(StreamScene.settings())
        _ = other.apply(scene.plans)
        #expect(Set(other.served.keys) == before)
        _ = program.apply([Make.name("web"): nil])
        #expect(program.served.isEmpty && program.handedOver.isEmpty)
    }

    @Test func thePortOfTheKernelsTableIsPreferred() throws {
        let scene = StreamScene.web(Self.handedOver)
        var hints = TableProgram.Hints()
        let cluster = Frontend(.address(Make.ip("10.96.0.10")), .tcp, 80)
        hints.main[cluster] = [Backend(Self.balancer, 29_999)]
        hints.main[Frontend(.node(.ipv4), .tcp, 30080)] = [Backend(Make.ip("10.244.1.2"), 25_000)]
        var program = StreamProgram(StreamScene.settings())
        var touched = StreamProgram.Touched()
        let plan = try Self.kernelPlan(program.apply(scene.plans, preferring: hints, touched: &touched))
        #expect(plan.frontends.first { $0.frontend == cluster }?.backends == [Backend(Self.balancer, 29_999)])
        #expect(!program.served.keys.contains { $0.port == 25_000 })
    }

    @Test func aPortThatSomebodyHasIsAnotherOne() throws {
        let scene = StreamScene.web(Self.handedOver)
        var program = StreamProgram(StreamScene.settings())
        _ = program.apply(scene.plans)
        let taken = try #require(program.served.keys.first)
        #expect(program.avoid(taken) == Make.name("web"))
        _ = program.apply(scene.plans)
        #expect(program.served.count == 2 && program.served[taken] == nil)
        #expect(program.avoid(StreamAddress(.tcp, Make.ip("192.168.50.2"), 30080)) == nil)
    }

    @Test func withoutAPortItStaysWithTheKernel() throws {
        let scene = StreamScene.web(Self.handedOver)
        var settings = StreamScene.settings()
        settings.balancer.ports = 20_000...20_000
        var program = StreamProgram(settings)
        let plan = try Self.kernelPlan(program.apply(scene.plans))
        // One way found a port. The others are as they would be without a balancer.
        #expect(program.served.count == 1)
        let original = try Self.kernelPlan(scene.plans)
        let same = zip(plan.frontends, original.frontends).count { $0.route == $1.route && !$0.backends.isEmpty }
        #expect(same == 2)
    }

    @Test(arguments: [false, true])
    func aFamilyThatCannotBeHandedOver(isGivenUp: Bool) throws {
        let scene = StreamScene.web(Self.handedOver)
        var program = StreamProgram(StreamScene.settings { if !isGivenUp { $0.handover = [.ipv6] } })
        if isGivenUp { program.giveUpHandover(.ipv4) }
        #expect(program.apply(scene.plans) == scene.plans)
    }

    /// PROXY protocol and server names cannot be done by the kernel even for a while.
    @Test(arguments: [
        (["load-balancing": "least-connections"], false), (["health-check": "tcp"], false),
        (["proxy-protocol": "v2"], true), (["tls-passthrough": "a.example=web"], true),
    ])
    func atTheEndTheKernelGetsWhatItCanServe(annotations: [String: String], isKept: Bool) throws {
        let scene = StreamScene.web(annotations)
        var program = StreamProgram(StreamScene.settings())
        let before = program.apply(scene.plans)
        program.adopt(StreamScene.settings { $0.isEnding = true })
        let after = program.apply(scene.plans)
        #expect(after == (isKept ? before : scene.plans))
    }

    // MARK: - Server names

    @Test func serverNamesAreReasonEnough() throws {
        var scene = StreamScene.web(["tls-passthrough": "a.example=other"])
        scene.add(
            Make.service(
                "other", clusterIPs: ["10.96.0.11"], ports: [ServicePort(name: "tls", transport: .tcp, port: 443)]))
        scene.fill(["10.244.5.5": "there"], port: "tls", of: "other")
        scene.fill([:])
        var program = StreamProgram(StreamScene.settings())
        let plan = try Self.kernelPlan(program.apply(scene.plans))
        let cluster = try #require(plan.frontends.first { $0.role == .clusterIP })
        // The Service itself has no endpoints, but the one that a name leads to has.
        let port = try #require(cluster.backends.first).port
        let stream = try #require(program.served[StreamAddress(.tcp, Self.balancer, port)])
        #expect(stream.plan.route == .refuse)
        #expect(
            stream.policy.serverNames == [
                StreamPolicy.ServerNameRoute(
                    name: "a.example",
                    route: .backends(.cluster, [WeightedBackend(Backend(Make.ip("10.244.5.5"), 8080))]))
            ])
    }

    // MARK: - Everything

    private static func addresses(_ program: StreamProgram) -> Set<String> {
        Set(program.served.keys.map(\.description))
    }

    @Test func withoutTheKernelEverythingIsTheBalancers() throws {
        var scene = StreamScene.web { $0.loadBalancerSourceRanges = ["192.0.2.0/24"].compactMap { CIDR($0) } }
        _ = scene.planner.update(
            Make.name("web-6"),
            slice: Make.slice(
                "web-6", of: "web", family: .ipv6, endpoints: [Make.endpoint("fd00:10:244::2")]))
        var program = StreamProgram(
            StreamScene.settings {
                $0.servesEverything = true
                $0.servesLocalhost = true
                $0.handover = []
            })
        _ = program.apply(scene.plans)
        #expect(
            Self.addresses(program) == [
                "10.96.0.10:80/tcp", "[fd00::10]:80/tcp", "203.0.113.4:80/tcp", "192.168.50.2:30080/tcp",
                "[fd00:50::2]:30080/tcp", "127.0.0.1:30080/tcp", "[::1]:30080/tcp",
            ])
        #expect(program.virtualAddresses == Set(["10.96.0.10", "fd00::10", "203.0.113.4"].map(Make.ip)))
        let balanced = try #require(program[StreamAddress(.tcp, Make.ip("203.0.113.4"), 80)])
        #expect(balanced.plan.admittedSources?.count == 1)
    }

    /// Nobody listens where the answer is that the port is closed, but the host has the address.
    @Test func withoutEndpointsNobodyListens() {
        var scene = StreamScene.web()
        scene.fill([:])
        var program = StreamProgram(StreamScene.settings { $0.servesEverything = true })
        _ = program.apply(scene.plans)
        #expect(program.served.isEmpty)
        #expect(program.virtualAddresses.count == 3)
    }

    /// A socket that drops is a socket.
    @Test func withEndpointsElsewhereSomebodyListens() {
        var scene = StreamScene.web {
            $0.internalTrafficPolicy = .local
            $0.externalTrafficPolicy = .local
        }
        scene.fill(["10.244.2.2": "there"])
        var program = StreamProgram(StreamScene.settings { $0.servesEverything = true })
        _ = program.apply(scene.plans)
        #expect(Self.addresses(program) == ["10.96.0.10:80/tcp", "203.0.113.4:80/tcp", "192.168.50.2:30080/tcp"])
        #expect(program[StreamAddress(.tcp, Make.ip("10.96.0.10"), 80)]?.plan.route == .drop)
    }

    @Test func onlyNodePortsAnswerAtLocalhost() {
        let scene = StreamScene.web()
        var program = StreamProgram(StreamScene.settings { $0.servesLocalhost = true })
        #expect(program.apply(scene.plans) == scene.plans)
        #expect(Self.addresses(program) == ["127.0.0.1:30080/tcp"])
        #expect(program.virtualAddresses.isEmpty)
    }

    /// NodePorts that are served without the kernel are reserved while it serves them.
    @Test func nodePortsAreReserved() {
        let scene = StreamScene.web()
        var program = StreamProgram(StreamScene.settings { $0.standsBy = true })
        let address = StreamAddress(.tcp, Make.ip("192.168.50.2"), 30080)
        #expect(program.apply(scene.plans) == scene.plans)
        #expect(program.served.isEmpty)
        #expect(program.reserves(address))
        #expect(!program.reserves(StreamAddress(.tcp, Make.ip("10.96.0.10"), 80)))
        _ = program.apply([Make.name("web"): nil])
        #expect(!program.reserves(address))
    }

    @Test func sctpIsTheKernels() {
        let scene = StreamScene.web(Self.handedOver) { service in
            service.ports = [ServicePort(name: "http", transport: .sctp, port: 80, nodePort: 30080)]
        }
        var program = StreamProgram(
            StreamScene.settings {
                $0.servesEverything = true
                $0.servesLocalhost = true
            })
        #expect(program.apply(scene.plans) == scene.plans)
        #expect(program.served.isEmpty)
    }

    /// As in the kernel: the virtual IP goes before the NodePort.
    @Test func anExternalIPOfTheNodeGoesBeforeANodePort() {
        var scene = StreamScene.web()
        scene.add(
            Make.service(
                "aaa", clusterIPs: ["10.96.0.11"], externalIPs: ["192.168.50.2"],
                ports: [ServicePort(name: "http", transport: .tcp, port: 30080)]))
        scene.fill(["10.244.3.3": "there"], of: "aaa")
        let address = StreamAddress(.tcp, Make.ip("192.168.50.2"), 30080)
        var program = StreamProgram(StreamScene.settings { $0.servesEverything = true })
        _ = program.apply(scene.plans)
        #expect(program[address]?.plan.role == .externalIP)
        _ = program.apply([Make.name("aaa"): nil])
        #expect(program[address]?.plan.role == .nodePort)
    }

    /// Whatever the history, what is served is what the objects say.
    @Test(arguments: UInt64(1)...15)
    func anyHistoryEndsInTheSameProgram(seed: UInt64) {
        var world = World(seed: seed)
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        let settings = StreamScene.settings {
            $0.servesEverything = seed.isMultiple(of: 2)
            $0.servesLocalhost = seed.isMultiple(of: 3)
        }
        func annotated(_ object: KubernetesObject?) -> KubernetesObject? {
            guard case .service(var service)? = object, service.ports.count == 2 else { return object }
            service.metadata.annotations["fairlead.dev/connections-per-client"] = "5"
            return .service(service)
        }
        func take(_ change: ObjectChange, _ planner: inout ServicePlanner) -> Set<ObjectName> {
            switch annotated(change.object) {
            case .service(let service)?: planner.update(change.key.name, service: service)
            case .endpointSlice(let slice)?: planner.update(change.key.name, slice: slice)
            default:
                change.key.kind == .service
                    ? planner.update(change.key.name, service: nil) : planner.update(change.key.name, slice: nil)
            }
        }
        var program = StreamProgram(settings)
        var told: [StreamAddress: StreamFrontend] = [:]
        for _ in 0..<150 {
            var plans: [ObjectName: ServicePlan?] = [:]
            for name in take(world.step(), &planner) { plans[name] = .some(planner.plan(for: name)) }
            var touched = StreamProgram.Touched()
            _ = program.apply(plans, touched: &touched)
            // What is not said to have changed has not.
            for address in touched.streams { told[address] = program[address] }
            #expect(told == program.served)
        }
        var fresh = StreamProgram(settings)
        var plans: [ObjectName: ServicePlan?] = [:]
        for name in planner.serviceNames { plans[name] = .some(planner.plan(for: name)) }
        let kernelPlans = fresh.apply(plans)
        #expect(fresh.served == program.served)
        #expect(fresh.virtualAddresses == program.virtualAddresses)
        #expect(program.apply(plans) == kernelPlans)
    }
}
