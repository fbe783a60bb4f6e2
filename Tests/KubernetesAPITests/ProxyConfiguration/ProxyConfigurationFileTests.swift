import KubernetesAPI
import Networking
import Testing

@Suite struct ProxyConfigurationFileTests {
    static func decode(_ text: String) -> ProxyConfigurationFile {
        ProxyConfigurationDecoder.decode(Array(text.utf8), file: "config.conf")
    }

    /// With the two lines that every file begins with.
    static func decode(fields: String) -> ProxyConfigurationFile {
        self.decode("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\(fields)\n")
    }

    static func expected(_ change: (inout ProxyConfiguration) -> Void) -> ProxyConfiguration {
        var configuration = ProxyConfiguration()
        change(&configuration)
        return configuration
    }

    private static func problems(_ fields: String) -> [String] {
        self.decode(fields: fields).problems.map(\.description)
    }

    @Test(arguments: [KubeadmConfiguration.current, KubeadmConfiguration.older])
    func `what kubeadm writes is the defaults, without a word`(text: String) throws {
        let file = Self.decode(text)
        #expect(file.problems.isEmpty, "\(file.problems)")
        let configuration = try #require(file.configuration)
        let blocks = ["10.244.0.0/16", "fd00:10:244::/48"].compactMap { CIDR($0) }
        let expected = Self.expected {
            $0.clientConnection.kubeconfig = "/var/lib/kube-proxy/kubeconfig.conf"
            $0.clusterCIDR = ClusterBlocks(blocks)
        }
        #expect(configuration == expected)
        #expect(configuration.settingsInVain(asFlags: false).isEmpty)
    }

    @Test func `JSON is read as well`() {
        let text = """
            {"kind": "KubeProxyConfiguration", "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
             "mode": "nftables", "conntrack": {"min": 5, "udpTimeout": "1m30s"}, "nodePortAddresses": ["primary"]}
            """
        let expected = Self.expected {
            $0.mode = .nftables
            $0.conntrack.min = 5
            $0.conntrack.udpTimeout = .seconds(90)
            $0.nodePortAddresses = .primary
        }
        #expect(Self.decode(text).configuration == expected)
        #expect(Self.decode(text).problems.isEmpty)
    }

    // MARK: Values

    @Test func `zero stands for the default, but where it is a wish of its own`() {
        let fields = """
            configSyncPeriod: 0s
            clientConnection: {burst: 0, qps: 0, contentType: ""}
            conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: "0", tcpBeLiberal: false}
            oomScoreAdj: 0
            nftables: {masqueradeBit: 0}
            """
        let expected = Self.expected {
            $0.conntrack.maxPerCore = 0
            $0.conntrack.min = 0
            $0.conntrack.tcpEstablishedTimeout = .zero
            $0.oomScoreAdj = 0
            $0.nftables.masqueradeBit = 0
        }
        // "0" in quotes is a text that is a duration.
        var configuration = Self.decode(fields: fields).configuration
        #expect(configuration?.conntrack.tcpCloseWaitTimeout == .zero)
        configuration?.conntrack.tcpCloseWaitTimeout = ProxyConfiguration().conntrack.tcpCloseWaitTimeout
        #expect(configuration == expected)
    }

    @Test func `the section of the mode says what is masqueraded and how long pauses are`() throws {
        let fields = """
            iptables: {masqueradeAll: true, syncPeriod: 10s}
            ipvs: {syncPeriod: 20s}
            nftables: {syncPeriod: 40s}
            """
        let values = try ["\"\"", "iptables", "ipvs", "nftables"].map { mode in
            let configuration = try #require(Self.decode(fields: "\(fields)\nmode: \(mode)").configuration)
            return "\(configuration.masqueradesAll) \(configuration.syncPeriod)"
        }
        #expect(values == ["true 10s", "true 10s", "true 20s", "false 40s"])
    }

    @Test func `nodePortAddresses default to what the mode means by them`() throws {
        func nodePorts(_ fields: String) throws -> NodePortAddresses {
            try #require(Self.decode(fields: fields).configuration).nodePorts
        }
        #expect(try nodePorts("mode: nftables") == .primary)
        for mode in ["iptables", "ipvs", "\"\""] { #expect(try nodePorts("mode: \(mode)") == .blocks([])) }
        #expect(try nodePorts("nodePortAddresses: [primary]") == .primary)
        let blocks = ["10.0.0.0/8", "fd00::/8"].compactMap { CIDR($0) }
        #expect(try nodePorts("mode: nftables\nnodePortAddresses: [10.1.0.0/8, \"fd00::/8\"]") == .blocks(blocks))
        let everywhere = ["0.0.0.0/0", "::/0"].compactMap { CIDR($0) }
        #expect(try nodePorts("mode: nftables\nnodePortAddresses: [all]") == .blocks(everywhere))
    }

    @Test func `addresses of the servers follow the family of bindAddress`() throws {
        func addresses(_ fields: String) throws -> [String] {
            let configuration = try #require(Self.decode(fields: fields).configuration)
            return [configuration.healthzAddress, configuration.metricsAddress]
        }
        #expect(try addresses("") == ["0.0.0.0:10256", "127.0.0.1:10249"])
        #expect(try addresses("bindAddress: \"::\"") == ["[::]:10256", "[::1]:10249"])
        #expect(
            try addresses("healthzBindAddress: 192.0.2.1\nmetricsBindAddress: \"[2001:db8::1]:9\"")
                == ["192.0.2.1:10256", "[2001:db8::1]:9"])
        #expect(
            try addresses("healthzBindAddress: \"::1\"\nmetricsBindAddress: 0.0.0.0:80")
                == ["[::1]:10256", "0.0.0.0:80"])
        let specific = try #require(Self.decode(fields: "bindAddress: 192.0.2.7").configuration)
        #expect(specific.primaryAddress?.description == "192.0.2.7")
        #expect(ProxyConfiguration().primaryAddress == nil)
    }

    // MARK: Problems

    @Test func `what only strict decoding refuses is a warning with its line`() {
        let file = Self.decode(
            fields: """
                nodeportAddresses: [primary]
                conntrack:
                  min: 1
                  maxPerCPU: 4
                  min: 2
                unheardOf: {deep: [1, 2]}
                """)
        #expect(
            file.problems.map(\.description) == [
                "config.conf:3: nodeportAddresses: there is no such field (it is written nodePortAddresses); passed over",
                "config.conf:6: conntrack.maxPerCPU: there is no such field; passed over",
                "config.conf:7: conntrack.min: given before in line 5; this one counts",
                "config.conf:8: unheardOf: there is no such field; passed over",
            ])
        #expect(file.problems.allSatisfy { $0.severity == .warning })
        #expect(file.configuration == Self.expected { $0.conntrack.min = 2 })
    }

    struct Mistake: CustomTestStringConvertible {
        let fields: String
        let problem: String
        init(_ fields: String, _ problem: String) {
            self.fields = fields
            self.problem = problem
        }
        var testDescription: String { self.fields }
    }

    @Test(arguments: [
        Mistake("conntrack: {min: many}", "3: conntrack.min: must be an integer, not the string \"many\""),
        Mistake("conntrack: {min: -1}", "3: conntrack.min: must be between 0 and 2147483647, not -1"),
        Mistake("conntrack: 7", "3: conntrack: must be a mapping, not the number 7"),
        Mistake(
            "conntrack:\n  tcpEstablishedTimeout: 86400",
            "4: conntrack.tcpEstablishedTimeout: must be a duration with its unit such as 30s, not the number 86400"),
        Mistake(
            "conntrack: {udpTimeout: 1500}",
            "3: conntrack.udpTimeout: must be a duration with its unit such as 30s, not the number 1500"),
        Mistake("conntrack: {udpTimeout: 10ms}", "3: conntrack.udpTimeout: must be 0s or at least 1s, not 10ms"),
        Mistake("conntrack: {udpTimeout: -1s}", "3: conntrack.udpTimeout: must not be negative: -1s"),
        Mistake(
            "nftables: {syncPeriod: 1 minute}",
            "3: nftables.syncPeriod: must be a duration such as 30s, 1m30s or 250ms, not \"1 minute\""),
        Mistake("mode: ebpf", "3: mode: must be nftables, iptables or ipvs, not \"ebpf\""),
        Mistake("mode: userspace", "3: mode: must be nftables, iptables or ipvs: mode userspace is long gone"),
        Mistake("mode: kernelspace", "3: mode: must be nftables, iptables or ipvs: mode kernelspace is for Windows"),
        Mistake("enableProfiling: \"true\"", "3: enableProfiling: must be true or false, not the string \"true\""),
        Mistake("bindAddress: localhost", "3: bindAddress: must be an IP address, not \"localhost\""),
        Mistake(
            "healthzBindAddress: \":10256\"",
            "3: healthzBindAddress: must be an address, or an address and a port as 0.0.0.0:10256 or [::]:10256, "
                + "not \":10256\""),
        Mistake(
            "clusterCIDR: 10.244.0.0",
            "3: clusterCIDR: must be address blocks such as 10.244.0.0/16 or fd00:10:244::/48, not \"10.244.0.0\""),
        Mistake(
            "clusterCIDR: 10.1.0.0/16,10.2.0.0/16",
            "3: clusterCIDR: must be at most one block of each IP version, not \"10.1.0.0/16,10.2.0.0/16\""),
        Mistake("nodePortAddresses: primary", "3: nodePortAddresses: must be a list, not the string \"primary\""),
        Mistake("nodePortAddresses: [primary, 10.0.0.0/8]", "3: nodePortAddresses: primary must be the only one"),
        Mistake("oomScoreAdj: -1001", "3: oomScoreAdj: must be between -1000 and 1000, not -1001"),
        Mistake("iptables: {masqueradeBit: 32}", "3: iptables.masqueradeBit: must be between 0 and 31, not 32"),
        Mistake(
            "detectLocal: {bridgeInterface: a/b}",
            "3: detectLocal.bridgeInterface: must be the name of an interface, of at most 15 bytes, not \"a/b\""),
        Mistake(
            "detectLocalMode: BridgeInterface",
            "3: detectLocal.bridgeInterface: is needed, the name of an interface, by mode BridgeInterface"),
        Mistake(
            "mode: nftables\nnftables:\n  syncPeriod: 1s\n  minSyncPeriod: 2s",
            "6: nftables.minSyncPeriod: must not be longer than nftables.syncPeriod: 2s against 1s"),
        Mistake(
            "featureGates: {AllowServiceExternalIPs: 0}",
            "3: featureGates.AllowServiceExternalIPs: must be true or false, not the number 0"),
        Mistake("logging: {verbosity: loud}", "3: logging.verbosity: must be an integer, not the string \"loud\""),
    ])
    func `a wrong value is an error that says where and what`(mistake: Mistake) {
        let file = Self.decode(fields: mistake.fields)
        #expect(file.problems.map(\.description) == ["config.conf:\(mistake.problem)"])
        #expect(file.problems.map(\.severity) == [.error])
        #expect(file.configuration == nil)
    }

    @Test func `one bad value does not hide another`() {
        let problems = Self.problems("mode: x\nconntrack: {min: y, maxPerCore: 1}\nbindAddress: z")
        #expect(problems.count == 3, "\(problems)")
    }

    @Test(arguments: [
        ("", "1: there is no KubeProxyConfiguration in it"),
        ("- a list", "1: must be a mapping, not a list"),
        ("kind: KubeProxyConfiguration", "1: apiVersion: is required: \"kubeproxy.config.k8s.io/v1alpha1\""),
        (
            "apiVersion: kubeproxy.config.k8s.io/v1\nkind: KubeProxyConfiguration",
            "1: apiVersion: must be \"kubeproxy.config.k8s.io/v1alpha1\", not \"kubeproxy.config.k8s.io/v1\""
        ),
        (
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeletConfiguration",
            "2: kind: must be \"KubeProxyConfiguration\", not \"KubeletConfiguration\""
        ),
        ("a: [1\n", "1: did not find expected ',' or ']'"),
    ])
    func `a file that is something else is refused`(text: String, problem: String) {
        let file = Self.decode(text)
        #expect(file.problems.map(\.description) == ["config.conf:\(problem)"])
        #expect(file.configuration == nil)
    }

    @Test func `only the first document counts`() {
        let file = Self.decode(KubeadmConfiguration.current + "---\nkind: Other\n")
        #expect(file.problems.map(\.severity) == [.warning])
        #expect(file.configuration != nil)
    }

    @Test func `what has no meaning here is known by name, once it is not the default`() throws {
        let file = Self.decode(
            fields: """
                mode: ipvs
                iptables: {masqueradeBit: 14, syncPeriod: 10s}
                ipvs: {scheduler: wrr, strictARP: true, syncPeriod: 1m}
                logging: {format: json, options: {text: {splitStream: true}}}
                featureGates: {AllowServiceExternalIPs: false, Some: true}
                """)
        let configuration = try #require(file.configuration)
        #expect(
            configuration.settingsInVain(asFlags: false) == [
                "ipvs.scheduler", "ipvs.strictARP", "logging.format", "logging.options.text.splitStream",
                "featureGates.Some",
            ])
        #expect(!configuration.featureGates.allowsExternalIPs)
    }

    /// Damaged at random, the same way each time.
    @Test(.timeLimit(.minutes(1)))
    func `no damage crashes it, and every problem is in the file`() {
        var random = MutatedManifestTests.Generator(state: 20_260_201)
        var refused = 0
        for _ in 0..<3_000 {
            let bytes = MutatedManifestTests.mutate(KubeadmConfiguration.current, &random)
            // To YAML other characters end a line as well: CR, NEL, LS and PS, by their last bytes.
            let lines = bytes.count { [0x0a, 0x0d, 0x85, 0xa8, 0xa9].contains($0) } + 1
            let file = ProxyConfigurationDecoder.decode(bytes, file: "config.conf")
            #expect(file.problems.allSatisfy { (1...lines).contains($0.line) && !$0.reason.isEmpty })
            let hasErrors = file.problems.contains { $0.severity == .error }
            #expect(hasErrors == (file.configuration == nil))
            if hasErrors { refused += 1 }
        }
        #expect((500...2_900).contains(refused), "\(refused)")
    }
}
