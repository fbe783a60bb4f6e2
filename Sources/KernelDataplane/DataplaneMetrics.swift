package import Networking
package import Observability

/// What the data plane measures: kube-proxy's metrics, and those that only Fairlead has.
package struct DataplaneMetrics: Sendable {
    /// Why the kernel was read back.
    package enum ReadbackReason: String, Hashable, Sendable, CaseIterable {
        case start
        /// Another program committed something that concerns the table.
        case foreignCommit = "foreign_commit"
        /// The kernel had more to tell than there was room for.
        case lostAnnouncements = "lost_announcements"
        /// The kernel refused, or its answer was lost.
        case failure
    }

    package let kubeProxy: KubeProxyMetrics
    let mode: MetricSeries<DataplaneMode.Name, Gauge>
    let missingStreams: Gauge
    let services: Gauge
    let frontends: MetricSeries<AddressFamily, Gauge>
    let endpoints: MetricSeries<AddressFamily, Gauge>
    let elements: MetricSeries<FairleadSet, Gauge>
    let elementOperations: Counter
    let transactionBytes: Counter
    let readbacks: MetricSeries<ReadbackReason, Counter>
    let repairs: MetricSeries<ReadbackReason, Counter>
    let staleConnections: MetricSeries<TransportProtocol, Counter>
    let drainingEndpoints: Gauge
    let drainingConnections: Gauge

    /// - Parameter families: the address families that the host has.
    package init(_ registry: MetricRegistry, families: [AddressFamily] = AddressFamily.allCases) {
        func name(_ rest: String) -> String { "fairlead_\(rest)" }
        self.kubeProxy = KubeProxyMetrics(registry, families: families)
        self.mode = registry.gauge(
            name("dataplane"), "1 for who serves virtual IPs and NodePorts: nftables or the userspace balancer.",
            for: DataplaneMode.Name.allCases)
        self.missingStreams = registry.gauge(
            name("balancer_missing_addresses"),
            "Addresses, with a port, that the userspace balancer should serve and does not.")
        self.services = registry.gauge(name("services"), "Services that are programmed.")
        self.frontends = registry.gauge(
            name("frontends"), "Addresses with a port, and NodePorts, that are programmed.", for: families)
        self.endpoints = registry.gauge(
            name("endpoints"), "Endpoints that EndpointSlices list, ready or not.", for: families)
        self.elements = registry.gauge(
            name("table_elements"), "Elements of the table's sets and maps, but for those that the rules fill.",
            for: FairleadSet.all.filter { families.contains($0.family) && !$0.isDynamic })
        self.elementOperations = registry.counter(
            name("element_operations_total"), "Elements that were added to sets and maps, or deleted.")
        self.transactionBytes = registry.counter(
            name("transaction_bytes_total"), "Bytes of the transactions that the kernel committed.")
        self.readbacks = registry.counter(
            name("readbacks_total"), "How often the table was read back from the kernel, and why.",
            for: ReadbackReason.allCases)
        self.repairs = registry.counter(
            name("repairs_total"), "How often it was not as it should be then, and was mended.",
            for: ReadbackReason.allCases.filter { $0 != .start })
        self.staleConnections = registry.counter(
            name("stale_connections_ended_total"), "Connections ended because they would go elsewhere now.",
            for: [.tcp, .udp])
        self.drainingEndpoints = registry.gauge(
            name("draining_endpoints"), "Endpoints that are terminating and keep their connections.")
        self.drainingConnections = registry.gauge(
            name("draining_connections"), "Connections that those endpoints have, as counted last.")
    }
}

extension DataplaneMetrics.ReadbackReason: MetricLabels {
    package var metricLabels: [MetricLabel] { [MetricLabel("reason", self.rawValue)] }
}

extension DataplaneMode.Name: MetricLabels {
    package var metricLabels: [MetricLabel] { [MetricLabel("mode", self.rawValue)] }
}

extension TransportProtocol: MetricLabels {
    package var metricLabels: [MetricLabel] { [MetricLabel("protocol", self.description)] }
}

extension FairleadSet: MetricLabels {
    package var metricLabels: [MetricLabel] { [MetricLabel("set", self.name)] }
}
