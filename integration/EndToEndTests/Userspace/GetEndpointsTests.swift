import Glibc
import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `fairlead get endpoints`: how endpoints are, as people and scripts see it.
    @Suite struct GetEndpointsTests {
        /// An item of the JSON document: no value in it has braces or commas of its own.
        private struct Item {
            private let members: [String: String]

            init(_ text: some StringProtocol) {
                var members: [String: String] = [:]
                for member in text.split(separator: ",\"") {
                    let pieces = member.split(separator: "\":", maxSplits: 1).map { String($0.filter { $0 != "\"" }) }
                    if pieces.count == 2 { members[pieces[0]] = pieces[1] }
                }
                self.members = members
            }

            subscript(_ name: String) -> String? { self.members[name] }
            var share: Int? { self["sharePercent"].flatMap { Int($0) } }
        }

        /// A program that asks, or is to.
        private static func get(
            _ scene: Scene, _ further: [String], prefix: [String] = []
        ) throws -> ChildProcess.Completion {
            let arguments = ["get", "endpoints", "--admin-socket", scene.adminSocket] + further
            return try scene.node.execute(prefix + [try FairleadProcess.locate()] + arguments, timeout: .seconds(20))
        }

        private static func items(_ scene: Scene, _ further: [String] = ["web"]) throws -> [Item] {
            let completion = try self.get(scene, further + ["-o", "json"])
            #expect(completion.succeeded && completion.errorOutput == "", "\(completion)")
            let head = #"{"apiVersion":"admin.fairlead.dev/v1","kind":"EndpointList","items":["#
            #expect(completion.output.hasPrefix(head), "\(completion.output)")
            let body = completion.output.dropFirst(head.count)
            guard let end = body.lastIndex(of: "]") else { return [] }
            return body[..<end].split(separator: "},{").map { Item($0.filter { $0 != "{" && $0 != "}" }) }
        }

        /// That of one pod, over TCP.
        private static func item(_ scene: Scene, _ pod: Host) throws -> Item? {
            try self.items(scene).first { $0["address"] == "\(pod.ipv4)" && $0["protocol"] == "TCP" }
        }

        private static let interval = Duration.milliseconds(200)
        private static let fall = 3
        private static let slowStart = Duration.seconds(4)

        private static func checked(_ web: Application) -> [any Manifest] {
            var service = web.service
            service.annotations = [
                "fairlead.dev/health-check": "tcp",
                "fairlead.dev/health-check-interval": "\(self.interval.milliseconds)ms",
                "fairlead.dev/health-check-timeout": "500ms", "fairlead.dev/health-check-fall": "\(self.fall)",
                "fairlead.dev/health-check-rise": "2",
                "fairlead.dev/slow-start": "\(self.slowStart.milliseconds)ms",
            ]
            return [service] + web.slices
        }

        @Test func `a dead endpoint is shown within interval x fall, and its way back`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put("web", Self.checked(web))
            let pod = scene.pods[1]
            expectSoon("all is well", within: .seconds(10)) {
                let items = (try? Self.items(scene)) ?? []
                // Of both families; UDP is not checked, but it is the balancer's for slow start.
                return items.count == 8 && items.allSatisfy { $0["state"] == "Ready" && $0["servedBy"] == "userspace" }
            }
            let open = try scene.client.converse(with: web.clusterIP(.ipv4))
            #expect(try Self.items(scene).reduce(0) { $0 + (Int($1["connections"] ?? "") ?? 0) } >= 1)

            // Taken out.
            let died = ContinuousClock.now
            scene.servers[1].stop()
            let limit = Self.interval * Self.fall
            var seen: Item?
            // What comes on top is for a busy machine: the check itself, the process that asks.
            let isSeen = try waitUntil(timeout: limit + .seconds(5), interval: .milliseconds(20)) {
                seen = try Self.item(scene, pod)
                return seen?["state"] == "Unhealthy"
            }
            #expect(isSeen, "\(ContinuousClock.now - died)")
            #expect(seen?["lastFailure"] == "connection refused")
            #expect(seen?["since"]?.hasSuffix("Z") == true)
            #expect(try Self.item(scene, scene.pods[0])?["state"] == "Ready")
            #expect(try scene.client.tally(.tcp, web.clusterIP(.ipv4), attempts: 40) == ["pod-1": 40])

            // And back, little by little.
            let revived = try EchoServer(on: pod, port: Scene.targetPort)
            defer { revived.stop() }
            var shares: [Int] = []
            let isBack = try waitUntil(timeout: Self.slowStart + .seconds(10), interval: .milliseconds(20)) {
                seen = try Self.item(scene, pod)
                if seen?["state"] == "WarmingUp", let share = seen?.share { shares.append(share) }
                return seen?["state"] == "Ready"
            }
            #expect(isBack)
            #expect(shares == shares.sorted() && Set(shares).count >= 3, "\(shares)")
            #expect(shares.allSatisfy { (10..<100).contains($0) })
            // Remembered.
            #expect(seen?["lastFailure"] == "connection refused")
            #expect(open.isAlive() || !open.answer.server.hasSuffix("1"))
        }

        @Test func `kernel and balancer, conditions, and open connections`() throws {
            let scene = try Scene(pods: 3)
            defer { scene.tearDown() }
            let plain = Application("plain", number: 11, on: [])
            try scene.put(
                "plain",
                plain.manifests(of: [
                    .here(scene.pods[0]), .elsewhere(scene.pods[1], .draining), .elsewhere(scene.pods[2], .notReady),
                ]))
            let web = Application(on: [scene.pods[0]])
            var service = web.service
            service.annotations = ["fairlead.dev/load-balancing": "least-connections"]
            try scene.put("web", [service] + web.slices)
            func row(_ service: String, _ pod: Host) throws -> [Substring] {
                let table = try Self.get(scene, ["-n", "default", service, "-o", "wide"]).output
                let line = table.split(separator: "\n").first {
                    $0.contains(" http/TCP ") && $0.contains(" \(pod.ipv4):8080 ")
                }
                return line?.split(separator: " ") ?? []
            }
            let rows = try scene.pods.map { try row("plain", $0) }
            try #require(rows.allSatisfy { $0.count == 11 }, "\(rows)")
            #expect(rows.map { $0[5] } == ["Ready", "Draining", "NotReady"])
            #expect(rows.map { $0[8] } == ["node-a", "node-b", "node-b"])
            #expect(rows.allSatisfy { $0[4] == "kernel" && $0[6] == "-" })

            #expect(try row("web", scene.pods[0])[4...6] == ["userspace", "Ready", "0"])
            let open = try (0..<5).map { _ in try scene.client.converse(with: web.clusterIP(.ipv4)) }
            #expect(try row("web", scene.pods[0])[6] == "5")
            // The endpoint goes from the slices: its connections are there still.
            try scene.put("web", [service] + Application(on: [scene.pods[1]]).slices)
            #expect(try row("web", scene.pods[0])[4...6] == ["userspace", "Draining", "5"])
            for conversation in open { #expect(conversation.isAlive()) }
        }

        @Test func `formats, filters, and nothing`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            try scene.put(Application(on: scene.pods))
            let all = try Self.get(scene, [])
            #expect(all.succeeded && all.output.hasPrefix("NAMESPACE   SERVICE"), "\(all)")
            for same in [["-A"], ["-n", "default"], ["-o", "table"], ["--namespace", "default", "web"]] {
                #expect(try Self.get(scene, same).output.split(separator: "\n").count == 5, "\(same)")
            }
            let names = try Self.get(scene, ["-o", "name"]).output.split(separator: "\n")
            #expect(
                names.count == 4 && names.contains("endpoint/default/web/http/\(scene.pods[0].ipv4):8080"), "\(names)")
            for nothing in [["-n", "kube-system"], ["nobody"]] {
                let completion = try Self.get(scene, nothing)
                #expect(completion.succeeded && completion.output == "", "\(completion)")
                #expect(completion.errorOutput == "No endpoints found.\n")
                #expect(try Self.items(scene, nothing).isEmpty)
            }
            for wrong in [["-o", "csv"], ["-n", "default", "-A"], ["web", "api"]] {
                #expect(try Self.get(scene, wrong).status == .exited(2), "\(wrong)")
            }
        }

        // MARK: - The socket

        @Test func `who cannot be asked is said`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            // Not root, and without its capabilities.
            let forbidden = try Self.get(
                scene, [], prefix: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
            #expect(forbidden.status == .exited(1))
            for word in [scene.adminSocket, "sudo"] { #expect(forbidden.errorOutput.contains(word), "\(forbidden)") }

            scene.fairlead.kill9()
            let refused = try Self.get(scene, [])
            #expect(refused.status == .exited(1) && refused.output == "")
            for word in [scene.adminSocket, "has ended"] { #expect(refused.errorOutput.contains(word), "\(refused)") }

            // What was left there is replaced, and gone after an orderly end.
            try scene.start()
            #expect(try Self.get(scene, []).succeeded)
            scene.fairlead.terminate()
            let missing = try Self.get(scene, [])
            #expect(missing.status == .exited(1))
            for word in [scene.adminSocket, "no such socket", "fairlead node"] {
                #expect(missing.errorOutput.contains(word), "\(missing)")
            }
        }

        @Test func `a socket of another is not taken, one that cannot be had is an error`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            // Another network namespace, so that nothing else is in the way.
            func start(_ socket: [String]) throws -> FairleadProcess {
                try FairleadProcess(nodeOn: scene.client, manifests: folder, socket)
            }
            for (path, words) in [
                (scene.adminSocket, ["listens there", "\(scene.fairlead.process.pid)"]),
                ("/no/such/folder/node.sock", ["No such file or directory"]), ("/etc/hostname", ["no socket"]),
            ] {
                let other = try start(["--admin-socket", path])
                #expect(other.process.waitForExit(timeout: .seconds(10)) == .exited(1), "\(path)")
                let said = other.log.joined(separator: "\n")
                for word in words + ["--admin-socket", path] { #expect(said.contains(word), "\(said)") }
            }
            #expect(try Self.get(scene, []).succeeded)
            for off in ["none", ""] {
                let without = try start(["--admin-socket", off])
                #expect(without.waitForLog(containing: "in force: ") != nil, "\(without.log)")
                without.terminate()
            }
        }

        /// The default path is of the whole host; so this is one with a /run of its own.
        @Test func `the default path is made if it can be, and done without if not`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            try scene.put(Application(on: scene.pods))
            let program = try FairleadProcess.locate()
            func run(_ options: String, _ further: String) throws -> String {
                // Beside the one of the scene, in another network namespace.
                let script = """
                    mount -t tmpfs \(options) tmpfs /run || exit
                    '\(program)' node --manifests '\(scene.folder.path)' 2>'\(scene.folder.path)/.log' & process=$!
                    for i in $(seq 200); do grep -q 'in force: ' '\(scene.folder.path)/.log' && break; sleep 0.05; done
                    \(further); kill $process; wait $process; ls /run/fairlead; cat '\(scene.folder.path)/.log'
                    """
                let completion = try scene.client.execute(
                    ["unshare", "--mount", "sh", "-c", script], timeout: .seconds(30))
                return completion.output + completion.errorOutput
            }
            let made = try run("", "'\(program)' get endpoints web; stat --format '%a %F' /run/fairlead/node.sock")
            for word in ["NAMESPACE ", "600 socket", "in force: "] { #expect(made.contains(word), "\(made)") }
            for word in ["node.sock\n", "admin socket"] { #expect(!made.contains(word), "\(made)") }
            let without = try run("-o ro", "true")
            for word in ["admin socket cannot be opened", "/run/fairlead", "in force: "] {
                #expect(without.contains(word), "\(without)")
            }
        }

        @Test func `other paths and methods have no effect`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            func ask(_ arguments: [String]) throws -> [Substring] {
                try scene.node.execute(
                    ["curl", "--silent", "--write-out", "\n%{http_code}", "--unix-socket", scene.adminSocket]
                        + arguments
                ).output.split(separator: "\n")
            }
            for (arguments, status) in [
                (["http://x/v1/endpoints"], "200"), (["http://x/v1/endpoints?namespace=a&service=b"], "200"),
                (["http://x/v1/endpoints?name=a"], "400"), (["http://x/"], "404"), (["http://x/v2/endpoints"], "404"),
                (["-X", "POST", "http://x/v1/endpoints"], "405"), (["-X", "DELETE", "http://x/v1/endpoints"], "405"),
            ] {
                let lines = try ask(arguments)
                #expect(lines.last.map(String.init) == status, "\(arguments): \(lines)")
                #expect(lines.first?.hasPrefix(#"{"apiVersion":"admin.fairlead.dev/v1","kind":"#) == true, "\(lines)")
            }
            // A head of more than 8 KiB.
            #expect(
                try ask(["-H", "X: \(String(repeating: "x", count: 9_000))", "http://x/v1/endpoints"]).last != "200")
        }
    }
}
