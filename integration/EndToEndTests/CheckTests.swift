import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// `fairlead check`: what is wrong with a host, in one command.
    @Suite struct CheckTests {
        private func check(_ host: Host, _ arguments: [String] = [], prefix: [String] = []) throws
            -> ChildProcess.Completion
        {
            try host.execute(
                prefix + [try FairleadProcess.locate(), "check", "--quiet"] + arguments, timeout: .seconds(20))
        }

        @Test func `it changes nothing, and what runs is no fault`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let before = try scene.node.shell("nft -s list ruleset")
            let completion = try self.check(scene.node, ["--role", "node"])
            #expect(completion.succeeded, "\(completion.output)")
            #expect(completion.output.contains("0 failures"))
            #expect(try scene.node.shell("nft -s list ruleset") == before)
            let json = try self.check(scene.node, ["--role", "node", "-o", "json"])
            #expect(json.output.hasPrefix("{\"level\":"))
            #expect(json.output.contains("\"topic\":\"proxies\",\"level\":\"ok\",\"message\":\"Fairlead runs here"))
        }

        @Test func `a foreign drop rule is named`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            try sandbox.host.shell(
                "nft 'table inet guard { chain input { type filter hook forward priority -5; ip daddr 10.244.0.0/16 drop; }; }'"
            )
            let completion = try self.check(sandbox.host, ["--role", "node"])
            #expect(
                completion.output.contains("chain input of table inet guard, at forward, leads to 1 rule that drop"))
            #expect(completion.output.contains("nft list table inet guard"))
            let strict = try self.check(sandbox.host, ["--role", "node", "--strict"])
            #expect(strict.status == .exited(1))
        }

        @Test func `a port that another program has is named, with the program`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let server = try EchoServer(on: sandbox.host, port: 8080, name: "other")
            defer { server.stop() }
            let completion = try self.check(
                sandbox.host, ["--role", "ingress", "--http-port", "8080", "--https-port", "0"])
            #expect(completion.status == .exited(1))
            #expect(completion.output.contains("0.0.0.0:8080 for HTTP is taken by process "), "\(completion.output)")
            #expect(completion.output.contains("--http-port"))
        }

        @Test func `without CAP_NET_ADMIN it says how to get it`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let completion = try self.check(
                sandbox.host, ["--role", "node"],
                prefix: ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"])
            #expect(completion.status == .exited(1))
            #expect(completion.output.contains("CAP_NET_ADMIN is missing"))
            #expect(completion.output.contains("AmbientCapabilities=CAP_NET_ADMIN"))
        }

        @Test func `kube-proxy's tables and broken manifests are failures`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            try sandbox.host.shell("nft 'table ip kube-proxy { chain services { accept; }; }'")
            let folder = try ManifestFolder()
            try folder.write("bad.yaml", "kind: Service\napiVersion: v1\nmetadata: [\n")
            let completion = try self.check(sandbox.host, ["--role", "node", "--manifests", folder.path])
            #expect(completion.status == .exited(1))
            #expect(completion.output.contains("table ip kube-proxy with 1 chain"), "\(completion.output)")
            #expect(completion.output.contains("--cleanup-kube-proxy"))
            #expect(completion.output.contains("failure   bad.yaml:"), "\(completion.output)")
        }

        @Test func `an API server is asked what it allows`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let api = try APIServerProcess(on: sandbox.host)
            defer { api.process.kill() }
            let completion = try sandbox.host.execute(
                [try FairleadProcess.locate(), "check", "--kubeconfig", api.kubeconfig], timeout: .seconds(20))
            #expect(completion.output.contains("ok        the API server allows all"), "\(completion.output)")
            api.process.kill()
            let gone = try self.check(sandbox.host, ["--kubeconfig", api.kubeconfig])
            #expect(gone.output.contains("failure   the API server cannot be asked"), "\(gone.output)")
        }
    }
}
