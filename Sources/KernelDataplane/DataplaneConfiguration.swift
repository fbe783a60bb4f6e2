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
    /// `--dataplane`
    package var dataplane = DataplaneChoice.auto
    /// Where the kernel finds the userspace balancer.
    package var balancer = BalancerAddresses()
    /// Whether NodePorts answer at 127.0.0.1 and ::1.
    package var servesLocalhostNodePorts = true
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
    package func settings(_ cluster: ClusterFacts) throws(SystemError) -> (settings: NodeSettings, facts: NodeFacts) {
        self.settings(cluster, local: try HostAddresses.all(), keeping: [])
    }

    /// - Parameters:
    ///   - local: the host's own addresses.
    ///   - keeping: the addresses that took NodePorts so far.
    func settings(
        _ cluster: ClusterFacts, local: [IPAddress], keeping: Set<IPAddress>
    ) -> (settings: NodeSettings, facts: NodeFacts) {
        let pods: PodDetection =
            switch self.localDetection {
            case .clusterCIDR(let blocks): .blocks(blocks)
            case .nodeCIDR: .blocks(cluster.podCIDRs ?? [])
            case .bridgeInterface(let name): .interface(name)
            case .interfaceNamePrefix(let prefix): .interface("\(prefix)*")
            }
        let addresses = self.nodePortAddresses.resolve(
            local: local, primary: HostAddresses.primary(), known: self.knownAddresses(cluster),
            keeping: keeping)
        let settings = NodeSettings(
            pods: pods, masqueradeAll: self.masqueradeAll, nodePortAddresses: addresses,
            serviceCIDRs: cluster.serviceBlocks, affinityClients: self.affinityClients)
        let facts = NodeFacts(
            name: self.nodeName, zone: cluster.zone, addresses: addresses, allowsExternalIPs: self.allowsExternalIPs)
        return (settings, facts)
    }

    /// What the userspace balancer is to do.
    func streamSettings(_ node: NodeSettings, servesEverything: Bool) -> StreamProgram.Settings {
        var settings = StreamProgram.Settings()
        settings.balancer = self.balancer
        // Where the kernel is never programmed, it cannot hand over anything.
        settings.handover = self.dataplane == .userspace ? [] : Set(HostAddresses.families)
        settings.servesEverything = servesEverything
        settings.standsBy = self.dataplane == .auto
        settings.servesLocalhost = self.servesLocalhostNodePorts
        settings.nodePortAddresses = node.nodePortAddresses
        return settings
    }

    /// What of the balancer's there is to see in the kernel's table: for who renders it.
    package var handover: StreamProgram.Settings? {
        guard self.dataplane != .userspace else { return nil }
        var settings = StreamProgram.Settings()
        settings.balancer = self.balancer
        settings.handover = Set(AddressFamily.allCases)
        return settings
    }

    /// Where pods' addresses come from, for who cannot see by which interface they come.
    func podBlocks(_ cluster: ClusterFacts) -> [CIDR] {
        if case .clusterCIDR(let blocks) = self.localDetection { blocks } else { cluster.podCIDRs ?? [] }
    }

    /// By which the cluster, or whoever started this, knows the node: one of each family at most.
    private func knownAddresses(_ cluster: ClusterFacts) -> [IPAddress] {
        guard let primaryAddress else { return cluster.nodeAddresses }
        return [primaryAddress] + cluster.nodeAddresses.filter { $0.family != primaryAddress.family }
    }
}
