import Lab
import Networking
import Testing

extension EndToEnd {
    /// A node that kube-proxy served before, whose rules lead nowhere now.
    @Suite struct KubeProxyLeftoversTests {
        /// The kubelet's rule and kube-proxy's: the ClusterIP of `web` goes to endpoints that are no more,
        /// over IPv4 by iptables mode, over IPv6 by nftables mode.
        private static func leave(_ web: Application, on node: Host, backend: String) throws {
            try node.shell(
                """
                iptables-\(backend)-restore <<'END'
                *filter
                :KUBE-FIREWALL - [0:0]
                :KUBE-FORWARD - [0:0]
                -A OUTPUT -j KUBE-FIREWALL
                -A FORWARD -j KUBE-FORWARD
                -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
                -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
                COMMIT
                *nat
                :KUBE-SEP-A - [0:0]
                :KUBE-SERVICES - [0:0]
                :KUBE-SVC-A - [0:0]
                -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
                -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
                -A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.244.9.9:8080
                -A KUBE-SEP-A -p udp -m udp -j DNAT --to-destination 10.244.9.9:8080
                -A KUBE-SERVICES -d \(web.clusterIP(.ipv4).address)/32 -j KUBE-SVC-A
                -A KUBE-SVC-A -m comment --comment "default/web:http" -j KUBE-SEP-A
                COMMIT
                END
                nft -f - <<'END'
                table ip6 kube-proxy {
                    map service-ips { type ipv6_addr : verdict; }
                    chain service-A { meta l4proto { tcp, udp } dnat to [fd00:10:244:9::9]:8080; }
                    chain services { ip6 daddr vmap @service-ips; }
                    chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
                    chain nat-output { type nat hook output priority -100; jump services; }
                }
                add element ip6 kube-proxy service-ips { \(web.clusterIP(.ipv6).address) : goto service-A }
                END
                """)
        }

        private static func place(_ table: String, _ backend: String) -> String {
            backend == "nft" ? "table ip \(table)" : "table \(table) of iptables-legacy"
        }

        @Test(arguments: ["nft", "legacy"])
        func `with the flag they go, and the Services answer`(backend: String) throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            scene.fairlead.terminate()
            let before = try scene.node.shell("nft -s list table inet fairlead")
            try Self.leave(web, on: scene.node, backend: backend)
            for family in AddressFamily.allCases { try expectUnserved(scene.vantagePoints, web.clusterIP(family)) }

            try scene.start(["--cleanup-kube-proxy"])
            let parts = [
                "removed=\"3 chains and 2 rules that lead there in \(Self.place("nat", backend))\"",
                "removed=\"1 chain and 1 rule that lead there in \(Self.place("filter", backend))\"",
                "removed=\"table ip6 kube-proxy with 4 chains\"",
            ]
            for part in parts {
                #expect(scene.fairlead.waitForLog(containing: part) != nil, "\(part): \(scene.fairlead.log)")
            }
            let log = scene.fairlead.log
            let inForce = try #require(log.firstIndex { $0.contains("in force: ") })
            let removed = try #require(log.firstIndex { $0.contains("removed what kube-proxy left") })
            #expect(inForce < removed, "\(log)")
            for family in AddressFamily.allCases { try expectAnswered(scene.vantagePoints, web.clusterIP(family)) }
            // The kubelet's stay, and so does Fairlead's table.
            let rest = try scene.node.shell("iptables-\(backend)-save | grep KUBE-")
            #expect(
                rest == """
                    :KUBE-FIREWALL - [0:0]
                    -A OUTPUT -j KUBE-FIREWALL
                    -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP

                    """)
            #expect(try !scene.node.shell("nft list tables").contains("kube-proxy"))
            #expect(try scene.node.shell("nft -s list table inet fairlead") == before)

            // The next start finds nothing to remove and nothing to warn of.
            scene.fairlead.terminate()
            try scene.start(["--cleanup-kube-proxy"])
            #expect(scene.fairlead.waitForLog(containing: "kube-proxy left nothing to remove") != nil)
            scene.fairlead.terminate()
            try scene.start()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
            #expect(!scene.fairlead.log.contains { $0.contains("kube-proxy") }, "\(scene.fairlead.log)")
        }

        @Test func `without the flag they are named and stay`() throws {
            let scene = try Scene(pods: 2)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            scene.fairlead.terminate()
            try Self.leave(web, on: scene.node, backend: "nft")
            let before = try Self.foreignTables(scene.node)
            try scene.start()
            let line = try #require(scene.fairlead.waitForLog(containing: "--cleanup-kube-proxy"))
            for part in [
                "table ip6 kube-proxy", "3 chains and 2 rules that lead there in table ip nat", "table ip filter",
            ] {
                #expect(line.contains(part), "\(line)")
            }
            try scene.settle()
            #expect(scene.fairlead.log.count { $0.contains("kube-proxy") } == 1, "\(scene.fairlead.log)")
            #expect(try Self.foreignTables(scene.node) == before)
        }

        private static func foreignTables(_ node: Host) throws -> String {
            try node.shell("iptables-nft-save | sed '/^#/d'; nft -a list table ip6 kube-proxy")
        }
    }
}
