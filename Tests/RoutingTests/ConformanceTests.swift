import KubernetesAPI
import Routing
import Testing

/// The ingress conformance suite's 30 scenarios (kubernetes-sigs/ingress-controller-conformance, release 1.19), as far
/// as they are about which request goes where.
@Suite struct ConformanceTests {
    /// default_backend: 1 to 6.
    @Test(arguments: [
        ("my-host", "/"), ("my-host", "/sub-path"), ("some-host", "/"), ("", "/resource"), ("some-host", "/resource"),
        ("my-host", "/resource"),
    ])
    func defaultBackend(host: String, path: String) {
        var cluster = Cluster()
        cluster.addServices("echo-service")
        cluster.add(Make.ingress("default-backend", default: Make.to("echo-service")))
        #expect(cluster.answer(host, path) == "echo-service")
    }

    /// host_rules: 7 to 12.
    @Test(arguments: [
        ("foo.bar.com", "foo-bar-com"), ("subdomain.bar.com", "404"), ("bar.foo.com", "wildcard-foo-com"),
        ("baz.bar.foo.com", "404"), ("foo.com", "404"),
    ])
    func hostRules(host: String, expected: String) {
        var cluster = Cluster()
        cluster.addServices("wildcard-foo-com", "foo-bar-com")
        cluster.planner.apply(CertificateFacts(secret: Make.name("conformance-tls"), names: ["foo.bar.com"]))
        cluster.add(
            Make.ingress(
                "host-rules", tls: [IngressTLS(hosts: ["foo.bar.com"], secretName: "conformance-tls")],
                [
                    IngressRule(
                        host: "*.foo.com",
                        paths: [IngressPath(path: "/", backend: Make.to("wildcard-foo-com", .number(80)))]),
                    IngressRule(
                        host: "foo.bar.com",
                        paths: [IngressPath(path: "/", backend: Make.to("foo-bar-com", .name("http")))]),
                ]))
        #expect(cluster.answer(host, "/") == expected)
        #expect(cluster.settings(host)?.redirectsToHTTPS != true)
        #expect(
            (cluster.planner.plan().certificates.certificate(for: host).secret != nil) == (host == "foo.bar.com"))
    }

    /// ingress_class: 13.
    @Test func ingressClass() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress(
                "web", className: "some-invalid-class-name", [IngressRule(host: "a", paths: [Make.path("/", "s")])]))
        #expect(cluster.planner.plan().ingresses.isEmpty)
        #expect(cluster.answer("a", "/") == "404")
    }

    /// load_balancing: 14.
    @Test func loadBalancing() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(Make.ingress("web", [IngressRule(host: "load.example", paths: [Make.path("/", "s")])]))
        cluster.add(Make.slice("s", of: "s", (1...10).map { Make.endpoint("10.0.0.\($0)") }))
        let backend = cluster.backend("load.example")
        #expect(backend?.endpoints.count == 10 && backend?.settings.loadBalancing == .roundRobin)
        #expect(cluster.settings("load.example")?.affinity == RouteAffinity.none)
    }

    /// path_rules: 15 to 30.
    @Test(arguments: [
        ("exact-path-rules", "/foo", "foo-exact"), ("exact-path-rules", "/foo/", "404"),
        ("exact-path-rules", "/FOO", "404"), ("exact-path-rules", "/bar", "404"),
        ("prefix-path-rules", "/foo", "foo-prefix"), ("prefix-path-rules", "/foo/", "foo-prefix"),
        ("prefix-path-rules", "/FOO", "404"), ("prefix-path-rules", "/aaa/bbb", "aaa-slash-bbb-prefix"),
        ("prefix-path-rules", "/aaa/bbb/ccc", "aaa-slash-bbb-prefix"), ("prefix-path-rules", "/aaa/ccc", "aaa-prefix"),
        ("prefix-path-rules", "/aaaccc", "404"), ("prefix-path-rules", "/foo/", "foo-prefix"),
        ("mixed-path-rules", "/foo", "foo-exact"),
        ("trailing-slash-path-rules", "/aaa/bbb", "aaa-slash-bbb-slash-prefix"),
        ("trailing-slash-path-rules", "/aaa/bbb/", "aaa-slash-bbb-slash-prefix"),
        ("trailing-slash-path-rules", "/foo", "404"),
    ])
    func pathRules(host: String, path: String, expected: String) {
        let rules: [String: [(String, IngressPathType, String)]] = [
            "exact-path-rules": [("/foo", .exact, "foo-exact")],
            "prefix-path-rules": [
                ("/foo", .prefix, "foo-prefix"), ("/aaa/bbb", .prefix, "aaa-slash-bbb-prefix"),
                ("/aaa", .prefix, "aaa-prefix"),
            ],
            "mixed-path-rules": [("/foo", .prefix, "foo-prefix"), ("/foo", .exact, "foo-exact")],
            "trailing-slash-path-rules": [
                ("/aaa/bbb/", .prefix, "aaa-slash-bbb-slash-prefix"), ("/foo/", .exact, "foo-slash-exact"),
            ],
        ]
        var cluster = Cluster()
        cluster.addServices(
            "foo-exact", "foo-prefix", "aaa-slash-bbb-prefix", "aaa-prefix", "aaa-slash-bbb-slash-prefix",
            "foo-slash-exact")
        cluster.add(
            Make.ingress(
                "path-rules",
                rules.map { host, rules in IngressRule(host: host, paths: rules.map { Make.path($0.0, $0.1, $0.2) }) }))
        #expect(cluster.answer(host, path) == expected)
    }
}
