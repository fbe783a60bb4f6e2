import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules H and D: which host, and what is for nobody.
    @Suite struct HostRuleTests {
        @Test func `H1 hosts are the same in any case, with any port, with a dot at the end`() throws {
            let scene = try Stage.scene
            let rules = ingress("h1", [.init("one.h1.test", [.prefix("/", .to("a"))])])
            try scene.with("h1", [rules]) {
                try expectRoutes(
                    scene,
                    [
                        "http://one.h1.test/": "a", "http://ONE.h1.TEST/": "a", "http://one.h1.test:8080/": "a",
                        "http://one.h1.test./": "a", "http://One.H1.test.:80/": "a", "http://two.h1.test/": "404",
                        "http://h1.test/": "404", "http://xone.h1.test/": "404",
                    ])
            }
        }

        @Test func `H2 a wildcard is one label, no more and no less`() throws {
            let scene = try Stage.scene
            try scene.with("h2", [ingress("h2", [.init("*.foo.h2.test", [.prefix("/", .to("a"))])])]) {
                try expectRoutes(
                    scene,
                    [
                        "http://bar.foo.h2.test/": "a", "http://BAR.Foo.h2.test/": "a",
                        "http://bar.foo.h2.test:1/": "a",
                        "http://baz.bar.foo.h2.test/": "404", "http://foo.h2.test/": "404",
                        "http://barfoo.h2.test/": "404",
                    ])
            }
        }

        @Test func `H3 a precise host goes before a wildcard`() throws {
            let scene = try Stage.scene
            try scene.with(
                "h3",
                [
                    ingress("h3-wild", [.init("*.h3.test", [.prefix("/", .to("b"))])]),
                    ingress("h3-precise", [.init("one.h3.test", [.prefix("/", .to("a"))])]),
                ]
            ) {
                try expectRoutes(scene, ["http://one.h3.test/": "a", "http://two.h3.test/": "b"])
            }
        }

        @Test func `H4 no host is every host that nobody else has, and addresses, and none`() throws {
            let scene = try Stage.scene
            try scene.with("h4", [ingress("h4", [.init(nil, [.prefix("/h4", .to("b"))])])]) {
                try expectRoutes(
                    scene,
                    [
                        "http://whatever.test/h4": "b", "http://127.0.0.1/h4": "b", "http://127.0.0.1:8080/h4": "b",
                        "http://[::1]/h4": "b", "http://[2001:db8::1]:80/h4": "b", "http://whatever.test/": "404",
                        // It has paths of its own.
                        "http://a.example/h4": "a",
                    ])
                let empty = try scene.connect()
                try empty.send("GET /h4 HTTP/1.1\r\nHost:\r\n\r\n")
                #expect(try empty.response().outcome == "b")
                let missing = try scene.connect()
                try missing.send("GET /h4 HTTP/1.0\r\n\r\n")
                #expect(try missing.response().outcome == "b")
            }
        }

        @Test func `H5 a host without paths is all for its Ingress's default backend, and nobody else's`() throws {
            let scene = try Stage.scene
            var rules = ingress("h5", [.init("bare.h5.test", nil)])
            rules.defaultBackend = .to("a")
            let other = ingress("h5-other", [.init("other.h5.test", [.prefix("/x", .to("b"))])])
            try scene.with("h5", [rules, other]) {
                try expectRoutes(
                    scene,
                    [
                        "http://bare.h5.test/": "a", "http://bare.h5.test/x/y": "a", "http://other.h5.test/x": "b",
                        "http://other.h5.test/": "404", "http://third.h5.test/": "404",
                    ])
            }
        }

        @Test func `H6 the backend sees Host as it was sent`() throws {
            let scene = try Stage.scene
            for host in ["a.example", "A.Example", "a.example:8080", "a.example."] {
                #expect(try scene.fetch("http://\(host)/").echoed?["Host"] == host)
            }
        }

        @Test func `D1 an Ingress that is a default backend has every method, host and path`() throws {
            let scene = try Stage.scene
            var only = ingress("d1", [])
            only.defaultBackend = .to("b")
            try scene.with("d1", [only]) {
                for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                    for url in ["http://one.d1.test/", "http://two.d1.test/x/y?z", "http://127.0.0.1/"] {
                        let response = try scene.fetch(url, method: method)
                        #expect(response.outcome == "b" && response.echoed?.method == method, "\(method) \(url)")
                    }
                }
                // What others have stays theirs.
                try expectRoutes(scene, ["http://a.example/": "a"])
            }
        }

        @Test func `D2 the default backend of an Ingress with hosts is for these`() throws {
            let scene = try Stage.scene
            var hosts = ingress("d2", [.init("one.d2.test", [.prefix("/x", .to("a"))])])
            hosts.defaultBackend = .to("b")
            try scene.with("d2", [hosts]) {
                try expectRoutes(
                    scene,
                    [
                        "http://one.d2.test/x": "a", "http://one.d2.test/": "b", "http://one.d2.test/y": "b",
                        "http://two.d2.test/": "404", "http://127.0.0.1/": "404",
                    ])
            }
            var everywhere = ingress("d2", [.init(nil, [.prefix("/x", .to("a"))])])
            everywhere.defaultBackend = .to("b")
            try scene.with("d2", [everywhere]) {
                try expectRoutes(scene, ["http://any.d2.test/x": "a", "http://any.d2.test/": "b"])
            }
        }

        @Test func `D3 of several default backends the oldest counts`() throws {
            let scene = try Stage.scene
            var old = ingress("d3-old", [])
            old.defaultBackend = .to("a")
            old.creationTimestamp = "2024-01-01T00:00:00Z"
            var new = ingress("d3-a-new", [])
            new.defaultBackend = .to("b")
            new.creationTimestamp = "2025-01-01T00:00:00Z"
            try scene.with("d3", [new, old]) {
                try expectRoutes(scene, ["http://any.d3.test/": "a"])
                try expectProblem(scene, "d3-a-new")
                try scene.put("d3", [new])
                try expectRoutes(scene, ["http://any.d3.test/": "b"])
            }
        }

        @Test func `D4 what nobody has is 404, whatever it is`() throws {
            let scene = try Stage.scene
            for scheme in ["http", "https"] {
                for method in ["GET", "HEAD", "POST", "DELETE"] {
                    for place in ["nobody.d4.test/", "nobody.d4.test/x?y"] {
                        let response = try scene.fetch("\(scheme)://\(place)", method: method)
                        #expect(response.status == 404, "\(method) \(scheme)://\(place)")
                        #expect(response["X-Fairlead-Reason"]?.isEmpty == false)
                        #expect(response["Server"] != nil && response["Date"] != nil)
                        #expect(response.bodyLength < 200)
                    }
                }
            }
        }
    }
}

/// The admin page of problems names the object.
func expectProblem(
    _ scene: IngressScene, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let page = try scene.page("/ingress/problems")
    #expect(page.status == 200, sourceLocation: sourceLocation)
    for word in words { #expect(page.text.contains(word), "\(page.text)", sourceLocation: sourceLocation) }
}
