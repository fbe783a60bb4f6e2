package import Networking

/// A ServiceCIDR (networking.k8s.io/v1): where ClusterIPs come from. Several may be there at once.
package struct ServiceCIDR: Hashable, Sendable {
    package var metadata: ObjectMeta
    /// At most one block of each family.
    package var cidrs: [CIDR]

    package init(metadata: ObjectMeta, cidrs: [CIDR] = []) {
        self.metadata = metadata
        self.cidrs = cidrs
    }
}
