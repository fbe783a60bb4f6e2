import KubernetesAPI
import Routing
import Testing

/// Routes are counted by themselves, as many as there are places.
@Suite struct RouteMeterTests {
    private static func cluster(_ limit: Int) -> Cluster {
        var options = IngressPlannerOptions()
        options.meteredRoutes = limit
        var cluster = Cluster(options)
        cluster.addServices("s", "t")
        return cluster
    }

    private static func ingress(_ name: String, _ host: String, _ paths: String..., to service: String = "s")
        -> KubernetesObject
    {
        Make.ingress(name, [IngressRule(host: host, paths: paths.map { Make.path($0, service) })])
    }

    /// By route; checks that each is counted where it has its place, and nowhere else.
    private static func meters(_ plan: IngressPlan) -> [Route: RouteMeter] {
        var meters: [Route: RouteMeter] = [:]
        for number in Int32(0)..<Int32(plan.routes.count) {
            let (route, meter) = (plan.routes.route(number), plan.routes.settings(of: number).meter)
            meters[route] = meter
            guard meter != .others else { continue }
            let place = plan.meters.places[Int(meter.place) - RouteMeter.firstOwn]
            #expect(place.route == route)
            #expect(place.generation == meter.generation)
        }
        let own = meters.values.filter { $0 != .others }
        #expect(Set(own).count == own.count, "no two have the same")
        #expect(plan.meters.places.compactMap(\.route).count == own.count, "nobody has one that is gone")
        return meters
    }

    @Test func whoIsThereKeepsItsPlace() {
        var cluster = Self.cluster(10)
        cluster.add(Self.ingress("a", "a.example", "/x", "/y"), Self.ingress("b", "b.example", "/"))
        let before = Self.meters(cluster.planner.plan())
        #expect(before.count == 3)
        #expect(!before.values.contains(.others))
        cluster.add(Self.ingress("a", "a.example", "/y", "/z"))
        let after = Self.meters(cluster.planner.plan())
        for (route, meter) in before where route.path != "/x" { #expect(after[route] == meter) }
        let gone = before.first { $0.key.path == "/x" }?.value
        let new = after.first { $0.key.path == "/z" }?.value
        #expect(new?.place == gone?.place, "a place that is free is taken")
        #expect(new?.generation == 1, "and is another one")
    }

    @Test func anotherBackendIsAnotherRoute() {
        var cluster = Self.cluster(10)
        cluster.add(Self.ingress("a", "a.example", "/"))
        let before = Self.meters(cluster.planner.plan())
        cluster.add(Self.ingress("a", "a.example", "/", to: "t"))
        #expect(Self.meters(cluster.planner.plan()).values.first != before.values.first)
    }

    @Test(arguments: [0, 1, 2])
    func thereAreNoMoreThanMayBe(limit: Int) {
        var cluster = Self.cluster(limit)
        cluster.add(Self.ingress("a", "a.example", "/x", "/y", "/z"))
        let plan = cluster.planner.plan()
        #expect(Self.meters(plan).values.count { $0 == .others } == 3 - limit)
        #expect(plan.meters.places.count == limit)
        cluster.remove(.ingress, Make.name("a"))
        let empty = cluster.planner.plan()
        #expect(Self.meters(empty).isEmpty)
        #expect(empty.meters.places.allSatisfy { $0.route == nil })
        cluster.add(Self.ingress("b", "b.example", "/x", "/y", "/z"))
        let again = cluster.planner.plan()
        #expect(Self.meters(again).values.count { $0 == .others } == 3 - limit)
        #expect(again.meters.places.count == limit)
    }

    /// Replicas agree on whom they count, and a process with what it was before.
    @Test func ofManyAtOnceTheFirstByName() {
        var cluster = Self.cluster(3)
        for number in 100..<200 { cluster.add(Self.ingress("i\(number)", "h\(number).example", "/")) }
        let own = Self.meters(cluster.planner.plan()).filter { $0.value != .others }
        #expect(Set(own.keys.map(\.host)) == ["h100.example", "h101.example", "h102.example"])
    }

    /// The default backend for all hosts, and that of the rules for all hosts, can be one.
    @Test func aRouteThatIsThereTwiceIsCountedOnce() {
        var cluster = Self.cluster(10)
        cluster.add(
            Make.ingress("all", default: Make.to("s"), [IngressRule(host: "", paths: [Make.path("/x", "t")])]))
        let plan = cluster.planner.plan()
        _ = Self.meters(plan)
        let defaults = (Int32(0)..<Int32(plan.routes.count)).filter { plan.routes.route($0).isDefault }
        #expect(Set(defaults.map { plan.routes.settings(of: $0).meter }).count == 1)
        cluster.remove(.ingress, Make.name("all"))
        #expect(cluster.planner.plan().meters.places.allSatisfy { $0.route == nil })
    }
}
