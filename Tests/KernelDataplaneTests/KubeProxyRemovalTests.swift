import Lab
import Linux
import Nftables
import Testing

@testable import KernelDataplane

/// Removal from real kernels: what is kube-proxy's goes, and nothing else changes.
@Suite(.serialized)
struct KubeProxyRemovalTests {
    private static func run<Value>(_ sandbox: Sandbox, _ body: (KubeProxySearch) throws -> Value) throws -> Value {
        try sandbox.host.run {
            try body(KubeProxySearch(kernel: try NetlinkKernel(), namespace: sandbox.host.namespace))
        }
    }

    /// Removes all that is found, after which nothing more is.
    private static func removeAll(_ sandbox: Sandbox) throws -> [String] {
        try self.run(sandbox) { search in
            let leftovers = search.find()
            #expect(leftovers.obstacles == [])
            let removed = try leftovers.parts.map { try search.remove($0).description }
            #expect(search.find() == KubeProxyLeftovers())
            return removed
        }
    }

    /// What an iptables-save prints, without counters' and dates' lines.
    private static func saved(_ sandbox: Sandbox, _ program: String) throws -> String {
        try sandbox.host.shell("\(program) | sed '/^#/d'")
    }

    /// As kube-proxy 1.27 and the kubelet of its time leave it; `cluster` is a family's addresses.
    private static func kubeProxys(_ cluster: String, _ endpoint: String) -> String {
        """
        *mangle
        :KUBE-IPTABLES-HINT - [0:0]
        :KUBE-KUBELET-CANARY - [0:0]
        :KUBE-PROXY-CANARY - [0:0]
        COMMIT
        *filter
        :KUBE-EXTERNAL-SERVICES - [0:0]
        :KUBE-FORWARD - [0:0]
        :KUBE-NODEPORTS - [0:0]
        :KUBE-PROXY-CANARY - [0:0]
        :KUBE-PROXY-FIREWALL - [0:0]
        :KUBE-SERVICES - [0:0]
        -I INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
        -I INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
        -I INPUT -m conntrack --ctstate NEW -m comment --comment "externally-visible" -j KUBE-EXTERNAL-SERVICES
        -I FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -I OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
        -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
        -A KUBE-SERVICES -d \(cluster) -p tcp -m tcp --dport 81 -j REJECT
        COMMIT
        *nat
        :KUBE-EXT-A - [0:0]
        :KUBE-MARK-MASQ - [0:0]
        :KUBE-NODEPORTS - [0:0]
        :KUBE-POSTROUTING - [0:0]
        :KUBE-PROXY-CANARY - [0:0]
        :KUBE-SEP-A1 - [0:0]
        :KUBE-SEP-A2 - [0:0]
        :KUBE-SERVICES - [0:0]
        :KUBE-SVC-A - [0:0]
        -I PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -I OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
        -A KUBE-EXT-A -j KUBE-MARK-MASQ
        -A KUBE-EXT-A -j KUBE-SVC-A
        -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
        -A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-A
        -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
        -A KUBE-POSTROUTING -j MASQUERADE --random-fully
        -A KUBE-SEP-A1 -p tcp -m tcp -j DNAT --to-destination \(endpoint)
        -A KUBE-SEP-A2 -p tcp -m tcp -j DNAT --to-destination \(endpoint)
        -A KUBE-SERVICES -d \(cluster) -p tcp -m tcp --dport 80 -j KUBE-SVC-A
        -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
        -A KUBE-SVC-A ! -s \(cluster) -j KUBE-MARK-MASQ
        -A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-A1
        -A KUBE-SVC-A -j KUBE-SEP-A2
        COMMIT

        """
    }

    /// Of the kubelet, of an operator, of another program.
    private static func others(_ block: String) -> String {
        """
        *mangle
        :KUBE-IPTABLES-HINT - [0:0]
        :KUBE-KUBELET-CANARY - [0:0]
        COMMIT
        *filter
        :KUBE-FIREWALL - [0:0]
        :KUBE-ROUTER-INPUT - [0:0]
        -A INPUT -j KUBE-FIREWALL
        -A INPUT -j KUBE-ROUTER-INPUT
        -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "-j KUBE-SERVICES" -j ACCEPT
        -A OUTPUT -j KUBE-FIREWALL
        -A FORWARD -s \(block) -m limit --limit 5/sec -j ACCEPT
        -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
        COMMIT
        *nat
        :DOCKER - [0:0]
        :KUBE-MARK-DROP - [0:0]
        -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        -A POSTROUTING -s \(block) -j MASQUERADE
        -A DOCKER -i docker0 -j RETURN
        -A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
        COMMIT

        """
    }

    private static func restore(_ sandbox: Sandbox, _ backend: String, _ text: (ipv4: String, ipv6: String)) throws {
        for (program, text) in [("iptables", text.ipv4), ("ip6tables", text.ipv6)] {
            try sandbox.host.shell("\(program)-\(backend)-restore --noflush <<'END'\n\(text)END")
        }
    }

    private static func restoreOthers(_ sandbox: Sandbox, _ backend: String) throws {
        try self.restore(sandbox, backend, (Self.others("172.17.0.0/16"), Self.others("fd00:17::/64")))
    }

    private static func restoreKubeProxys(_ sandbox: Sandbox, _ backend: String) throws {
        try self.restore(
            sandbox, backend,
            (
                Self.kubeProxys("10.96.0.10/32", "10.244.9.9:8080"),
                Self.kubeProxys("fd00:10:96::a/128", "[fd00:10:244::9]:8080")
            ))
    }

    @Test(arguments: ["nft", "legacy"])
    func theRestStaysAsItWas(backend: String) throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try Self.restoreOthers(sandbox, backend)
        try sandbox.host.shell(
            "nft 'add table inet nat; add chain inet nat KUBE-SERVICES; add table inet kube-proxy; add chain inet kube-proxy services'"
        )
        let programs = ["iptables-\(backend)-save", "ip6tables-\(backend)-save"]
        let before = try programs.map { try Self.saved(sandbox, $0) }
        let foreign = try sandbox.host.shell("nft list table inet nat; nft list table inet kube-proxy")
        #expect(try Self.run(sandbox) { $0.find() } == KubeProxyLeftovers())

        try Self.restoreKubeProxys(sandbox, backend)
        // Somebody's own rule into a chain of kube-proxy cannot outlive it.
        try sandbox.host.shell("iptables-\(backend) -t nat -A DOCKER -p udp -g KUBE-MARK-MASQ")
        let removed = try Self.removeAll(sandbox)
        let counts = [("mangle", 1, 0), ("filter", 6, 5), ("nat", 9, 3)]
        let expected = ["", "6"].flatMap { family in
            counts.map { table, chains, jumps in
                let more = family == "" && table == "nat" ? 1 : 0
                let place =
                    backend == "nft" ? "table ip\(family) \(table)" : "table \(table) of ip\(family)tables-legacy"
                let what = chains == 1 ? "1 chain" : "\(chains) chains"
                return "\(what) and \(jumps + more) rules that lead there in \(place)"
            }
        }
        #expect(removed.sorted() == expected.sorted())
        for (program, before) in zip(programs, before) { #expect(try Self.saved(sandbox, program) == before) }
        #expect(try sandbox.host.shell("nft list table inet nat; nft list table inet kube-proxy") == foreign)
    }

    @Test func tablesOfNftablesModeGoWithTheirMaps() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let foreign = """
            table ip other {
                map services { type ipv4_addr : verdict; elements = { 10.96.0.10 : drop } }
                chain prerouting { type nat hook prerouting priority -100; ip daddr vmap @services; }
            }
            table inet kube-proxy {
                chain services { counter packets 3 bytes 9 drop; }
            }
            """
        try sandbox.host.shell("nft -f - <<'END'\n\(foreign)\nEND")
        let before = try sandbox.host.shell("nft -a list ruleset")
        for (family, cluster, endpoint) in [("ip", "10.96.0.10", "10.244.9.9"), ("ip6", "fd00:10:96::a", "fd00::9")] {
            let type = family == "ip" ? "ipv4_addr" : "ipv6_addr"
            try sandbox.host.shell(
                """
                nft -f - <<'END'
                table \(family) kube-proxy {
                    comment "rules for kube-proxy"
                    map service-ips { type \(type) . inet_proto . inet_service : verdict
                        elements = { \(cluster) . tcp . 80 : goto service-A } }
                    chain endpoint-A { meta l4proto tcp dnat to \(endpoint); }
                    chain service-A { numgen random mod 1 vmap { 0 : goto endpoint-A }; }
                    chain services { \(family) daddr . meta l4proto . th dport vmap @service-ips; }
                    chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
                    chain nat-output { type nat hook output priority -100; jump services; }
                }
                END
                """)
        }
        #expect(
            try Self.removeAll(sandbox).sorted() == [
                "table ip kube-proxy with 5 chains", "table ip6 kube-proxy with 5 chains",
            ])
        #expect(try sandbox.host.shell("nft -a list ruleset") == before)
    }

    /// Other programs commit all the time: handles that were read may be old when they are used.
    @Test func othersThatCommitMeanwhileDoNotSpoilIt() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try Self.restoreKubeProxys(sandbox, "nft")
        let busy = try sandbox.host.spawn([
            "sh", "-c",
            "while true; do nft add table inet busy; sleep 0.05; nft delete table inet busy; sleep 0.05; done",
        ])
        defer { _ = busy.kill() }
        #expect(try Self.removeAll(sandbox).count == 6)
        #expect(busy.isRunning)
        #expect(try Self.saved(sandbox, "iptables-nft-save").contains("KUBE-SERVICES") == false)
    }

    @Test func withoutTheProgramWhatToRunIsSaid() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        func find() throws -> KubeProxyLeftovers {
            try sandbox.host.run { KubeProxySearch(kernel: try NetlinkKernel(), locate: { _ in nil }).find() }
        }
        #expect(try find() == KubeProxyLeftovers())
        try sandbox.host.shell("ip6tables-legacy -t nat -N KUBE-SERVICES; ip6tables-legacy -N KUBE-SERVICES")
        let leftovers = try find()
        #expect(leftovers.parts == [])
        #expect(
            leftovers.obstacles == [
                "no program ip6tables-legacy-save to look into tables filter, nat: where there is one, run "
                    + "`ip6tables-legacy-save | grep KUBE-`"
            ])
    }

    /// There is no dummy interface and no IPVS in every kernel; a veth has a name as well.
    @Test func theInterfaceOfIPVSModeGoes() throws {
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        try sandbox.host.shell(
            "ip link add kube-ipvs0 type veth peer name other-end; ip address add 10.96.0.10/32 dev kube-ipvs0")
        #expect(try Self.removeAll(sandbox) == ["0 IPVS virtual servers and interface kube-ipvs0"])
        #expect(try !sandbox.host.shell("ip -o link").contains("kube-ipvs0"))
    }
}
