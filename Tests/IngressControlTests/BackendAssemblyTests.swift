import HTTPProxy
import IngressControl
import KubernetesAPI
import Lab
import Routing
import TLS
import Testing

/// How backends that speak TLS are connected to, from manifests to what workers are handed.
@Suite struct BackendAssemblyTests {
    private static func site(_ annotations: String, appProtocol: String = "http") -> String {
        Site.join(
            Site.fairleadClass, Site.ingress("web", host: "shop.example", annotations: annotations),
            Site.service("web", appProtocol: appProtocol), Site.slice("web", "10.244.0.1"))
    }

    @Test(
        arguments: [
            ("", "http", nil, nil), ("fairlead.dev/backend-protocol: GRPC", "http", nil, nil),
            ("", "kubernetes.io/h2c", nil, nil),
            ("fairlead.dev/backend-protocol: HTTPS", "http", [.http2, .http1], [.http1]),
            ("fairlead.dev/backend-protocol: GRPCS", "http", [.http2], nil),
            ("", "https", [.http2, .http1], [.http1]), ("", "kubernetes.io/wss", [.http1], [.http1]),
        ] as [(String, String, [ApplicationProtocol]?, [ApplicationProtocol]?)])
    func `what is offered to endpoints`(
        annotations: String, appProtocol: String, standard: [ApplicationProtocol]?, http1: [ApplicationProtocol]?
    ) async throws {
        try await Ingresses.with(prepare: { folder in
            try folder.write("a.yaml", Self.site(annotations, appProtocol: appProtocol))
        }) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            let contexts = snapshot.contexts("web")
            #expect(contexts?.standard.settings.protocols == standard)
            #expect(contexts?.http1?.settings.protocols == http1)
            #expect(contexts?.standard.settings.verification == nil)
            #expect(contexts?.standard.settings.serverName == nil)
        }
    }

    @Test func `backends that ask for the same share a context, and one that does not change keeps it`() async throws {
        let https = "fairlead.dev/backend-protocol: HTTPS"
        try await Ingresses.with(prepare: { folder in
            try folder.write(
                "a.yaml",
                Site.join(
                    Site.fairleadClass, Site.ingress("web", host: "shop.example", annotations: https),
                    Site.service("web"),
                    Site.ingress("other", host: "o.example", service: "other", annotations: https),
                    Site.service("other"), Site.slice("other", "10.244.0.2")))
            try folder.write("b.yaml", Site.slice("web", "10.244.0.1"))
        }) { ingresses in
            let first = try await ingresses.snapshot("a snapshot")
            let context = try #require(first.contexts("web")?.standard)
            #expect(first.contexts("other")?.standard === context)
            try ingresses.folder.write("b.yaml", Site.slice("web", "10.244.0.1", "10.244.0.3"))
            let second = try await ingresses.snapshot("another endpoint") { $0.endpoints("web").count > 1 }
            #expect(second.contexts("web")?.standard === context)
            #expect(second.contexts("other")?.standard === context)
        }
    }

    /// Hot: no route changes, the next connection has the next certificate.
    @Test func `a Secret that rotates is another context, and one that breaks is none`() async throws {
        let annotations =
            "fairlead.dev/backend-protocol: HTTPS, fairlead.dev/proxy-ssl-secret: default/back, "
            + "fairlead.dev/proxy-ssl-verify: 'on', fairlead.dev/proxy-ssl-server-name: 'on', "
            + "fairlead.dev/proxy-ssl-name: back.example"
        try await Ingresses.with(prepare: { folder in
            try folder.write("a.yaml", Self.site(annotations))
            try folder.write("b.yaml", Site.secret("back", .shop, authority: .blog))
        }) { ingresses in
            let first = try await ingresses.snapshot("a snapshot")
            let context = try #require(first.contexts("web")?.standard)
            #expect(context.settings.serverName == "back.example")
            #expect(context.settings.verification?.name == "back.example")
            #expect(context.settings.verification?.authorities.facts.first?.dnsNames == ["blog.example"])
            let shown = try #require(context.settings.certificate)
            #expect(shown.facts.dnsNames.first == "shop.example")

            // Only the certificate that is shown is another one, which says the same of itself.
            try ingresses.folder.write("b.yaml", Site.secret("back", .shopRenewed, authority: .blog))
            let second = try await ingresses.snapshot("another context") {
                $0.contexts("web").map { $0.standard !== context } ?? false
            }
            let renewed = try #require(second.contexts("web")?.standard.settings.certificate)
            #expect(renewed.facts.fingerprint != shown.facts.fingerprint)
            #expect(second.plan.changes.backends.count == 1)

            try ingresses.folder.write("b.yaml", Site.secret("back", .shopRenewed))
            let third = try await ingresses.snapshot("no context") { $0.contexts("web") == nil }
            #expect(third.plan.backends.compactMap(\.self).first?.availability == .backendSecretUnusable)
            #expect(ingresses.problems.contains { $0.code == .backendSecretInvalid })

            try ingresses.folder.remove("b.yaml")
            try await eventually("it is said") { ingresses.problems.contains { $0.code == .backendSecretMissing } }
            try ingresses.folder.write("b.yaml", Site.secret("back", .shop, authority: .blog))
            try await ingresses.snapshot("a context again") { $0.contexts("web") != nil }
        }
    }

    /// Where nothing is listened to by TLS, backends may speak it all the same.
    @Test func `without a port for TLS`() async throws {
        try await Ingresses.with(
            IngressControlConfiguration(tls: nil),
            prepare: { folder in
                try folder.write("a.yaml", Self.site("fairlead.dev/backend-protocol: GRPCS"))
            }
        ) { ingresses in
            let snapshot = try await ingresses.snapshot("a snapshot")
            #expect(snapshot.tls == nil)
            #expect(snapshot.contexts("web")?.standard.settings.protocols == [.http2])
        }
    }
}

extension ProxySnapshot {
    fileprivate func contexts(_ service: String) -> BackendContexts? {
        guard let index = self.plan.backends.firstIndex(where: { $0?.id.service.name == service }) else { return nil }
        return self.backendContexts[index]
    }
}
