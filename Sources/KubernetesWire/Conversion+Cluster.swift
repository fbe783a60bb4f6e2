internal import KubernetesAPI
internal import KubernetesMessages
internal import Networking

extension WireNode: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        let single = self.spec.podCidr.isEmpty ? [] : [self.spec.podCidr]
        let internalIPs = self.status.addresses.enumerated().compactMap { index, entry in
            entry.type == "InternalIP"
                ? conversion.address(entry.address, "status.addresses[\(index)].address") : nil
        }
        let node = Node(
            metadata: metadata,
            podCIDRs: conversion.blocks(self.spec.podCidrs.isEmpty ? single : self.spec.podCidrs, "spec.podCIDRs"),
            internalIPs: internalIPs.unique,
            isBeingDeleted: self.metadata.hasDeletionTimestamp,
            isMarkedForDeletion: self.spec.taints.contains { $0.key == KnownKey.autoscalerTaint }
        )
        return .node(node)
    }
}

extension WireServiceCIDR: ObjectMessage {
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        .serviceCIDR(ServiceCIDR(metadata: metadata, cidrs: conversion.blocks(self.spec.cidrs, "spec.cidrs")))
    }
}
