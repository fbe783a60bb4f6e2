import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// Something is wrong with an Ingress, and one command names the cause: `fairlead trace URL` and `fairlead get` of a running Fairlead.
    @Suite struct IngressFaultTests {
        private static func ask(_ scene: IngressScene, _ arguments: [String]) throws -> String {
            let completion = try scene.host.execute(
                [try FairleadProcess.locate()] + arguments + ["--admin-socket", scene.adminSocket],
                timeout: .seconds(20))
            #expect(completion.succeeded && completion.errorOutput == "", "\(arguments): \(completion)")
            return completion.output
        }

        private static func words(_ text: String) -> [[Substring]] {
            text.split(separator: "\n").map { $0.split(separator: " ") }
        }

        private static let rules = [IngressManifest.Rule("shop.test", [.prefix("/", .to("a"))])]

        @Test func `where it goes is where it goes`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            try scene.put("a", try scene.service("a", on: ["a", "b"], ready: ["a"]) + [ingress("web", Self.rules)])
            #expect(try scene.fetch("http://shop.test/x")["X-Backend"] == "a")
            let text = try Self.ask(scene, ["trace", "http://shop.test/x"])
            let (ready, other) = (try scene.backend("a").address, try scene.backend("b").address)
            #expect(text.contains("Prefix / of Ingress default/web is the longest rule for /x"), "\(text)")
            #expect(text.contains("  \(ready)  weight 1  ready\n"), "\(text)")
            #expect(text.contains("  \(other)  -         not ready\n"), "\(text)")
            #expect(text.contains("verdict     forwarded: goes to one of 1 endpoint\n"), "\(text)")
            #expect(
                Self.words(try Self.ask(scene, ["get", "routes", "shop.test"])) == [
                    ["HOST", "PATH", "TYPE", "INGRESS", "BACKEND", "STATE"],
                    ["shop.test", "/", "Prefix", "default/web", "default/a:80", "available"],
                ])
            #expect(try Self.ask(scene, ["get", "routes", "shop.test", "-o", "name"]) == "route/shop.test/\n")
            let json = try Self.ask(scene, ["get", "routes", "shop.test", "-n", "default", "-o", "json"])
            #expect(
                json.hasPrefix(#"{"apiVersion":"admin.fairlead.dev/v1","kind":"RouteList","generation":"#), "\(json)")
        }

        @Test func `a class that is another controller's`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            var web = ingress("web", Self.rules)
            web.className = "nginx"
            try scene.put(
                "a", try scene.service("a") + [IngressClassManifest("nginx", controller: "k8s.io/ingress-nginx"), web])
            #expect(try scene.fetch("http://shop.test/").status == 404)
            let text = try Self.ask(scene, ["trace", "http://shop.test/"])
            #expect(
                text.contains(
                    #"Ingress default/web names it and is not served: its class "nginx" is of the controller"#),
                "\(text)")
            #expect(text.contains("verdict     answered with 404"), "\(text)")
        }

        @Test func `a Secret that is not there, and a certificate for another name`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            var web = ingress("web", Self.rules + [.init("other.test", [.prefix("/", .to("a"))])])
            web.tls = [.init(["shop.test"], secret: "gone"), .init(["other.test"], secret: "wrong")]
            let wrong = SecretManifest("wrong", try Certificate.selfSigned(for: ["third.test"]))
            try scene.put("a", try scene.service("a") + [wrong, web])
            let missing = try Self.ask(scene, ["trace", "https://shop.test/"])
            #expect(missing.contains("there is no Secret default/gone"), "\(missing)")
            #expect(missing.contains("the generated certificate is shown"), "\(missing)")
            let other = try Self.ask(scene, ["trace", "https://other.test/"])
            #expect(other.contains("the certificate in Secret default/wrong is not for host other.test"), "\(other)")
            let certificates = Self.words(try Self.ask(scene, ["get", "certificates"]))
            #expect(certificates.contains { $0.starts(with: ["default/gone", "missing"]) }, "\(certificates)")
            #expect(
                certificates.contains { $0.starts(with: ["default/wrong", "valid"]) && $0.last == "third.test" },
                "\(certificates)")
            let problems = try Self.ask(scene, ["get", "problems", "web"])
            #expect(
                problems.contains("CertificateMissing") && problems.contains("CertificateNotCovering"), "\(problems)")
        }

        @Test func `a host that an older Ingress has`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            var (older, younger) = (ingress("older", Self.rules), ingress("younger", Self.rules))
            older.creationTimestamp = "2026-01-01T00:00:00Z"
            younger.creationTimestamp = "2026-02-01T00:00:00Z"
            try scene.put("a", try scene.service("a") + [older, younger])
            let text = try Self.ask(scene, ["trace", "http://shop.test/"])
            #expect(
                text.contains(
                    "Ingress default/younger: Prefix path / of host shop.test is held by the older Ingress default/older"
                ),
                "\(text)")
            #expect(text.contains("Prefix / of Ingress default/older is the longest rule"), "\(text)")
        }

        @Test func `who has not the role says so, and who asks wrongly is told`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            for (arguments, words) in [
                (["get", "services"], "does not have the node role"),
                (["trace", "10.96.0.10:80"], "does not have the node role"),
            ] {
                let completion = try scene.host.execute(
                    [try FairleadProcess.locate()] + arguments + ["--admin-socket", scene.adminSocket],
                    timeout: .seconds(20))
                #expect(completion.status == .exited(1) && completion.errorOutput.contains(words), "\(completion)")
            }
            for query in ["url=shop.test", "url=http://shop.test/&from=10.0.0.1", "host=a"] {
                let answer = try scene.host.shell(
                    "curl -s --unix-socket '\(scene.adminSocket)' 'http://fairlead/v1/trace?\(query)'")
                #expect(answer.contains("\"code\":400"), "\(query): \(answer)")
            }
        }

        @Test func `it goes on telling what is new`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            try scene.put("a", try scene.service("a") + [ingress("web", Self.rules)])
            let watch = try scene.host.spawn(
                [try FairleadProcess.locate(), "get", "routes", "-w", "--admin-socket", scene.adminSocket])
            defer { watch.signal(9) }
            #expect(waitUntil(timeout: .seconds(10)) { watch.output.contains("shop.test") })
            try scene.put("b", [ingress("more", [.init("more.test", [.prefix("/", .to("a"))])])])
            #expect(waitUntil(timeout: .seconds(10)) { watch.output.contains("more.test") })
            #expect(watch.output.split(separator: "\n").count { $0.contains("shop.test") } == 1, "\(watch.output)")
        }
    }
}
