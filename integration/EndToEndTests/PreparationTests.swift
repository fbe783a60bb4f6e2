import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// What is done apart from running, and with how little it runs.
    @Suite struct PreparationTests {
        private static func setting(_ name: String, on host: Host) throws -> String {
            try host.shell("cat /proc/sys/net/netfilter/\(name)").split(separator: "\n").joined()
        }

        @Test func `E11 --init-only makes the kernel settings and ends`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            // The limit of entries is the host's, which a namespace may not change.
            let arguments = [
                "node", "--init-only", "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established", "1h",
                "--conntrack-tcp-timeout-close-wait=90s", "--conntrack-udp-timeout", "7s",
            ]
            let fairlead = try FairleadProcess.locate()
            let completion = try sandbox.host.execute([fairlead] + arguments)
            #expect(completion.status == .exited(0), "\(completion.errorOutput)")
            let expected = [
                "nf_conntrack_tcp_timeout_established": "3600", "nf_conntrack_tcp_timeout_close_wait": "90",
                "nf_conntrack_udp_timeout": "7", "nf_conntrack_tcp_be_liberal": "1",
            ]
            for (name, value) in expected { #expect(try Self.setting(name, on: sandbox.host) == value, "\(name)") }
            #expect(try sandbox.host.shell("nft list ruleset") == "")

            // What cannot be made is a failure that says how to mend it.
            let refused = try sandbox.host.execute([fairlead, "node", "--init-only", "--conntrack-min", "2000000000"])
            #expect(refused.status == .exited(1))
            #expect(refused.errorOutput.contains("sysctl -w net.netfilter.nf_conntrack_max="), "\(refused.errorOutput)")
        }

        @Test func `E10 --cleanup removes Fairlead's table and what kube-proxy left`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            let fairlead = try FairleadProcess.locate()
            let refused = try scene.node.execute([fairlead, "node", "--cleanup"])
            #expect(refused.status == .exited(1))
            scene.fairlead.terminate()
            try scene.node.shell(
                """
                nft -f - <<'END'
                table ip kube-proxy { chain a { }; }
                table ip6 kube-proxy { chain a { }; }
                table ip nat { chain KUBE-SERVICES { }; chain KUBE-KUBELET-CANARY { }; }
                table inet mine { chain a { }; }
                END
                """)
            let kept = try scene.node.execute([fairlead, "node", "--cleanup=false", "--cleanup"])
            #expect(kept.status == .exited(0), "\(kept.errorOutput)")
            let rest = try scene.node.shell("nft list ruleset")
            for gone in ["inet fairlead", "kube-proxy", "KUBE-SERVICES"] { #expect(!rest.contains(gone), "\(rest)") }
            for there in ["KUBE-KUBELET-CANARY", "table inet mine"] { #expect(rest.contains(there), "\(rest)") }
            let again = try scene.node.execute([fairlead, "node", "--cleanup"])
            #expect(again.status == .exited(0), "\(again.errorOutput)")
        }

        /// As in the pod of the DaemonSet: root, with one capability and no way to more.
        @Test func `CAP_NET_ADMIN is all it takes`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            scene.fairlead.terminate()
            try scene.node.shell("nft delete table inet fairlead")
            let confinement = [
                "setpriv", "--bounding-set", "-all,+net_admin", "--inh-caps", "-all,+net_admin", "--no-new-privs",
            ]
            let status = try scene.node.execute(confinement + ["grep", "CapEff", "/proc/self/status"])
            try #require(status.output == "CapEff:\t0000000000001000\n", "\(status.output)")
            let fairlead = try scene.node.spawn(
                confinement + [try FairleadProcess.locate(), "node", "--manifests", scene.folder.path]
                    + ["--admin-socket", "none", "--cluster-cidr", Lab.clusterCIDR, "--cleanup-kube-proxy"])
            defer { fairlead.terminate() }
            #expect(waitUntil(timeout: .seconds(10)) { fairlead.errorOutput.contains("in force: ") })
            for family in AddressFamily.allCases { try expectAnswered(scene.vantagePoints, web.clusterIP(family)) }
            #expect(!fairlead.errorOutput.contains(" error "), "\(fairlead.errorOutput)")
        }
    }
}
