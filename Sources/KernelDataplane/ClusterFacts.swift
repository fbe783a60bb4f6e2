package import KubernetesAPI
package import Networking

/// What the cluster's objects say of this node and of addresses, besides Services and endpoints.
package struct ClusterFacts: Sendable {
    private let nodeName: ObjectName
    private var node: Node?
    private var serviceCIDRs: [ObjectName: [CIDR]] = [:]

    package init(nodeName: String) {
        self.nodeName = ObjectName(namespace: "", name: nodeName)
    }

    /// Takes over an object, or its disappearance. Returns whether it says anything new.
    package mutating func take(_ key: ObjectKey, _ object: KubernetesObject?) -> Bool {
        switch (key.kind, object) {
        case (.node, .node(let node)?) where key.name == self.nodeName:
            defer { self.node = node }
            return self.node?.zone != node.zone || self.node?.podCIDRs != node.podCIDRs
                || self.node?.internalIPs != node.internalIPs
        case (.node, nil) where key.name == self.nodeName:
            defer { self.node = nil }
            return self.node != nil
        case (.serviceCIDR, .serviceCIDR(let block)?):
            return self.serviceCIDRs.updateValue(block.cidrs, forKey: key.name) != block.cidrs
        case (.serviceCIDR, nil):
            return self.serviceCIDRs.removeValue(forKey: key.name) != nil
        default:
            return false
        }
    }

    package var zone: String? { self.node?.zone }

    /// Where the addresses of this node's pods come from; nil while its Node is not known, empty if it has
    /// none.
    package var podCIDRs: [CIDR]? { self.node?.podCIDRs }

    /// The addresses by which the cluster knows this node, the first of each family.
    package var nodeAddresses: [IPAddress] {
        AddressFamily.allCases.compactMap { family in self.node?.internalIPs.first { $0.family == family } }
    }

    /// Whether load balancers may send this node connections: not while it is being deleted, or the cluster
    /// autoscaler is about to. nil while its Node is not known.
    package var isNodeEligible: Bool? { self.node.map { !$0.isBeingDeleted && !$0.isMarkedForDeletion } }

    package var serviceBlocks: Set<CIDR> { Set(self.serviceCIDRs.values.joined()) }
}
