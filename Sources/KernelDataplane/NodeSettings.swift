package import Networking
internal import Nftables

/// How pods of this node or cluster are told from everybody else: `--detect-local-mode`.
package enum PodDetection: Hashable, Sendable {
    /// By their addresses, at most one block of each family. A family without one is not known.
    case blocks([CIDR])
    /// By the interface they come by: its name, or what its name starts with followed by `*`.
    case interface(String)
}

/// What the table depends on besides Services: who is a pod, and which addresses are the node's and the
/// cluster's.
package struct NodeSettings: Hashable, Sendable {
    package static let defaultAffinityClients: UInt32 = 1 << 20

    package var pods: PodDetection
    /// Masquerade everything on its way to a ClusterIP, pods included.
    package var masqueradeAll: Bool
    /// The node's addresses on which NodePorts answer.
    package var nodePortAddresses: Set<IPAddress>
    /// Where ClusterIPs come from; empty while that is not known.
    package var serviceCIDRs: Set<CIDR>
    /// How many clients of each family session affinity remembers.
    package var affinityClients: UInt32

    package init(
        pods: PodDetection = .blocks([]),
        masqueradeAll: Bool = false,
        nodePortAddresses: Set<IPAddress> = [],
        serviceCIDRs: Set<CIDR> = [],
        affinityClients: UInt32 = Self.defaultAffinityClients
    ) {
        self.pods = pods
        self.masqueradeAll = masqueradeAll
        self.nodePortAddresses = nodePortAddresses
        self.serviceCIDRs = serviceCIDRs
        self.affinityClients = affinityClients
    }

    /// Where pods' addresses of this family come from; empty if that does not tell.
    package func podBlocks(_ family: AddressFamily) -> [CIDR] {
        if case .blocks(let blocks) = self.pods { blocks.filter { $0.family == family } } else { [] }
    }

    /// Sources of this family that reach a ClusterIP with their own address, besides pods that are known by
    /// their interface. Everybody, where pods are not known: it cannot be told who is outside.
    package func plainSources(_ family: AddressFamily) -> [CIDR] {
        if self.masqueradeAll { return [] }
        if case .interface = self.pods { return [] }
        let blocks = self.podBlocks(family)
        guard blocks.isEmpty else { return blocks }
        let zero = family == .ipv4 ? IPAddress(ipv4: 0) : IPAddress(ipv6High: 0, low: 0)
        return CIDR(zero, prefixLength: 0).map { [$0] } ?? []
    }

    /// Blocks that share addresses, or touch, are refused by the kernel as ranges of one set.
    private func ranges(_ kind: FairleadSet.Kind, _ family: AddressFamily, _ blocks: [CIDR]) -> [PlacedElement] {
        AddressRange.merged(blocks.map { AddressRange($0) }).flatMap(Element.range).map {
            PlacedElement(set: FairleadSet(kind, family), element: $0)
        }
    }

    var elements: [PlacedElement] {
        var elements = self.nodePortAddresses.map {
            PlacedElement(set: FairleadSet(.nodeIPs, $0.family), element: .address($0))
        }
        for family in AddressFamily.allCases {
            elements.append(
                PlacedElement(
                    set: FairleadSet(.refusals, family),
                    element: .networkProtocol(family, .goto(FairleadTable.refusal))))
            elements += self.ranges(.podCIDRs, family, self.podBlocks(family))
            elements += self.ranges(.plainSources, family, self.plainSources(family))
            elements += self.ranges(.serviceCIDRs, family, self.serviceCIDRs.filter { $0.family == family })
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
    /// - Parameters:
    ///   - primary: the addresses from which the host speaks.
    ///   - known: those by which the cluster knows the node, which go before them.
    ///   - keeping: the addresses so far. A primary one stays as long as the host has it: a second IPv6
    ///     address may become the source that the kernel prefers. A family that has lost its primary one keeps those
    ///     that are still there: a default route that is gone for a moment must not open NodePorts on every
    ///     interface.
    package func resolve(
        local: [IPAddress],
        primary: [IPAddress],
        known: [IPAddress] = [],
        keeping: Set<IPAddress> = []
    ) -> Set<IPAddress> {
        var addresses: Set<IPAddress> = []
        for family in AddressFamily.allCases {
            let all = local.filter { $0.family == family && !$0.isLoopback }
            switch self {
            case .primary:
                let told = known.filter { $0.family == family }
                let own = primary.filter { $0.family == family && !$0.isLoopback }
                let kept = all.filter(keeping.contains)
                if !told.isEmpty {
                    addresses.formUnion(told)
                } else if !own.isEmpty, kept.count != 1 || keeping.count(where: { $0.family == family }) != 1 {
                    addresses.formUnion(own)
                } else {
                    addresses.formUnion(!kept.isEmpty ? kept : !own.isEmpty ? own : all)
                }
            case .blocks(let blocks):
                let own = blocks.filter { $0.family == family }
                addresses.formUnion(own.isEmpty ? all : all.filter { address in own.contains { $0.contains(address) } })
            }
        }
        return addresses
    }
}
