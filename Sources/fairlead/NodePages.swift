internal import Admin
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Observability

/// What the node role serves about itself.
struct NodePages {
    let metrics: DataplaneMetrics
    let health: HealthPages
    let sites: [Site]

    /// - Parameter document: what `/configz` shows.
    init(_ configuration: DataplaneConfiguration, _ serving: Serving, _ document: ProxyConfiguration) throws {
        let families = HostAddresses.families
        let registry = MetricRegistry()
        registry.registerProcess()
        registry.information(
            "fairlead_build_info", "What this program is.", [MetricLabel("version", Fairlead.versionNumber)])
        self.metrics = DataplaneMetrics(registry, families: families)
        self.health = HealthPages(
            ProxyHealth(
                timeout: configuration.syncPeriod * 2, families: families,
                isNodeEligible: !configuration.requiresNode), registry)
        self.sites = try serving.sites(
            health: self.health, registry: registry,
            configuration: #"{"kubeproxy.config.k8s.io":\#(document.json)}"#)
    }
}
