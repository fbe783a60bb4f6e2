extension ProxyConfigurationField {
    /// Every field of v1alpha1, in the order in which they are written. `docs/configuration.md` says of each what
    /// it does here, or why it does nothing.
    package static let all: [ProxyConfigurationField] =
        Self.node + Self.serving + Self.conntrack + Self.modes + Self.client + Self.logging + Self.windows

    private typealias Rule = ConfigurationRule

    private static let node: [ProxyConfigurationField] = [
        .init("mode", \.mode, flag: "proxy-mode"),
        // Its flag counts beside a file too, as few do: ``ProxyConfiguration/apply(_:hasFile:)``.
        .init("hostnameOverride", \.hostnameOverride, flag: "hostname-override"),
        .init("bindAddress", \.bindAddress, flag: "bind-address"),
        .init("clusterCIDR", \.clusterCIDR, flag: "cluster-cidr"),
        .init("detectLocalMode", \.detectLocalMode, flag: "detect-local-mode"),
        .init(
            "detectLocal.bridgeInterface", \.detectLocal.bridgeInterface, flag: "pod-bridge-interface",
            check: Rule.interface),
        .init(
            "detectLocal.interfaceNamePrefix", \.detectLocal.interfaceNamePrefix, flag: "pod-interface-name-prefix",
            check: Rule.interface),
        .init("nodePortAddresses", \.nodePortAddresses, flag: "nodeport-addresses"),
        .init("featureGates", \.featureGates, flag: "feature-gates"),
        .init(
            "oomScoreAdj", \.oomScoreAdj, flag: "oom-score-adj", keepsZero: true, check: Rule.within(-1000...1000)),
        .init(
            "configSyncPeriod", \.configSyncPeriod, flag: "config-sync-period", .none, check: Rule.notNegative),
        .init("portRange", \.portRange, .none),
    ]

    private static let serving: [ProxyConfigurationField] = [
        .init("healthzBindAddress", \.healthzBindAddress, flag: "healthz-bind-address"),
        .init("metricsBindAddress", \.metricsBindAddress, flag: "metrics-bind-address"),
        .init("bindAddressHardFail", \.bindAddressHardFail, flag: "bind-address-hard-fail"),
        .init("enableProfiling", \.enableProfiling, flag: "profiling", .none),
        .init(
            "showHiddenMetricsForVersion", \.showHiddenMetricsForVersion, flag: "show-hidden-metrics-for-version",
            .none),
    ]

    private static let conntrack: [ProxyConfigurationField] = [
        .init(
            "conntrack.maxPerCore", \.conntrack.maxPerCore, flag: "conntrack-max-per-core", keepsZero: true,
            check: Rule.count),
        .init("conntrack.min", \.conntrack.min, flag: "conntrack-min", keepsZero: true, check: Rule.count),
        .init(
            "conntrack.tcpEstablishedTimeout", \.conntrack.tcpEstablishedTimeout,
            flag: "conntrack-tcp-timeout-established", keepsZero: true, check: Rule.wholeSeconds),
        .init(
            "conntrack.tcpCloseWaitTimeout", \.conntrack.tcpCloseWaitTimeout,
            flag: "conntrack-tcp-timeout-close-wait", keepsZero: true, check: Rule.wholeSeconds),
        .init("conntrack.tcpBeLiberal", \.conntrack.tcpBeLiberal, flag: "conntrack-tcp-be-liberal"),
        .init(
            "conntrack.udpTimeout", \.conntrack.udpTimeout, flag: "conntrack-udp-timeout", check: Rule.wholeSeconds),
        .init(
            "conntrack.udpStreamTimeout", \.conntrack.udpStreamTimeout, flag: "conntrack-udp-timeout-stream",
            check: Rule.wholeSeconds),
    ]

    private static let modes: [ProxyConfigurationField] = [
        // `--masquerade-all` and the periods set the section of the mode: ``ProxyConfiguration/apply(_:hasFile:)``.
        .init("nftables.masqueradeAll", \.nftables.masqueradeAll),
        .init("nftables.masqueradeBit", \.nftables.masqueradeBit, .none, keepsZero: true, check: Rule.bit),
        .init("nftables.syncPeriod", \.nftables.syncPeriod, check: Rule.notNegative),
        .init("nftables.minSyncPeriod", \.nftables.minSyncPeriod, .none, check: Rule.notNegative),
        .init("iptables.masqueradeAll", \.iptables.masqueradeAll),
        .init(
            "iptables.masqueradeBit", \.iptables.masqueradeBit, flag: "iptables-masquerade-bit", .none,
            keepsZero: true, check: Rule.bit),
        .init(
            "iptables.localhostNodePorts", \.iptables.localhostNodePorts, flag: "iptables-localhost-nodeports", .none,
            keepsZero: true),
        .init("iptables.snatNodeInternalIP", \.iptables.snatNodeInternalIP, .none),
        .init("iptables.syncPeriod", \.iptables.syncPeriod, check: Rule.notNegative),
        .init("iptables.minSyncPeriod", \.iptables.minSyncPeriod, .none, check: Rule.notNegative),
        .init("ipvs.syncPeriod", \.ipvs.syncPeriod, flag: "ipvs-sync-period", check: Rule.notNegative),
        .init("ipvs.minSyncPeriod", \.ipvs.minSyncPeriod, flag: "ipvs-min-sync-period", .none, check: Rule.notNegative),
        .init("ipvs.scheduler", \.ipvs.scheduler, flag: "ipvs-scheduler", .none),
        .init("ipvs.excludeCIDRs", \.ipvs.excludeCIDRs, flag: "ipvs-exclude-cidrs", .none),
        .init("ipvs.strictARP", \.ipvs.strictARP, flag: "ipvs-strict-arp", .none),
        .init("ipvs.tcpTimeout", \.ipvs.tcpTimeout, flag: "ipvs-tcp-timeout", .none, check: Rule.notNegative),
        .init(
            "ipvs.tcpFinTimeout", \.ipvs.tcpFinTimeout, flag: "ipvs-tcpfin-timeout", .none, check: Rule.notNegative),
        .init("ipvs.udpTimeout", \.ipvs.udpTimeout, flag: "ipvs-udp-timeout", .none, check: Rule.notNegative),
    ]

    private static let client: [ProxyConfigurationField] = [
        .init("clientConnection.kubeconfig", \.clientConnection.kubeconfig, flag: "kubeconfig"),
        .init("clientConnection.acceptContentTypes", \.clientConnection.acceptContentTypes, .none),
        .init(
            "clientConnection.contentType", \.clientConnection.contentType, flag: "kube-api-content-type"),
        .init("clientConnection.qps", \.clientConnection.queriesPerSecond, flag: "kube-api-qps", .none),
        .init(
            "clientConnection.burst", \.clientConnection.burst, flag: "kube-api-burst", .none, check: Rule.count),
    ]

    private static let logging: [ProxyConfigurationField] = [
        .init(
            "logging.verbosity", \.logging.verbosity, flag: "v", keepsZero: true,
            check: Rule.within(0...Int(Int32.max))),
        .init("logging.format", \.logging.format, flag: "logging-format", .none),
        .init("logging.flushFrequency", \.logging.flushFrequency, flag: "log-flush-frequency", .none),
        .init("logging.vmodule", \.logging.vmodule, flag: "vmodule", .none),
        .init("logging.options.text.splitStream", \.logging.text.splitStream, flag: "log-text-split-stream", .none),
        .init(
            "logging.options.text.infoBufferSize", \.logging.text.infoBufferSize, flag: "log-text-info-buffer-size",
            .none),
        .init("logging.options.json.splitStream", \.logging.json.splitStream, flag: "log-json-split-stream", .none),
        .init(
            "logging.options.json.infoBufferSize", \.logging.json.infoBufferSize, flag: "log-json-info-buffer-size",
            .none),
    ]

    private static let windows: [ProxyConfigurationField] = [
        .init("winkernel.networkName", \.winkernel.networkName, .none),
        .init("winkernel.sourceVip", \.winkernel.sourceVip, .none),
        .init("winkernel.enableDSR", \.winkernel.enableDSR, .none),
        .init("winkernel.rootHnsEndpointName", \.winkernel.rootHnsEndpointName, .none),
        .init("winkernel.forwardHealthCheckVip", \.winkernel.forwardHealthCheckVip, .none),
        .init("windowsRunAsService", \.windowsRunAsService, .none),
    ]
}
