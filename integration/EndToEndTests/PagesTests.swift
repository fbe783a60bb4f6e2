import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// What kube-proxy answers about itself, answered by Fairlead: health on 10256, metrics on 10249.
    @Suite struct PagesTests {
        private static let healthPort: UInt16 = 10256
        private static let metricsPort: UInt16 = 10249

        private func health(_ scene: Scene, _ path: String, _ family: AddressFamily = .ipv4) throws -> HTTPAnswer? {
            try scene.client.get(SocketAddress(scene.node.address(family), Self.healthPort), path: path)
        }

        private func local(_ host: Host, _ path: String) throws -> HTTPAnswer? {
            try host.get(SocketAddress(IPAddress(127, 0, 0, 1), Self.metricsPort), path: path)
        }

        private func metrics(_ scene: Scene) throws -> PrometheusText {
            let answer = try #require(try self.local(scene.node, "/metrics"))
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            return try PrometheusText(answer.body)
        }

        private func expectHealth(
            _ status: Int, _ scene: Scene, _ path: String, containing text: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            var last: HTTPAnswer?
            try expectSoon("\(path): \(status) \(text)", within: .seconds(10), sourceLocation: sourceLocation) {
                last = try self.health(scene, path)
                return last?.status == status && last?.body.contains(text) == true
            }
            #expect(last?.headers["content-type"] == "application/json", sourceLocation: sourceLocation)
        }

        @Test(arguments: AddressFamily.allCases)
        func `E4 both pages say that all is well, to hosts outside`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            for (path, eligible) in [("/healthz", true), ("/livez", false)] {
                var last: HTTPAnswer?
                try expectSoon("\(path)", within: .seconds(10)) {
                    last = try self.health(scene, path, family)
                    return last?.status == 200
                }
                let answer = try #require(last)
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                let time = #/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,8}[1-9])?Z/#
                let shape = answer.body.replacing(time, with: "T")
                let status = #""IPv4":{"lastUpdated":"T","healthy":true},"IPv6":{"lastUpdated":"T","healthy":true}"#
                #expect(
                    shape == #"{"lastUpdated":"T","currentTime":"T","#
                        + (eligible ? #""nodeEligible":true,"# : "") + #""healthy":true,"status":{\#(status)}}"#)
                // Of this moment, as both say.
                let times = answer.body.matches(of: time).map { String($0.output.0) }
                #expect(times.count == 4 && times[0] == times[1])
            }
            #expect(try self.health(scene, "/", family)?.status == 404)
            #expect(try self.health(scene, "/metrics", family)?.status == 404)
        }

        @Test func `E5 a node that is to go says so on healthz alone`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            // Without a Node nothing is known against it.
            try self.expectHealth(200, scene, "/healthz", containing: #""nodeEligible":true"#)
            var node = NodeManifest(Scene.here)
            node.taints = ["example.com/other", "ToBeDeletedByClusterAutoscaler"]
            try scene.put("node", [node])
            try self.expectHealth(503, scene, "/healthz", containing: #""nodeEligible":false,"healthy":true"#)
            try self.expectHealth(200, scene, "/livez", containing: #""healthy":true"#)
            node.taints = ["example.com/other"]
            try scene.put("node", [node])
            try self.expectHealth(200, scene, "/healthz", containing: #""nodeEligible":true"#)
            node.deletionTimestamp = "2026-11-21T02:45:39Z"
            try scene.put("node", [node])
            try self.expectHealth(503, scene, "/healthz", containing: #""nodeEligible":false"#)
            // Another node's end is its own.
            try scene.remove("node")
            node.name = Scene.elsewhere
            try scene.put("other", [node])
            try self.expectHealth(200, scene, "/healthz", containing: #""nodeEligible":true"#)
            let metrics = try self.metrics(scene)
            for (page, code) in [("healthz", "200"), ("healthz", "503"), ("livez", "200")] {
                let count = metrics["kubeproxy_proxy_\(page)_total", ["code": code]]
                #expect(try #require(count) >= 1, "\(page) \(code)")
            }
            #expect(metrics["kubeproxy_proxy_livez_total", ["code": "503"]] == 0)
        }

        @Test func `E6 the metrics port is for this host alone, and says what is programmed`() throws {
            let scene = try Scene(pods: 1, ["--masquerade-all"])
            defer { scene.tearDown() }
            for (path, body, type) in [
                ("/proxyMode", "nftables", "text/plain; charset=utf-8"),
                ("/healthz", "ok", "text/plain; charset=utf-8"),
            ] {
                let answer = try #require(try self.local(scene.node, path))
                #expect(answer.status == 200 && answer.body == body, "\(answer)")
                #expect(answer.headers["content-type"] == type)
            }
            let configuration = try #require(try self.local(scene.node, "/configz"))
            #expect(configuration.headers["content-type"] == "application/json")
            #expect(configuration.body.hasPrefix(#"{"kubeproxy.config.k8s.io":{"#), "\(configuration)")
            #expect(configuration.body.contains(#""masqueradeAll":true"#), "\(configuration)")
            #expect(configuration.body.contains(#""clusterCIDR":"10.244.0.0/16,fd00:10:244::/48""#), "\(configuration)")
            #expect(try scene.client.probe(.tcp, SocketAddress(scene.node.ipv4, Self.metricsPort)).isRefused)
        }

        /// All names of kube-proxy's metrics in nftables mode.
        private static let names = [
            "sync_proxy_rules_duration_seconds", "sync_full_proxy_rules_duration_seconds",
            "sync_partial_proxy_rules_duration_seconds", "sync_proxy_rules_last_timestamp_seconds",
            "sync_proxy_rules_last_queued_timestamp_seconds", "network_programming_duration_seconds",
            "sync_proxy_rules_endpoint_changes_pending", "sync_proxy_rules_endpoint_changes_total",
            "sync_proxy_rules_service_changes_pending", "sync_proxy_rules_service_changes_total",
            "sync_proxy_rules_no_local_endpoints_total", "sync_proxy_rules_nftables_sync_failures_total",
            "sync_proxy_rules_nftables_cleanup_failures_total", "proxy_healthz_total", "proxy_livez_total",
            "conntrack_reconciler_sync_duration_seconds", "conntrack_reconciler_deleted_entries_total",
        ]

        @Test func `E7 every metric of kube-proxy is there, and moves with a Service`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let before = try self.metrics(scene)
            for name in Self.names { #expect(before.families["kubeproxy_\(name)"] != nil, "\(name)") }
            for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "fairlead_build_info"] {
                #expect(before.families[name]?.samples.count == 1, "\(name)")
            }
            var web = Application.everywhere(on: scene.pods)
            try scene.put(web)
            let after = try self.metrics(scene)
            func growth(_ name: String, _ labels: [String: String] = [:]) -> Double {
                (after[name, labels] ?? .nan) - (before[name, labels] ?? .nan)
            }
            // The Service and the one that tells that it is in force.
            #expect(growth("kubeproxy_sync_proxy_rules_service_changes_total") >= 2)
            #expect(growth("kubeproxy_sync_proxy_rules_endpoint_changes_total") == 2)
            #expect(after["kubeproxy_sync_proxy_rules_service_changes_pending", [:]] == 0)
            #expect(growth("fairlead_services") == 2)
            #expect(growth("fairlead_element_operations_total") > 0)
            #expect(growth("fairlead_transaction_bytes_total") > 0)
            for family in AddressFamily.allCases {
                let labels = ["ip_family": "IPv\(family.rawValue)"]
                #expect(growth("kubeproxy_sync_partial_proxy_rules_duration_seconds_count", labels) >= 1)
                #expect(growth("kubeproxy_sync_full_proxy_rules_duration_seconds_count", labels) == 0)
                #expect(growth("kubeproxy_sync_proxy_rules_last_timestamp_seconds", labels) > 0)
                #expect(growth("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", labels) > 0)
                #expect(growth("fairlead_endpoints", labels) == 3)
            }
            // All its endpoints are elsewhere now.
            web.externalPolicy = "Local"
            try scene.put("web", web.manifests(of: scene.pods.map { .elsewhere($0) }))
            let local = try self.metrics(scene)
            let external = ["ip_family": "IPv4", "traffic_policy": "external"]
            #expect(local["kubeproxy_sync_proxy_rules_no_local_endpoints_total", external] == 2)
        }

        @Test func `a table that another program deletes is repaired, and counted`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            try scene.node.shell("nft delete table inet fairlead")
            #expect(scene.fairlead.waitForLog(containing: "has been repaired") != nil)
            try expectSoon("counted", within: .seconds(10)) {
                try self.metrics(scene)["fairlead_repairs_total", ["reason": "foreign_commit"]] == 1
            }
            try self.expectHealth(200, scene, "/healthz", containing: #""healthy":true"#)
        }

        @Test func `E7 stale connections that are ended are counted`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            let conversation = try scene.client.converseByUDP(with: web.clusterIP(.ipv4))
            #expect(conversation.exchange().server == scene.pods[1].name)
            try scene.put(Application(on: [scene.pods[2]]))
            try expectSoon("counted", within: .seconds(10)) {
                let metrics = try self.metrics(scene)
                return metrics["fairlead_stale_connections_ended_total", ["protocol": "udp"]] ?? 0 >= 1
                    && metrics["kubeproxy_conntrack_reconciler_deleted_entries_total", ["ip_family": "IPv4"]] ?? 0 >= 1
                    && metrics["kubeproxy_conntrack_reconciler_sync_duration_seconds_count", ["ip_family": "IPv4"]]
                        ?? 0 >= 1
            }
            #expect(conversation.exchange().server == scene.pods[2].name)
        }

        @Test func `endpoints that drain are counted, with their connections`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            let conversation = try scene.client.converse(with: web.clusterIP(.ipv4))
            try scene.put("web", web.manifests(of: [.here(scene.pods[1], .draining), .here(scene.pods[2])]))
            try expectSoon("counted", within: .seconds(10)) {
                let metrics = try self.metrics(scene)
                // The endpoint has an address of each family.
                return metrics["fairlead_draining_endpoints", [:]] == 2
                    && metrics["fairlead_draining_connections", [:]] == 1
            }
            #expect(conversation.isAlive())
            try scene.put("web", web.manifests(of: [.here(scene.pods[2])]))
            try expectSoon("drained", within: .seconds(10)) {
                try self.metrics(scene)["fairlead_draining_endpoints", [:]] == 0
            }
        }

        /// A table has an owner while another program says so, and nobody else may touch it.
        @Test func `E4 no rules in force are said, and E5 is no reason to start again`() throws {
            let sandbox = try Sandbox()
            let host = sandbox.host
            let folder = try ManifestFolder()
            let signal = try ManifestFolder()
            let owner = try host.spawn([
                "sh", "-c",
                """
                (echo 'add table inet fairlead { flags owner; }'; while [ ! -e \(signal.path)/end ]; do sleep 0.05; done) \
                | exec nft -i
                """,
            ])
            try expectSoon("owned", within: .seconds(10)) {
                try host.shell("nft list ruleset").contains("flags owner")
            }
            try folder.write("web.yaml", Application().manifests)
            let fairlead = try FairleadProcess(nodeOn: host, manifests: folder, ["--dataplane", "nftables"])
            defer {
                _ = fairlead.terminate()
                owner.kill()
                sandbox.tearDown()
                folder.delete()
                signal.delete()
            }
            #expect(fairlead.waitForLog(containing: "programming failed") != nil, "\(fairlead.log)")
            let healthz = SocketAddress(host.ipv4, Self.healthPort)
            let unserved = try #require(try host.get(healthz, path: "/healthz"))
            #expect(unserved.status == 503)
            #expect(unserved.body.hasPrefix(#"{"lastUpdated":"0001-01-01T00:00:00Z","#), "\(unserved)")
            #expect(unserved.body.hasSuffix(#","nodeEligible":true,"healthy":false}"#), "\(unserved)")
            #expect(try host.get(healthz, path: "/livez")?.status == 200)
            let pending = try PrometheusText(try #require(try self.local(host, "/metrics")).body)
            let name = "kubeproxy_sync_proxy_rules"
            #expect(pending["\(name)_service_changes_pending", [:]] == 1)
            let failures = pending["\(name)_nftables_sync_failures_total", ["ip_family": "IPv6"]]
            #expect(try #require(failures) >= 1)

            try host.shell("touch \(signal.path)/end")
            try expectSoon("in force", within: .seconds(30)) { try host.get(healthz, path: "/healthz")?.status == 200 }
            let served = try PrometheusText(try #require(try self.local(host, "/metrics")).body)
            #expect(served["\(name)_service_changes_pending", [:]] == 0)
        }

        // MARK: - Addresses

        @Test func `E6 other addresses, and none`() throws {
            let scene = try Scene(pods: 1, ["--healthz-bind-address", "", "--metrics-bind-address=[::]:9000"])
            defer { scene.tearDown() }
            for family in AddressFamily.allCases {
                let target = SocketAddress(scene.node.address(family), 9000)
                try expectSoon("\(target)", within: .seconds(10)) {
                    try scene.client.get(target, path: "/proxyMode")?.body == "nftables"
                }
                #expect(try scene.client.probe(.tcp, target.port(Self.healthPort)).isRefused)
                #expect(try scene.client.probe(.tcp, target.port(Self.metricsPort)).isRefused)
            }
        }

        @Test func `E6 a port that is taken is said, and the rules are in force all the same`() throws {
            let lab = try Lab(pods: 1)
            let folder = try ManifestFolder()
            var thief: EchoServer? = try EchoServer(on: lab.node, port: Self.healthPort, transports: [.tcp])
            let fairlead = try FairleadProcess(nodeOn: lab.node, manifests: folder)
            defer {
                _ = fairlead.terminate()
                thief?.stop()
                lab.tearDown()
                folder.delete()
            }
            #expect(fairlead.waitForLog(containing: "in force: ") != nil, "\(fairlead.log)")
            let said = fairlead.waitForLog(containing: "the health port cannot be opened")
            #expect(said?.contains("port=10256") == true && said?.contains("ss -Htlnp") == true, "\(fairlead.log)")
            #expect(try self.local(lab.node, "/healthz")?.body == "ok")
            thief?.stop()
            thief = nil
            try expectSoon("served", within: .seconds(10)) {
                try lab.node.get(SocketAddress(lab.node.ipv4, Self.healthPort), path: "/livez")?.status == 200
            }
        }

        @Test func `E6 with --bind-address-hard-fail it is the end`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            let thief = try EchoServer(on: sandbox.host, port: Self.metricsPort, transports: [.tcp])
            defer { thief.stop() }
            let fairlead = try FairleadProcess(
                nodeOn: sandbox.host, manifests: folder, ["--bind-address-hard-fail"])
            #expect(fairlead.process.waitForExit(timeout: .seconds(20)) == .exited(1), "\(fairlead.log)")
            let end = fairlead.log.last ?? ""
            #expect(
                end.contains("the metrics port cannot be opened at 127.0.0.1:10249: Address already in use"),
                "\(fairlead.log)")
        }

        @Test(arguments: ["--healthz-bind-address", "--metrics-bind-address"])
        func `E6 what is no address is wrong usage`(option: String) throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            for value in ["localhost:80", ":10256", "1.2.3.4:x"] {
                let completion = try sandbox.host.execute(
                    [try FairleadProcess.locate(), "node", "--manifests", "/", "\(option)=\(value)"],
                    timeout: .seconds(10))
                #expect(completion.status == .exited(2), "\(value)")
                for word in [option, value, "must be an address"] {
                    #expect(completion.errorOutput.contains(word), "\(value): \(completion.errorOutput)")
                }
            }
        }
    }
}
