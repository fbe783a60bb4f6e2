internal import Networking

/// The kinds that belong to the cluster.
extension ManifestReader {
    /// A Node by the API server's rules; nil if it broke one.
    mutating func node() -> Node? {
        guard let metadata = self.metadata(of: .node) else { return nil }
        var node = Node(metadata: metadata)
        if let metadata = self.mapping("metadata", of: self.root) {
            node.isBeingDeleted = self.timestamp("deletionTimestamp", of: metadata) != nil
        }
        if let spec = self.mapping("spec", of: self.root) {
            node.podCIDRs = self.podCIDRs(of: spec)
            for taint in self.items("taints", of: spec) where self.isMapping(taint) {
                if self.string("key", of: taint) == KnownKey.autoscalerTaint { node.isMarkedForDeletion = true }
            }
        }
        if let status = self.mapping("status", of: self.root) {
            let addresses = self.items("addresses", of: status)
            node.internalIPs = addresses.compactMap { self.isMapping($0) ? self.internalIP($0) : nil }.unique
        }
        return self.hasErrors ? nil : node
    }

    /// A ServiceCIDR by the API server's rules; nil if it broke one.
    mutating func serviceCIDR() -> ServiceCIDR? {
        guard let metadata = self.metadata(of: .serviceCIDR) else { return nil }
        guard let spec = self.mapping("spec", of: self.root) else {
            if !self.hasErrors { self.fail(self.root, "spec", "is required") }
            return nil
        }
        let nodes = self.items("cidrs", of: spec)
        if nodes.isEmpty, self.field("cidrs", of: spec).map({ $0.kind == .sequence }) ?? true {
            self.fail(spec, "cidrs", "is required")
        }
        let blocks = self.blocks(nodes) { reader, node in
            guard let block = reader.block(node) else { return nil }
            // The kind is younger than the leniency of the others.
            if node.text != block.description { reader.fail(node, "must be written \"\(block)\"") }
            return block
        }
        return self.hasErrors ? nil : ServiceCIDR(metadata: metadata, cidrs: blocks)
    }

    private mutating func podCIDRs(of spec: ManifestNode) -> [CIDR] {
        let single = self.field("podCIDR", of: spec).flatMap { self.isEmptyText($0) ? nil : $0 }
        let list = self.items("podCIDRs", of: spec)
        let blocks = self.blocks(list) { reader, node in reader.block(node) }
        guard let single, let block = self.block(single) else { return blocks }
        guard let first = list.first else { return [block] }
        if let primary = blocks.first, primary != block { self.fail(first, "must be the same as spec.podCIDR") }
        return blocks
    }

    /// Address blocks, at most one of each family.
    private mutating func blocks(
        _ nodes: [ManifestNode],
        _ read: (inout ManifestReader, ManifestNode) -> CIDR?
    ) -> [CIDR] {
        guard nodes.count <= 2 else {
            self.fail(nodes[2], "must not be given: at most one block per family")
            return []
        }
        let blocks = nodes.compactMap { read(&self, $0) }
        if blocks.count == 2, blocks[0].family == blocks[1].family {
            self.fail(nodes[1], "must be of the other family than \(blocks[0])")
        }
        return blocks
    }

    /// An address of type InternalIP; nil if it is wrong or of another type.
    private mutating func internalIP(_ entry: ManifestNode) -> IPAddress? {
        guard self.string("type", of: entry) == "InternalIP" else { return nil }
        guard let value = self.field("address", of: entry) else {
            self.fail(entry, "address", "is required")
            return nil
        }
        return self.address(value)
    }
}
