import KubernetesAPI
import Lab
import Networking
import Routing
import ServiceModel
import Testing

/// What plans say of what has changed, and that they do not depend on how things came to be.
@Suite struct PlanTests {
    private static func web(_ paths: IngressPath..., name: String = "web") -> KubernetesObject {
        Make.ingress(name, [IngressRule(host: "\(name).example", paths: paths)])
    }

    @Test func aSliceChangesOneBackendAndNothingElse() {
        var cluster = Cluster()
        cluster.addServices("s", "t")
        cluster.add(Self.web(Make.path("/s", "s"), Make.path("/t", "t")))
        let before = cluster.planner.plan()
        cluster.add(Make.slice("s", of: "s", [Make.endpoint("10.0.0.7")]))
        let after = cluster.planner.plan()
        let index = Cluster.route(after, "web.example", "/s").map { Int(after.routes.target(of: $0).backend) }
        #expect(after.changes.backends == [index])
        #expect(!after.changes.routes && !after.changes.certificates && !after.changes.ingresses)
        #expect(after.routes.revision == before.routes.revision)
        let other = after.backends.compactMap(\.self).first { $0.id.service.name == "t" }
        #expect(before.backends.contains { $0 === other && other != nil })
        if let index {
            #expect((after.backends[index]?.revision ?? 0) > (before.backends[index]?.revision ?? .max))
        }
    }

    @Test func nothingNewIsNoChange() {
        var cluster = Cluster()
        let objects = [
            Make.service("s"), Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]), Self.web(Make.path("/s", "s")),
        ]
        for object in objects { cluster.add(object) }
        _ = cluster.planner.plan()
        #expect(cluster.planner.plan().changes.isEmpty)
        for object in objects { cluster.add(object) }
        // One that leads to the same endpoints in another order.
        cluster.add(Make.slice("t", of: "s", [Make.endpoint("10.0.0.1")]))
        #expect(cluster.planner.plan().changes.isEmpty)
        cluster.add(Make.service("unrelated"), Make.slice("u", of: "unrelated", [Make.endpoint("10.0.0.1")]))
        cluster.planner.apply(CertificateFacts(secret: Make.name("unrelated")))
        cluster.remove(.ingress, Make.name("never-there"))
        #expect(cluster.planner.plan().changes.isEmpty)
    }

    @Test func aBackendKeepsItsIndexAndAFreeOneIsUsedAgain() {
        var cluster = Cluster()
        cluster.addServices("a", "b", "c")
        func index(_ path: String) -> Int32? {
            let plan = cluster.planner.plan()
            return Cluster.route(plan, "web.example", path).map { plan.routes.target(of: $0).backend }
        }
        cluster.add(Self.web(Make.path("/a", "a"), Make.path("/b", "b")))
        let (a, b) = (index("/a"), index("/b"))
        #expect(a != b)
        cluster.add(Self.web(Make.path("/b", "b"), Make.path("/x", "b")))
        #expect(index("/b") == b && index("/x") == b)
        let plan = cluster.planner.plan()
        #expect(a.map { plan.backends[Int($0)] == nil } == true)
        cluster.add(Self.web(Make.path("/b", "b"), Make.path("/c", "c")))
        #expect(index("/c") == a && index("/b") == b)
        #expect(cluster.backend("web.example", "/c")?.id.service.name == "c")
    }

    @Test func problemsAppearAndGoOnce() {
        var cluster = Cluster()
        cluster.add(Self.web(Make.path("/s", "s"), Make.path("/", "s")))
        var changes = cluster.planner.plan().changes
        #expect(changes.problemsAppeared.map(\.code) == [.serviceMissing] && changes.problemsGone.isEmpty)
        cluster.add(Self.web(Make.path("/s", "s")))
        changes = cluster.planner.plan().changes
        #expect(changes.problemsAppeared.isEmpty && changes.problemsGone.isEmpty)
        cluster.add(Make.service("s"))
        changes = cluster.planner.plan().changes
        #expect(changes.problemsAppeared.isEmpty && changes.problemsGone.map(\.code) == [.serviceMissing])
        cluster.remove(.service, Make.name("s"))
        cluster.add(Make.service("s"))
        changes = cluster.planner.plan().changes
        #expect(changes.isEmpty)
        cluster.remove(.service, Make.name("s"))
        _ = cluster.planner.plan()
        cluster.remove(.ingress, Make.name("web"))
        #expect(cluster.planner.plan().problems.isEmpty)
    }

    /// More at once than are put in their places one by one.
    @Test func manyComeAndGoAtOnce() {
        var cluster = Cluster()
        func web(_ index: Int) -> KubernetesObject { Self.web(Make.path("/", "s"), name: "web-\(index)") }
        func names(_ plan: IngressPlan) -> [String] { plan.ingresses.map(\.name.name) }
        for index in 0..<100 { cluster.add(web(index)) }
        var plan = cluster.planner.plan()
        let all = (0..<100).map { "web-\($0)" }.sorted()
        #expect(names(plan) == all)
        #expect(plan.problems.map(\.object.name.name) == all)
        #expect(plan.routes.routes.map(\.host) == all.map { "\($0).example" }.sorted())
        for index in 20..<90 { cluster.remove(.ingress, Make.name("web-\(index)")) }
        for index in 100..<130 { cluster.add(web(index)) }
        cluster.add(web(5))
        plan = cluster.planner.plan()
        let left = ((0..<20).map { $0 } + (90..<130).map { $0 }).map { "web-\($0)" }.sorted()
        #expect(names(plan) == left)
        #expect(plan.problems.map(\.object.name.name) == left)
        #expect(plan.routes.routes.map(\.host) == left.map { "\($0).example" }.sorted())
        #expect(plan.changes.problemsGone.count == 70 && plan.changes.problemsAppeared.count == 30)
        #expect(Cluster.answer(plan, "web-50.example", "/") == "404")
    }

    // MARK: - Status

    private static let address = LoadBalancerAddress(ip: Make.ip("192.0.2.1"))

    @Test func s1s2OursAreListedWithTheAddressesTheyHave() {
        var cluster = Cluster()
        func ingress(_ name: String, _ addresses: [LoadBalancerAddress]) -> KubernetesObject {
            Make.ingress(name, default: Make.to("s"), addresses: addresses)
        }
        cluster.add(ingress("b", []), ingress("a", [Self.address]), Make.ingress("c", className: "other"))
        var plan = cluster.planner.plan()
        #expect(
            plan.ingresses == [
                ServedIngress(name: Make.name("a"), addresses: [Self.address]),
                ServedIngress(name: Make.name("b"), addresses: []),
            ])
        // What we write comes back as a change of the object: no reason to compile anything.
        cluster.add(ingress("b", [Self.address]))
        plan = cluster.planner.plan()
        #expect(plan.ingresses.map(\.addresses) == [[Self.address], [Self.address]])
        #expect(plan.changes.ingresses && !plan.changes.routes && plan.changes.backends.isEmpty)
        #expect(cluster.planner.plan().changes.isEmpty)
    }

    @Test func s3WhatIsOursNoLongerIsReleased() {
        var cluster = Cluster()
        cluster.add(Make.ingress("web", default: Make.to("s"), addresses: [Self.address]))
        _ = cluster.planner.plan()
        cluster.add(Make.ingress("web", className: "other", default: Make.to("s"), addresses: [Self.address]))
        let plan = cluster.planner.plan()
        #expect(plan.changes.released == [ServedIngress(name: Make.name("web"), addresses: [Self.address])])
        #expect(plan.ingresses.isEmpty)
        cluster.add(Make.ingress("web", default: Make.to("s"), addresses: [Self.address]))
        _ = cluster.planner.plan()
        cluster.remove(.ingress, Make.name("web"))
        #expect(cluster.planner.plan().changes.released.isEmpty)
    }

    // MARK: - Order

    /// Everything a plan says, without the numbers that depend on history.
    private static func text(_ plan: IngressPlan, _ requests: [(String, String)]) -> [String] {
        var lines = plan.problems.map { "\($0.severity) \($0.code) \($0)" }
        lines += plan.ingresses.map { "\($0)" }
        func authentication(_ number: Int32) -> String {
            plan.certificates.clientAuthentications[number].map { "\($0)" } ?? "none"
        }
        for route in Int32(0)..<Int32(plan.routes.count) {
            let target = plan.routes.target(of: route)
            var settings = plan.routes.settings(of: route)
            let number = settings.clientAuthentication
            settings.clientAuthentication = -1
            settings.meter = .unrouted
            let backend = target.backend < 0 ? nil : plan.backends[Int(target.backend)]
            lines.append(
                "\(plan.routes.route(route)) \(target.refusal) \(settings) \(authentication(number)) "
                    + "\(backend?.id.description ?? "none")")
        }
        for backend in plan.backends.compactMap(\.self).sorted(by: { $0.id < $1.id }) {
            lines.append("\(backend.id) \(backend.availability) \(backend.endpoints) \(backend.settings)")
            lines.append("\(backend.protocol) \(backend.tls.map { "\($0)" } ?? "plain")")
        }
        for (host, entry) in plan.certificates.hosts.sorted(by: { $0.key < $1.key }) {
            lines.append("\(host) \(entry.secret?.name ?? "default") \(authentication(entry.clientAuthentication))")
        }
        lines += requests.map { "\($0) \(Cluster.answer(plan, $0.0, $0.1))" }
        return lines
    }

    private enum Event {
        case object(KubernetesObject)
        case facts(CertificateFacts)
    }

    private static func random(_ random: inout SeededGenerator) -> Event {
        func pick(_ names: [String]) -> String { names.randomElement(using: &random) ?? "" }
        func chance(_ parts: Int) -> Bool { Int.random(in: 0..<parts, using: &random) == 0 }
        let services = ["ns/s", "ns/t", "ns/u"]
        let hosts = ["a.example", "b.example", "*.example", ""]
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            return .object(
                Make.service(
                    pick(services),
                    ports: [
                        ServicePort(
                            name: "http", port: chance(3) ? 81 : 80,
                            appProtocol: chance(3) ? pick(["https", "kubernetes.io/h2c", "strange"]) : nil)
                    ]))
        case 1:
            let service = pick(services)
            return .object(
                Make.slice(
                    pick(["ns/1", "ns/2", "ns/3"]), of: service,
                    (0..<Int.random(in: 0...2, using: &random)).map {
                        Make.endpoint("10.0.0.\($0 + 1)", ready: !chance(3))
                    }))
        case 2:
            return .object(
                Make.ingressClass(
                    pick(["fairlead", "second"]), controller: chance(4) ? "example.com/other" : Cluster.controller))
        case 3:
            return .facts(
                CertificateFacts(
                    secret: Make.name(pick(["ns/cert", "ns/ca"])), names: [pick(["a.example", "*.example"])],
                    problem: chance(4) ? "bad" : nil, authorityProblem: chance(4) ? "bad" : nil,
                    holdsCertificate: !chance(4), version: chance(2) ? 1 : 2))
        default:
            var annotations: [String: String] = [:]
            if chance(3) { annotations["load-balance"] = pick(["random", "least_requests", "nonsense"]) }
            if chance(4) { annotations["auth-tls-secret"] = pick(["ca", "cert"]) }
            if chance(3) { annotations["ssl-redirect"] = "true" }
            if chance(3) { annotations["backend-protocol"] = pick(["HTTPS", "GRPC", "GRPCS", "nonsense"]) }
            if chance(4) { annotations["proxy-ssl-secret"] = pick(["ca", "cert"]) }
            if chance(4) { annotations["proxy-ssl-verify"] = pick(["on", "off"]) }
            let rules = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                IngressRule(
                    host: pick(hosts),
                    paths: chance(5)
                        ? nil
                        : [
                            Make.path(
                                pick(["/", "/p", "/p/", "/p/q"]), chance(2) ? .exact : .prefix, pick(["s", "t", "u"]))
                        ])
            }
            return .object(
                Make.ingress(
                    pick(["ns/i", "ns/j", "ns/k", "ns/l"]),
                    created: chance(3) ? nil : Int64.random(in: 1...3, using: &random),
                    className: pick(["fairlead", "second", "third"]), annotations: annotations,
                    default: chance(3) ? Make.to(pick(["s", "t"])) : nil,
                    tls: chance(2)
                        ? [IngressTLS(hosts: chance(4) ? [] : [pick(["a.example", "*.example"])], secretName: "cert")]
                        : [],
                    rules))
        }
    }

    /// Random histories, with plans made in between, end in what a planner says that is told the end only.
    @Test(arguments: UInt64(0)..<40)
    func theOrderOfEventsDoesNotMatter(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let hash = RouteHash.Seed(start: 1, word: 3, end: 5)
        let requests = ["a.example", "b.example", "c.example", "other", ""].flatMap { host in
            ["/", "/p", "/p/", "/p/q", "/x"].map { (host, $0) }
        }
        var planner = IngressPlanner(seed: hash)
        var objects: [ObjectKey: KubernetesObject] = [:]
        var facts: [ObjectName: CertificateFacts] = [:]
        for step in 0..<120 {
            switch Self.random(&random) {
            case .object(let object) where Int.random(in: 0..<4, using: &random) == 0:
                objects[object.key] = nil
                planner.apply(object.key, nil)
            case .object(let object):
                objects[object.key] = object
                planner.apply(object.key, object)
            case .facts(let new) where Int.random(in: 0..<4, using: &random) == 0:
                facts[new.secret] = nil
                planner.removeFacts(of: new.secret)
            case .facts(let new):
                facts[new.secret] = new
                planner.apply(new)
            }
            if Int.random(in: 0..<3, using: &random) > 0 { _ = planner.plan() }
            guard step % 20 == 19 else { continue }
            var fresh = IngressPlanner(seed: hash)
            for fact in facts.values.shuffled(using: &random) { fresh.apply(fact) }
            for object in objects.values.shuffled(using: &random) { fresh.apply(object.key, object) }
            let (incremental, whole) = (planner.plan(), fresh.plan())
            #expect(Self.text(incremental, requests) == Self.text(whole, requests))
            #expect(planner.referencedSecrets == fresh.referencedSecrets)
        }
    }

    /// A consumer that follows `changes` alone knows all problems and backends.
    @Test func changesAddUpToThePlan() {
        var random = SeededGenerator(seed: 77)
        var planner = IngressPlanner()
        var problems: Set<IngressProblem> = []
        var backends: [Int: UInt64] = [:]
        for _ in 0..<400 {
            switch Self.random(&random) {
            case .object(let object): planner.apply(object.key, Bool.random(using: &random) ? object : nil)
            case .facts(let facts): planner.apply(facts)
            }
            let plan = planner.plan()
            #expect(problems.isDisjoint(with: plan.changes.problemsAppeared))
            #expect(problems.isSuperset(of: plan.changes.problemsGone))
            problems.formUnion(plan.changes.problemsAppeared)
            problems.subtract(plan.changes.problemsGone)
            #expect(problems.sorted() == plan.problems)
            for index in plan.changes.backends { backends[index] = plan.backends[index]?.revision }
            for (index, backend) in plan.backends.enumerated() where backend != nil || backends[index] != nil {
                #expect(backends[index] == backend?.revision)
            }
        }
    }
}
