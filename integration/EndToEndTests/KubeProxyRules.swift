import Lab
import Networking

/// Rules as kube-proxy has them for one Service, over TCP and UDP at its ClusterIP and its NodePort, with
/// masquerading by packet mark: enough to serve, put into a node by hand.
struct KubeProxyRules {
    enum Mode: CaseIterable {
        case nftables
        case iptables
    }

    let mode: Mode
    let service: Application
    let node: Host

    func put() throws {
        for family in AddressFamily.allCases {
            switch self.mode {
            case .nftables:
                try self.node.shell("nft -f - <<'END'\n\(self.nftables(family))END")
            case .iptables:
                let program = family == .ipv4 ? "iptables-nft-restore" : "ip6tables-nft-restore"
                try self.node.shell("\(program) --noflush <<'END'\n\(self.iptables(family))END")
            }
        }
    }

    /// Whether anything of it is still there.
    func isThere() throws -> Bool {
        let ruleset = try self.node.shell("nft list ruleset")
        return ruleset.contains("kube-proxy {") || ruleset.contains("KUBE-")
    }

    private static func podBlock(_ family: AddressFamily) -> String {
        Lab.clusterCIDR.split(separator: ",").map(String.init).first { $0.contains(":") == (family == .ipv6) } ?? ""
    }

    private func target(_ endpoint: Host, _ family: AddressFamily) -> String {
        let address = endpoint.address(family)
        return family == .ipv4 ? "\(address):\(Scene.targetPort)" : "[\(address)]:\(Scene.targetPort)"
    }

    // MARK: - nftables mode

    private func nftables(_ family: AddressFamily) -> String {
        let ip = family == .ipv4 ? "ip" : "ip6"
        let type = family == .ipv4 ? "ipv4_addr" : "ipv6_addr"
        let address = self.service.clusterIP(family).address
        let nodePort = self.service.nodePort ?? 0
        let endpoints = self.service.endpoints
        var text = """
            table \(ip) kube-proxy {
                map service-ips { type \(type) . inet_proto . inet_service : verdict; }
                map service-nodeports { type inet_proto . inet_service : verdict; }
                chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
                chain masquerading {
                    meta mark & 0x4000 == 0 return
                    meta mark set meta mark xor 0x4000
                    masquerade fully-random
                }
                chain services {
                    \(ip) daddr . meta l4proto . th dport vmap @service-ips
                    fib daddr type local meta l4proto . th dport vmap @service-nodeports
                }

            """
        for (index, endpoint) in endpoints.enumerated() {
            text += """
                    chain endpoint-\(index) {
                        \(ip) saddr \(endpoint.address(family)) jump mark-for-masquerade
                        meta l4proto { tcp, udp } dnat to \(self.target(endpoint, family))
                    }

                """
        }
        let choices = endpoints.indices.map { "\($0) : goto endpoint-\($0)" }.joined(separator: ", ")
        text += """
                chain service-web {
                    \(ip) daddr \(address) \(ip) saddr != \(Self.podBlock(family)) jump mark-for-masquerade
                    numgen random mod \(endpoints.count) vmap { \(choices) }
                }
                chain external-web { jump mark-for-masquerade; goto service-web; }
                chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
                chain nat-output { type nat hook output priority -100; jump services; }
                chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
            }

            """
        for transport in ["tcp", "udp"] {
            text += """
                add element \(ip) kube-proxy service-ips { \(address) . \(transport) . \(Application.port) : goto service-web }
                add element \(ip) kube-proxy service-nodeports { \(transport) . \(nodePort) : goto external-web }

                """
        }
        return text
    }

    // MARK: - iptables mode

    private func iptables(_ family: AddressFamily) -> String {
        let address = self.service.clusterIP(family).address
        let endpoints = self.service.endpoints
        var rules: [String] = [
            "-A PREROUTING -j KUBE-SERVICES", "-A OUTPUT -j KUBE-SERVICES", "-A POSTROUTING -j KUBE-POSTROUTING",
            "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
            "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
            "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000", "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
            "-A KUBE-SVC-WEB -d \(address) ! -s \(Self.podBlock(family)) -j KUBE-MARK-MASQ",
            "-A KUBE-EXT-WEB -j KUBE-MARK-MASQ", "-A KUBE-EXT-WEB -j KUBE-SVC-WEB",
        ]
        for transport in ["tcp", "udp"] {
            rules.append("-A KUBE-SERVICES -d \(address) -p \(transport) --dport \(Application.port) -j KUBE-SVC-WEB")
            rules.append("-A KUBE-NODEPORTS -p \(transport) --dport \(self.service.nodePort ?? 0) -j KUBE-EXT-WEB")
        }
        rules.append("-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS")
        for (index, endpoint) in endpoints.enumerated() {
            let rest = endpoints.count - index
            let chance = rest == 1 ? "" : " -m statistic --mode random --probability \(1.0 / Double(rest))"
            rules.append("-A KUBE-SVC-WEB\(chance) -j KUBE-SEP-\(index)")
            rules.append("-A KUBE-SEP-\(index) -s \(endpoint.address(family)) -j KUBE-MARK-MASQ")
            for transport in ["tcp", "udp"] {
                rules.append(
                    "-A KUBE-SEP-\(index) -p \(transport) -j DNAT --to-destination \(self.target(endpoint, family))")
            }
        }
        let chains =
            ["SERVICES", "NODEPORTS", "POSTROUTING", "MARK-MASQ", "SVC-WEB", "EXT-WEB"]
            + endpoints.indices.map { "SEP-\($0)" }
        return "*nat\n" + chains.map { ":KUBE-\($0) - [0:0]\n" }.joined() + rules.map { "\($0)\n" }.joined()
            + "COMMIT\n"
    }
}
