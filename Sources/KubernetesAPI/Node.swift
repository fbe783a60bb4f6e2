package import Networking

/// A Node (core/v1), as far as the data plane of that node reads it. Its zone is the label
/// ``KnownKey/zone``.
package struct Node: Hashable, Sendable {
    package var metadata: ObjectMeta
    /// `spec.podCIDRs`: where the addresses of the node's pods come from, at most one block of each family.
    package var podCIDRs: [CIDR]
    /// `status.addresses` of type InternalIP, in their order.
    package var internalIPs: [IPAddress]
    /// `metadata.deletionTimestamp` is set.
    package var isBeingDeleted: Bool
    /// `spec.taints` has ``KnownKey/autoscalerTaint``, with whatever value and effect.
    package var isMarkedForDeletion: Bool

    package init(
        metadata: ObjectMeta,
        podCIDRs: [CIDR] = [],
        internalIPs: [IPAddress] = [],
        isBeingDeleted: Bool = false,
        isMarkedForDeletion: Bool = false
    ) {
        self.metadata = metadata
        self.podCIDRs = podCIDRs
        self.internalIPs = internalIPs
        self.isBeingDeleted = isBeingDeleted
        self.isMarkedForDeletion = isMarkedForDeletion
    }

    package var zone: String? { self.metadata.labels[KnownKey.zone] }
}
