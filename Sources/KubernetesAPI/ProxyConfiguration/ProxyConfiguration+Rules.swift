extension ProxyConfiguration {
    /// Two settings that do not go together.
    package struct Conflict: Hashable, Sendable {
        /// What it is about; the first is at fault.
        package let paths: [String]
        package let reason: String
    }

    /// What is wrong with the whole, where each value by itself is right.
    package var conflicts: [Conflict] {
        var conflicts: [Conflict] = []
        // Only of the section that counts, as kube-proxy: what is in the others is nobody's concern.
        let (section, minimum, period) =
            switch self.mode {
            case .nftables: ("nftables", self.nftables.minSyncPeriod, self.nftables.syncPeriod)
            case .ipvs: ("ipvs", self.ipvs.minSyncPeriod, self.ipvs.syncPeriod)
            case .iptables, .unset: ("iptables", self.iptables.minSyncPeriod, self.iptables.syncPeriod)
            }
        if minimum > period {
            conflicts.append(
                Conflict(
                    paths: ["\(section).minSyncPeriod", "\(section).syncPeriod"],
                    reason: "must not be longer than \(section).syncPeriod: \(minimum) against \(period)"))
        }
        switch self.detectLocalMode {
        case .bridgeInterface where self.detectLocal.bridgeInterface.isEmpty:
            conflicts.append(Self.missing("detectLocal.bridgeInterface", self.detectLocalMode))
        case .interfaceNamePrefix where self.detectLocal.interfaceNamePrefix.isEmpty:
            conflicts.append(Self.missing("detectLocal.interfaceNamePrefix", self.detectLocalMode))
        case .clusterCIDR, .nodeCIDR, .bridgeInterface, .interfaceNamePrefix:
            break
        }
        return conflicts
    }

    private static func missing(_ path: String, _ mode: DetectLocalMode) -> Conflict {
        Conflict(
            paths: [path, "detectLocalMode"], reason: "is needed, the name of an interface, by mode \(mode.rawValue)")
    }
}
