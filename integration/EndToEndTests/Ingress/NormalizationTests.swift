import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules N: the string that is matched is the string that is forwarded. `/public` leads to `a`, `/admin`, which stands
    /// for what is guarded, to `b`, and nothing else anywhere.
    @Suite struct NormalizationTests {
        private struct Row {
            let target: String
            /// A backend and what it was asked for, or a status.
            let expected: String

            init(_ target: String, _ expected: String) {
                self.target = target
                self.expected = expected
            }
        }

        private static func expect(_ rows: [Row], sourceLocation: SourceLocation = #_sourceLocation) throws {
            let scene = try Stage.scene
            let rules = ingress(
                "normal", [.init("normal.test", [.prefix("/public", .to("a")), .prefix("/admin", .to("b"))])])
            try scene.with("normal", [rules]) {
                for row in rows {
                    let conversation = try scene.connect()
                    try conversation.send("GET \(row.target) HTTP/1.1\r\nHost: normal.test\r\n\r\n")
                    let response = try conversation.response()
                    let outcome =
                        response.echoed.map { "\(response.backend ?? "") \($0.target)" } ?? "\(response.status)"
                    #expect(outcome == row.expected, "\(row.target)", sourceLocation: sourceLocation)
                }
            }
        }

        /// Whatever the target, a backend that reads the path it was given to the letter finds its own rule in it.
        @Test func `P13 what is matched is what is forwarded`() throws {
            let scene = try Stage.scene
            let pieces = [
                "public", "admin", "%61dmin", "PUBLIC", ".", "..", "%2e", "%2E%2e", ".%2e", "", "x", "%2f", "%5c",
                "x;y", "..;",
                "%252e%252e", "%c0%ae", "~", "%7e", "a.b",
            ]
            var random = SeededGenerator(seed: 13)
            let rules = ingress(
                "p13", [.init("p13.test", [.prefix("/public", .to("a")), .prefix("/admin", .to("b"))])])
            try scene.with("p13", [rules]) {
                var statuses: Set<Int> = []
                for _ in 0..<400 {
                    let count = Int.random(in: 1...5, using: &random)
                    let target = (0..<count).map { _ in "/\(pieces.randomElement(using: &random) ?? "")" }.joined()
                    let response = try scene.fetch("http://p13.test\(target)")
                    statuses.insert(response.status)
                    guard response.status == 200 else { continue }
                    let seen = try #require(response.echoed?.target)
                    let elements = seen.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
                    #expect(elements.first == (response.backend == "a" ? "public" : "admin"), "\(target): \(seen)")
                    let decoded = elements.map { $0.lowercased().replacing("%2e", with: ".") }
                    #expect(!decoded.contains(".") && !decoded.contains(".."), "\(target): \(seen)")
                    #expect(!elements.dropLast().contains(""), "\(target): \(seen)")
                }
                #expect(statuses == [200, 400, 404])
            }
        }

        @Test func `N1 dot segments are resolved, however they are encoded`() throws {
            try Self.expect([
                Row("/public/../admin", "b /admin"), Row("/public/%2e%2e/admin", "b /admin"),
                Row("/public/%2E./admin", "b /admin"), Row("/public/.%2e/admin?x=/../y", "b /admin?x=/../y"),
                Row("/public/x/../../admin/", "b /admin/"), Row("/public/./x", "a /public/x"),
                Row("/public/x/..", "a /public/"), Row("/admin/../public/x", "a /public/x"),
                Row("/public/...", "a /public/..."), Row("/%61dmin", "b /admin"), Row("/%70ublic/%7Ex", "a /public/~x"),
            ])
        }

        @Test func `N2 nothing leads above the root`() throws {
            try Self.expect([
                Row("/../x", "400"), Row("/%2e%2e/x", "400"), Row("/public/../../admin", "400"), Row("/..", "400"),
            ])
        }

        @Test func `N3 slashes in a row are one`() throws {
            try Self.expect([
                Row("//admin", "b /admin"), Row("/public//../admin", "b /admin"), Row("/./admin", "b /admin"),
                Row("///public///x", "a /public/x"), Row("/admin//", "b /admin/"),
            ])
        }

        @Test func `N4 a parameter hides no dot segment, and is matched to the letter`() throws {
            try Self.expect([
                Row("/public/..;/admin", "400"), Row("/public/..%3b/admin", "400"), Row("/public/..;x=1/admin", "400"),
                Row("/admin;x=1", "404"), Row("/public/x;y=1", "a /public/x;y=1"),
            ])
        }

        @Test func `N5 encoded slashes stay encoded, and are no slashes`() throws {
            try Self.expect([
                Row("/admin%2fx", "404"), Row("/public%2Fx", "404"), Row("/public/a%2Fb", "a /public/a%2Fb"),
                Row("/public/a%5cb", "a /public/a%5cb"), Row("/public/..%2fadmin", "400"), Row("/public\\x", "400"),
                Row("/public/..\\admin", "400"),
            ])
        }

        @Test func `N6 what is encoded is decoded once`() throws {
            try Self.expect([
                Row("/public/%252e%252e%252fadmin", "a /public/%252e%252e%252fadmin"),
                Row("/public/%c0%ae%c0%ae/admin", "a /public/%c0%ae%c0%ae/admin"),
                Row("/public/%ef%bc%8e%ef%bc%8e/admin", "a /public/%ef%bc%8e%ef%bc%8e/admin"),
                Row("/%2561dmin", "404"),
            ])
        }

        @Test func `N7 other spellings are other paths`() throws {
            try Self.expect([
                Row("/ADMIN", "404"), Row("/admin/", "b /admin/"), Row("/admin.", "404"), Row("/admin%20", "404"),
                Row("/admin%00", "400"), Row("/admin#x", "400"), Row("/admin?", "b /admin?"),
                Row("/admin?/public", "b /admin?/public"),
            ])
        }

        @Test func `N8 absolute targets, asterisks and nothing`() throws {
            try Self.expect([
                Row("http://normal.test/admin", "b /admin"), Row("HTTP://Normal.Test/public?x", "a /public?x"),
                Row("http://normal.test", "404"), Row("*", "400"), Row("", "400"), Row("http://a@b/", "400"),
                Row("http:///admin", "400"), Row("ftp://normal.test/admin", "400"), Row("//normal.test/admin", "404"),
            ])
            let scene = try Stage.scene
            let options = try scene.fetch("http://a.example/", method: "OPTIONS")
            #expect(options.outcome == "a")
            let conversation = try scene.connect()
            try conversation.send("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n")
            #expect([200, 204, 404].contains(try conversation.response().status))
            expectOwnAnswer(conversation, "after OPTIONS *")
        }

        @Test func `N9 fields of clients neither route nor say who they are`() throws {
            let scene = try Stage.scene
            let fields = [
                "X-Original-URL: /admin", "X-Rewrite-URL: /admin", "X-Forwarded-Prefix: /spoofed-prefix",
                "X-Forwarded-Host: spoofed.test", "X-Forwarded-Proto: spoofed", "X-Forwarded-Scheme: spoofed",
                "X-Forwarded-Port: 666", "X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Scheme: spoofed",
                "Forwarded: for=6.6.6.6", "ssl-client-verify: SPOOFED", "ssl-client-subject-dn: CN=spoofed",
                "X_Forwarded_For: 6.6.6.6", "X_Real_IP: 6.6.6.6", "ssl_client_verify: SPOOFED",
                "X-Forwarded_For: 6.6.6.6",
            ]
            let rules = ingress(
                "n9", [.init("n9.test", [.prefix("/public", .to("a")), .prefix("/admin", .to("b"))])])
            try scene.with("n9", [rules]) {
                let response = try scene.fetch("http://n9.test/public", fields, from: IngressScene.untrustedPeer)
                let seen = try #require(response.echoed)
                #expect(response.backend == "a" && seen.target == "/public")
                #expect(seen["X-Forwarded-For"] == "127.7.0.1" && seen["X-Real-IP"] == "127.7.0.1")
                #expect(seen["X-Forwarded-Host"] == "n9.test" && seen["X-Forwarded-Proto"] == "http")
                #expect(seen["X-Forwarded-Port"] == "80")
                for word in ["spoofed", "6.6.6.6", "666"] {
                    #expect(!response.text.lowercased().contains(word), "\(response.text)")
                }
            }
        }

        @Test func `N10 other spellings of a host are the host, or refused`() throws {
            let scene = try Stage.scene
            for (host, expected) in [
                ("A.example", "a"), ("a.example.", "a"), ("a.example:1", "a"), ("a.example:99999", "400"),
                ("a.example:80@b.example", "400"), ("b.example@a.example", "400"), ("[::1", "400"), ("[::1]x", "400"),
                ("[fe80::1%25eth0]", "400"), ("a.example:", "a"), ("a.example:-1", "400"), ("xn--a.example", "404"),
                ("a.example..", "400"), ("a..example", "400"), ("a.example%00", "400"), ("a.example\\b", "400"),
            ] {
                let conversation = try scene.connect()
                try conversation.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(try conversation.response().outcome == expected, "\(host)")
            }
        }

        @Test func `N11 a name in SNI does not get by another host's client certificates`() throws {
            let scene = try Stage.scene
            let authority = try Certificate.selfSigned(for: ["clients.test"], isAuthority: true)
            let client = try authority.issue(for: ["somebody.test"])
            let stranger = try Certificate.selfSigned(for: ["stranger.test"])
            var guarded = ingress(
                "n11", [.init("guarded.n11.test", [.prefix("/", .to("b"))])],
                ["auth-tls-secret": "default/n11-clients", "auth-tls-verify-client": "on"])
            guarded.tls = [.init(["guarded.n11.test"], secret: "n11")]
            var open = ingress("n11-open", [.init("open.n11.test", [.prefix("/", .to("a"))])])
            open.tls = [.init(["open.n11.test"], secret: "n11")]
            let clients = SecretManifest("n11-clients", data: ["ca.crt": Array(authority.certificate.utf8)])
            let objects: [any Manifest] = [
                SecretManifest("n11", try Certificate.selfSigned(for: ["*.n11.test"])), clients, guarded, open,
            ]
            try scene.with("n11", objects) {
                let pair = try scene.file("client.pem", client.certificate + client.key)
                let strangersPair = try scene.file("stranger.pem", stranger.certificate + stranger.key)
                func ask(_ name: String, host: String, _ options: [String] = []) throws -> Int {
                    let conversation = try scene.host.converseByHTTPS(with: IngressScene.https, name: name, options)
                    return try conversation.exchange(HTTPRequest("GET", "/", host: host)).status
                }
                // By the front door.
                #expect(try ask("guarded.n11.test", host: "guarded.n11.test", ["-cert", pair]) == 200)
                #expect(try ask("open.n11.test", host: "open.n11.test") == 200)
                // By others.
                #expect(try ask("open.n11.test", host: "guarded.n11.test") == 421)
                #expect(try ask("open.n11.test", host: "guarded.n11.test", ["-cert", pair]) == 421)
                #expect(try ask("unknown.n11.test", host: "guarded.n11.test") == 421)
                #expect(try scene.fetch("http://guarded.n11.test/").status != 200)
                // Without a certificate, or with another's: in the handshake, or by 400.
                for options in [[], ["-cert", strangersPair]] {
                    let status = try? ask("guarded.n11.test", host: "guarded.n11.test", options)
                    #expect(status == nil || status == 400, "\(options) \(status ?? 0)")
                }
                #expect(try scene.backend("b").targets.count { $0 == "/" } >= 1)
            }
        }
    }
}
