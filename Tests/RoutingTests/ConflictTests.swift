import KubernetesAPI
import Routing
import Testing

/// What becomes of two that want the same.
@Suite struct ConflictTests {
    private static func rule(_ paths: IngressPath...) -> [IngressRule] {
        [IngressRule(host: "a.example", paths: paths)]
    }

    @Test func x1TheOldestHoldsThePathAndTheOthersMerge() {
        var cluster = Cluster()
        cluster.addServices("old", "young", "other")
        cluster.add(
            Make.ingress("a-young", created: 20, Self.rule(Make.path("/p", "young"), Make.path("/q", "other"))),
            Make.ingress("z-old", created: 10, Self.rule(Make.path("/p", "old"))))
        #expect(cluster.answer("a.example", "/p") == "old")
        #expect(cluster.answer("a.example", "/q") == "other")
        #expect(
            cluster.planner.plan().problems.map(\.description) == [
                "Ingress default/a-young: Prefix path /p of host a.example is held by the older Ingress default/z-old"
            ])
        cluster.remove(.ingress, Make.name("z-old"))
        #expect(cluster.answer("a.example", "/p") == "young")
        #expect(cluster.problems() == [])
    }

    @Test(arguments: [Int64?.none, 7])
    func x1OfTheSameAgeTheFirstByName(created: Int64?) {
        var cluster = Cluster()
        cluster.addServices("ns1/s1", "ns2/s2")
        cluster.add(
            Make.ingress("ns2/a", created: created, Self.rule(Make.path("/", "s2"))),
            Make.ingress("ns1/z", created: created, Self.rule(Make.path("/", "s1"))))
        #expect(cluster.answer("a.example", "/") == "s1")
    }

    @Test func x1WithoutACreationTimeIsYoungest() {
        var cluster = Cluster()
        cluster.addServices("s1", "s2")
        cluster.add(
            Make.ingress("a", Self.rule(Make.path("/", "s1"))),
            Make.ingress("b", created: 9, Self.rule(Make.path("/", "s2"))))
        #expect(cluster.answer("a.example", "/") == "s2")
    }

    @Test func x2AnotherTypeIsNoConflict() {
        var cluster = Cluster()
        cluster.addServices("exact", "prefix")
        cluster.add(
            Make.ingress("a", created: 1, Self.rule(Make.path("/p", .prefix, "prefix"))),
            Make.ingress("b", created: 2, Self.rule(Make.path("/p", .exact, "exact"))))
        #expect(cluster.answer("a.example", "/p") == "exact")
        #expect(cluster.answer("a.example", "/p/x") == "prefix")
        #expect(cluster.problems() == [])
    }

    @Test func x3AnnotationsAreForTheirOwnPaths() {
        var cluster = Cluster()
        cluster.addServices("one/s", "two/s")
        cluster.add(
            Make.ingress(
                "one/web", annotations: ["proxy-read-timeout": "5"], Self.rule(Make.path("/one", "s"))),
            Make.ingress("two/web", annotations: ["proxy-body-size": "8m"], Self.rule(Make.path("/two", "s"))))
        let one = cluster.settings("a.example", "/one")
        let two = cluster.settings("a.example", "/two")
        #expect(one?.readTimeout == 5_000 && one?.maximumBodySize == 0)
        #expect(two?.readTimeout == 60_000 && two?.maximumBodySize == 8 << 20)
        let plan = cluster.planner.plan()
        #expect(Cluster.route(plan, "a.example", "/two").map { plan.routes.route($0).ingress } == Make.name("two/web"))
    }

    @Test func x3OfWholeHostsTheOldestDecides() {
        var cluster = Cluster()
        cluster.addServices("s")
        for secret in ["one", "two"] { cluster.planner.apply(CertificateFacts(secret: Make.name(secret))) }
        cluster.add(
            Make.ingress("young", created: 2, annotations: ["auth-tls-secret": "two"], Self.rule(Make.path("/y", "s"))),
            Make.ingress("old", created: 1, annotations: ["auth-tls-secret": "one"], Self.rule(Make.path("/o", "s"))))
        let plan = cluster.planner.plan()
        #expect(plan.certificates.clientAuthentications.values.map(\.secret) == [Make.name("one")])
        #expect(plan.problems.map(\.code) == [.settingConflict])
        #expect(cluster.settings("a.example", "/y") == cluster.settings("a.example", "/o"))
    }

    @Test func x3OfABackendTheOldestThatSaysSomethingDecides() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress("a", created: 1, Self.rule(Make.path("/a", "s"))),
            Make.ingress("b", created: 2, annotations: ["load-balance": "random"], Self.rule(Make.path("/b", "s"))),
            Make.ingress(
                "c", created: 3, annotations: ["load-balance": "least_requests", "maximum-requests-per-endpoint": "7"],
                Self.rule(Make.path("/c", "s"))))
        let backend = cluster.backend("a.example", "/a")
        #expect(backend?.settings.loadBalancing == .random)
        #expect(backend?.settings.maximumRequestsPerEndpoint == 7)
        #expect(cluster.problems() == ["SettingConflict c"])
    }

    @Test func x4InsideOneTheFirstCounts() {
        var cluster = Cluster()
        cluster.addServices("first", "second")
        cluster.add(
            Make.ingress(
                "web",
                Self.rule(Make.path("/p", "first"), Make.path("/p", "second")) + Self.rule(Make.path("/p", "second"))))
        #expect(cluster.answer("a.example", "/p") == "first")
        #expect(cluster.problems() == ["DuplicatePath web"])
    }
}
