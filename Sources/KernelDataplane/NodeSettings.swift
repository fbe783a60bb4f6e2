package import Networking
internal import Nftables

/// What the table depends on besides Services: whose connections are pods', and where NodePorts answer.
package struct NodeSettings: Hashable, Sendable {
    /// Sources that are pods; at most one block of each family. A family without one masquerades
    /// nothing on its way to a ClusterIP: it cannot be told who is outside.
    package let clusterCIDRs: [CIDR]
    /// Masquerade everything on its way to a ClusterIP, pods included.
    package let masqueradeAll: Bool
    /// The node's addresses on which NodePorts answer.
    package let nodePortAddresses: Set<IPAddress>

    package init(clusterCIDRs: [CIDR] = [], masqueradeAll: Bool = false, nodePortAddresses: Set<IPAddress> = []) {
        self.clusterCIDRs = clusterCIDRs
        self.masqueradeAll = masqueradeAll
        self.nodePortAddresses = nodePortAddresses
    }

    /// Sources of this family that reach a ClusterIP with their own address.
    package func podSources(_ family: AddressFamily) -> [CIDR] {
        if self.masqueradeAll { return [] }
        let blocks = self.clusterCIDRs.filter { $0.family == family }
        guard blocks.isEmpty else { return blocks }
        let zero = family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0)
        return CIDR(zero, prefixLength: 0).map { [$0] } ?? []
    }

    var elements: [PlacedElement] {
        var elements = self.nodePortAddresses.map {
            PlacedElement(set: FairleadSet(.nodeIPs, $0.family), element: .address($0))
        }
        for family in AddressFamily.allCases {
            for element in self.podSources(family).flatMap(Element.range) {
                elements.append(PlacedElement(set: FairleadSet(.podCIDRs, family), element: element))
            }
        }
        return elements
    }
}

/// Which of the node's addresses take NodePorts: `--nodeport-addresses`.
package enum NodePortAddressPolicy: Hashable, Sendable {
    /// The address by which the node is known, of each family.
    case primary
    /// Every local address inside one of these blocks.
    case blocks([CIDR])

    /// The addresses, given the host's. A family that the policy says nothing about (no block of it,
    /// or no primary address) answers on all its addresses. Loopback never does.
    ///
    /// - Parameter keeping: the addresses so far. A family that has lost its primary one keeps those that are
    ///   still there: a default route that is gone for a moment must not open NodePorts on every
    ///   interface.
    package func resolve(
        local: [IPAddress],
        primary: [IPAddress],
        keeping: Set<IPAddress> = []
    ) -> Set<IPAddress> {
        var addresses: Set<IPAddress> = []
        for family in AddressFamily.allCases {
            let all = local.filter { $0.family == family && !$0.isLoopback }
            switch self {
            case .primary:
                let own = primary.filter { $0.family == family && !$0.isLoopback }
                let kept = all.filter(keeping.contains)
                addresses.formUnion(!own.isEmpty ? own : !kept.isEmpty ? kept : all)
            case .blocks(let blocks):
                let own = blocks.filter { $0.family == family }
                addresses.formUnion(own.isEmpty ? all : all.filter { address in own.contains { $0.contains(address) } })
            }
        }
        return addresses
    }
}
