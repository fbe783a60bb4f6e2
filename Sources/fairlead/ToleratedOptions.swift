internal import ArgumentParser
internal import KubernetesAPI

/// Flags of kube-proxy that nobody needs who does not come from there. They are taken, so that a command line can be
/// taken over whole. All but the sync periods have no meaning here and are named once in the log;
/// `docs/configuration.md` says why each has none.
struct ToleratedOptions: ParsableArguments {
    @Option(name: .customLong("iptables-sync-period"), help: .hidden) var iptablesSyncPeriod: String?
    @Option(name: .customLong("iptables-min-sync-period"), help: .hidden) var iptablesMinSyncPeriod: String?
    @Option(name: .customLong("iptables-masquerade-bit"), help: .hidden) var iptablesMasqueradeBit: String?
    @Option(
        name: .customLong("iptables-localhost-nodeports"), defaultAsFlag: "true", parsing: .next, help: .hidden)
    var iptablesLocalhostNodePorts: String?

    @Option(name: .customLong("ipvs-sync-period"), help: .hidden) var ipvsSyncPeriod: String?
    @Option(name: .customLong("ipvs-min-sync-period"), help: .hidden) var ipvsMinSyncPeriod: String?
    @Option(name: .customLong("ipvs-scheduler"), help: .hidden) var ipvsScheduler: String?
    @Option(name: .customLong("ipvs-exclude-cidrs"), help: .hidden) var ipvsExcludeCIDRs: String?
    @Option(name: .customLong("ipvs-strict-arp"), defaultAsFlag: "true", parsing: .next, help: .hidden)
    var ipvsStrictARP: String?
    @Option(name: .customLong("ipvs-tcp-timeout"), help: .hidden) var ipvsTCPTimeout: String?
    @Option(name: .customLong("ipvs-tcpfin-timeout"), help: .hidden) var ipvsTCPFinTimeout: String?
    @Option(name: .customLong("ipvs-udp-timeout"), help: .hidden) var ipvsUDPTimeout: String?

    @Option(name: .customLong("kube-api-content-type"), help: .hidden) var kubeAPIContentType: String?
    @Option(name: .customLong("kube-api-qps"), help: .hidden) var kubeAPIQPS: String?
    @Option(name: .customLong("kube-api-burst"), help: .hidden) var kubeAPIBurst: String?
    @Option(name: .customLong("config-sync-period"), help: .hidden) var configSyncPeriod: String?
    @Option(name: .customLong("profiling"), defaultAsFlag: "true", parsing: .next, help: .hidden)
    var profiling: String?
    @Option(name: .customLong("show-hidden-metrics-for-version"), help: .hidden)
    var showHiddenMetricsForVersion: String?

    @Option(name: .customLong("logging-format"), help: .hidden) var loggingFormat: String?
    @Option(name: .customLong("log-flush-frequency"), help: .hidden) var logFlushFrequency: String?
    @Option(name: .customLong("vmodule"), help: .hidden) var vmodule: String?
    @Option(name: .customLong("log-text-split-stream"), defaultAsFlag: "true", parsing: .next, help: .hidden)
    var logTextSplitStream: String?
    @Option(name: .customLong("log-text-info-buffer-size"), help: .hidden) var logTextInfoBufferSize: String?
    @Option(name: .customLong("log-json-split-stream"), defaultAsFlag: "true", parsing: .next, help: .hidden)
    var logJSONSplitStream: String?
    @Option(name: .customLong("log-json-info-buffer-size"), help: .hidden) var logJSONInfoBufferSize: String?

    var given: [GivenFlag] {
        GivenFlag.list([
            ("iptables-sync-period", self.iptablesSyncPeriod),
            ("iptables-min-sync-period", self.iptablesMinSyncPeriod),
            ("iptables-masquerade-bit", self.iptablesMasqueradeBit),
            ("iptables-localhost-nodeports", self.iptablesLocalhostNodePorts),
            ("ipvs-sync-period", self.ipvsSyncPeriod), ("ipvs-min-sync-period", self.ipvsMinSyncPeriod),
            ("ipvs-scheduler", self.ipvsScheduler), ("ipvs-exclude-cidrs", self.ipvsExcludeCIDRs),
            ("ipvs-strict-arp", self.ipvsStrictARP), ("ipvs-tcp-timeout", self.ipvsTCPTimeout),
            ("ipvs-tcpfin-timeout", self.ipvsTCPFinTimeout), ("ipvs-udp-timeout", self.ipvsUDPTimeout),
            ("kube-api-content-type", self.kubeAPIContentType), ("kube-api-qps", self.kubeAPIQPS),
            ("kube-api-burst", self.kubeAPIBurst), ("config-sync-period", self.configSyncPeriod),
            ("profiling", self.profiling), ("show-hidden-metrics-for-version", self.showHiddenMetricsForVersion),
            ("logging-format", self.loggingFormat), ("log-flush-frequency", self.logFlushFrequency),
            ("vmodule", self.vmodule), ("log-text-split-stream", self.logTextSplitStream),
            ("log-text-info-buffer-size", self.logTextInfoBufferSize),
            ("log-json-split-stream", self.logJSONSplitStream),
            ("log-json-info-buffer-size", self.logJSONInfoBufferSize),
        ])
    }
}
