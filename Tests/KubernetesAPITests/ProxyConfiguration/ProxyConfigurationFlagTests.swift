import KubernetesAPI
import Networking
import Testing

@Suite struct ProxyConfigurationFlagTests {
    private static func apply(
        _ flags: [(String, String)], to configuration: ProxyConfiguration = .ofNoFile, hasFile: Bool = false
    ) throws -> (configuration: ProxyConfiguration, ignored: [String]) {
        var configuration = configuration
        let ignored = try configuration.apply(flags.map { GivenFlag($0.0, $0.1) }, hasFile: hasFile)
        return (configuration, ignored.map(\.option))
    }

    @Test func `flags say what the fields of a file say`() throws {
        let (configuration, _) = try Self.apply([
            ("cluster-cidr", "10.244.0.0/16"), ("conntrack-min", "7"), ("conntrack-udp-timeout", "1m"),
            ("nodeport-addresses", "10.0.0.0/8,192.0.2.0/24"), ("oom-score-adj", "-5"), ("v", "4"),
            ("hostname-override", "  Node-A "), ("conntrack-tcp-be-liberal", "F"), ("masquerade-all", "T"),
            ("iptables-sync-period", "45s"), ("feature-gates", "A=true,AllowServiceExternalIPs=false"),
        ])
        let file = ProxyConfigurationFileTests.decode(
            fields: """
                mode: nftables
                clusterCIDR: 10.244.0.0/16
                conntrack: {min: 7, udpTimeout: 1m}
                nodePortAddresses: [10.0.0.0/8, 192.0.2.0/24]
                oomScoreAdj: -5
                logging: {verbosity: 4}
                hostnameOverride: node-a
                iptables: {masqueradeAll: true, syncPeriod: 45s}
                nftables: {masqueradeAll: true, syncPeriod: 45s}
                featureGates: {A: true, AllowServiceExternalIPs: false}
                """)
        var expected = try #require(file.configuration)
        expected.conntrack.tcpBeLiberal = false
        #expect(configuration == expected)
        #expect(configuration.masqueradesAll && configuration.syncPeriod == .seconds(45))
    }

    @Test func `beside a file only the name, the log and liberal tracking count`() throws {
        let file = try #require(ProxyConfigurationFileTests.decode(KubeadmConfiguration.current).configuration)
        let (configuration, ignored) = try Self.apply(
            [
                ("cluster-cidr", "10.1.0.0/16"), ("hostname-override", "B"), ("v", "2"), ("masquerade-all", "true"),
                ("conntrack-tcp-be-liberal", "false"), ("proxy-mode", "nftables"), ("kubeconfig", "/x"),
            ], to: file, hasFile: true)
        var expected = file
        expected.hostnameOverride = "b"
        expected.logging.verbosity = 2
        expected.conntrack.tcpBeLiberal = false
        #expect(configuration == expected)
        #expect(ignored.sorted() == ["--cluster-cidr", "--kubeconfig", "--masquerade-all", "--proxy-mode"])
    }

    @Test(arguments: [
        ("cluster-cidr", "10.244.0.0/33", "--cluster-cidr: must be address blocks"),
        ("conntrack-min", "", "--conntrack-min: must be an integer, not \"\""),
        ("conntrack-tcp-be-liberal", "yes", "--conntrack-tcp-be-liberal: must be true or false, not \"yes\""),
        ("masquerade-all", "maybe", "--masquerade-all: must be true or false"),
        ("hostname-override", "  ", "--hostname-override: must not be empty"),
        ("proxy-mode", "userspace", "--proxy-mode: must be nftables, iptables or ipvs: mode userspace"),
        ("detect-local-mode", "BridgeInterface", "--pod-bridge-interface: is needed"),
        ("iptables-min-sync-period", "31s", "--iptables-min-sync-period: must not be longer than nftables.syncPeriod"),
        ("iptables-sync-period", "-1s", "--iptables-sync-period: must not be negative"),
        ("feature-gates", "A", "--feature-gates: must be NAME=true or NAME=false, not \"A\""),
        ("v", "-1", "-v: must be between 0"),
        ("vmodule", "a", "--vmodule: must be PATTERN=N"),
        ("kube-api-qps", "nan", "--kube-api-qps: must be a number"),
    ])
    func `a wrong flag is named, with or without a file`(name: String, value: String, message: String) throws {
        #expect {
            _ = try Self.apply([(name, value)])
        } throws: {
            "\($0)".hasPrefix(message)
        }
        // What only does not go together is no concern where it counts for nothing.
        guard !["detect-local-mode", "iptables-min-sync-period"].contains(name) else { return }
        #expect {
            _ = try Self.apply([(name, value)], to: ProxyConfiguration(), hasFile: true)
        } throws: {
            "\($0)".hasPrefix(message)
        }
    }

    @Test func `an empty address turns pages off, by flag only`() throws {
        let (configuration, _) = try Self.apply([
            ("metrics-bind-address", ""), ("healthz-bind-address", "::1"), ("bind-address-hard-fail", "true"),
        ])
        #expect(configuration.metricsAddress == "")
        #expect(configuration.healthzAddress == "[::1]:10256")
        #expect(configuration.bindAddressHardFail)
        let file = ProxyConfigurationFileTests.decode(fields: "metricsBindAddress: \"\"")
        #expect(file.configuration?.metricsAddress == "127.0.0.1:10249")
    }

    @Test func `the mode counts wherever it stands`() throws {
        let flags = [("ipvs-min-sync-period", "31s"), ("proxy-mode", "ipvs"), ("ipvs-sync-period", "32s")]
        #expect(try Self.apply(flags).configuration.syncPeriod == .seconds(32))
        #expect(throws: FlagError.self) { try Self.apply(Array(flags.prefix(2))) }
    }

    @Test func `flags without meaning are known by their own names`() throws {
        let (configuration, _) = try Self.apply([
            ("iptables-min-sync-period", "2s"), ("ipvs-scheduler", "rr"), ("profiling", "true"),
            ("feature-gates", "X=true"), ("kube-api-burst", "10"), ("cluster-cidr", "10.0.0.0/8"),
        ])
        #expect(
            configuration.settingsInVain(asFlags: true) == [
                "--profiling", "--iptables-min-sync-period", "--ipvs-scheduler", "--feature-gates X",
            ])
    }
}
