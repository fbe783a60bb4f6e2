package import Linux
package import Networking
package import ServiceModel

/// What the operator chose for the data plane of a node.
package struct DataplaneConfiguration: Sendable {
    /// `--detect-local-mode`: how pods are told from everybody else.
    package enum LocalDetection: Hashable, Sendable {
        /// The cluster's blocks, at most one of each family.
        case clusterCIDR([CIDR])
        /// The blocks of this node's Node.
        case nodeCIDR
        /// Pods come by this interface.
        case bridgeInterface(String)
        /// Pods come by interfaces whose names start like this.
        case interfaceNamePrefix(String)
    }

    /// This node's name, as EndpointSlices spell it.
    package var nodeName: String
    package var localDetection = LocalDetection.clusterCIDR([])
    package var masqueradeAll = false
    package var nodePortAddresses = NodePortAddressPolicy.primary
    /// The node's primary address of one family, whatever the Node and the host say; nil: as they say.
    package var primaryAddress: IPAddress?
    /// Whether `spec.externalIPs` counts.
    package var allowsExternalIPs = true
    /// How many clients of each family session affinity remembers.
    package var affinityClients = NodeSettings.defaultAffinityClients
    /// End TCP connections to endpoints that are gone.
    package var endsStaleTCP = false
    /// Remove what kube-proxy left in the kernel, once the rules are in force.
    package var removesKubeProxy = false
    package var conntrack = ConntrackSettings()
    /// kube-proxy's `syncPeriod`: the longest pause between two attempts to program. A change that is not in force after
    /// two of them makes the node unhealthy.
    package var syncPeriod = Duration.seconds(30)
    /// Whether a node without a Node is one that load balancers must not use: so in a cluster, but a directory
    /// of manifests need not have one.
    package var requiresNode = false

    package init(nodeName: String) {
        self.nodeName = nodeName
    }

    /// With the addresses that this host has now, and what the cluster's objects say.
    ///
    /// - Parameter keeping: the addresses that took NodePorts so far.
    package func settings(
        _ cluster: ClusterFacts,
        keeping: Set<IPAddress> = []
    ) throws(SystemError) -> (settings: NodeSettings, facts: NodeFacts) {
        let pods: PodDetection =
            switch self.localDetection {
            case .clusterCIDR(let blocks): .blocks(blocks)
            case .nodeCIDR: .blocks(cluster.podCIDRs ?? [])
            case .bridgeInterface(let name): .interface(name)
            case .interfaceNamePrefix(let prefix): .interface("\(prefix)*")
            }
        let addresses = self.nodePortAddresses.resolve(
            local: try HostAddresses.all(), primary: HostAddresses.primary(), known: self.knownAddresses(cluster),
            keeping: keeping)
        let settings = NodeSettings(
            pods: pods, masqueradeAll: self.masqueradeAll, nodePortAddresses: addresses,
            serviceCIDRs: cluster.serviceBlocks, affinityClients: self.affinityClients)
        let facts = NodeFacts(
            name: self.nodeName, zone: cluster.zone, addresses: addresses, allowsExternalIPs: self.allowsExternalIPs)
        return (settings, facts)
    }

    /// By which the cluster, or whoever started this, knows the node: one of each family at most.
    private func knownAddresses(_ cluster: ClusterFacts) -> [IPAddress] {
        guard let primaryAddress else { return cluster.nodeAddresses }
        return [primaryAddress] + cluster.nodeAddresses.filter { $0.family != primaryAddress.family }
    }
}
