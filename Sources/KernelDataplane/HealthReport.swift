package import KubernetesAPI
package import Networking
package import ServiceModel

/// What is to be answered to load balancers that ask whether this node has endpoints.
package struct HealthReport: Hashable, Sendable {
    package let checks: [ObjectName: HealthCheckPlan]
    /// The node's addresses at which they ask.
    package let addresses: Set<IPAddress>
    /// Whether the kernel holds what the objects ask for, by ``ProxyHealth``.
    package let isHealthy: Bool
}
