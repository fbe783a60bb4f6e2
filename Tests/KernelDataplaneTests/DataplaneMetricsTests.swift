import ClusterState
import KubernetesAPI
import Lab
import Logging
import Networking
import Nftables
import Observability
import ServiceModel
import TestSupport
import Testing

@testable import KernelDataplane

/// What the metrics say after what has happened.
@Suite struct DataplaneMetricsTests {
    private static let silent = Logger(label: "kernel", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let refusal = NftablesError(.refused, number: 12, subject: "a set", reason: "no room")

    /// A synchronizer with a fake kernel, and the reporter beside it.
    private final class Node {
        let registry = MetricRegistry()
        let kernel = FakeKernel()
        let synchronizer: KernelSynchronizer
        let reporter: SyncReporter

        init(_ families: [AddressFamily] = AddressFamily.allCases) {
            self.synchronizer = KernelSynchronizer(
                kernel: self.kernel, node: NodeFacts(name: "here"), settings: NodeSettings())
            self.reporter = SyncReporter(
                metrics: DataplaneMetrics(self.registry, families: families), logger: silent)
        }

        func take(_ objects: KubernetesObject...) -> Set<ObjectName> {
            let changes = objects.map { ObjectChange(key: $0.key, object: $0) }
            let affected = self.synchronizer.take(changes)
            self.reporter.changed(changes, affected: affected, planner: self.synchronizer.planner)
            return affected
        }

        func start(isRecovery: Bool = false) throws {
            let report = try self.synchronizer.readBack()
            self.reporter.synchronized(
                .start(isRecovery: isRecovery), report, self.synchronizer, took: .milliseconds(3))
        }

        func put(_ objects: KubernetesObject...) throws {
            var affected: Set<ObjectName> = []
            for object in objects { affected.formUnion(self.take(object)) }
            let report = try self.synchronizer.synchronize(affected)
            self.reporter.synchronized(
                .change(affected), report, self.synchronizer, took: .microseconds(900))
        }

        func metrics() throws -> PrometheusText { try PrometheusText(self.registry.text()) }
    }

    private static func web(_ policy: TrafficPolicy = .cluster, external: TrafficPolicy = .cluster) -> KubernetesObject
    {
        var service = Make.service(
            "web", type: .loadBalancer, clusterIPs: ["10.96.0.10"], externalIPs: ["203.0.113.1"],
            ports: [
                ServicePort(name: "http", port: 80, nodePort: 30080), ServicePort(name: "https", port: 443),
            ])
        service.internalTrafficPolicy = policy
        service.externalTrafficPolicy = external
        return .service(service)
    }

    private static func slice(_ addresses: String..., time: Int64? = nil) -> KubernetesObject {
        var slice = Make.slice("web-1", of: "web", endpoints: addresses.map { Make.endpoint($0, node: "there") })
        slice.lastChangeTriggerTime = time
        return .endpointSlice(slice)
    }

    private func ipv4(_ further: [String: String] = [:]) -> [String: String] {
        further.merging(["ip_family": "IPv4"]) { $1 }
    }

    // MARK: -

    @Test func everyNameOfKubeProxyIsThereWithItsLabels() throws {
        let registry = MetricRegistry()
        _ = DataplaneMetrics(registry)
        let text = try PrometheusText(registry.text())
        let prefix = "kubeproxy_sync_"
        let byFamily = [
            "\(prefix)proxy_rules_duration_seconds": "histogram",
            "\(prefix)full_proxy_rules_duration_seconds": "histogram",
            "\(prefix)partial_proxy_rules_duration_seconds": "histogram",
            "\(prefix)proxy_rules_last_timestamp_seconds": "gauge",
            "\(prefix)proxy_rules_last_queued_timestamp_seconds": "gauge",
            "kubeproxy_network_programming_duration_seconds": "histogram",
            "\(prefix)proxy_rules_no_local_endpoints_total": "gauge",
            "\(prefix)proxy_rules_nftables_sync_failures_total": "counter",
            "\(prefix)proxy_rules_nftables_cleanup_failures_total": "counter",
            "kubeproxy_conntrack_reconciler_sync_duration_seconds": "histogram",
            "kubeproxy_conntrack_reconciler_deleted_entries_total": "counter",
        ]
        let plain = [
            "\(prefix)proxy_rules_endpoint_changes_pending": "gauge",
            "\(prefix)proxy_rules_endpoint_changes_total": "counter",
            "\(prefix)proxy_rules_service_changes_pending": "gauge",
            "\(prefix)proxy_rules_service_changes_total": "counter",
        ]
        for (name, type) in byFamily.merging(plain, uniquingKeysWith: { $1 }) {
            let family = try #require(text.families[name], "\(name)")
            #expect(family.type == type, "\(name)")
            let families = Set(family.samples.map { $0.labels["ip_family"] })
            #expect(families == (plain[name] == nil ? ["IPv4", "IPv6"] : [nil]), "\(name)")
        }
        #expect(Set(text.families.keys.filter { $0.hasPrefix("kubeproxy_") }).count == 15)
        let policies = text.families["\(prefix)proxy_rules_no_local_endpoints_total"]?.samples
            .map { $0.labels["traffic_policy"] }
        #expect(Set(policies ?? []) == ["internal", "external"])
    }

    @Test func theBucketsAreKubeProxys() throws {
        let registry = MetricRegistry()
        _ = DataplaneMetrics(registry, families: [.ipv4])
        let text = try PrometheusText(registry.text())
        func bounds(_ name: String) throws -> [String] {
            try #require(text.families[name]).samples.compactMap { $0.labels["le"] }
        }
        let milliseconds = [
            "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024", "2.048",
            "4.096", "8.192", "16.384", "+Inf",
        ]
        for name in [
            "sync_proxy_rules", "sync_full_proxy_rules", "sync_partial_proxy_rules", "conntrack_reconciler_sync",
        ] {
            #expect(try bounds("kubeproxy_\(name)_duration_seconds") == milliseconds, "\(name)")
        }
        let programming = try bounds("kubeproxy_network_programming_duration_seconds")
        #expect(programming.prefix(4) == ["0", "0.25", "0.5", "1"])
        #expect(programming.suffix(9) == ["115", "120", "150", "180", "210", "240", "270", "300", "+Inf"])
        #expect(programming.count == 3 + 59 + 12 + 7 + 1)
    }

    @Test func aHostWithoutIPv6SaysNothingOfIt() throws {
        let node = Node([.ipv4])
        try node.start()
        #expect(!node.registry.text().contains("IPv6"))
        #expect(try node.metrics()["fairlead_table_elements", ["set": "frontends6"]] == nil)
    }

    @Test func aChangeIsPendingUntilItIsInForce() throws {
        let node = Node()
        try node.start()
        _ = node.take(Self.web())
        _ = node.take(Self.slice("10.244.1.1"))
        let name = "kubeproxy_sync_proxy_rules"
        let before = try node.metrics()
        #expect(before["\(name)_service_changes_pending", [:]] == 1)
        #expect(before["\(name)_endpoint_changes_pending", [:]] == 1)
        #expect(before["fairlead_services", [:]] == 0)

        try node.put(Self.slice("10.244.1.1", "10.244.1.2"))
        let after = try node.metrics()
        #expect(after["\(name)_service_changes_pending", [:]] == 0)
        #expect(after["\(name)_endpoint_changes_pending", [:]] == 0)
        #expect(after["\(name)_service_changes_total", [:]] == 1)
        #expect(after["\(name)_endpoint_changes_total", [:]] == 2)
        #expect(after["fairlead_services", [:]] == 1)
        // ClusterIP and external IP with two ports each, and a NodePort.
        #expect(after["fairlead_frontends", self.ipv4()] == 5)
        #expect(after["fairlead_frontends", ["ip_family": "IPv6"]] == 0)
        #expect(after["fairlead_endpoints", self.ipv4()] == 2)
        #expect(after["fairlead_table_elements", ["set": "frontends4"]] == 4)
        #expect(after["fairlead_table_elements", ["set": "cluster-ips4"]] == 1)
        let operations = node.kernel.committed.reduce(0) { $0 + $1.elementOperationCount }
        #expect(after["fairlead_element_operations_total", [:]] == Double(operations))
        #expect(try #require(after["fairlead_transaction_bytes_total", [:]]) > 0)
    }

    @Test func fullAndPartialSynchronisationsAreTold() throws {
        let node = Node()
        try node.start()
        try node.put(Self.web())
        let metrics = try node.metrics()
        for family in ["IPv4", "IPv6"] {
            let labels = ["ip_family": family]
            #expect(metrics["kubeproxy_sync_proxy_rules_duration_seconds_count", labels] == 2)
            #expect(metrics["kubeproxy_sync_full_proxy_rules_duration_seconds_sum", labels] == 0.003)
            #expect(metrics["kubeproxy_sync_partial_proxy_rules_duration_seconds_sum", labels] == 0.0009)
            #expect(try #require(metrics["kubeproxy_sync_proxy_rules_last_timestamp_seconds", labels]) > 1e9)
        }
        #expect(metrics["kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", self.ipv4()] == 0)
        node.reporter.queued()
        let queued = try node.metrics()["kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", self.ipv4()]
        #expect(try #require(queued) > 1e9)
    }

    @Test func failuresAreCountedByWhatFailed() throws {
        let node = Node()
        try node.start()
        node.reporter.failed(Self.refusal, .partial, took: .milliseconds(1), retryIn: .milliseconds(100))
        node.reporter.failed(Self.refusal, .full, took: .milliseconds(1), retryIn: .milliseconds(100))
        node.reporter.failed(Self.refusal, .removingChains, took: .milliseconds(1), retryIn: .milliseconds(100))
        let metrics = try node.metrics()
        let name = "kubeproxy_sync_proxy_rules_nftables"
        #expect(metrics["\(name)_sync_failures_total", self.ipv4()] == 2)
        #expect(metrics["\(name)_cleanup_failures_total", self.ipv4()] == 1)
        #expect(metrics["kubeproxy_sync_proxy_rules_duration_seconds_count", self.ipv4()] == 3)
        #expect(metrics["kubeproxy_sync_partial_proxy_rules_duration_seconds_count", self.ipv4()] == 1)
    }

    @Test func readbacksAndRepairsByReason() throws {
        let node = Node()
        try node.start()
        try node.start(isRecovery: true)
        try node.put(Self.web())
        func repair(_ interference: SyncReporter.Interference) throws {
            let report = try node.synchronizer.readBack()
            node.reporter.synchronized(.repair(interference), report, node.synchronizer, took: .milliseconds(1))
        }
        // Touched, and as it should be.
        try repair(.commit(by: "nft (process 7)"))
        _ = try KernelSynchronizer.removeTable(from: node.kernel)
        try repair(.commit(by: "nft (process 7)"))
        _ = try KernelSynchronizer.removeTable(from: node.kernel)
        try repair(.lost)
        let metrics = try node.metrics()
        for (reason, readbacks, repairs) in [
            ("start", 1.0, nil), ("failure", 1, 0.0), ("foreign_commit", 2, 1), ("lost_announcements", 1, 1),
        ] {
            #expect(metrics["fairlead_readbacks_total", ["reason": reason]] == readbacks, "\(reason)")
            #expect(metrics["fairlead_repairs_total", ["reason": reason]] == repairs, "\(reason)")
        }
    }

    @Test func servicesWithoutEndpointsHere() throws {
        let node = Node()
        try node.start()
        func gaps() throws -> [Double?] {
            let metrics = try node.metrics()
            return ["internal", "external"].map {
                metrics["kubeproxy_sync_proxy_rules_no_local_endpoints_total", self.ipv4(["traffic_policy": $0])]
            }
        }
        // Its only endpoint, of one port, is elsewhere.
        try node.put(Self.web(.local, external: .local), Self.slice("10.244.1.1"))
        #expect(try gaps() == [1, 1])
        try node.put(Self.web(.cluster, external: .local))
        #expect(try gaps() == [0, 1])
        // Nobody anywhere is refused and not dropped.
        try node.put(Self.slice())
        #expect(try gaps() == [0, 0])
        try node.put(Self.web(.local, external: .cluster), Self.slice("10.244.1.1"))
        #expect(try gaps() == [1, 0])
        // Reading back counts anew.
        try node.start()
        #expect(try gaps() == [1, 0])
    }

    @Test func theWayFromAPodToTheKernelIsMeasured() throws {
        let node = Node()
        try node.start()
        // Started in 1970, so that a time of now comes after it.
        node.reporter.pendingChanges = PendingChanges(since: 0)
        let name = "kubeproxy_network_programming_duration_seconds"
        try node.put(Self.web(), Self.slice("10.244.1.1", time: 1))
        let metrics = try node.metrics()
        #expect(metrics["\(name)_count", self.ipv4()] == 1)
        #expect(metrics["\(name)_bucket", self.ipv4(["le": "300"])] == 0)
        // A clock that is ahead of this one.
        try node.put(Self.slice("10.244.1.2", time: .max))
        #expect(try node.metrics()["\(name)_bucket", self.ipv4(["le": "0"])] == 1)
    }
}
