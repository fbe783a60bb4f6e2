import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules P: which path a request's belongs to. Each row has a host of its own, so that all are in force together.
    @Suite struct PathRuleTests {
        /// Paths as `Exact /foo`, `Prefix /foo`, `Free /foo`, each with the backend that it leads to, and what requests come to.
        private struct Row {
            let paths: KeyValuePairs<String, String>
            let requests: KeyValuePairs<String, String>
        }

        private static func expect(_ name: String, _ rows: [Row], sourceLocation: SourceLocation = #_sourceLocation)
            throws
        {
            let scene = try Stage.scene
            let rules = try rows.enumerated().map { number, row in
                let paths = try row.paths.map { text, backend in
                    let words = text.split(separator: " ", maxSplits: 1)
                    let type = words[0] == "Free" ? "ImplementationSpecific" : String(words[0])
                    try #require(["Exact", "Prefix", "ImplementationSpecific"].contains(type))
                    return IngressManifest.Path(words.count > 1 ? String(words[1]) : nil, type, .to(backend))
                }
                return IngressManifest.Rule("row-\(number).\(name).test", paths)
            }
            let services = try ["c", "d"].flatMap { try scene.service($0) }
            try scene.with(name, services + [ingress(name, rules)]) {
                for (number, row) in rows.enumerated() {
                    for (target, expected) in row.requests {
                        let outcome = try scene.fetch("http://row-\(number).\(name).test\(target)").outcome
                        #expect(outcome == expected, "\(row.paths): \(target)", sourceLocation: sourceLocation)
                    }
                }
            }
        }

        @Test func `P1 Exact is byte by byte, case and trailing slash included, without the query`() throws {
            try Self.expect(
                "p1",
                [
                    Row(
                        paths: ["Exact /foo": "a", "Exact /Bar/": "b"],
                        requests: [
                            "/foo": "a", "/foo?x=/y": "a", "/foo?": "a", "/foo/": "404", "/FOO": "404", "/fo": "404",
                            "/foo/bar": "404", "/foobar": "404", "/Bar/": "b", "/Bar": "404", "/bar/": "404",
                            "/": "404",
                        ])
                ])
        }

        /// The examples of the Kubernetes documentation, all of them.
        @Test func `P2 Prefix goes by elements: every example of the documentation`() throws {
            let nothing: KeyValuePairs<String, String> = ["Prefix /": "a"]
            try Self.expect(
                "p2",
                [
                    Row(paths: nothing, requests: ["/": "a", "/any": "a", "/any/thing/": "a", "/?q": "a"]),
                    Row(paths: ["Exact /foo": "a"], requests: ["/foo": "a"]),
                    Row(paths: ["Exact /foo": "a"], requests: ["/bar": "404"]),
                    Row(paths: ["Exact /foo": "a"], requests: ["/foo/": "404"]),
                    Row(paths: ["Exact /foo/": "a"], requests: ["/foo": "404"]),
                    Row(paths: ["Prefix /foo": "a"], requests: ["/foo": "a", "/foo/": "a"]),
                    Row(paths: ["Prefix /foo/": "a"], requests: ["/foo": "a", "/foo/": "a"]),
                    Row(paths: ["Prefix /aaa/bb": "a"], requests: ["/aaa/bbb": "404"]),
                    Row(paths: ["Prefix /aaa/bbb": "a"], requests: ["/aaa/bbb": "a"]),
                    Row(paths: ["Prefix /aaa/bbb/": "a"], requests: ["/aaa/bbb": "a"]),
                    Row(paths: ["Prefix /aaa/bbb": "a"], requests: ["/aaa/bbb/": "a"]),
                    Row(paths: ["Prefix /aaa/bbb": "a"], requests: ["/aaa/bbb/ccc": "a"]),
                    Row(paths: ["Prefix /aaa/bbb": "a"], requests: ["/aaa/bbbxyz": "404"]),
                    Row(paths: ["Prefix /": "a", "Prefix /aaa": "b"], requests: ["/aaa/ccc": "b"]),
                    Row(
                        paths: ["Prefix /": "a", "Prefix /aaa": "b", "Prefix /aaa/bbb": "c"],
                        requests: ["/aaa/bbb": "c"]),
                    Row(paths: ["Prefix /": "a", "Prefix /aaa": "b", "Prefix /aaa/bbb": "c"], requests: ["/ccc": "a"]),
                    Row(paths: ["Prefix /aaa": "a"], requests: ["/ccc": "404"]),
                    Row(paths: ["Prefix /foo": "a", "Exact /foo": "b"], requests: ["/foo": "b"]),
                ])
        }

        @Test func `P3 Prefix overlooks one trailing slash, of the rule or of the request, and redirects nobody`()
            throws
        {
            try Self.expect(
                "p3",
                [
                    Row(
                        paths: ["Prefix /foo/": "a", "Prefix /aaa/bbb/": "b"],
                        requests: [
                            "/foo": "a", "/foo/": "a", "/foo/x": "a", "/foox": "404", "/aaa/bbb": "b", "/aaa/bbb/": "b",
                            "/aaa": "404",
                        ])
                ])
        }

        @Test func `P4 of /foo and /foo/ the longer text has both`() throws {
            try Self.expect(
                "p4",
                [
                    Row(
                        paths: ["Prefix /foo": "a", "Prefix /foo/": "b"],
                        requests: ["/foo": "b", "/foo/": "b", "/foo/x": "b"]),
                    Row(
                        paths: ["Prefix /foo/": "b", "Prefix /foo": "a"],
                        requests: ["/foo": "b", "/foo/": "b", "/foo/x": "b"]),
                ])
        }

        @Test func `P5 the longest path wins, in whatever order and Ingress it is`() throws {
            try Self.expect(
                "p5",
                [
                    Row(
                        paths: ["Prefix /": "a", "Prefix /x": "b", "Prefix /x/y": "c", "Prefix /x/y/z": "d"],
                        requests: ["/x/y/z/0": "d", "/x/y/0": "c", "/x/0": "b", "/0": "a"]),
                    Row(
                        paths: ["Prefix /x/y/z": "d", "Prefix /x/y": "c", "Prefix /x": "b", "Prefix /": "a"],
                        requests: ["/x/y/z/0": "d", "/x/y/0": "c", "/x/0": "b", "/0": "a"]),
                ])
            let scene = try Stage.scene
            try scene.with(
                "p5-several",
                [
                    ingress("p5-short", [.init("several.p5.test", [.prefix("/", .to("a"))])]),
                    ingress("p5-long", [.init("several.p5.test", [.prefix("/x/y", .to("b"))])]),
                ]
            ) {
                try expectRoutes(scene, ["http://several.p5.test/x/y/z": "b", "http://several.p5.test/x": "a"])
            }
        }

        @Test func `P6 Exact before Prefix of the same text`() throws {
            try Self.expect(
                "p6",
                [
                    Row(
                        paths: ["Prefix /foo": "a", "Exact /foo": "b"],
                        requests: ["/foo": "b", "/foo/": "a", "/foo/x": "a"]),
                    Row(paths: ["Exact /foo": "b", "Prefix /foo": "a"], requests: ["/foo": "b", "/foo/": "a"]),
                    Row(paths: ["Exact /": "b", "Prefix /": "a"], requests: ["/": "b", "/x": "a"]),
                ])
        }

        @Test func `P7 Exact /foo before Prefix /foo/`() throws {
            try Self.expect(
                "p7",
                [
                    Row(
                        paths: ["Prefix /foo/": "a", "Exact /foo": "b"],
                        requests: ["/foo": "b", "/foo/": "a", "/foo/x": "a"])
                ])
        }

        @Test func `P8 three nested prefixes`() throws {
            try Self.expect(
                "p8",
                [
                    Row(
                        paths: ["Prefix /": "a", "Prefix /aaa": "b", "Prefix /aaa/bbb": "c"],
                        requests: ["/ccc": "a", "/aaa/ccc": "b", "/aaa/bbb": "c", "/aaa/bbb/ccc": "c", "/aaaa": "a"])
                ])
        }

        @Test func `P9 ImplementationSpecific is Prefix, and no regular expression`() throws {
            try Self.expect(
                "p9",
                [
                    Row(
                        paths: ["Free /foo": "a", "Free /v[0-9]+/x": "b"],
                        requests: [
                            "/foo": "a", "/foo/": "a", "/foo/x": "a", "/foobar": "404", "/FOO": "404", "/v1/x": "404",
                        ]),
                    Row(paths: ["Free /foo": "a", "Exact /foo": "b"], requests: ["/foo": "b", "/foo/x": "a"]),
                ])
        }

        @Test func `P10 no path is /`() throws {
            try Self.expect(
                "p10",
                [
                    Row(paths: ["Free": "a", "Prefix /x": "b"], requests: ["/": "a", "/any": "a", "/x": "b"])
                ])
        }

        @Test func `P11 the host is chosen first: what it does not have is nobody else's`() throws {
            let scene = try Stage.scene
            try scene.with(
                "p11",
                [
                    ingress(
                        "p11",
                        [
                            .init("one.p11.test", [.prefix("/foo", .to("a"))]),
                            .init("*.p11.test", [.prefix("/", .to("b"))]),
                            .init(nil, [.prefix("/bar", .to("b"))]),
                        ])
                ]
            ) {
                try expectRoutes(
                    scene,
                    [
                        "http://one.p11.test/foo": "a", "http://one.p11.test/bar": "404", "http://one.p11.test/": "404",
                        "http://two.p11.test/foo": "b", "http://elsewhere.test/bar": "b",
                    ])
            }
        }

        @Test func `P12 neither the port of Host nor the query is matched`() throws {
            try Self.expect(
                "p12",
                [
                    Row(
                        paths: ["Exact /foo": "a", "Prefix /bar": "b"],
                        requests: ["/foo?/bar": "a", "/bar?/foo": "b", "/?/foo": "404", "/bar/?a=/../foo": "b"])
                ])
            let scene = try Stage.scene
            try expectRoutes(scene, ["http://a.example:1234/x": "a", "http://a.example:80/x": "a"])
        }
    }
}
