import KubernetesAPI
import Routing
import Testing

/// Which rules a host belongs to. What the request's host is (without port and dot, in lower case) HTTP1 says.
@Suite struct HostRulesTests {
    private func cluster() -> Cluster {
        var cluster = Cluster()
        cluster.addServices("exact", "wildcard", "all")
        cluster.add(
            Make.ingress(
                "web",
                [
                    IngressRule(host: "Foo.COM", paths: [Make.path("/", "exact")]),
                    IngressRule(host: "*.foo.com", paths: [Make.path("/", "wildcard")]),
                ]))
        return cluster
    }

    @Test func h1TheRulesHostIsWithoutCase() {
        var cluster = self.cluster()
        #expect(cluster.answer("foo.com", "/") == "exact")
    }

    @Test(arguments: [
        ("bar.foo.com", "wildcard"), ("baz.bar.foo.com", "404"), ("foo.com", "exact"), (".foo.com", "404"),
        ("x-1.foo.com", "wildcard"), ("barfoo.com", "404"), ("bar.foo.com.x", "404"), ("com", "404"), ("", "404"),
        ("*.foo.com", "wildcard"),
    ])
    func h2AWildcardIsOneLabel(host: String, expected: String) {
        var cluster = self.cluster()
        #expect(cluster.answer(host, "/") == expected)
    }

    @Test func h3PreciseBeatsWildcard() {
        var cluster = self.cluster()
        cluster.addServices("precise")
        cluster.add(
            Make.ingress("precise", [IngressRule(host: "bar.foo.com", paths: [Make.path("/", "precise")])]))
        #expect(cluster.answer("bar.foo.com", "/") == "precise")
        #expect(cluster.answer("baz.foo.com", "/") == "wildcard")
    }

    @Test(arguments: ["", "10.0.0.1", "nobody.example", "a.b.foo.com", "[2001:db8::1]"])
    func h4AnEmptyHostIsAllOthers(host: String) {
        var cluster = self.cluster()
        cluster.add(Make.ingress("all", [IngressRule(paths: [Make.path("/resource", "all")])]))
        #expect(cluster.answer(host, "/resource") == "all")
        #expect(cluster.answer("foo.com", "/resource") == "exact")
    }

    @Test func h5AHostWithoutPathsGoesToItsDefaultBackend() {
        var cluster = self.cluster()
        cluster.addServices("fallback")
        cluster.add(
            Make.ingress("bare", default: Make.to("fallback"), [IngressRule(host: "bare.example")]))
        #expect(cluster.answer("bare.example", "/any/thing") == "fallback")
        #expect(cluster.answer("other.example", "/") == "404")
        #expect(cluster.answer("", "/") == "404")
    }

    @Test func h5WithoutOneTheHostIsKnownAndEmpty() {
        var cluster = self.cluster()
        cluster.add(Make.ingress("bare", [IngressRule(host: "bare.foo.com")]))
        #expect(cluster.answer("bare.foo.com", "/") == "404")
    }

    @Test(arguments: ["*", "a.*.b", "10.0.0.1", "a.example:80", "a..b", "-a.example", "a_b.example", "*.", "é.example"])
    func badHostsAreLeftOut(host: String) {
        var cluster = self.cluster()
        cluster.add(
            Make.ingress(
                "bad",
                [
                    IngressRule(host: host, paths: [Make.path("/", "all")]),
                    IngressRule(host: "good.example", paths: [Make.path("/", "all")]),
                ]))
        #expect(cluster.answer("good.example", "/") == "all")
        #expect(cluster.problems() == ["InvalidHost bad"])
        #expect(!cluster.planner.plan().routes.routes.contains { $0.host == host })
    }

    /// Longer than any name, and the longest there may be.
    @Test func longNames() {
        var cluster = Cluster()
        cluster.addServices("long")
        let label = String(repeating: "a", count: 61)
        let name = [label, label, label, String(repeating: "b", count: 61), "c.de"].joined(separator: ".")
        #expect(name.utf8.count == 252)
        cluster.add(Make.ingress("long", [IngressRule(host: name, paths: [Make.path("/", "long")])]))
        #expect(cluster.answer(name, "/") == "long")
        #expect(cluster.answer(name + "f", "/") == "404")
        #expect(cluster.answer(String(repeating: "x", count: 8_000), "/") == "404")
    }
}
