import KubernetesAPI
import Routing
import Testing

/// Which Ingresses are ours.
@Suite struct ClassTests {
    private static let rules = [IngressRule(host: "a.example", paths: [Make.path("/", "s")])]

    private func serves(
        _ options: IngressPlannerOptions = IngressPlannerOptions(), className: String?, annotation: String? = nil,
        _ classes: KubernetesObject...
    ) -> Bool {
        var cluster = Cluster(options)
        cluster.addServices("s")
        for object in classes { cluster.add(object) }
        cluster.add(
            Make.ingress(
                "web", className: className, annotations: annotation.map { ["kubernetes.io/ingress.class": $0] } ?? [:],
                Self.rules))
        let isServed = cluster.answer("a.example", "/") == "s"
        #expect(cluster.planner.plan().ingresses.map(\.name.name) == (isServed ? ["web"] : []))
        return isServed
    }

    @Test func c1TheClassHasToExistAndToBeOurs() {
        #expect(self.serves(className: "fairlead"))
        #expect(!self.serves(className: "other"))
        #expect(!self.serves(className: "other", Make.ingressClass("other", controller: "example.com/other")))
        #expect(self.serves(className: "internal", Make.ingressClass("internal")))
    }

    @Test func c1AClassThatIsMissingIsReported() {
        var cluster = Cluster()
        cluster.add(Make.ingress("web", className: "missing", Self.rules))
        #expect(cluster.problems() == ["ClassMissing web"])
        cluster.add(Make.ingressClass("missing", controller: "example.com/other"))
        #expect(cluster.problems() == [])
    }

    @Test func c2AnotherClassHasNoRouteAndNoStatus() {
        var cluster = Cluster()
        cluster.add(Make.ingress("web", className: "some-invalid-class-name", Self.rules))
        #expect(cluster.planner.plan().ingresses.isEmpty)
        #expect(cluster.planner.plan().routes.count == 0)
    }

    @Test func c3TheAnnotationCountsWithoutTheFieldOnly() {
        #expect(self.serves(className: nil, annotation: "fairlead"))
        #expect(!self.serves(className: nil, annotation: "nginx"))
        #expect(!self.serves(className: "other", annotation: "fairlead"))
        #expect(self.serves(className: "fairlead", annotation: "nginx"))
        var options = IngressPlannerOptions()
        options.annotationClass = "nginx"
        #expect(self.serves(options, className: nil, annotation: "nginx"))
    }

    @Test func c4WithoutClassOnlyWhereAskedFor() {
        #expect(!self.serves(className: nil))
        var options = IngressPlannerOptions()
        options.watchesWithoutClass = true
        #expect(self.serves(options, className: nil))
        #expect(!self.serves(options, className: nil, annotation: "nginx"))
        var cluster = Cluster()
        cluster.add(Make.ingress("web", className: nil, Self.rules))
        #expect(cluster.planner.plan().problems.map(\.severity) == [.note])
    }

    @Test func c5TheDefaultClassIsTheAPIServersBusiness() {
        #expect(!self.serves(className: nil, Make.ingressClass("fairlead", isDefault: true)))
    }

    @Test func c5WithoutAnAPIServerTheNewestDefaultCounts() {
        var options = IngressPlannerOptions()
        options.appliesDefaultClass = true
        let ours = Make.ingressClass("b-ours", isDefault: true, created: 10)
        func other(_ name: String, _ created: Int64) -> KubernetesObject {
            Make.ingressClass(name, controller: "example.com/other", isDefault: true, created: created)
        }
        #expect(self.serves(options, className: nil, ours))
        #expect(self.serves(options, className: nil, ours, other("z", 9)))
        #expect(!self.serves(options, className: nil, ours, other("z", 11)))
        #expect(self.serves(options, className: nil, ours, other("c", 10)))
        #expect(!self.serves(options, className: nil, ours, other("a", 10)))
        #expect(!self.serves(options, className: nil, annotation: "nginx", ours))
    }

    @Test func c6ClassesComeAndGo() {
        var cluster = Cluster()
        cluster.addServices("s")
        let address = [LoadBalancerAddress(ip: Make.ip("192.0.2.1"))]
        cluster.add(Make.ingress("web", className: "late", Self.rules, addresses: address))
        #expect(cluster.answer("a.example", "/") == "404")
        cluster.add(Make.ingressClass("late"))
        #expect(cluster.answer("a.example", "/") == "s")
        cluster.add(Make.ingressClass("late", controller: "example.com/other"))
        let plan = cluster.planner.plan()
        #expect(Cluster.answer(plan, "a.example", "/") == "404")
        #expect(plan.changes.released == [ServedIngress(name: Make.name("web"), addresses: address)])
        cluster.add(Make.ingressClass("late"))
        #expect(cluster.answer("a.example", "/") == "s")
        cluster.remove(.ingressClass, ObjectName(namespace: "", name: "late"))
        #expect(cluster.answer("a.example", "/") == "404")
        cluster.add(Make.ingress("web", Self.rules))
        #expect(cluster.answer("a.example", "/") == "s")
    }

    @Test func onlyTheNamespaceThatIsWatched() {
        var options = IngressPlannerOptions()
        options.watchNamespace = "mine"
        var cluster = Cluster(options)
        cluster.addServices("mine/s", "s")
        cluster.add(Make.ingress("web", Self.rules))
        #expect(cluster.answer("a.example", "/") == "404")
        #expect(cluster.problems() == [])
        cluster.add(Make.ingress("mine/web", Self.rules))
        #expect(cluster.answer("a.example", "/") == "s")
    }
}
