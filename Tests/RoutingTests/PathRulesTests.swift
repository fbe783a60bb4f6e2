import KubernetesAPI
import Routing
import Testing

/// Which path of a host a request belongs to. Services are named after the paths that lead to them.
@Suite struct PathRulesTests {
    /// With `default` for everything else.
    private func answer(_ rules: [(String, IngressPathType)], _ request: String) -> String {
        var cluster = Cluster()
        var paths: [IngressPath] = []
        for (path, type) in rules {
            let service = "\(type == .exact ? "exact" : "prefix")\(path.replacing("/", with: "-"))"
            cluster.addServices(service)
            paths.append(Make.path(path, type, service))
        }
        cluster.add(Make.ingress("web", [IngressRule(host: "a.example", paths: paths)]))
        return cluster.answer("a.example", request)
    }

    /// The table of the Kubernetes documentation (concepts/services-networking/ingress, "Examples"), row by row.
    @Test(arguments: [
        ([("/", IngressPathType.prefix)], ["/", "/foo", "/a/b/c"], "prefix-"),
        ([("/foo", .exact)], ["/foo"], "exact-foo"),
        ([("/foo", .exact)], ["/bar"], "404"),
        ([("/foo", .exact)], ["/foo/"], "404"),
        ([("/foo/", .exact)], ["/foo"], "404"),
        ([("/foo", .prefix)], ["/foo", "/foo/"], "prefix-foo"),
        ([("/foo/", .prefix)], ["/foo", "/foo/"], "prefix-foo-"),
        ([("/aaa/bb", .prefix)], ["/aaa/bbb"], "404"),
        ([("/aaa/bbb", .prefix)], ["/aaa/bbb"], "prefix-aaa-bbb"),
        ([("/aaa/bbb/", .prefix)], ["/aaa/bbb"], "prefix-aaa-bbb-"),
        ([("/aaa/bbb", .prefix)], ["/aaa/bbb/"], "prefix-aaa-bbb"),
        ([("/aaa/bbb", .prefix)], ["/aaa/bbb/ccc"], "prefix-aaa-bbb"),
        ([("/aaa/bbb", .prefix)], ["/aaa/bbbxyz"], "404"),
        ([("/", .prefix), ("/aaa", .prefix)], ["/aaa/ccc"], "prefix-aaa"),
        ([("/", .prefix), ("/aaa", .prefix), ("/aaa/bbb", .prefix)], ["/aaa/bbb"], "prefix-aaa-bbb"),
        ([("/", .prefix), ("/aaa", .prefix), ("/aaa/bbb", .prefix)], ["/ccc"], "prefix-"),
        ([("/aaa", .prefix)], ["/ccc"], "404"),
        ([("/foo", .prefix), ("/foo", .exact)], ["/foo"], "exact-foo"),
    ])
    func documentationTable(rules: [(String, IngressPathType)], requests: [String], expected: String) {
        for request in requests {
            #expect(self.answer(rules, request) == expected, "\(request)")
            #expect(self.answer(rules.reversed(), request) == expected, "\(request), in another order")
        }
    }

    @Test(arguments: [("/foo", "exact-foo"), ("/foo/", "404"), ("/FOO", "404"), ("/fo", "404"), ("/foo/x", "404")])
    func p1ExactIsByteForByte(request: String, expected: String) {
        #expect(self.answer([("/foo", .exact)], request) == expected)
    }

    @Test(arguments: [
        ("/aaa/bbb", true), ("/aaa/bbb/", true), ("/aaa/bbb/ccc", true), ("/aaa/bbbxyz", false), ("/aaa", false),
        ("/aaa/bb", false), ("/AAA/bbb", false), ("/x/aaa/bbb", false),
    ])
    func p2PrefixIsByElements(request: String, matches: Bool) {
        #expect(self.answer([("/aaa/bbb", .prefix)], request) == (matches ? "prefix-aaa-bbb" : "404"))
    }

    @Test(arguments: ["/", "/x", "/a/b/c/d/e/f/g", "", "*"])
    func p2TheRootMatchesEverything(request: String) {
        #expect(self.answer([("/", .prefix)], request) == "prefix-")
        #expect(self.answer([("/", .prefix), ("/y", .prefix)], request) == "prefix-")
    }

    @Test func p3OneSlashAtTheEndIsIgnored() {
        for (rule, request) in [("/foo/", "/foo"), ("/foo", "/foo/"), ("/foo/", "/foo/"), ("/foo/", "/foo/bar")] {
            #expect(self.answer([(rule, .prefix)], request) != "404", "\(rule) \(request)")
        }
    }

    @Test func p4OfBothTheLongerTextGetsBoth() {
        for rules in [
            [("/foo", IngressPathType.prefix), ("/foo/", .prefix)], [("/foo/", .prefix), ("/foo", .prefix)],
        ] {
            for request in ["/foo", "/foo/", "/foo/bar"] { #expect(self.answer(rules, request) == "prefix-foo-") }
        }
    }

    @Test func p4WhoGivesWayIsTold() {
        var cluster = Cluster()
        cluster.add(
            Make.service("s"),
            Make.ingress("old", created: 1, [IngressRule(host: "a.example", paths: [Make.path("/foo", "s")])]),
            Make.ingress("young", created: 2, [IngressRule(host: "a.example", paths: [Make.path("/foo/", "s")])]))
        #expect(
            cluster.planner.plan().problems.map(\.description) == [
                "Ingress default/old: Prefix path /foo of host a.example gives way to the longer /foo/ of Ingress default/young"
            ])
    }

    @Test func p5TheLongestWinsWhereverItStands() {
        var cluster = Cluster()
        cluster.addServices("root", "api", "users")
        cluster.add(
            Make.ingress("one", created: 1, [IngressRule(host: "a.example", paths: [Make.path("/", "root")])]),
            Make.ingress(
                "two", created: 2,
                [IngressRule(host: "a.example", paths: [Make.path("/api/users", "users"), Make.path("/api", "api")])]))
        #expect(cluster.answer("a.example", "/api/users/7") == "users")
        #expect(cluster.answer("a.example", "/api/userss") == "api")
        #expect(cluster.answer("a.example", "/apis") == "root")
    }

    @Test func p6OfTheSameTextExactWins() {
        let rules = [("/foo", IngressPathType.prefix), ("/foo", .exact)]
        #expect(self.answer(rules, "/foo") == "exact-foo")
        #expect(self.answer(rules, "/foo/") == "prefix-foo")
        #expect(self.answer(rules, "/foo/bar") == "prefix-foo")
    }

    @Test func p7ExactWinsOverALongerPrefixText() {
        let rules = [("/foo/", IngressPathType.prefix), ("/foo", .exact)]
        #expect(self.answer(rules, "/foo") == "exact-foo")
        #expect(self.answer(rules, "/foo/") == "prefix-foo-")
        #expect(self.answer([("/foo", .prefix), ("/foo/", .exact)], "/foo/") == "exact-foo-")
        #expect(self.answer([("/", .prefix), ("/", .exact)], "/") == "exact-")
        #expect(self.answer([("/", .prefix), ("/", .exact)], "/x") == "prefix-")
    }

    @Test(arguments: [("/ccc", "prefix-"), ("/aaa/ccc", "prefix-aaa"), ("/aaa/bbb", "prefix-aaa-bbb")])
    func p8ThreePrefixes(request: String, expected: String) {
        #expect(
            self.answer([("/", .prefix), ("/aaa", .prefix), ("/aaa/bbb", .prefix)], request) == expected)
    }

    @Test func p9ImplementationSpecificIsPrefix() {
        #expect(self.answer([("/foo", .implementationSpecific)], "/foo/bar") == "prefix-foo")
        #expect(self.answer([("/foo", .implementationSpecific)], "/foobar") == "404")
    }

    @Test func p9AnExpressionIsMatchedAsItStandsAndReported() {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.add(
            Make.ingress(
                "web",
                [IngressRule(host: "a.example", paths: [Make.path("/foo(/|$)(.*)", .implementationSpecific, "s")])]))
        #expect(cluster.answer("a.example", "/foo/bar") == "404")
        #expect(cluster.problems() == ["LiteralPath web"])
    }

    @Test func p10AnEmptyPathIsTheRoot() {
        #expect(self.answer([("", .implementationSpecific)], "/x") == "prefix")
    }

    @Test func p11TheHostIsChosenFirst() {
        var cluster = Cluster()
        cluster.addServices("exact", "wildcard", "all")
        cluster.add(
            Make.ingress(
                "web",
                [
                    IngressRule(host: "a.foo.com", paths: [Make.path("/only", "exact")]),
                    IngressRule(host: "*.foo.com", paths: [Make.path("/", "wildcard")]),
                    IngressRule(paths: [Make.path("/", "all")]),
                ]))
        #expect(cluster.answer("a.foo.com", "/only") == "exact")
        #expect(cluster.answer("a.foo.com", "/other") == "404")
        #expect(cluster.answer("b.foo.com", "/other") == "wildcard")
        #expect(cluster.answer("foo.com", "/other") == "all")
        let plan = cluster.planner.plan()
        #expect(Cluster.match(plan, "a.foo.com", "/other").knowsHost)
        #expect(Cluster.match(plan, "b.foo.com", "/other").knowsHost)
        #expect(!Cluster.match(plan, "foo.com", "/other").knowsHost)
    }

    /// P13: the form in which requests are matched, which rules are brought into.
    @Test(arguments: [
        ("/caf%c3%a9", "/caf%c3%a9"), ("/café", "/caf%C3%A9"), ("/%41bc", "/Abc"), ("/a%2fb", "/a%2fb"),
        ("/a b", "/a%20b"), ("/%7euser", "/~user"), ("/a;x=1", "/a;x=1"),
    ])
    func p13RulesAreNormalisedAsRequestsAre(rule: String, request: String) {
        #expect(self.answer([(rule, .implementationSpecific)], request) != "404")
    }

    /// Objects from before the API server checked them: left out, and nothing else is touched.
    @Test(arguments: ["foo", "//", "/a//b", "/a/../b", "/.", "/a/..", "/%zz", "/%4", "/a%00", "/a\\b"])
    func badPathsAreLeftOut(path: String) {
        var cluster = Cluster()
        cluster.addServices("s", "bad")
        cluster.add(
            Make.ingress(
                "web",
                [
                    IngressRule(
                        host: "a.example",
                        paths: [Make.path(path, .implementationSpecific, "bad"), Make.path("/good", "s")])
                ]))
        #expect(cluster.answer("a.example", "/good") == "s")
        #expect(cluster.answer("a.example", path) == "404")
        #expect(cluster.problems() == ["InvalidPath web"])
    }

    @Test func theChallengeOfACMEIsRecognised() {
        func matches(_ path: String) -> Bool {
            let bytes = Array(path.utf8)
            return ACMEChallenge.matches(bytes.span)
        }
        #expect(matches("/.well-known/acme-challenge/token"))
        #expect(!matches("/.well-known/acme-challenge/"))
        #expect(!matches("/.well-known/acme-challenge"))
        #expect(!matches("/.well-known/acme-challengeX/token"))
        #expect(!matches("/x/.well-known/acme-challenge/token"))
        #expect(ACMEChallenge.path.utf8CodeUnitCount == 28)
    }
}

extension Make {
    static func path(_ path: String, _ service: String) -> IngressPath { self.path(path, .prefix, service) }
}
