import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The command line as a contract: exit codes, and words that say what to do.
    @Suite struct UsageTests {
        private func fairlead(_ arguments: [String], on host: Host, prefix: [String] = []) throws
            -> ChildProcess.Completion
        {
            try host.execute(prefix + [try FairleadProcess.locate()] + arguments, timeout: .seconds(10))
        }

        private struct Misuse: CustomTestStringConvertible {
            let arguments: [String]
            let exitCode: Int32
            let words: [String]
            var testDescription: String { self.arguments.joined(separator: " ") }
        }

        private static let misuses = [
            Misuse(arguments: ["node", "--manifest-dir", "/tmp"], exitCode: 2, words: ["--manifest-dir", "Usage:"]),
            Misuse(arguments: ["nod"], exitCode: 2, words: ["nod", "Usage:"]),
            Misuse(arguments: ["node"], exitCode: 1, words: ["--manifests"]),
            Misuse(arguments: ["run"], exitCode: 1, words: ["--manifests"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--master", "https://192.0.2.1"], exitCode: 2,
                words: ["--manifests", "--master"]),
            Misuse(arguments: ["node", "--master", "192.0.2.1"], exitCode: 2, words: ["--master", "https://"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--proxy-mode", "userspace"], exitCode: 2,
                words: ["--proxy-mode", "userspace"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--cleanup=perhaps"], exitCode: 2,
                words: ["--cleanup", "'perhaps'"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--config", "/no/such/file"], exitCode: 1,
                words: ["/no/such/file"]),
            Misuse(arguments: ["get", "endpoint-slices"], exitCode: 2, words: ["endpoint-slices", "Usage:"]),
            Misuse(
                arguments: ["get", "endpoints", "-o", "csv"], exitCode: 2, words: ["csv", "table", "wide", "json"]),
            Misuse(
                arguments: ["get", "endpoints", "--admin-socket", "/no/such/socket"], exitCode: 1,
                words: ["/no/such/socket", "fairlead node"]),
            Misuse(arguments: ["render"], exitCode: 2, words: ["--manifests"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--cluster-cidr", "10.244.0.0/33"], exitCode: 2,
                words: ["--cluster-cidr", "10.244.0.0/33"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--cluster-cidr", "10.0.0.0/8,11.0.0.0/8"], exitCode: 2,
                words: ["--cluster-cidr", "10.0.0.0/8,11.0.0.0/8"]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--nodeport-addresses", "any"], exitCode: 2,
                words: ["--nodeport-addresses", "\"any\""]),
            Misuse(
                arguments: ["node", "--manifests", "/", "--log-level", "loud"], exitCode: 2,
                words: ["--log-level", "'loud'"]),
            Misuse(
                arguments: ["node", "--manifests", "/no/such/directory"], exitCode: 1,
                words: ["/no/such/directory", "create it"]),
            Misuse(
                arguments: ["render", "--manifests", "/no/such/directory"], exitCode: 1,
                words: ["/no/such/directory", "create it"]),
            Misuse(
                arguments: ["trace", "--manifests", "/etc", "10.96.0.10"], exitCode: 2,
                words: ["10.96.0.10", "ADDRESS:PORT"]),
            Misuse(
                arguments: ["trace", "--manifests", "/etc", "--from", "fd00::1", "10.96.0.10:80"], exitCode: 2,
                words: ["--from", "IP version"]),
            Misuse(
                arguments: ["trace", "--manifests", "/no/such/directory", "10.96.0.10:80"], exitCode: 1,
                words: ["/no/such/directory", "create it"]),
            Misuse(arguments: ["node", "--manifests", "/etc/hostname"], exitCode: 1, words: ["/etc/hostname"]),
        ]

        @Test func `wrong usage is told from failure, and both say what is wrong`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            for misuse in Self.misuses {
                let completion = try self.fairlead(misuse.arguments, on: sandbox.host)
                #expect(completion.status == .exited(misuse.exitCode), "\(misuse.testDescription)")
                #expect(completion.output == "", "\(misuse.testDescription)")
                for word in misuse.words {
                    let said = completion.errorOutput
                    #expect(said.contains(word), "\(misuse.testDescription): \(said)")
                }
            }
            #expect(try sandbox.host.shell("nft list ruleset") == "", "nothing was programmed")
        }

        @Test func `help and version are no errors`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            for line in [
                "--help", "--version", "node --help", "run -h", "render --help", "cleanup --help", "get --help",
                "get endpoints --help", "get services --help", "check --help", "trace --help",
            ] {
                let arguments = line.split(separator: " ").map(String.init)
                let completion = try self.fairlead(arguments, on: sandbox.host)
                #expect(completion.succeeded, "\(arguments)")
                #expect(completion.errorOutput == "", "\(arguments)")
                let word = arguments == ["--version"] ? "fairlead " : "USAGE:"
                #expect(completion.output.contains(word), "\(arguments)")
            }
        }

        @Test func `without CAP_NET_ADMIN it says how to get it, and render still works`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            scene.fairlead.terminate()
            let unprivileged = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]
            let probe = try scene.node.execute(unprivileged + ["nft", "list", "ruleset"])
            try #require(!probe.succeeded, "the capability is really gone")
            let manifests = ["--manifests", scene.folder.path]
            let kernel = ["--dataplane", "nftables"]
            for command in [["node"] + manifests + kernel, ["run"] + manifests + kernel, ["cleanup"]] {
                let completion = try self.fairlead(command, on: scene.node, prefix: unprivileged)
                #expect(completion.status == .exited(1), "\(command)")
                for word in ["CAP_NET_ADMIN", "sudo", "AmbientCapabilities", "NET_ADMIN"] {
                    #expect(completion.errorOutput.contains(word), "\(command): \(completion.errorOutput)")
                }
            }
            let render = try self.fairlead(["render"] + manifests, on: scene.node, prefix: unprivileged)
            #expect(render.succeeded, "\(render.errorOutput)")
            #expect(render.output.contains("table inet fairlead"))
        }

        /// What is rendered is what is programmed: loaded by nft it serves, and Fairlead finds nothing to write.
        @Test func `what render prints loads, and serves`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            web.hasExternalIPs = true
            try scene.put(web)
            try scene.put(Application("empty", number: 20, on: []))
            scene.fairlead.terminate()
            let fairlead = try FairleadProcess.locate()
            try scene.node.shell("nft delete table inet fairlead")
            let render = "'\(fairlead)' render --manifests '\(scene.folder.path)' --cluster-cidr '\(Lab.clusterCIDR)'"
            try scene.node.shell("set -e; \(render) >'\(scene.folder.path)/rules.nft'")
            try scene.node.shell("nft -c -f '\(scene.folder.path)/rules.nft'")
            try expectUnserved([scene.client], web.clusterIP(.ipv4))
            try scene.node.shell("nft -f '\(scene.folder.path)/rules.nft'")
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
                try expectAnswered(scene.vantagePoints, web.externalIP(family))
                try expectAnswered(scene.vantagePoints, SocketAddress(scene.node.address(family), 30080))
                try expectRefused(scene.vantagePoints, .clusterIP(20, family))
            }
        }
    }
}
