package import Networking
package import Observability

/// What kube-proxy measures, under its names and with its buckets (pkg/proxy/metrics/metrics.go), so that
/// dashboards and alerts made for it work on.
///
/// kube-proxy programs each family by itself; here one transaction serves both, and what it took is said
/// of both.
package struct KubeProxyMetrics: Sendable {
    package typealias ByFamily<Metric: Sendable> = MetricSeries<AddressFamily, Metric>

    let syncDuration: ByFamily<Histogram>
    let fullSyncDuration: ByFamily<Histogram>
    let partialSyncDuration: ByFamily<Histogram>
    let lastSync: ByFamily<Gauge>
    let lastQueued: ByFamily<Gauge>
    let networkProgrammingDuration: ByFamily<Histogram>
    let endpointChangesPending: Gauge
    let endpointChanges: Counter
    let serviceChangesPending: Gauge
    let serviceChanges: Counter
    let noLocalEndpoints: MetricSeries<LocalPolicyGaps.Kind, Gauge>
    let syncFailures: ByFamily<Counter>
    let cleanupFailures: ByFamily<Counter>
    let conntrackDuration: ByFamily<Histogram>
    let conntrackDeleted: ByFamily<Counter>

    package init(_ registry: MetricRegistry, families: [AddressFamily]) {
        let milliseconds = HistogramBuckets.exponential(start: 0.001, factor: 2, count: 15)
        func name(_ rest: String) -> String { "kubeproxy_\(rest)" }
        func histogram(_ rest: String, _ help: String, _ buckets: HistogramBuckets) -> ByFamily<Histogram> {
            registry.histogram(name(rest), help, buckets, for: families)
        }
        func gauge(_ rest: String, _ help: String) -> ByFamily<Gauge> {
            registry.gauge(name(rest), help, for: families)
        }
        func counter(_ rest: String, _ help: String) -> ByFamily<Counter> {
            registry.counter(name(rest), help, for: families)
        }

        self.syncDuration = histogram(
            "sync_proxy_rules_duration_seconds", "How long it took to program what was pending.", milliseconds)
        self.fullSyncDuration = histogram(
            "sync_full_proxy_rules_duration_seconds", "How long it took where the table was read back first.",
            milliseconds)
        self.partialSyncDuration = histogram(
            "sync_partial_proxy_rules_duration_seconds", "How long it took where only changes were written.",
            milliseconds)
        self.lastSync = gauge(
            "sync_proxy_rules_last_timestamp_seconds", "When programming succeeded last, in seconds since 1970.")
        self.lastQueued = gauge(
            "sync_proxy_rules_last_queued_timestamp_seconds",
            "When there was something to program last, in seconds since 1970.")
        self.networkProgrammingDuration = histogram(
            "network_programming_duration_seconds",
            "From when a Pod or Service changed until that was in force here.", Self.networkProgramming)
        self.endpointChangesPending = registry.gauge(
            name("sync_proxy_rules_endpoint_changes_pending"), "Changes of EndpointSlices that are not in force yet.")
        self.endpointChanges = registry.counter(
            name("sync_proxy_rules_endpoint_changes_total"), "Changes of EndpointSlices that were seen.")
        self.serviceChangesPending = registry.gauge(
            name("sync_proxy_rules_service_changes_pending"), "Changes of Services that are not in force yet.")
        self.serviceChanges = registry.counter(
            name("sync_proxy_rules_service_changes_total"), "Changes of Services that were seen.")
        self.noLocalEndpoints = registry.gauge(
            name("sync_proxy_rules_no_local_endpoints_total"),
            "Service ports with a Local traffic policy and endpoints, but none on this node.",
            for: families.flatMap { family in
                LocalPolicyGaps.Kind.Policy.allCases.map { LocalPolicyGaps.Kind(family: family, policy: $0) }
            })
        self.syncFailures = counter(
            "sync_proxy_rules_nftables_sync_failures_total", "How often programming failed.")
        self.cleanupFailures = counter(
            "sync_proxy_rules_nftables_cleanup_failures_total", "How often unused chains could not be removed.")
        self.conntrackDuration = histogram(
            "conntrack_reconciler_sync_duration_seconds",
            "How long it took to find and end connections that would go elsewhere now.", milliseconds)
        self.conntrackDeleted = counter(
            "conntrack_reconciler_deleted_entries_total", "Connections that were ended for that.")
    }

    /// A quarter and half a second; each second of the first minute, every five of the second, every half
    /// minute up to five. The first is what kube-proxy's way to join them makes of nothing.
    private static let networkProgramming =
        HistogramBuckets([0, 0.25, 0.5]) + .linear(start: 1, width: 1, count: 59)
        + .linear(start: 60, width: 5, count: 12) + .linear(start: 120, width: 30, count: 7)
}

extension AddressFamily: MetricLabels {
    package var metricLabels: [MetricLabel] { [MetricLabel("ip_family", "IPv\(self.rawValue)")] }
}

extension LocalPolicyGaps.Kind: MetricLabels {
    package var metricLabels: [MetricLabel] {
        self.family.metricLabels + [MetricLabel("traffic_policy", self.policy.rawValue)]
    }
}
