import KubernetesAPI
import Routing
import Testing

/// Which host has which certificate.
@Suite struct CertificateTests {
    private static func ingress(
        _ name: String, created: Int64? = nil, tls: [IngressTLS], hosts: [String] = ["a.example"],
        annotations: [String: String] = [:]
    ) -> KubernetesObject {
        Make.ingress(
            name, created: created, annotations: annotations, tls: tls,
            hosts.map { IngressRule(host: $0, paths: [Make.path("/", "s")]) })
    }

    private static func facts(_ secret: String, _ names: String..., problem: String? = nil) -> CertificateFacts {
        CertificateFacts(secret: Make.name(secret), names: names, notAfter: 2_000_000_000, problem: problem)
    }

    /// The Secret that a connection is shown; `default` for the default certificate.
    private static func shown(_ cluster: inout Cluster, _ name: String) -> String {
        cluster.planner.plan().certificates.certificate(for: name).secret?.name ?? "default"
    }

    @Test func t1ASecretOfTheIngressesNamespace() {
        var cluster = Cluster()
        cluster.add(Self.ingress("ns/web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")]))
        #expect(cluster.planner.plan().problems.contains { $0.code == .certificateMissing })
        #expect(cluster.planner.referencedSecrets == [Make.name("ns/cert")])
        cluster.planner.apply(Self.facts("cert", "a.example"))
        #expect(Self.shown(&cluster, "a.example") == "default")
        cluster.planner.apply(Self.facts("ns/cert", "a.example"))
        #expect(Self.shown(&cluster, "a.example") == "cert")
    }

    @Test func t2SNIAndHostAreIndependent() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Self.ingress(
                "web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")], hosts: ["a.example", "b.example"]))
        cluster.planner.apply(Self.facts("cert", "a.example"))
        #expect(Self.shown(&cluster, "a.example") == "cert")
        #expect(Self.shown(&cluster, "b.example") == "default")
        #expect(cluster.answer("b.example", "/") == "s")
    }

    @Test func t3t4ExactBeforeWildcardOfOneLabel() {
        var cluster = Cluster()
        cluster.add(
            Self.ingress(
                "wild", created: 1, tls: [IngressTLS(hosts: ["*.foo.com"], secretName: "wildcard")],
                hosts: ["*.foo.com"]),
            Self.ingress(
                "exact", created: 2, tls: [IngressTLS(hosts: ["A.foo.com"], secretName: "precise")],
                hosts: ["a.foo.com"]))
        cluster.planner.apply(Self.facts("wildcard", "*.Foo.com"))
        cluster.planner.apply(Self.facts("precise", "a.foo.com"))
        #expect(Self.shown(&cluster, "a.foo.com") == "precise")
        #expect(Self.shown(&cluster, "b.foo.com") == "wildcard")
        #expect(Self.shown(&cluster, "c.b.foo.com") == "default")
        #expect(Self.shown(&cluster, "foo.com") == "default")
        #expect(cluster.problems().filter { $0.hasPrefix("Certificate") } == [])
    }

    @Test func t4AWildcardCertificateForAHostThatIsListed() {
        var cluster = Cluster()
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.foo.com"], secretName: "wildcard")]))
        cluster.planner.apply(Self.facts("wildcard", "*.foo.com"))
        #expect(Self.shown(&cluster, "a.foo.com") == "wildcard")
        #expect(Self.shown(&cluster, "b.foo.com") == "default")
    }

    @Test func t5AHostThatIsNotListedIsSearchedForInTheSameIngress() {
        var cluster = Cluster()
        cluster.add(
            Self.ingress(
                "web",
                tls: [
                    IngressTLS(hosts: ["x.example"], secretName: "one"),
                    IngressTLS(hosts: ["y.example"], secretName: "two"),
                ], hosts: ["a.example", "b.example"]),
            Self.ingress("other", tls: [IngressTLS(hosts: ["z.example"], secretName: "three")], hosts: ["z.example"]))
        cluster.planner.apply(Self.facts("one", "x.example"))
        cluster.planner.apply(Self.facts("two", "y.example", "*.example"))
        cluster.planner.apply(Self.facts("three", "z.example", "q.example"))
        #expect(Self.shown(&cluster, "a.example") == "two")
        #expect(Self.shown(&cluster, "x.example") == "one")
        #expect(Self.shown(&cluster, "q.example") == "default")
        cluster.planner.apply(Self.facts("two", "y.example"))
        #expect(Self.shown(&cluster, "a.example") == "default")
    }

    @Test func t6NotCoveringIsTheDefaultAndAWarning() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")]))
        cluster.planner.apply(Self.facts("cert", "b.example"))
        #expect(Self.shown(&cluster, "a.example") == "default")
        #expect(
            cluster.planner.plan().problems.map(\.description) == [
                "Ingress default/web: the certificate in Secret default/cert is not for host a.example, which has the default "
                    + "certificate"
            ])
        #expect(cluster.answer("a.example", "/") == "s")
    }

    @Test func t7WithoutASecretTheDefaultAndTheRedirectStays() {
        var options = IngressPlannerOptions()
        options.redirectsToHTTPS = true
        var cluster = Cluster(options)
        cluster.addServices("s")
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.example"])]))
        #expect(Self.shown(&cluster, "a.example") == "default")
        #expect(cluster.settings("a.example")?.redirectsToHTTPS == true)
        #expect(cluster.problems() == [])
    }

    @Test func t8ASecretComesChangesAndGoes() {
        var options = IngressPlannerOptions()
        options.redirectsToHTTPS = true
        var cluster = Cluster(options)
        cluster.addServices("s")
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")]))
        func check(_ shown: String, _ problems: [String], _ line: Int = #line) {
            #expect(Self.shown(&cluster, "a.example") == shown, "line \(line)")
            #expect(cluster.problems() == problems, "line \(line)")
            #expect(cluster.settings("a.example")?.redirectsToHTTPS == true, "line \(line)")
        }
        check("default", ["CertificateMissing web"])
        cluster.planner.apply(Self.facts("cert", problem: "tls.crt is no PEM"))
        check("default", ["CertificateInvalid web"])
        cluster.planner.apply(Self.facts("cert", "a.example"))
        let routes = cluster.planner.plan().routes.revision
        check("cert", [])
        cluster.planner.apply(Self.facts("cert", "a.example", "b.example"))
        check("cert", [])
        cluster.planner.removeFacts(of: Make.name("cert"))
        check("default", ["CertificateMissing web"])
        #expect(routes > 0)
    }

    @Test func t9UnknownSNIIsTheDefault() {
        var options = IngressPlannerOptions()
        options.defaultCertificate = Make.name("system/default")
        var cluster = Cluster(options)
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")]))
        var plan = cluster.planner.plan()
        #expect(cluster.planner.referencedSecrets == [Make.name("system/default"), Make.name("cert")])
        #expect(plan.certificates.certificate(for: "nobody.example").secret == nil)
        #expect(plan.certificates.certificate(for: "").secret == nil)
        #expect(plan.certificates.defaultSecret == nil)
        #expect(plan.problems.contains { $0.object.kind == .secret && $0.code == .certificateMissing })
        cluster.planner.apply(Self.facts("system/default", "x"))
        plan = cluster.planner.plan()
        #expect(plan.certificates.defaultSecret == Make.name("system/default"))
        #expect(plan.changes.certificates)
        #expect(!plan.problems.contains { $0.object.kind == .secret })
        #expect(Cluster.answer(plan, "nobody.example", "/") == "404")
    }

    @Test func t10TheOldestDecidesOnAHost() {
        var cluster = Cluster()
        for secret in ["old", "young"] { cluster.planner.apply(Self.facts(secret, "a.example")) }
        cluster.add(
            Self.ingress("a", created: 2, tls: [IngressTLS(hosts: ["a.example"], secretName: "young")]),
            Self.ingress(
                "b", created: 1, tls: [IngressTLS(hosts: ["a.example"], secretName: "old")], hosts: ["x.example"]))
        #expect(Self.shown(&cluster, "a.example") == "old")
        #expect(cluster.problems().contains("CertificateConflict a"))
        cluster.remove(.ingress, Make.name("b"))
        #expect(Self.shown(&cluster, "a.example") == "young")
    }

    /// The planner has no clock: an expired certificate is the shell's to warn of.
    @Test func t11AnExpiredCertificateIsShown() {
        var cluster = Cluster()
        cluster.add(Self.ingress("web", tls: [IngressTLS(hosts: ["a.example"], secretName: "cert")]))
        cluster.planner.apply(CertificateFacts(secret: Make.name("cert"), names: ["a.example"], notAfter: 1))
        #expect(Self.shown(&cluster, "a.example") == "cert")
    }

    /// (the default of the options, ssl-redirect, force-ssl-redirect, TLS declared) -> redirect
    @Test(arguments: [
        (false, String?.none, false, true, false), (true, nil, false, true, true), (true, nil, false, false, false),
        (false, "true", false, true, true), (false, "true", false, false, false), (true, "false", false, true, false),
        (false, nil, true, false, true), (true, "false", true, true, true),
    ])
    func t12Redirects(byDefault: Bool, annotation: String?, force: Bool, hasTLS: Bool, expected: Bool) {
        var options = IngressPlannerOptions()
        options.redirectsToHTTPS = byDefault
        options.httpsPort = 8443
        var cluster = Cluster(options)
        var annotations = ["force-ssl-redirect": "\(force)"]
        annotations["ssl-redirect"] = annotation
        cluster.add(
            Self.ingress("web", tls: hasTLS ? [IngressTLS(hosts: ["a.example"])] : [], annotations: annotations))
        #expect(cluster.settings("a.example")?.redirectsToHTTPS == expected)
        #expect(cluster.planner.plan().redirectPort == 8443)
    }

    @Test func t12AHostOfAWildcardOrOfAnEntryForAllIsDeclared() {
        var cluster = Cluster()
        cluster.add(
            Self.ingress(
                "wild", tls: [IngressTLS(hosts: ["*.foo.com"])], hosts: ["a.foo.com"],
                annotations: ["ssl-redirect": "true"]),
            Self.ingress("all", tls: [IngressTLS()], hosts: ["b.com"], annotations: ["ssl-redirect": "true"]),
            Self.ingress(
                "listed", tls: [IngressTLS(hosts: ["x.com"])], hosts: ["c.com"], annotations: ["ssl-redirect": "true"]))
        #expect(cluster.settings("a.foo.com")?.redirectsToHTTPS == true)
        #expect(cluster.settings("b.com")?.redirectsToHTTPS == true)
        #expect(cluster.settings("c.com")?.redirectsToHTTPS == false)
    }
}
