import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules T: which certificate, and what TLS changes.
    @Suite struct TLSRuleTests {
        private static func ingress(
            _ name: String, hosts: [String], _ entries: [IngressManifest.TLS], _ annotations: [String: String] = [:]
        ) -> IngressManifest {
            var ingress = EndToEndTests.ingress(
                name, hosts.map { .init($0, [.prefix("/", .to("a"))]) }, annotations)
            ingress.tls = entries
            return ingress
        }

        /// What is shown to a client that asks for `name`.
        private static func leaf(_ name: String?) throws -> String? {
            try Stage.scene.host.handshake(with: IngressScene.https, name: name).leaf
        }

        private static func expectLeaf(
            _ name: String?, _ expected: String?, _ comment: Comment? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let leaf = try self.leaf(name)
            #expect(leaf == expected, comment, sourceLocation: sourceLocation)
        }

        private static func defaultLeaf() throws -> String? { try self.leaf("nobody.default.test") }

        @Test func `T1 the whole chain of a Secret is sent, leaf first`() throws {
            let scene = try Stage.scene
            let root = try Certificate.selfSigned(for: ["root.test"], isAuthority: true)
            let middle = try root.issue(for: ["middle.test"], isAuthority: true)
            let leaf = try middle.issue(for: ["t1.test"])
            let chain = leaf.certificate + middle.certificate
            let secret = SecretManifest(
                "t1", type: "kubernetes.io/tls",
                data: ["tls.crt": Array(chain.utf8), "tls.key": Array(leaf.key.utf8)])
            try scene.with("t1", [secret, Self.ingress("t1", hosts: ["t1.test"], [.init(["t1.test"], secret: "t1")])]) {
                let authority = try scene.file("t1.pem", root.certificate)
                for version in ["-tls1_2", "-tls1_3"] {
                    let shown = try scene.host.handshake(
                        with: IngressScene.https, name: "t1.test",
                        ["-CAfile", authority, "-verify_hostname", "t1.test", "-verify_return_error", version])
                    #expect(shown.succeeded && shown.chain == [leaf.certificate, middle.certificate], "\(shown.text)")
                }
                for version in ["-tls1", "-tls1_1"] {
                    let old = try scene.host.handshake(
                        with: IngressScene.https, name: "t1.test", [version, "-cipher", "ALL:@SECLEVEL=0"])
                    #expect(!old.succeeded, "\(version)")
                }
            }
        }

        @Test func `T2 SNI chooses the certificate and Host the route, even if they differ`() throws {
            let scene = try Stage.scene
            let certificate = try Certificate.selfSigned(for: ["t2.test"])
            let object = Self.ingress("t2", hosts: ["t2.test"], [.init(["t2.test"], secret: "t2")])
            try scene.with("t2", [SecretManifest("t2", certificate), object]) {
                try Self.expectLeaf("t2.test", certificate.certificate)
                let conversation = try scene.host.converseByHTTPS(with: IngressScene.https, name: "t2.test")
                for (host, expected) in [("b.example", "b"), ("t2.test", "a"), ("nobody.t2.test", "404")] {
                    #expect(try conversation.exchange(HTTPRequest("GET", "/", host: host)).outcome == expected)
                }
            }
        }

        @Test func `T3 a certificate verifies for its host, and plain HTTP ends in 200 as well`() throws {
            let scene = try Stage.scene
            let root = try Certificate.selfSigned(for: ["root.test"], isAuthority: true)
            let certificate = try root.issue(for: ["t3.test"])
            let object = Self.ingress("t3", hosts: ["t3.test"], [.init(["t3.test"], secret: "t3")])
            try scene.with("t3", [SecretManifest("t3", certificate), object]) {
                let authority = try scene.file("t3.pem", root.certificate)
                // curl follows a redirect, if there is one, and verifies.
                for url in ["https://t3.test/x", "http://t3.test/x"] {
                    let body = try scene.host.shell(
                        "curl --silent --show-error --fail --location --max-time 5 --cacert '\(authority)' "
                            + "--resolve t3.test:443:127.0.0.1 --resolve t3.test:80:127.0.0.1 '\(url)'")
                    #expect(body.hasPrefix("GET /x HTTP/1.1\r\n"))
                }
            }
        }

        @Test func `T4 a wildcard certificate is for one label, and a precise one goes before it`() throws {
            let scene = try Stage.scene
            let wild = try Certificate.selfSigned(for: ["*.t4.test"])
            let precise = try Certificate.selfSigned(for: ["one.t4.test"])
            let objects: [any Manifest] = [
                SecretManifest("t4-wild", wild), SecretManifest("t4-precise", precise),
                Self.ingress("t4-a", hosts: ["*.t4.test"], [.init(["*.t4.test"], secret: "t4-wild")]),
                Self.ingress("t4-b", hosts: ["one.t4.test"], [.init(["one.t4.test"], secret: "t4-precise")]),
            ]
            try scene.with("t4", objects) {
                try Self.expectLeaf("one.t4.test", precise.certificate)
                try Self.expectLeaf("ONE.T4.test", precise.certificate)
                try Self.expectLeaf("two.t4.test", wild.certificate)
                let others = try [Self.leaf("t4.test"), Self.leaf("a.two.t4.test"), Self.defaultLeaf()]
                #expect(Set(others).count == 1 && others[0] != wild.certificate)
            }
        }

        @Test func `T5 a host that no entry lists has the certificate of its Ingress that covers it`() throws {
            let scene = try Stage.scene
            let first = try Certificate.selfSigned(for: ["listed.t5.test"])
            let second = try Certificate.selfSigned(for: ["other.test", "unlisted.t5.test"])
            let objects: [any Manifest] = [
                SecretManifest("t5-1", first), SecretManifest("t5-2", second),
                Self.ingress(
                    "t5", hosts: ["listed.t5.test", "unlisted.t5.test", "uncovered.t5.test"],
                    [.init(["listed.t5.test"], secret: "t5-1"), .init([], secret: "t5-2")]),
            ]
            try scene.with("t5", objects) {
                try Self.expectLeaf("listed.t5.test", first.certificate)
                try Self.expectLeaf("unlisted.t5.test", second.certificate)
                try Self.expectLeaf("uncovered.t5.test", try Self.defaultLeaf())
            }
        }

        @Test func `T6 a certificate that does not cover its host gives way to the default one, and is named`() throws {
            let scene = try Stage.scene
            let certificate = try Certificate.selfSigned(for: ["wrong.test"])
            let object = Self.ingress("t6", hosts: ["t6.test"], [.init(["t6.test"], secret: "t6")])
            try scene.with("t6", [SecretManifest("t6", certificate), object]) {
                try Self.expectLeaf("t6.test", try Self.defaultLeaf())
                try expectRoutes(scene, ["https://t6.test/": "a"])
                try expectProblem(scene, "default/t6", "CertificateNotCovering")
            }
        }

        @Test func `T7 an entry without a Secret has the default certificate, and redirects all the same`() throws {
            let scene = try Stage.scene
            let object = Self.ingress(
                "t7", hosts: ["t7.test"], [.init(["t7.test"], secret: nil)], ["ssl-redirect": "true"])
            try scene.with("t7", [object]) {
                try Self.expectLeaf("t7.test", try Self.defaultLeaf())
                try expectRoutes(scene, ["https://t7.test/": "a", "http://t7.test/": "308"])
            }
        }

        @Test func `T8 a Secret comes, changes and goes, and no connection is cut`() throws {
            let scene = try Stage.scene
            let certificates = try (0..<2).map { _ in try Certificate.selfSigned(for: ["t8.test"]) }
            let object = Self.ingress(
                "t8", hosts: ["t8.test"], [.init(["t8.test"], secret: "t8")], ["ssl-redirect": "true"])
            try scene.with("t8", [object]) {
                let fallback = try Self.defaultLeaf()
                var open: [HTTPConversation] = []
                func expectLeaf(_ expected: String?, _ what: String) throws {
                    try Self.expectLeaf("t8.test", expected, "\(what)")
                    open.append(try scene.host.converseByHTTPS(with: IngressScene.https, name: "t8.test"))
                    for conversation in open {
                        #expect(try conversation.exchange(HTTPRequest("GET", "/", host: "t8.test")).outcome == "a")
                    }
                    try expectRoutes(scene, ["http://t8.test/": "308"])
                }
                try expectLeaf(fallback, "missing")
                try expectProblem(scene, "default/t8", "CertificateMissing")
                try scene.put("t8-secret", [SecretManifest("t8", certificates[0])])
                try expectLeaf(certificates[0].certificate, "created")
                try scene.put("t8-secret", [SecretManifest("t8", certificates[1])])
                try expectLeaf(certificates[1].certificate, "replaced")
                let broken = SecretManifest(
                    "t8", type: "kubernetes.io/tls",
                    data: ["tls.crt": Array("no PEM".utf8), "tls.key": Array("nor this".utf8)])
                try scene.put("t8-secret", [broken])
                try expectLeaf(fallback, "broken")
                try expectProblem(scene, "default/t8", "CertificateInvalid")
                let mixed = SecretManifest(
                    "t8", type: "kubernetes.io/tls",
                    data: [
                        "tls.crt": Array(certificates[0].certificate.utf8), "tls.key": Array(certificates[1].key.utf8),
                    ])
                try scene.put("t8-secret", [mixed])
                try expectLeaf(fallback, "of two minds")
                try scene.put("t8-secret", [SecretManifest("t8", certificates[0])])
                try expectLeaf(certificates[0].certificate, "mended")
                try scene.remove("t8-secret")
                try expectLeaf(fallback, "deleted")
            }
        }

        @Test func `T9 without SNI, or with another's, the default certificate, and then 404`() throws {
            let scene = try Stage.scene
            let fallback = try Self.defaultLeaf()
            #expect(fallback != nil)
            try Self.expectLeaf(nil, fallback)
            try Self.expectLeaf("unknown.t9.test", fallback)
            for name in [nil, "unknown.t9.test"] as [String?] {
                let conversation = try scene.host.converseByHTTPS(with: IngressScene.https, name: name)
                #expect(try conversation.exchange(HTTPRequest("GET", "/", host: "unknown.t9.test")).status == 404)
                #expect(try conversation.exchange(HTTPRequest("GET", "/", host: "a.example")).outcome == "a")
            }
        }

        @Test func `T10 of two Ingresses with TLS for a host the oldest counts`() throws {
            let scene = try Stage.scene
            let certificates = try (0..<2).map { _ in try Certificate.selfSigned(for: ["t10.test"]) }
            var old = Self.ingress("t10-z", hosts: ["t10.test"], [.init(["t10.test"], secret: "t10-0")])
            old.creationTimestamp = "2024-01-01T00:00:00Z"
            var new = Self.ingress("t10-a", hosts: ["t10.test"], [.init(["t10.test"], secret: "t10-1")])
            new.creationTimestamp = "2025-01-01T00:00:00Z"
            let secrets = certificates.enumerated().map { SecretManifest("t10-\($0.offset)", $0.element) }
            try scene.with("t10", [new, old] + secrets) {
                try Self.expectLeaf("t10.test", certificates[0].certificate)
                try scene.put("t10", [new] + secrets)
                try Self.expectLeaf("t10.test", certificates[1].certificate)
            }
        }

        @Test func `T11 an expired certificate is served, and said, and measured`() throws {
            let scene = try Stage.scene
            let expired = try Certificate.selfSigned(for: ["t11.test"], days: -1)
            let object = Self.ingress("t11", hosts: ["t11.test"], [.init(["t11.test"], secret: "t11-secret")])
            try scene.with("t11", [SecretManifest("t11-secret", expired), object]) {
                try Self.expectLeaf("t11.test", expired.certificate)
                try expectRoutes(scene, ["https://t11.test/": "a"])
                let isSaid = scene.fairlead.waitForLog(containing: "t11-secret", timeout: .seconds(5))
                #expect(isSaid?.contains("expired") == true, "\(scene.fairlead.log.suffix(5))")
                let metrics = try PrometheusText(try scene.page("/metrics").text)
                let now = try #require(Double(try scene.host.shell("date +%s").filter(\.isNumber)))
                let ends = metrics.families.values.flatMap(\.samples).filter { sample in
                    sample.name.contains("certificate") && sample.name.contains("expiry")
                }
                // Of all there are this one has ended, which an alert can be made of.
                #expect(ends.contains { $0.value > 1e9 && $0.value < now }, "\(ends)")
            }
        }

        @Test func `T12 a redirect to HTTPS is 308, by annotation, and lets ACME through`() throws {
            let scene = try Stage.scene
            let certificate = try Certificate.selfSigned(for: ["*.t12.test"])
            func object(_ name: String, tls: Bool, _ annotations: [String: String]) -> IngressManifest {
                let host = "\(name).t12.test"
                return Self.ingress(
                    "t12-\(name)", hosts: [host], tls ? [.init([host], secret: "t12")] : [], annotations)
            }
            let objects: [any Manifest] = [
                SecretManifest("t12", certificate), object("plain", tls: true, [:]),
                object("on", tls: true, ["ssl-redirect": "true"]), object("off", tls: true, ["ssl-redirect": "false"]),
                object("bare", tls: false, ["ssl-redirect": "true"]),
                object("force", tls: false, ["force-ssl-redirect": "true"]),
            ]
            try scene.with("t12", objects) {
                try expectRoutes(
                    scene,
                    [
                        "http://plain.t12.test/": "a", "http://off.t12.test/": "a", "http://bare.t12.test/": "a",
                        "https://on.t12.test/": "a", "https://force.t12.test/": "a",
                        "http://on.t12.test/.well-known/acme-challenge/token": "a",
                    ])
                for host in ["on.t12.test", "force.t12.test"] {
                    for method in ["GET", "POST"] {
                        let redirect = try scene.fetch("http://\(host):80/x/y?z=1&a=%2F", method: method)
                        #expect(redirect.status == 308)
                        #expect(redirect["Location"] == "https://\(host)/x/y?z=1&a=%2F")
                    }
                }
                // Behind a balancer that has ended TLS, if that is to be believed.
                let field = "X-Forwarded-Proto: https"
                let trusted = try scene.fetch("http://force.t12.test/", [field], from: IngressScene.trustedPeer)
                #expect(trusted.outcome == "a")
                let stranger = try scene.fetch("http://force.t12.test/", [field], from: IngressScene.untrustedPeer)
                #expect(stranger.status == 308)
            }
        }
    }
}
