import KubernetesAPI
import Routing
import Testing

/// What gets the requests that no path is for.
@Suite struct DefaultBackendTests {
    @Test(arguments: ["my-host", "some-host", "", "10.0.0.1"])
    func d1AnIngressWithoutRulesGetsEverything(host: String) {
        var cluster = Cluster()
        cluster.addServices("echo-service")
        cluster.add(Make.ingress("all", default: Make.to("echo-service")))
        for path in ["/", "/sub-path", "/resource", "*"] { #expect(cluster.answer(host, path) == "echo-service") }
    }

    @Test func d2ADefaultBackendIsForTheHostsOfItsRules() {
        var cluster = Cluster()
        cluster.addServices("s", "fallback")
        cluster.add(
            Make.ingress(
                "web", default: Make.to("fallback"),
                [
                    IngressRule(host: "a.example", paths: [Make.path("/s", "s")]),
                    IngressRule(host: "*.b.example", paths: [Make.path("/s", "s")]),
                ]),
            Make.ingress("other", [IngressRule(host: "c.example", paths: [Make.path("/s", "s")])]))
        #expect(cluster.answer("a.example", "/x") == "fallback")
        #expect(cluster.answer("x.b.example", "/x") == "fallback")
        #expect(cluster.answer("a.example", "/s") == "s")
        #expect(cluster.answer("c.example", "/x") == "404")
        #expect(cluster.answer("d.example", "/x") == "404")
    }

    @Test func d2AnIngressWithARuleForAllHostsOwnsTheDefaultOfAll() {
        var cluster = Cluster()
        cluster.addServices("s", "fallback")
        cluster.add(
            Make.ingress("web", default: Make.to("fallback"), [IngressRule(paths: [Make.path("/s", "s")])]),
            Make.ingress("other", [IngressRule(host: "c.example", paths: [Make.path("/s", "s")])]))
        #expect(cluster.answer("nobody.example", "/s") == "s")
        #expect(cluster.answer("nobody.example", "/x") == "fallback")
        #expect(cluster.answer("c.example", "/x") == "fallback")
    }

    @Test func d2TheOldestDefaultOfAHostCounts() {
        var cluster = Cluster()
        cluster.addServices("s", "old", "young")
        let rules = [IngressRule(host: "a.example", paths: [])]
        cluster.add(
            Make.ingress("young", created: 2, default: Make.to("young"), rules),
            Make.ingress("old", created: 1, default: Make.to("old"), rules))
        #expect(cluster.answer("a.example", "/x") == "old")
        #expect(cluster.problems() == ["DefaultBackendConflict young"])
    }

    @Test func d2ARuleForTheRootGoesBeforeADefault() {
        var cluster = Cluster()
        cluster.addServices("s", "fallback")
        cluster.add(
            Make.ingress("old", created: 1, default: Make.to("fallback"), [IngressRule(host: "a.example", paths: [])]),
            Make.ingress("young", created: 2, [IngressRule(host: "a.example", paths: [Make.path("/", "s")])]))
        #expect(cluster.answer("a.example", "/x") == "s")
    }

    @Test func d3OfSeveralForAllHostsTheOldestCounts() {
        var cluster = Cluster()
        cluster.addServices("one", "two")
        cluster.add(
            Make.ingress("b", created: 5, default: Make.to("two")),
            Make.ingress("a", created: 4, default: Make.to("one")))
        #expect(cluster.answer("x", "/") == "one")
        #expect(cluster.problems() == ["DefaultBackendConflict b"])
        cluster.remove(.ingress, Make.name("a"))
        #expect(cluster.answer("x", "/") == "two")
        #expect(cluster.problems() == [])
    }

    @Test(arguments: ["", "a.example", "b.example", "x.a.example"], ["/", "/x", "*", ""])
    func d4NothingIs404(host: String, path: String) {
        var cluster = Cluster()
        #expect(cluster.answer(host, path) == "404")
        cluster.addServices("s")
        cluster.add(Make.ingress("web", [IngressRule(host: "a.example", paths: [Make.path("/y", "s")])]))
        #expect(cluster.answer(host, path) == "404")
    }

    @Test func d5AServiceOfTheCommandLineIsTheLastResort() {
        var options = IngressPlannerOptions()
        options.defaultBackend = BackendID(service: Make.name("system/fallback"), port: nil)
        var cluster = Cluster(options)
        cluster.add(Make.ingress("web", [IngressRule(host: "a.example", paths: [Make.path("/y", "s")])]))
        #expect(cluster.answer("x", "/") == "503 service-missing")
        #expect(cluster.problems() == ["ServiceMissing web", "ServiceMissing fallback"])
        cluster.addServices("system/fallback")
        #expect(cluster.answer("x", "/") == "fallback")
        #expect(cluster.answer("a.example", "/x") == "fallback")
        let plan = cluster.planner.plan()
        let route = Cluster.route(plan, "x", "/").map { plan.routes.route($0) }
        #expect(route?.ingress == nil && route?.isDefault == true)
        cluster.addServices("mine")
        cluster.add(Make.ingress("all", default: Make.to("mine")))
        #expect(cluster.answer("x", "/") == "mine")
        cluster.remove(.ingress, Make.name("all"))
        #expect(cluster.answer("x", "/") == "fallback")
        cluster.remove(.endpointSlice, Make.name("system/fallback"))
        #expect(cluster.answer("x", "/") == "503 no-endpoints")
    }
}
