import ClusterState
import HTTPProxy
import IngressControl
import KubernetesAPI
import Lab
import Networking
import Observability
import Routing
import TLS
import TestSupport
import Testing

/// From files, or from a queue, to snapshots.
@Suite struct IngressLoopTests {
    private static let shop = ObjectName(namespace: "default", name: "web")

    // MARK: - The beginning

    @Test func `nothing is published before everything has been listed`() async throws {
        try await Ingresses.with(isByHand: true) { ingresses in
            ingresses.queue.submit([
                ObjectChange(
                    key: ObjectKey(kind: .ingress, name: Self.shop),
                    object: .ingress(Ingress(metadata: ObjectMeta(name: Self.shop), ingressClassName: "fairlead")))
            ])
            // What was submitted first has been taken when this has been.
            try await Task.sleep(for: .milliseconds(200))
            #expect(ingresses.snapshots.isEmpty)
            #expect(ingresses.board.state == nil)
            #expect(ingresses.news.isEmpty)
            ingresses.queue.markSynced()
            try await ingresses.snapshot("the first snapshot")
            #expect(ingresses.snapshots.count == 1)
            try await eventually("it is shown") { ingresses.board.state?.generation == 1 }
        }
    }

    @Test func `an empty source is a snapshot too`() async throws {
        try await Ingresses.with(prepare: { _ in }) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            #expect(snapshot.plan.routes.count == 0)
            #expect(snapshot.route("shop.example") == nil)
            #expect(snapshot.certificate("shop.example") == Certificate.defaultNames)
            try await eventually("the news") { ingresses.news == [IngressNews(served: [])] }
        }
    }

    @Test func `without TLS there is none`() async throws {
        try await Ingresses.with(IngressControlConfiguration(tls: nil)) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            #expect(snapshot.tls == nil)
            #expect(snapshot.route("shop.example")?.ingress == Self.shop)
            try await eventually("it is shown") { ingresses.board.state?.certificates == [] }
        }
    }

    // MARK: - Changes

    @Test func `an endpoint comes, goes, and nothing else is said to have changed`() async throws {
        try await Ingresses.with { ingresses in
            let first = try await ingresses.snapshot("the first endpoint") {
                $0.endpoints("web") == ["10.244.0.1:8080"]
            }
            #expect(first.route("shop.example", "/cart")?.backend?.description == "default/web:http")
            try ingresses.folder.write(
                "base.yaml",
                Site.join(
                    Site.fairleadClass, Site.ingress("web", host: "shop.example", secret: "shop"),
                    Site.service("web"), Site.slice("web", "10.244.0.1", "10.244.0.2")))
            let second = try await ingresses.snapshot("a second endpoint") { $0.endpoints("web").count == 2 }
            #expect(second.plan.changes.backends.count == 1)
            #expect(!second.plan.changes.routes && !second.plan.changes.certificates)
            // What has not changed is the same.
            #expect(second.plan.routes.revision == first.plan.routes.revision)
            #expect(second.tls === first.tls)
        }
    }

    @Test func `every plan that changes something is published, in order`() async throws {
        try await Ingresses.with { ingresses in
            try await ingresses.snapshot("the first")
            for number in 2...20 {
                try ingresses.folder.write(
                    "more.yaml", Site.ingress("more", host: "host-\(number).example"))
                try await ingresses.snapshot("host \(number)") { $0.route("host-\(number).example") != nil }
            }
            // Each says what it changes of the one before; one that were left out would be missing for ever.
            try await eventually("it is shown") {
                ingresses.board.state?.generation == UInt64(ingresses.snapshots.count)
            }
            #expect(ingresses.snapshots.last?.route("host-19.example") == nil)
        }
    }

    @Test func `what is nobody's business is not published`() async throws {
        try await Ingresses.with { ingresses in
            try await ingresses.snapshot("the first")
            let before = ingresses.snapshots.count
            try ingresses.folder.write("other.yaml", Site.service("unrelated"))
            try ingresses.folder.write("more.yaml", Site.ingress("more", host: "more.example"))
            try await ingresses.snapshot("what came after it") { $0.route("more.example") != nil }
            #expect(ingresses.snapshots.count == before + 1)
        }
    }

    // MARK: - Certificates

    @Test func `a Secret comes, is renewed, breaks, and goes`() async throws {
        try await Ingresses.with { ingresses in
            try await ingresses.snapshot("the default certificate") {
                $0.certificate("shop.example") == Certificate.defaultNames
            }
            try await eventually("the problem") { ingresses.problems.map(\.code) == [.certificateMissing] }

            try ingresses.folder.write("secret.yaml", Site.secret("shop", .shop))
            let first = try await ingresses.snapshot("its own certificate") {
                $0.certificate("shop.example") == ["shop.example", "*.shop.example"]
            }
            let certificate = try #require(first.tls?.hosts.certificate(for: "shop.example"))
            #expect(first.certificate("unknown.example") == Certificate.defaultNames)

            try ingresses.folder.write("secret.yaml", Site.secret("shop", .shopRenewed))
            let renewed = try await ingresses.snapshot("the renewed certificate") {
                $0.tls?.hosts.certificate(for: "shop.example").facts.fingerprint != certificate.facts.fingerprint
            }
            #expect(renewed.certificate("shop.example") == ["shop.example", "*.shop.example"])
            // What the plan says of names is the same: the certificate itself is what is new.
            #expect(renewed.plan.certificates.hosts == first.plan.certificates.hosts)

            try ingresses.folder.write("secret.yaml", Site.secret("shop", .blog))
            try await ingresses.snapshot("one that does not cover the host") {
                $0.certificate("shop.example") == Certificate.defaultNames
            }
            try await eventually("the problem") { ingresses.problems.last?.code == .certificateNotCovering }

            try ingresses.folder.remove("secret.yaml")
            try await eventually("it is missing again") {
                ingresses.board.state?.plan.problems.map(\.code) == [.certificateMissing]
            }
        }
    }

    @Test func `the default certificate may be a Secret, which is read though no Ingress leads to it`() async throws {
        var planner = IngressPlannerOptions()
        planner.defaultCertificate = ObjectName(namespace: "default", name: "standard")
        try await Ingresses.with(IngressControlConfiguration(planner: planner)) { ingresses in
            try await ingresses.snapshot("a generated certificate") {
                $0.certificate("any.example") == Certificate.defaultNames
            }
            try ingresses.folder.write("standard.yaml", Site.secret("standard", .blog))
            try await ingresses.snapshot("that of the Secret") { $0.certificate("any.example") == ["blog.example"] }
            try await eventually("it is shown") {
                ingresses.board.state?.certificates.contains { $0.secret?.name == "standard" && $0.isDefault } ?? false
            }
            let states = try #require(ingresses.board.state?.certificates)
            // The generated one is not shown to anybody.
            #expect(!states.contains { $0.secret == nil })
        }
    }

    @Test func `an Ingress that comes with its Secret has its certificate in the first snapshot`() async throws {
        try await Ingresses.with(prepare: { folder in
            try folder.write("a.yaml", Site.base)
            try folder.write("b.yaml", Site.secret("shop", .shop))
        }) { ingresses in
            try await eventually("a snapshot") { ingresses.board.state != nil }
            #expect(ingresses.snapshots.first?.certificate("shop.example") == ["shop.example", "*.shop.example"])
            #expect(ingresses.problems.isEmpty)
        }
    }

    @Test func `hosts with client certificates have their policy, by the plan's number`() async throws {
        try await Ingresses.with(prepare: { folder in
            try folder.write(
                "a.yaml",
                Site.join(
                    Site.fairleadClass,
                    Site.ingress(
                        "web", host: "shop.example", secret: "shop",
                        annotations: "fairlead.dev/auth-tls-secret: default/shop"),
                    Site.service("web"), Site.slice("web", "10.244.0.1")))
            try folder.write("b.yaml", Site.secret("shop", .shop, authority: .blog))
        }) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            let number = try #require(snapshot.plan.certificates.hosts["shop.example"]?.clientAuthentication)
            #expect(number >= 0)
            let first = try #require(snapshot.clientPolicies[number])
            // Other authorities are another policy, under the same number.
            try ingresses.folder.write("b.yaml", Site.secret("shop", .shop, authority: .shop))
            try await ingresses.snapshot("another policy") { $0.clientPolicies[number].map { $0 != first } ?? false }
            // Without any the host is refused, and nobody is let in by mistake.
            try ingresses.folder.write("b.yaml", Site.secret("shop", .shop))
            let last = try await ingresses.snapshot("no policy") { $0.clientPolicies.isEmpty }
            let match = last.plan.routes.match(host: Array("shop.example".utf8).span, path: Array("/".utf8).span)
            #expect(last.plan.routes.target(of: match.route).refusal == .noClientAuthority)
        }
    }

    @Test func `a certificate that has expired is served, shown as such, and warned of once`() async throws {
        try await Ingresses.with(prepare: { folder in
            try folder.write("a.yaml", Site.base)
            try folder.write("b.yaml", Site.secret("shop", .expired))
        }) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            #expect(snapshot.certificate("shop.example") == ["shop.example"])
            try await eventually("it is shown") { ingresses.board.state != nil }
            let state = try #require(ingresses.board.state?.certificates.first)
            #expect(state.standing == .expired)
            #expect(state.hosts == ["shop.example"])
            try ingresses.folder.write("more.yaml", Site.ingress("more", host: "more.example"))
            try await ingresses.snapshot("another snapshot") { $0.route("more.example") != nil }
            try await eventually("it is shown") { ingresses.board.state?.generation == 2 }
            let lines = ingresses.log.lines(with: "a certificate has expired")
            #expect(lines.count == 1)
            #expect(lines.first?.contains("secret=default/shop") == true)
            #expect(lines.first?.contains("not_after=2021-01-01T00:00:00Z") == true)
            let text = ingresses.registry.text()
            #expect(text.contains("fairlead_ingress_certificates{state=\"expired\"} 1\n"))
            #expect(text.contains("fairlead_ingress_certificate_soonest_expiry_timestamp_seconds 1609459200\n"))
        }
    }

    // MARK: - What is said

    @Test func `a problem is said once, and again when it is gone`() async throws {
        try await Ingresses.with { ingresses in
            try await ingresses.snapshot("a snapshot")
            for number in 1...3 {
                try ingresses.folder.write("more.yaml", Site.ingress("more", host: "host-\(number).example"))
                try await ingresses.snapshot("host \(number)") { $0.route("host-\(number).example") != nil }
            }
            let lines = ingresses.log.lines(with: "there is no Secret default/shop")
            #expect(lines.count == 1)
            #expect(lines.first?.contains("object=Ingress default/web") == true)
            #expect(lines.first?.contains("reason=CertificateMissing") == true)
            try ingresses.folder.write("secret.yaml", Site.secret("shop", .shop))
            try await eventually("it is gone") { !ingresses.log.lines(with: "no longer a problem").isEmpty }
            #expect(ingresses.registry.text().contains("fairlead_ingress_problems{reason=\"CertificateMissing\"} 0\n"))
        }
    }

    @Test func `one that loses its class is told as released`() async throws {
        try await Ingresses.with { ingresses in
            try await eventually("the news") { ingresses.news.last?.served.map(\.name) == [Self.shop] }
            try ingresses.folder.write(
                "base.yaml",
                Site.join(
                    Site.fairleadClass, Site.ingress("web", host: "shop.example", className: "other"),
                    Site.service("web"), Site.slice("web", "10.244.0.1")))
            try await ingresses.snapshot("no route") { $0.route("shop.example") == nil }
            try await eventually("the news") { ingresses.news.last?.released.map(\.name) == [Self.shop] }
            #expect(ingresses.news.last?.served == [])
        }
    }

    @Test func `the Service to publish is told of as it changes`() async throws {
        let name = ObjectName(namespace: "default", name: "front")
        try await Ingresses.with(publishService: name) { ingresses in
            try await eventually("the news") { !ingresses.news.isEmpty }
            #expect(ingresses.news.last?.service == nil)
            try ingresses.folder.write("front.yaml", Site.service("front"))
            try await eventually("it is told") { ingresses.news.last?.service?.metadata.name == name }
            #expect(ingresses.news.last?.served.map(\.name) == [Self.shop])
            try ingresses.folder.remove("front.yaml")
            try await eventually("that it is gone too") { ingresses.news.last?.service == nil }
        }
    }
}
