import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// The scenarios of the ingress-controller-conformance suite, as its harness plays them: a connection of its own for each
    /// request, a redirect followed to the same address by scheme, host and path alone, an echo backend per Service.
    @Suite struct ConformanceTests {
        struct Scenario: CustomTestStringConvertible {
            let row: String
            var method = "GET"
            let url: String
            /// The Service that has to answer, or the status.
            let expected: String

            init(_ row: String, _ url: String, _ expected: String, method: String = "GET") {
                self.row = row
                self.method = method
                self.url = url
                self.expected = expected
            }

            var testDescription: String { "\(self.row) \(self.method) \(self.url)" }
        }

        private static let userAgent = "User-Agent: Go-http-client/1.1"

        /// Plays one, and returns the last answer.
        @discardableResult
        private static func play(_ scenario: Scenario, on scene: IngressScene) throws -> HTTPResponse {
            var url = scenario.url
            var response = try scene.fetch(url, method: scenario.method, [Self.userAgent])
            for _ in 0..<10 where [301, 302, 303, 307, 308].contains(response.status) {
                url = try Self.withoutPortAndQuery(try #require(response["Location"]))
                response = try scene.fetch(url, method: scenario.method, [Self.userAgent])
            }
            #expect(response.outcome == scenario.expected, "\(scenario.testDescription): \(response)")
            return response
        }

        private static func withoutPortAndQuery(_ location: String) throws -> String {
            let parts = location.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
            try #require(parts.count >= 3 && parts[1].isEmpty, "an absolute location: \(location)")
            let host = parts[2].prefix { $0 != ":" }
            return "\(parts[0])//\(host)/\(parts.count > 3 ? parts[3].prefix { $0 != "?" } : "")"
        }

        // MARK: - default_backend

        private static let defaultBackend = [
            Scenario("I1", "http://my-host/", "echo-service"),
            Scenario("I2", "http://my-host/sub-path", "echo-service"),
            Scenario("I3", "http://some-host/", "echo-service", method: "POST"),
            // The host is the address, as the client had no name.
            Scenario("I4", "http://127.0.0.1/resource", "echo-service", method: "PUT"),
            Scenario("I5", "http://some-host/resource", "echo-service", method: "DELETE"),
            Scenario("I6", "http://my-host/resource", "echo-service", method: "PATCH"),
        ]

        @Test func `I1 to I6 default_backend`() throws {
            let scene = try Stage.scene
            var standing = ingress("default-backend", [])
            standing.defaultBackend = .to("echo-service")
            try scene.with("default-backend", try scene.service("echo-service") + [standing]) {
                for scenario in Self.defaultBackend {
                    let response = try Self.play(scenario, on: scene)
                    #expect(response.version == "HTTP/1.1")
                    for field in ["Content-Length", "Content-Type", "Date", "Server"] {
                        #expect(
                            response.fields.values(field).count == 1, "\(scenario.row): \(field) in \(response.fields)")
                    }
                    let echoed = try #require(response.echoed, "\(scenario.row)")
                    let path = scenario.url.split(separator: "/", maxSplits: 2).dropFirst(2).first ?? ""
                    #expect(echoed.line == "\(scenario.method) /\(path) HTTP/1.1", "\(scenario.row)")
                    #expect(echoed["User-Agent"] == "Go-http-client/1.1", "\(scenario.row)")
                }
            }
        }

        // MARK: - host_rules

        private static let hostRules = [
            Scenario("I7", "https://foo.bar.com/", "foo-bar-com"),
            Scenario("I8", "http://foo.bar.com/", "foo-bar-com"),
            Scenario("I9", "http://subdomain.bar.com/", "404"),
            Scenario("I10", "http://bar.foo.com/", "wildcard-foo-com"),
            Scenario("I11", "http://baz.bar.foo.com/", "404"),
            Scenario("I12", "http://foo.com/", "404"),
        ]

        @Test func `I7 to I12 host_rules`() throws {
            let scene = try Stage.scene
            let certificate = try Certificate.selfSigned(for: ["foo.bar.com"])
            var rules = ingress(
                "host-rules",
                [
                    .init("foo.bar.com", [.prefix("/", .service("foo-bar-com", port: "http"))]),
                    .init("*.foo.com", [.prefix("/", .to("wildcard-foo-com"))]),
                ])
            rules.tls = [.init(["foo.bar.com"], secret: "conformance-tls")]
            let objects: [any Manifest] =
                try scene.service("foo-bar-com") + scene.service("wildcard-foo-com")
                + [SecretManifest("conformance-tls", certificate), rules]
            try scene.with("host-rules", objects) {
                let authority = try scene.file("conformance.pem", certificate.certificate)
                let handshake = try scene.host.handshake(
                    with: IngressScene.https, name: "foo.bar.com",
                    ["-CAfile", authority, "-verify_hostname", "foo.bar.com", "-verify_return_error"])
                #expect(handshake.succeeded && handshake.leaf == certificate.certificate, "\(handshake.text)")
                for scenario in Self.hostRules {
                    let response = try Self.play(scenario, on: scene)
                    guard response.status == 200 else { continue }
                    #expect(response.echoed?["Host"] == scenario.url.split(separator: "/").last.map(String.init))
                }
            }
        }

        // MARK: - ingress_class, load_balancing

        @Test func `I13 ingress_class: that of nobody is served by nobody`() throws {
            let scene = try Stage.scene
            var stranger = ingress("stranger", [.init("stranger.test", [.prefix("/", .to("a"))])])
            stranger.className = "some-invalid-class-name"
            try scene.with("stranger", [stranger]) {
                try expectRoutes(scene, ["http://stranger.test/": "404"])
                #expect(try !scene.page("/ingress/routes").text.contains("stranger.test"))
            }
        }

        @Test func `I14 load_balancing: a hundred requests meet all of ten pods`() throws {
            let scene = try Stage.scene
            let pods = (1...10).map { "echo-\($0)" }
            let objects: [any Manifest] =
                try scene.service("echo", on: pods) + [
                    ingress("load-balancing", [.init("load-balancing", [.prefix("/", .to("echo"))])])
                ]
            try scene.with("load-balancing", objects) {
                let answers = try (0..<100).map { _ in try scene.fetch("http://load-balancing/") }
                #expect(answers.allSatisfy { $0.status == 200 })
                #expect(Set(answers.compactMap(\.backend)) == Set(pods))
            }
        }

        // MARK: - path_rules

        private static let pathRules: [(paths: [IngressManifest.Path], scenarios: [Scenario])] = [
            (
                [.exact("/foo", .to("foo-exact"))],
                [
                    Scenario("I15", "http://exact-path-rules/foo", "foo-exact"),
                    Scenario("I16", "http://exact-path-rules/foo/", "404"),
                    Scenario("I17", "http://exact-path-rules/FOO", "404"),
                    Scenario("I18", "http://exact-path-rules/bar", "404"),
                ]
            ),
            (
                [.prefix("/foo", .to("foo-prefix"))],
                [
                    Scenario("I19", "http://prefix-path-rules/foo", "foo-prefix"),
                    Scenario("I20", "http://prefix-path-rules/foo/", "foo-prefix"),
                    Scenario("I21", "http://prefix-path-rules/FOO", "404"),
                ]
            ),
            (
                [.prefix("/aaa/bbb", .to("aaa-slash-bbb-prefix")), .prefix("/aaa", .to("aaa-prefix"))],
                [
                    Scenario("I22", "http://prefix-path-rules/aaa/bbb", "aaa-slash-bbb-prefix"),
                    Scenario("I23", "http://prefix-path-rules/aaa/bbb/ccc", "aaa-slash-bbb-prefix"),
                    Scenario("I24", "http://prefix-path-rules/aaa/ccc", "aaa-prefix"),
                    Scenario("I25", "http://prefix-path-rules/aaaccc", "404"),
                ]
            ),
            (
                [.prefix("/foo", .to("foo-prefix"))],
                [Scenario("I26", "http://prefix-path-rules/foo/", "foo-prefix")]
            ),
            (
                [.prefix("/foo", .to("foo-prefix")), .exact("/foo", .to("foo-exact"))],
                [Scenario("I27", "http://mixed-path-rules/foo", "foo-exact")]
            ),
            (
                [
                    .prefix("/aaa/bbb/", .to("aaa-slash-bbb-slash-prefix")),
                    .exact("/foo/", .to("foo-slash-exact")),
                ],
                [
                    Scenario("I28", "http://trailing-slash-path-rules/aaa/bbb", "aaa-slash-bbb-slash-prefix"),
                    Scenario("I29", "http://trailing-slash-path-rules/aaa/bbb/", "aaa-slash-bbb-slash-prefix"),
                    Scenario("I30", "http://trailing-slash-path-rules/foo", "404"),
                ]
            ),
        ]

        @Test(arguments: Self.pathRules.indices)
        func `I15 to I30 path_rules`(index: Int) throws {
            let scene = try Stage.scene
            let (paths, scenarios) = Self.pathRules[index]
            let names = [
                "foo-exact", "foo-prefix", "aaa-slash-bbb-prefix", "aaa-prefix", "aaa-slash-bbb-slash-prefix",
                "foo-slash-exact",
            ]
            let services = try names.flatMap { try scene.service($0) }
            let host = try #require(scenarios.first?.url.split(separator: "/").dropFirst().first.map(String.init))
            try scene.with("path-rules", services + [ingress("path-rules", [.init(host, paths)])]) {
                for scenario in scenarios { try Self.play(scenario, on: scene) }
            }
        }
    }
}
