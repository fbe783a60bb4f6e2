internal import ArgumentParser
internal import KernelDataplane
internal import KubernetesAPI

/// Options of the node role; names as kube-proxy's. Their texts are read where the fields of a configuration
/// file are (``ProxyConfigurationField``), so that both mean and refuse the same.
struct NodeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), as kubeadm writes it. Of the flags for what \
            it says only --hostname-override and -v count then. When the file changes this ends with an error, to be \
            started again.
            """, valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("hostname-override"),
        help: ArgumentHelp("This node's name as EndpointSlices spell it. Default: the host name.", valueName: "name"))
    var hostnameOverride: String?

    @Option(
        name: .customLong("cluster-cidr"),
        help: ArgumentHelp(
            "Where pods' addresses come from, at most one block of each family, separated by commas. "
                + "Connections to a ClusterIP from anywhere else are masqueraded. Without it, none are.",
            valueName: "cidr,cidr"))
    var clusterCIDR: String?

    @Option(
        name: .customLong("masquerade-all"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp("Masquerade every connection to a ClusterIP, pods' too.", valueName: "bool"))
    var masqueradeAll: String?

    @Option(
        name: .customLong("nodeport-addresses"),
        help: ArgumentHelp(
            "Which of the node's addresses take NodePorts: `primary`, or blocks separated by commas. Default: primary.",
            valueName: "primary|cidr,cidr"))
    var nodePortAddresses: String?

    @Option(
        name: .customLong("detect-local-mode"),
        help: ArgumentHelp(
            """
            How pods are told from everybody else: ClusterCIDR (by --cluster-cidr), NodeCIDR (by spec.podCIDRs of \
            this node's Node), BridgeInterface (they come by --pod-bridge-interface) or InterfaceNamePrefix (by \
            interfaces that start with --pod-interface-name-prefix). Default: ClusterCIDR.
            """, valueName: "mode"))
    var detectLocalMode: String?

    @Option(
        name: .customLong("pod-bridge-interface"),
        help: ArgumentHelp("The bridge that this node's pods are on.", valueName: "interface"))
    var podBridgeInterface: String?

    @Option(
        name: .customLong("pod-interface-name-prefix"),
        help: ArgumentHelp("What the names of this node's pods' interfaces start with.", valueName: "prefix"))
    var podInterfaceNamePrefix: String?

    @Option(
        name: .customLong("max-affinity-clients"),
        help: ArgumentHelp(
            "How many clients of each IP version session affinity remembers; others are balanced anew each time.",
            valueName: "count"))
    var maximumAffinityClients = NodeSettings.defaultAffinityClients

    @Option(
        name: .customLong("proxy-mode"),
        help: ArgumentHelp(
            """
            nftables, iptables or ipvs: what kube-proxy programmed before. Fairlead programs nftables; with the other \
            two NodePorts answer on all of the node's addresses unless --nodeport-addresses says otherwise.
            """, valueName: "mode"))
    var proxyMode: String?

    @Option(
        name: .customLong("feature-gates"),
        help: ArgumentHelp(
            "AllowServiceExternalIPs=false makes spec.externalIPs have no effect. Other gates have no meaning here.",
            valueName: "name=bool,name=bool"))
    var featureGates: String?

    /// Those that were given, of those that a configuration file has a field for.
    var given: [GivenFlag] {
        GivenFlag.list([
            ("hostname-override", self.hostnameOverride), ("cluster-cidr", self.clusterCIDR),
            ("masquerade-all", self.masqueradeAll), ("nodeport-addresses", self.nodePortAddresses),
            ("detect-local-mode", self.detectLocalMode),
            ("pod-bridge-interface", self.podBridgeInterface),
            ("pod-interface-name-prefix", self.podInterfaceNamePrefix), ("proxy-mode", self.proxyMode),
            ("feature-gates", self.featureGates),
        ])
    }

    func validate() throws {
        guard self.maximumAffinityClients > 0 else {
            throw ValidationError("--max-affinity-clients: must be at least 1")
        }
    }
}

/// The node's address. Apart from the others, as `--bind-address` is where `fairlead run` and the ingress role listen.
struct NodeAddressOptions: ParsableArguments {
    @Option(
        name: .customLong("bind-address"),
        help: ArgumentHelp(
            "The node's primary address, where it is not the Node's first InternalIP. Nothing listens there.",
            valueName: "address"))
    var bindAddress: String?

    var given: [GivenFlag] { GivenFlag.list([("bind-address", self.bindAddress)]) }
}

/// Options of connection tracking; names and defaults as kube-proxy's, but for liberal tracking.
struct ConntrackOptions: ParsableArguments {
    @Option(
        name: .customLong("conntrack-max-per-core"),
        help: ArgumentHelp(
            "Connections to track for each core; 0 leaves the kernel's limit. Default: 32768.", valueName: "count"))
    var maximumPerCore: String?

    @Option(
        name: .customLong("conntrack-min"),
        help: ArgumentHelp(
            "Connections to track however few cores there are. Default: 131072.", valueName: "count"))
    var minimum: String?

    @Option(
        name: .customLong("conntrack-tcp-timeout-established"),
        help: ArgumentHelp(
            "How long idle TCP connections are tracked; 0s leaves it. Default: 24h.", valueName: "duration"))
    var tcpEstablished: String?

    @Option(
        name: .customLong("conntrack-tcp-timeout-close-wait"),
        help: ArgumentHelp(
            "How long half closed TCP connections are tracked; 0s leaves it. Default: 1h.", valueName: "duration"))
    var tcpCloseWait: String?

    @Option(
        name: .customLong("conntrack-udp-timeout"),
        help: ArgumentHelp(
            "How long UDP flows without answers are tracked; 0s, the default, leaves it.", valueName: "duration"))
    var udp: String?

    @Option(
        name: .customLong("conntrack-udp-timeout-stream"),
        help: ArgumentHelp(
            "How long answered UDP flows are tracked; 0s, the default, leaves it.", valueName: "duration"))
    var udpStream: String?

    @Option(
        name: .customLong("conntrack-tcp-be-liberal"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Keep TCP segments outside the window with their connection: without it one from an endpoint can end it. \
            Default: true, and only this flag says otherwise.
            """, valueName: "bool"))
    var tcpIsLiberal: String?

    @Flag(
        name: .customLong("reset-tcp-to-removed-endpoints"),
        help: "End TCP connections to endpoints that are gone: what the client sends next is answered by a reset.")
    var endsStaleTCP = false

    var given: [GivenFlag] {
        GivenFlag.list([
            ("conntrack-max-per-core", self.maximumPerCore), ("conntrack-min", self.minimum),
            ("conntrack-tcp-timeout-established", self.tcpEstablished),
            ("conntrack-tcp-timeout-close-wait", self.tcpCloseWait), ("conntrack-udp-timeout", self.udp),
            ("conntrack-udp-timeout-stream", self.udpStream), ("conntrack-tcp-be-liberal", self.tcpIsLiberal),
        ])
    }
}

/// Options for taking over a node from another proxy, and for leaving it.
struct TakeoverOptions: ParsableArguments {
    @Flag(
        name: .customLong("cleanup-kube-proxy"),
        help: "Once the rules are in force, remove what kube-proxy left in the kernel. Stop kube-proxy first.")
    var cleanupKubeProxy = false

    @Option(
        defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            "Remove Fairlead's table and what kube-proxy left in the kernel, then end.", valueName: "bool"))
    var cleanup: String?

    @Option(
        name: .customLong("init-only"), defaultAsFlag: "true", parsing: .next,
        help: ArgumentHelp(
            """
            Make the kernel settings that need more than CAP_NET_ADMIN in a container, then end: for an init \
            container.
            """, valueName: "bool"))
    var initOnly: String?

    @Option(
        name: .customLong("write-config-to"),
        help: ArgumentHelp(
            "Write what the flags or --config say as a KubeProxyConfiguration, every field of it, then end.",
            valueName: "file"))
    var writeConfigTo: String?

    @Option(
        name: .customLong("oom-score-adj"), parsing: .unconditional,
        help: ArgumentHelp(
            "How likely the kernel ends this process when memory is short, from -1000 to 1000. Default: -999.",
            valueName: "number"))
    var oomScoreAdj: String?

    var given: [GivenFlag] { GivenFlag.list([("oom-score-adj", self.oomScoreAdj)]) }

    /// What is to be done instead of running.
    enum Errand {
        case writeConfiguration(path: String)
        case cleanUp
        case initialize
    }

    func errand() throws(CommandFailure) -> Errand? {
        // kube-proxy's order.
        if let writeConfigTo { return .writeConfiguration(path: writeConfigTo) }
        if try GivenFlag.isTrue("cleanup", self.cleanup) { return .cleanUp }
        return try GivenFlag.isTrue("init-only", self.initOnly) ? .initialize : nil
    }
}

extension GivenFlag {
    static func list(_ flags: [(name: String, value: String?)]) -> [GivenFlag] {
        flags.compactMap { flag in flag.value.map { GivenFlag(flag.name, $0) } }
    }

    /// Whether a flag of Go's kind was given, and not as `--flag=false`.
    static func isTrue(_ name: String, _ value: String?) throws(CommandFailure) -> Bool {
        guard let value else { return false }
        guard let isTrue = ProxyConfiguration.boolean(value) else {
            throw .usage("--\(name): must be true or false, not '\(value)'")
        }
        return isTrue
    }
}
