package import KubernetesAPI
internal import Networking

extension DataplaneConfiguration {
    /// What kube-proxy's configuration asks for.
    ///
    /// - Parameter hostName: what the host calls itself, for a node without another name.
    package init(_ proxy: ProxyConfiguration, hostName: String) {
        let name = proxy.hostnameOverride.isEmpty ? hostName : proxy.hostnameOverride
        self.init(nodeName: name.lowercased())
        self.localDetection =
            switch proxy.detectLocalMode {
            case .clusterCIDR: .clusterCIDR(proxy.clusterCIDR.blocks)
            case .nodeCIDR: .nodeCIDR
            case .bridgeInterface: .bridgeInterface(proxy.detectLocal.bridgeInterface)
            case .interfaceNamePrefix: .interfaceNamePrefix(proxy.detectLocal.interfaceNamePrefix)
            }
        self.masqueradeAll = proxy.masqueradesAll
        self.nodePortAddresses =
            switch proxy.nodePorts {
            case .primary, .unset: .primary
            case .blocks(let blocks): .blocks(blocks)
            }
        self.primaryAddress = proxy.primaryAddress
        self.allowsExternalIPs = proxy.featureGates.allowsExternalIPs
        self.syncPeriod = proxy.syncPeriod.duration
        self.conntrack = ConntrackSettings(proxy.conntrack)
    }
}

extension ConntrackSettings {
    package init(_ conntrack: ProxyConfiguration.Conntrack) {
        self.init()
        self.maximumPerCore = conntrack.maxPerCore
        self.minimum = conntrack.min
        self.tcpEstablishedTimeout = conntrack.tcpEstablishedTimeout.wholeSeconds
        self.tcpCloseWaitTimeout = conntrack.tcpCloseWaitTimeout.wholeSeconds
        self.tcpIsLiberal = conntrack.tcpBeLiberal
        self.udpTimeout = conntrack.udpTimeout.wholeSeconds
        self.udpStreamTimeout = conntrack.udpStreamTimeout.wholeSeconds
    }
}
