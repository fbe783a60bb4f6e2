import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// Options that change what is served, each with a Fairlead of its own.
    @Suite struct IngressOptionTests {
        @Test func `D5 --default-backend-service has what nobody has, and the default certificate is the given one`()
            throws
        {
            let certificate = try Certificate.selfSigned(for: ["default.test"])
            let scene = try IngressScene([
                "--default-backend-service", "infra/fallback", "--default-ssl-certificate", "infra/default-tls",
                "--watch-namespace", "watched",
            ])
            defer { scene.tearDown() }
            var watched = ingress("watched", [.init("watched.test", [.prefix("/x", .to("web"))])])
            watched.namespace = "watched"
            var other = watched
            other.namespace = "other"
            other.rules = [.init("other.test", [.prefix("/x", .to("web"))])]
            // Settling needs an Ingress that counts.
            var settled = ingress("settled", [.init("settled.watched.test", [.prefix("/", .to("web"))])])
            settled.namespace = "watched"
            var secret = SecretManifest("default-tls", certificate)
            secret.namespace = "infra"
            func put(_ objects: [any Manifest]) throws {
                try scene.folder.write("web.yaml", [watched, other, secret] + objects)
            }
            try put([])
            try expectSoon("without the Service", within: .seconds(5)) {
                try scene.fetch("http://nobody.test/").status == 503
                    && scene.fetch("http://watched.test/x").status == 503
            }
            try put(
                try scene.service("fallback", namespace: "infra")
                    + scene.service("web", namespace: "watched", on: ["w"])
                    + scene.service("web", namespace: "other", on: ["o"]) + [settled])
            try expectSoon("in force", within: .seconds(5)) {
                try scene.fetch("http://settled.watched.test/").outcome == "w"
                    && scene.fetch("http://nobody.test/").outcome == "fallback"
            }
            pause(.milliseconds(50))
            try expectRoutes(
                scene,
                [
                    "http://watched.test/x": "w", "http://watched.test/y": "fallback", "http://127.0.0.1/": "fallback",
                    "http://other.test/x": "fallback", "https://nobody.test/": "fallback",
                ])
            let shown = try scene.host.handshake(with: IngressScene.https, name: "nobody.test")
            #expect(shown.leaf == certificate.certificate)
        }

        @Test func `requests are counted by route, as many routes as --max-route-metrics says`() throws {
            for limit in ["100", "0"] {
                let scene = try IngressScene(["--max-route-metrics", limit])
                defer { scene.tearDown() }
                let rules = ingress(
                    "shop", [.init("one.test", [.prefix("/", .to("a")), .prefix("/gone", .to("gone"))])])
                try scene.put("web", try scene.service("a") + [rules])
                for _ in 0..<3 { #expect(try scene.fetch("http://one.test/x").outcome == "a") }
                #expect(try scene.fetch("http://one.test/gone").status == 503)
                #expect(try scene.fetch("http://nobody.test/").status == 404)
                let metrics = try scene.page("/metrics").text.split(separator: "\n")
                let counted = metrics.filter { $0.hasPrefix("fairlead_ingress_route_requests_total{host=") }
                func count(_ start: String, _ code: String) -> Int? {
                    let lines = counted.filter {
                        $0.hasPrefix("fairlead_ingress_route_requests_total{\(start)")
                            && $0.contains("code=\"\(code)\"")
                    }
                    #expect(lines.count < 2)
                    return lines.first.flatMap { Int($0.split(separator: " ").last ?? "") }
                }
                #expect(count("host=\"\",path=\"\",type=\"none\"", "4xx") ?? 0 > 0, "\(counted)")
                let listing = try scene.host.execute([
                    try FairleadProcess.locate(), "get", "routes", "one.test", "-o", "wide", "--admin-socket",
                    scene.adminSocket,
                ]).output
                let root = listing.split(separator: "\n").first { $0.contains(" / ") }?.split(separator: " ") ?? []
                if limit == "0" {
                    #expect(count("host=\"\",path=\"\",type=\"other\"", "2xx") ?? 0 >= 3, "\(counted)")
                    #expect(!counted.contains { $0.contains("one.test") })
                    #expect(root.suffix(4) == ["-", "-", "-", "-"], "\(listing)")
                } else {
                    #expect(count("host=\"one.test\",path=\"/\",type=\"Prefix\"", "2xx") == 3, "\(counted)")
                    #expect(count("host=\"one.test\",path=\"/gone\",type=\"Prefix\"", "5xx") == 1, "\(counted)")
                    #expect(root.suffix(4).prefix(2) == ["3", "0"], "\(listing)")
                    #expect(root.last?.hasPrefix("<=") == true, "\(listing)")
                }
                let bucket = "fairlead_ingress_request_duration_seconds_bucket{le=\"0.001\"} "
                #expect(metrics.contains { $0.hasPrefix(bucket) })
            }
        }

        @Test func `C4 --watch-ingress-without-class takes those that name none`() throws {
            let scene = try IngressScene(["--watch-ingress-without-class"])
            defer { scene.tearDown() }
            let plain = IngressManifest("plain", rules: [.init("plain.test", [.prefix("/", .to("a"))])])
            var foreign = IngressManifest("foreign", rules: [.init("foreign.test", [.prefix("/", .to("a"))])])
            foreign.annotations = ["kubernetes.io/ingress.class": "other"]
            try scene.put("web", try scene.service("a") + [plain, foreign])
            try expectRoutes(scene, ["http://plain.test/": "a", "http://foreign.test/": "404"])
        }

        @Test func `other controllers' names, requests of a connection, and bodies without annotation`() throws {
            let scene = try IngressScene(
                withClass: false,
                ["--controller-class", "example.com/front", "--ingress-class", "front"]
                    + IngressOptions.requestsPerConnection(5) + IngressOptions.bodySize("1k"))
            defer { scene.tearDown() }
            var ours = ingress("ours", [.init("a.example", [.prefix("/", .to("a"))])])
            ours.className = "front-class"
            var annotated = ingress("annotated", [.init("annotated.test", [.prefix("/", .to("a"))])])
            annotated.className = nil
            annotated.annotations = ["kubernetes.io/ingress.class": "front"]
            let objects: [any Manifest] =
                [IngressClassManifest("front-class", controller: "example.com/front"), ours, annotated]
                + (try scene.service("a"))
            try scene.folder.write("web.yaml", objects)
            try expectSoon("in force", within: .seconds(5)) {
                try scene.fetch("http://a.example/").status == 200
                    && scene.fetch("http://annotated.test/").status == 200
            }
            let conversation = try scene.connect(from: IngressScene.untrustedPeer)
            for number in 1...5 {
                let response = try conversation.exchange(HTTPRequest("GET", "/", host: "a.example"))
                #expect(response.status == 200 && response.closes == (number == 5), "\(number)")
            }
            #expect(conversation.isClosed(within: .seconds(2)))
            let body = String(repeating: "x", count: 1025)
            #expect(try scene.fetch("http://a.example/", method: "POST", body: body).status == 413)
        }

        @Test func `Forwarded says in one field what X-Forwarded say in several`() throws {
            let scene = try IngressScene(IngressOptions.forwarded)
            defer { scene.tearDown() }
            try scene.put(
                "web", try scene.service("a") + [ingress("a", [.init("a.example", [.prefix("/", .to("a"))])])])
            let claim = "Forwarded: for=203.0.113.9;proto=https"
            func seen(_ fields: [String], from source: IPAddress) throws -> String? {
                let echoed = try scene.fetch("http://a.example/", fields, from: source).echoed
                // A host need not be quoted, and may be.
                return echoed?["Forwarded"]?.replacing("\"", with: "")
            }
            let own = "host=a.example;proto=http"
            #expect(try seen([claim], from: IngressScene.untrustedPeer) == "for=127.7.0.1;\(own)")
            #expect(try seen([], from: IngressScene.trustedPeer) == "for=127.8.0.1;\(own)")
            let added = try seen([claim], from: IngressScene.trustedPeer)
            #expect(added == "for=203.0.113.9;proto=https, for=127.8.0.1;\(own)")
        }

        @Test func `it listens on both families`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            for address in ["127.0.0.1", "127.3.2.1", "::1"] {
                for port in [80, 443] as [UInt16] {
                    let target = SocketAddress(try #require(IPAddress(address)), port)
                    #expect(throws: Never.self, "\(target)") { _ = try scene.connect(to: target) }
                }
            }
            let six = SocketAddress(IPAddress(ipv6High: 0, low: 1), 80)
            #expect(try scene.connect(to: six).exchange(HTTPRequest("GET", "/", host: "x.test")).status == 404)
        }
    }
}
