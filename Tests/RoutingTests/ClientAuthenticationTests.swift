import KubernetesAPI
import Routing
import Testing

/// Client certificates: for whole hosts, and never less strict than asked for.
@Suite struct ClientAuthenticationTests {
    private static func ingress(
        _ name: String, host: String, annotations: [String: String], tls: [IngressTLS] = []
    ) -> KubernetesObject {
        Make.ingress(name, annotations: annotations, tls: tls, [IngressRule(host: host, paths: [Make.path("/", "s")])])
    }

    private static func cluster(_ annotations: [String: String], host: String = "a.example") -> Cluster {
        var cluster = Cluster()
        cluster.addServices("s")
        cluster.planner.apply(CertificateFacts(secret: Make.name("ca")))
        cluster.add(Self.ingress("web", host: host, annotations: annotations))
        return cluster
    }

    @Test(arguments: [
        ([String: String](), ClientAuthentication.Mode?.none, 1),
        (["auth-tls-secret": "ca"], .required, 1), (["auth-tls-secret": "default/ca"], .required, 1),
        (["auth-tls-secret": "ca", "auth-tls-verify-client": "on"], .required, 1),
        (["auth-tls-secret": "ca", "auth-tls-verify-client": "optional", "auth-tls-verify-depth": "3"], .optional, 3),
        (["auth-tls-secret": "ca", "auth-tls-verify-client": "off"], nil, 1),
        (["auth-tls-verify-client": "off"], nil, 1),
    ])
    func modes(annotations: [String: String], mode: ClientAuthentication.Mode?, depth: Int) {
        var cluster = Self.cluster(annotations)
        let plan = cluster.planner.plan()
        let settings = cluster.settings("a.example")
        let number = plan.certificates.certificate(for: "a.example").clientAuthentication
        #expect(settings?.clientAuthentication == number)
        #expect(settings?.demandsClientCertificate == (mode == .required))
        #expect(
            plan.certificates.clientAuthentications[number]
                == mode.map { ClientAuthentication(secret: Make.name("ca"), mode: $0, depth: depth) })
        #expect(cluster.answer("a.example", "/") == "s")
        #expect(plan.problems.isEmpty)
    }

    /// Whoever asks for certificates and says it badly does not stand open.
    @Test(arguments: [
        (["auth-tls-secret": "other/ca"], true), (["auth-tls-secret": ""], true),
        (["auth-tls-secret": "missing"], true),
        (["auth-tls-secret": "ca", "auth-tls-verify-client": "perhaps"], false),
        (["auth-tls-secret": "ca", "auth-tls-verify-depth": "-1"], false),
    ])
    func badOnesAreStrict(annotations: [String: String], isRefused: Bool) {
        var cluster = Self.cluster(annotations)
        #expect(cluster.settings("a.example")?.demandsClientCertificate == true)
        #expect(cluster.answer("a.example", "/") == (isRefused ? "503 noClientAuthority" : "s"))
        #expect(!cluster.planner.plan().problems.isEmpty)
    }

    @Test func anAuthorityComesAndGoes() {
        var cluster = Self.cluster(["auth-tls-secret": "late"])
        #expect(cluster.answer("a.example", "/") == "503 noClientAuthority")
        #expect(cluster.problems() == ["ClientAuthorityMissing web"])
        let before = cluster.settings("a.example")?.clientAuthentication
        cluster.planner.apply(CertificateFacts(secret: Make.name("late"), authorityProblem: "has no ca.crt"))
        #expect(cluster.problems() == ["ClientAuthorityInvalid web"])
        cluster.planner.apply(CertificateFacts(secret: Make.name("late"), problem: "has no tls.crt"))
        #expect(cluster.answer("a.example", "/") == "s")
        #expect(cluster.problems() == [])
        #expect(cluster.settings("a.example")?.clientAuthentication != before)
        cluster.planner.removeFacts(of: Make.name("late"))
        #expect(cluster.answer("a.example", "/") == "503 noClientAuthority")
    }

    /// SNI of one host and Host of another: their numbers differ, which is what 421 is for.
    @Test func hostsAreToldApart() {
        var cluster = Self.cluster(["auth-tls-secret": "ca"])
        cluster.planner.apply(CertificateFacts(secret: Make.name("ca2")))
        cluster.add(
            Self.ingress("open", host: "b.example", annotations: [:], tls: [IngressTLS(hosts: ["b.example"])]),
            Self.ingress("two", host: "c.example", annotations: ["auth-tls-secret": "ca2"]))
        let plan = cluster.planner.plan()
        func sni(_ name: String) -> Int32 { plan.certificates.certificate(for: name).clientAuthentication }
        func host(_ name: String) -> Int32? { cluster.settings(name)?.clientAuthentication }
        #expect(sni("b.example") == -1 && host("b.example") == -1)
        #expect(sni("a.example") == host("a.example") && sni("c.example") == host("c.example"))
        #expect(Set([sni("a.example"), sni("b.example"), sni("c.example")]).count == 3)
        #expect(sni("unknown.example") == -1)
    }

    @Test func numbersAreNeverUsedAgain() {
        var cluster = Self.cluster(["auth-tls-secret": "ca"])
        let first = cluster.settings("a.example")?.clientAuthentication
        cluster.add(Self.ingress("web", host: "a.example", annotations: [:]))
        #expect(cluster.settings("a.example")?.clientAuthentication == -1)
        #expect(cluster.planner.plan().certificates.clientAuthentications.isEmpty)
        cluster.add(Self.ingress("web", host: "a.example", annotations: ["auth-tls-secret": "ca"]))
        #expect(cluster.settings("a.example")?.clientAuthentication != first)
    }

    /// A wildcard asks for certificates, a name below it does not, and the other way round.
    @Test(arguments: [true, false])
    func wildcardsAndNamesBelow(wildcardAsks: Bool) {
        var cluster = Cluster()
        cluster.addServices("s")
        for secret in ["ca", "cert"] {
            cluster.planner.apply(CertificateFacts(secret: Make.name(secret), names: ["*.foo.com"]))
        }
        let tls = [IngressTLS(hosts: ["*.foo.com"], secretName: "cert")]
        let asks = ["auth-tls-secret": "ca"]
        cluster.add(
            Self.ingress("wild", host: "*.foo.com", annotations: wildcardAsks ? asks : [:], tls: tls),
            Self.ingress("name", host: "a.foo.com", annotations: wildcardAsks ? [:] : asks))
        let certificates = cluster.planner.plan().certificates
        for name in ["a.foo.com", "b.foo.com"] {
            let entry = certificates.certificate(for: name)
            #expect(entry.secret == Make.name("cert"))
            #expect(entry.clientAuthentication == cluster.settings(name)?.clientAuthentication)
            #expect((entry.clientAuthentication >= 0) == (wildcardAsks == (name == "b.foo.com")))
        }
    }

    /// The default for all hosts may be reached under any name: its demand goes with it.
    @Test func theDefaultForAllHostsKeepsItsDemand() {
        var cluster = Cluster()
        cluster.addServices("s", "secure")
        cluster.planner.apply(CertificateFacts(secret: Make.name("ca")))
        cluster.add(
            Make.ingress("all", annotations: ["auth-tls-secret": "ca"], default: Make.to("secure")),
            Self.ingress("open", host: "b.example", annotations: [:]))
        #expect(cluster.settings("b.example")?.demandsClientCertificate == false)
        cluster.add(
            Make.ingress("open", [IngressRule(host: "b.example", paths: [Make.path("/only", "s")])]))
        #expect(cluster.answer("b.example", "/x") == "secure")
        #expect(cluster.settings("b.example", "/x")?.demandsClientCertificate == true)
        #expect(cluster.settings("b.example", "/only")?.demandsClientCertificate == false)
        let number = cluster.planner.plan().certificates.certificate(for: "unknown").clientAuthentication
        #expect(number >= 0 && cluster.settings("b.example", "/x")?.clientAuthentication == number)
    }
}
