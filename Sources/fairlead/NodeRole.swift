internal import ArgumentParser
internal import KernelDataplane
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Networking

/// The node role: its options.
struct NodeRole: ParsableArguments {
    @OptionGroup(title: "Node") var node: NodeOptions
    @OptionGroup(title: "Userspace balancer") var balancer: BalancerOptions
    @OptionGroup(title: "Userspace balancer: limits") var balancerLimits: BalancerLimitOptions
    @OptionGroup(title: "Connection tracking") var conntrack: ConntrackOptions
    @OptionGroup(title: "Takeover") var takeover: TakeoverOptions
    @OptionGroup var tolerated: ToleratedOptions

    var given: [GivenFlag] {
        self.node.given + self.conntrack.given + self.takeover.given + self.tolerated.given
    }

    func configuration(_ start: NodeStart, _ source: ObjectSource) throws(CommandFailure) -> DataplaneConfiguration {
        var configuration = DataplaneConfiguration(start.configuration, hostName: HostSystem.name)
        configuration.requiresNode = source.isCluster
        configuration.affinityClients = self.node.maximumAffinityClients
        configuration.endsStaleTCP = self.conntrack.endsStaleTCP
        configuration.removesKubeProxy = self.takeover.cleanupKubeProxy
        try self.balancer.apply(to: &configuration)
        return configuration
    }

    /// Connections that pass through this host need forwarding; those of the host itself do not.
    static func warnOfForwarding(_ logger: Logger) {
        for family in AddressFamily.allCases {
            let setting = HostSystem.forwardingSetting(family)
            guard HostSystem.setting(setting) == "0" else { continue }
            logger.warning(
                "IPv\(family.rawValue) forwarding is off: its Services answer this host alone, not pods or clients outside",
                metadata: ["setting": "\(setting)", "mend": "sysctl -w \(setting)=1"])
        }
    }
}
