import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// The program's life: its start, its end, and what it says about wrong usage.
    @Suite struct IngressProcessTests {
        private static func web(_ scene: IngressScene) throws -> [any Manifest] {
            try scene.service("a") + [ingress("a", [.init("a.example", [.prefix("/", .to("a"))])])]
        }

        private static func makeScene(_ further: [String] = []) throws -> IngressScene {
            let scene = try IngressScene(further)
            try scene.put("web", try self.web(scene))
            return scene
        }

        @Test func `the log is for machines where that is asked for, and says more after SIGUSR1`() throws {
            let scene = try IngressScene(["--log-format", "json"])
            defer { scene.tearDown() }
            #expect(
                scene.fairlead.log.allSatisfy { $0.hasPrefix(#"{"time":"2"#) && $0.hasSuffix("}") },
                "\(scene.fairlead.log)")
            for level in ["debug", "trace", "info"] {
                scene.fairlead.process.signal(10)
                expectSoon("the level is \(level)", within: .seconds(10)) {
                    scene.fairlead.log.last { $0.contains("the level of the log") }?.contains(#""level":"\#(level)"}"#)
                        == true
                }
            }
            #expect(scene.fairlead.process.isRunning)
        }

        @Test func `it is healthy when routes are in force, and not before`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            #expect(scene.fairlead.terminate() == .exited(0))
            try scene.folder.write("web.yaml", try Self.web(scene))
            for _ in 0..<5 {
                let fairlead = try FairleadProcess(on: scene.host, scene.arguments)
                let isHealthy = waitUntil(timeout: .seconds(20), interval: .zero) {
                    (try? scene.page("/healthz", at: IngressScene.health).status) == 200
                }
                // At once, without a second try.
                #expect(try isHealthy && scene.fetch("http://a.example/").status == 200)
                #expect(fairlead.terminate() == .exited(0), "\(fairlead.log)")
            }
        }

        @Test func `SIGTERM under load: health fails first, what is under way is finished, then it ends`() throws {
            let scene = try Self.makeScene()
            defer { scene.tearDown() }
            let backend = try scene.backend("a")
            backend.script("/long", [.awaitBody, .wait(.milliseconds(1500)), .answer])
            backend.script("/ws", [HTTPBackend.webSocketAnswer, .tunnel])
            let long = try (0..<4).map { _ in
                let conversation = try scene.connect()
                try conversation.send(HTTPRequest("POST", "/long", host: "a.example", body: "hello").bytes)
                return conversation
            }
            let idle = try scene.connect()
            expectOwnAnswer(idle, "before")
            let load = try HTTPLoad(
                from: scene.host, to: IngressScene.http, [.init(host: "a.example", path: "/")], rate: 200,
                connections: 8)
            pause(.milliseconds(300))
            #expect(waitUntil(timeout: .seconds(5)) { backend.targets.count { $0 == "/long" } == 4 })
            // The load that is there when it stops is all of it: new connections are for others now.
            let report = load.stop()
            #expect(report.failed == 0 && report.answered == report.sent, "\(report.failures)")
            let start = ContinuousClock.now
            scene.fairlead.process.signal(15)
            let isUnhealthy = waitUntil(timeout: .seconds(1)) {
                (try? scene.page("/healthz", at: IngressScene.health).status) != 200
            }
            #expect(isUnhealthy && scene.fairlead.process.isRunning, "while requests are under way")
            // A client that comes now is told at once, and goes to another replica.
            let isRefused = waitUntil(timeout: .seconds(2)) {
                (try? scene.host.tcp(to: IngressScene.http.address, port: 80).isRefused) == true
            }
            #expect(isRefused && scene.fairlead.process.isRunning, "nobody listens any more")
            for conversation in long {
                let response = try conversation.response(to: "POST")
                #expect(response.status == 200 && response["X-Body-Length"] == "5" && response.closes, "\(response)")
            }
            #expect(idle.isClosed(within: .seconds(2)))
            #expect(scene.fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(0), "\(scene.fairlead.log)")
            #expect(ContinuousClock.now - start < .seconds(8))
        }

        @Test func `requests that cross with SIGTERM are answered, or were never taken`() throws {
            let scene = try Self.makeScene()
            defer { scene.tearDown() }
            for _ in 0..<3 {
                let load = try HTTPLoad(
                    from: scene.host, to: IngressScene.http, [.init(host: "a.example", path: "/")], rate: 500,
                    connections: 16, freshEvery: 3, repeats: true, timeout: .seconds(3))
                pause(.milliseconds(300))
                scene.fairlead.process.signal(15)
                #expect(scene.fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(0))
                let report = load.stop()
                // Once nobody listens new connections are refused; before, none that was accepted is cut without an answer.
                let cut = report.failures.filter { !$0.contains("connect") }
                #expect(cut.isEmpty, "\(cut)")
                try scene.start()
            }
        }

        @Test func `a request that does not end holds it up for as long as it is told`() throws {
            let scene = try Self.makeScene(["--worker-shutdown-timeout", "3s", "--workers", "3"])
            defer { scene.tearDown() }
            try scene.backend("a").script("/never", [.hang])
            expectOwnAnswer(try scene.connect(), "before")
            let conversation = try scene.connect()
            try conversation.send(HTTPRequest("GET", "/never", host: "a.example").bytes)
            pause(.milliseconds(100))
            let start = ContinuousClock.now
            scene.fairlead.process.signal(15)
            // The workers that have nothing to wait for have ended; what they have counted has not.
            let isRefused = waitUntil(timeout: .seconds(2)) {
                (try? scene.host.tcp(to: IngressScene.http.address, port: 80).isRefused) == true
            }
            let metrics = try scene.page("/metrics").text
            #expect(isRefused, "nobody listens any more")
            #expect(metrics.contains("fairlead_ingress_route_requests_total{host=\"a.example\""), "\(metrics)")
            #expect(scene.fairlead.process.waitForExit(timeout: .seconds(8)) == .exited(0))
            let duration = ContinuousClock.now - start
            #expect(duration > .milliseconds(2800) && duration < .seconds(8), "\(duration)")
            #expect(conversation.isClosed(within: .seconds(1)))
        }

        @Test func `kill -9 and another start: everything is as before`() throws {
            let scene = try Self.makeScene()
            defer { scene.tearDown() }
            for _ in 0..<3 {
                #expect(try scene.fetch("http://a.example/").status == 200)
                scene.fairlead.kill9()
                try scene.start()
                try expectRoutes(scene, ["http://a.example/": "a", "http://nobody.test/": "404"])
            }
        }

        @Test func `SIGINT stops it as well`() throws {
            let scene = try Self.makeScene()
            defer { scene.tearDown() }
            scene.fairlead.process.signal(2)
            #expect(scene.fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(0))
        }

        @Test func `it needs no capability`() throws {
            // But for ports below 1024, which are somebody else's to grant.
            let scene = try IngressScene(
                prefix: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
                ["--http-port", "8080", "--https-port", "8443"])
            defer { scene.tearDown() }
            let effective = try scene.host.shell("grep CapEff /proc/\(scene.fairlead.process.pid)/status")
            try #require(effective.contains("0000000000000000"), "they are really gone")
            let target = SocketAddress(IPAddress(127, 0, 0, 1), 8080)
            let conversation = try scene.connect(to: target)
            #expect(try conversation.exchange(HTTPRequest("GET", "/", host: "nobody.test")).status == 404)
        }

        // MARK: - Usage

        private struct Misuse {
            let arguments: [String]
            let exitCode: Int32
            let words: [String]
        }

        private static func misuses(_ folder: String) -> [Misuse] {
            let manifests = ["ingress", "--manifests", folder]
            func wrong(_ option: String, _ value: String) -> Misuse {
                Misuse(arguments: manifests + [option, value], exitCode: 2, words: [option, value])
            }
            return [
                Misuse(arguments: ["ingress", "--manifest", folder], exitCode: 2, words: ["--manifest", "Usage:"]),
                Misuse(
                    arguments: ["ingress", "--manifests", "/no/such/folder"], exitCode: 1, words: ["/no/such/folder"]),
                Misuse(arguments: ["ingress", "--manifests", "/etc/hostname"], exitCode: 1, words: ["/etc/hostname"]),
                wrong("--http-port", "70000"), wrong("--https-port", "https"), wrong("--bind-address", "localhost"),
                wrong("--workers", "0"), wrong("--workers", "many"), wrong("--trusted-proxies", "10.0.0.0/33"),
                wrong("--proxy-protocol-trusted", "nobody"),
                wrong("--default-backend-service", "fallback"), wrong("--default-ssl-certificate", "tls"),
                wrong("--metrics-bind-address", "nowhere"), wrong("--client-header-timeout", "soon"),
                wrong("--keep-alive", "25h1x"), wrong("--proxy-body-size", "1x"), wrong("--retry-budget", "101"),
            ]
        }

        @Test func `wrong usage is told from failure, and both say what is wrong`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            let program = try FairleadProcess.locate()
            // Wrong usage all at once: most of its time is that of loading a debug build. Others would be in each other's way.
            let runs = try Self.misuses(folder.path).map { misuse in
                let child = try sandbox.host.spawn([program] + misuse.arguments)
                if misuse.exitCode != 2 { child.waitForExit(timeout: Sanitizer.bound(.seconds(30))) }
                return (misuse, child)
            }
            for (misuse, child) in runs {
                let name = misuse.arguments.dropFirst(3).joined(separator: " ")
                let status = child.waitForExit(timeout: Sanitizer.bound(.seconds(30)))
                #expect(status == .exited(misuse.exitCode), "\(name): \(child.errorOutput)")
                #expect(child.output == "", "\(name)")
                for word in misuse.words { #expect(child.errorOutput.contains(word), "\(name): \(child.errorOutput)") }
            }
        }

        @Test func `help is no error`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let completion = try sandbox.host.execute([try FairleadProcess.locate(), "ingress", "--help"])
            #expect(completion.succeeded && completion.output.contains("USAGE:"))
        }

        @Test(arguments: ["80", "443"])
        func `a port that is taken is the end, and said`(port: String) throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            let address = SocketAddress(IPAddress(127, 0, 0, 1), try #require(UInt16(port)))
            let thief = try HTTPBackend(on: sandbox.host, address, name: "thief")
            defer { thief.stop() }
            let completion = try sandbox.host.execute(
                [
                    try FairleadProcess.locate(), "ingress", "--manifests", folder.path, "--bind-address", "127.0.0.1",
                    "--http-port", "80", "--https-port", "443", "--healthz-port", "10254", "--metrics-bind-address",
                    "127.0.0.1:10255",
                ], timeout: .seconds(20))
            #expect(completion.status == .exited(1), "\(completion.errorOutput)")
            for word in [port, "Address already in use"] {
                #expect(completion.errorOutput.contains(word), "\(completion.errorOutput)")
            }
        }
    }
}
