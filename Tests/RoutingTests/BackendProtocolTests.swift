import KubernetesAPI
import Networking
import Routing
import Testing

/// What is spoken with endpoints, and whether they are verified.
@Suite struct BackendProtocolTests {
    private static func cluster(
        appProtocol: String? = nil, _ annotations: [String: String] = [:], created: Int64? = nil
    ) -> Cluster {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: appProtocol)]),
            Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]), Self.ingress("web", annotations, created: created))
        return cluster
    }

    private static func ingress(
        _ name: String, host: String = "a.example", _ annotations: [String: String] = [:], created: Int64? = nil
    ) -> KubernetesObject {
        Make.ingress(
            name, created: created, annotations: annotations,
            [IngressRule(host: host, paths: [Make.path("/", "s")])])
    }

    // MARK: - Which protocol

    /// KEP-3726, and names of IANA's.
    @Test(
        arguments: [
            (nil, BackendProtocol.http1), ("http", .http1), ("HTTP", .http1), ("https", .https), ("HTTPS", .https),
            ("grpc", .h2c), ("kubernetes.io/h2c", .h2c), ("kubernetes.io/ws", .http1),
            ("kubernetes.io/wss", .http1OverTLS),
        ] as [(String?, BackendProtocol)])
    func appProtocols(text: String?, expected: BackendProtocol) {
        var cluster = Self.cluster(appProtocol: text)
        #expect(cluster.backend("a.example")?.protocol == expected)
        #expect((cluster.backend("a.example")?.tls != nil) == expected.usesTLS)
        #expect(cluster.problems() == [])
    }

    /// HTTP is a guess, and it is said that it is one.
    @Test(arguments: ["tcp", "redis", "kubernetes.io/h3", "Kubernetes.io/h2c", "example.com/rpc", "h2c"])
    func unknownAppProtocols(text: String) {
        var cluster = Self.cluster(appProtocol: text)
        let plan = cluster.planner.plan()
        #expect(cluster.backend("a.example")?.protocol == .http1)
        #expect(plan.problems.map(\.code) == [.unknownAppProtocol])
        #expect(plan.problems.map(\.severity) == [.note])
        #expect(plan.problems.first?.message.contains("\"\(text)\"") == true)
        #expect(Cluster.answer(plan, "a.example", "/") == "s")
        // Who says what it is is not told.
        var told = Self.cluster(appProtocol: text, ["backend-protocol": "GRPC"])
        #expect(told.backend("a.example")?.protocol == .h2c)
        #expect(told.problems() == [])
    }

    /// ingress-nginx's values, in any case.
    @Test(
        arguments: [
            ("HTTP", BackendProtocol.http1), ("HTTPS", .https), ("GRPC", .h2c), ("GRPCS", .h2OverTLS), ("H2C", .h2c),
            ("https", .https), ("Grpcs", .h2OverTLS),
        ])
    func theAnnotationGoesFirst(text: String, expected: BackendProtocol) {
        for appProtocol in [nil, "kubernetes.io/h2c", "https", "nonsense"] {
            var cluster = Self.cluster(appProtocol: appProtocol, ["backend-protocol": text])
            #expect(cluster.backend("a.example")?.protocol == expected)
            #expect(cluster.problems() == [])
        }
    }

    @Test(arguments: ["FCGI", "AUTO_HTTP", "AJP", "", "HTTP/2", "HTTPS "])
    func whatCannotBeSpokenCountsAsAbsent(text: String) {
        var cluster = Self.cluster(appProtocol: "kubernetes.io/h2c", ["backend-protocol": text])
        #expect(cluster.backend("a.example")?.protocol == .h2c)
        #expect(cluster.problems() == ["InvalidAnnotation web"])
    }

    @Test func theOldestDecides() {
        var cluster = Self.cluster(["backend-protocol": "GRPC"], created: 2)
        cluster.add(
            Self.ingress("younger", host: "b.example", ["backend-protocol": "HTTPS"], created: 3),
            Self.ingress("same", host: "c.example", ["backend-protocol": "GRPC"], created: 4),
            // Says nothing of it, though it is older.
            Self.ingress("silent", host: "d.example", created: 1))
        for host in ["a", "b", "c", "d"] { #expect(cluster.backend("\(host).example")?.protocol == .h2c) }
        #expect(cluster.problems() == ["SettingConflict younger"])
        cluster.remove(.ingress, Make.name("web"))
        #expect(cluster.backend("c.example")?.protocol == .https)
        #expect(cluster.problems() == ["SettingConflict same"])
    }

    @Test func theDefaultBackendGoesByItsService() {
        var options = IngressPlannerOptions()
        options.defaultBackend = BackendID(service: Make.name("s"), port: nil)
        var cluster = Cluster(options)
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: "kubernetes.io/h2c")]),
            Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]))
        #expect(cluster.backend("any.example")?.protocol == .h2c)
    }

    /// A change is one of the backend, not of the routes.
    @Test func aChangeIsABackends() {
        var cluster = Self.cluster()
        let before = cluster.planner.plan()
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: "kubernetes.io/h2c")]))
        let after = cluster.planner.plan()
        #expect(after.routes.revision == before.routes.revision)
        #expect(after.changes.backends.count == 1)
        #expect(cluster.backend("a.example")?.protocol == .h2c)
    }
}

/// `proxy-ssl-*`.
@Suite struct BackendTLSTests {
    private static func cluster(
        _ annotations: [String: String], facts: CertificateFacts? = nil, appProtocol: String? = "https"
    ) -> Cluster {
        var cluster = Cluster()
        cluster.add(
            Make.service("s", ports: [ServicePort(name: "http", port: 80, appProtocol: appProtocol)]),
            Make.slice("s", of: "s", [Make.endpoint("10.0.0.1")]), Self.ingress("web", annotations))
        if let facts { cluster.planner.apply(facts) }
        return cluster
    }

    private static func ingress(
        _ name: String, host: String = "a.example", _ annotations: [String: String], created: Int64? = nil
    ) -> KubernetesObject {
        Make.ingress(
            name, created: created, annotations: annotations,
            [IngressRule(host: host, paths: [Make.path("/", "s")])])
    }

    /// Authorities alone, as of cert-manager's trust bundles.
    private static let bundle = CertificateFacts(
        secret: Make.name("ca"), problem: "it has no tls.crt", holdsCertificate: false, version: 7)
    private static let pair = CertificateFacts(secret: Make.name("ca"), version: 8)

    @Test func nothingIsVerifiedUnlessAsked() {
        var cluster = Self.cluster([:])
        #expect(cluster.backend("a.example")?.tls == BackendTLS())
        #expect(cluster.problems() == [])
    }

    /// By the name of its Service, unless another is given.
    @Test(
        arguments: [
            ([:], nil, nil), (["proxy-ssl-verify": "on"], "s.default.svc", nil),
            (["proxy-ssl-verify": "on", "proxy-ssl-name": "Back.Example"], "back.example", nil),
            (["proxy-ssl-verify": "on", "proxy-ssl-name": "10.0.0.1"], "10.0.0.1", nil),
            (["proxy-ssl-server-name": "on"], nil, "s.default.svc"),
            (["proxy-ssl-server-name": "on", "proxy-ssl-name": "b.example"], nil, "b.example"),
            (["proxy-ssl-name": "b.example"], nil, nil), (["proxy-ssl-server-name": "off"], nil, nil),
            (["proxy-ssl-verify": "off", "proxy-ssl-server-name": "on"], nil, "s.default.svc"),
        ] as [([String: String], String?, String?)])
    func names(annotations: [String: String], verified: String?, asked: String?) {
        var cluster = Self.cluster(
            annotations.merging(["proxy-ssl-secret": "default/ca"]) { $1 }, facts: Self.pair)
        let tls = cluster.backend("a.example")?.tls
        #expect(tls?.verification?.name == verified)
        #expect(tls?.serverName == asked)
        #expect(cluster.problems() == [])
    }

    @Test func theSecretSaysWhoIsVerifiedAndWhatIsShown() {
        for (facts, shows) in [(Self.bundle, false), (Self.pair, true)] {
            var cluster = Self.cluster(
                ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on", "proxy-ssl-verify-depth": "3"], facts: facts)
            #expect(
                cluster.backend("a.example")?.tls
                    == BackendTLS(
                        secret: Make.name("ca"), secretVersion: facts.version, showsCertificate: shows,
                        verification: BackendTLS.Verification(name: "s.default.svc", depth: 3)))
            #expect(cluster.answer("a.example", "/") == "s")
            #expect(cluster.problems() == [])
            #expect(cluster.planner.referencedSecrets == [Make.name("ca")])
        }
    }

    struct Row: Sendable {
        let annotations: [String: String]
        var facts: CertificateFacts?
        let problem: String
        /// Whether requests are answered still.
        var isServed = false
    }

    /// Nobody gets what is for somebody who was to be verified.
    @Test(arguments: [
        Row(annotations: ["proxy-ssl-verify": "on"], problem: "BackendSecretMissing web"),
        Row(annotations: ["proxy-ssl-secret": "ca"], problem: "BackendSecretMissing web"),
        Row(
            annotations: ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on"],
            facts: CertificateFacts(secret: Make.name("ca"), authorityProblem: "it has no ca.crt"),
            problem: "BackendSecretInvalid web"),
        // Without verification its ca.crt does not matter.
        Row(
            annotations: ["proxy-ssl-secret": "ca"],
            facts: CertificateFacts(secret: Make.name("ca"), authorityProblem: "it has no ca.crt"), problem: "",
            isServed: true),
        // A certificate that cannot be shown.
        Row(
            annotations: ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on"],
            facts: CertificateFacts(secret: Make.name("ca"), problem: "not the key"),
            problem: "BackendSecretInvalid web"),
        Row(
            annotations: ["proxy-ssl-secret": "ca"],
            facts: CertificateFacts(
                secret: Make.name("ca"), problem: "it has no tls.crt", authorityProblem: "it has no ca.crt",
                holdsCertificate: false),
            problem: "BackendSecretInvalid web", isServed: true),
    ])
    func secretsThatDoNotDo(row: Row) {
        var cluster = Self.cluster(row.annotations, facts: row.facts)
        #expect(cluster.answer("a.example", "/") == (row.isServed ? "s" : "503 backend-secret-unusable"))
        #expect(cluster.problems() == (row.problem.isEmpty ? [] : [row.problem]))
        #expect(cluster.backend("a.example")?.endpoints.isEmpty == !row.isServed)
    }

    @Test(arguments: ["other/ca", "", "default/", "a/b/c"])
    func aSecretOfAnotherNamespace(text: String) {
        var cluster = Self.cluster(["proxy-ssl-secret": text])
        #expect(cluster.answer("a.example", "/") == "503 backend-secret-unusable")
        #expect(cluster.problems() == ["BackendSecretMissing web", "InvalidAnnotation web"])
    }

    /// What cannot be read counts as absent, but for whether to verify.
    @Test func valuesThatCannotBeRead() {
        for (name, value) in [
            ("proxy-ssl-verify-depth", "deep"), ("proxy-ssl-name", "$host"), ("proxy-ssl-name", "*.example"),
            ("proxy-ssl-server-name", "true"),
        ] {
            var cluster = Self.cluster(["proxy-ssl-secret": "ca", name: value], facts: Self.pair)
            #expect(
                cluster.backend("a.example")?.tls
                    == BackendTLS(secret: Make.name("ca"), secretVersion: 8, showsCertificate: true))
            #expect(cluster.problems() == ["InvalidAnnotation web"])
        }
        var cluster = Self.cluster(["proxy-ssl-secret": "ca", "proxy-ssl-verify": "true"], facts: Self.pair)
        #expect(cluster.backend("a.example")?.tls?.verification?.name == "s.default.svc")
        #expect(cluster.problems() == ["InvalidAnnotation web"])
    }

    /// A Secret that comes, changes, breaks and goes: the backend is another one each time, its routes are not.
    @Test func theSecretChanges() {
        var cluster = Self.cluster(["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on"])
        var revision: UInt64 = 0
        func look() -> (answer: String, version: UInt64?, isAnother: Bool) {
            let answer = cluster.answer("a.example", "/")
            let backend = cluster.backend("a.example")
            defer { revision = backend?.revision ?? 0 }
            return (answer, backend?.tls?.secretVersion, backend?.revision != revision)
        }
        #expect(look() == ("503 backend-secret-unusable", 0, true))
        cluster.planner.apply(Self.bundle)
        #expect(look() == ("s", 7, true))
        cluster.planner.apply(Self.bundle)
        #expect(look() == ("s", 7, false))
        var renewed = Self.bundle
        renewed.version = 9
        cluster.planner.apply(renewed)
        let changes = cluster.planner.plan().changes.backends.count
        #expect(changes == 1)
        #expect(look() == ("s", 9, true))
        renewed.authorityProblem = "bad"
        cluster.planner.apply(renewed)
        #expect(look() == ("503 backend-secret-unusable", 9, true))
        renewed.authorityProblem = nil
        cluster.planner.apply(renewed)
        #expect(look().answer == "s")
        cluster.planner.removeFacts(of: Make.name("ca"))
        #expect(look() == ("503 backend-secret-unusable", 0, true))
        #expect(cluster.problems() == ["BackendSecretMissing web"])
    }

    /// All of `proxy-ssl-*` is one setting, and the oldest Ingress's that says anything of it.
    @Test func theOldestDecides() {
        var cluster = Self.cluster([:], facts: Self.pair)
        cluster.add(
            Self.ingress("old", ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on"], created: 1),
            Self.ingress("young", host: "b.example", ["proxy-ssl-name": "c.example"], created: 2))
        let tls = cluster.backend("b.example")?.tls
        #expect(tls?.verification?.name == "s.default.svc")
        #expect(tls?.secret == Make.name("ca"))
        #expect(cluster.problems().contains("SettingConflict young"))
    }

    /// Who asks for verification and gets plain text is told.
    @Test func plainBackendsAreNotVerified() {
        var cluster = Self.cluster(
            ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on"], facts: Self.pair, appProtocol: nil)
        #expect(cluster.backend("a.example")?.tls == nil)
        #expect(cluster.answer("a.example", "/") == "s")
        let problems = cluster.planner.plan().problems
        #expect(problems.map(\.code) == [.annotationWithoutEffect])
        #expect(problems.map(\.severity) == [.note])
    }

    @Test func anExternalNameIsVerifiedByItself() {
        var options = IngressPlannerOptions()
        options.allowsExternalNames = true
        var cluster = Cluster(options)
        cluster.add(
            Make.service(
                "s", type: .externalName, clusterIPs: [],
                ports: [ServicePort(name: "https", port: 80, appProtocol: "https")], externalName: "api.example.org"),
            Self.ingress("web", ["proxy-ssl-secret": "ca", "proxy-ssl-verify": "on", "proxy-ssl-server-name": "on"]))
        cluster.planner.apply(Self.bundle)
        let backend = cluster.backend("a.example")
        #expect(backend?.tls?.verification?.name == "api.example.org")
        #expect(backend?.tls?.serverName == "api.example.org")
        #expect(backend?.external?.name == "api.example.org")
    }
}
