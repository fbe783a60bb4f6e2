package import Networking

/// What the operator chose for the node role: kube-proxy's own configuration, whether it was written as a
/// file or as flags. Names, nesting and defaults are those of `kubeproxy.config.k8s.io/v1alpha1`
/// (kube-proxy/config/v1alpha1/types.go, pkg/proxy/apis/config/v1alpha1/defaults.go); a field whose value in
/// the file stands for its default has its default here.
///
/// ``ProxyConfigurationField/all`` says which fields there are and what each means to Fairlead.
package struct ProxyConfiguration: Hashable, Sendable {
    package struct ClientConnection: Hashable, Sendable {
        /// The path of a kubeconfig file; empty: the service account of the pod.
        package var kubeconfig = ""
        package var acceptContentTypes = ""
        package var contentType = "application/vnd.kubernetes.protobuf"
        package var queriesPerSecond = 5.0
        package var burst = 10
    }

    package struct Logging: Hashable, Sendable {
        /// Of what a log format writes where.
        package struct Routing: Hashable, Sendable {
            package var splitStream = false
            package var infoBufferSize = QuantityText("0")
        }

        package var format = "text"
        package var flushFrequency = FlushFrequency(.seconds(5))
        /// 0 says the least; klog goes to 10.
        package var verbosity = 0
        package var vmodule = VerbosityByFile()
        package var text = Routing()
        package var json = Routing()
    }

    package struct IPTables: Hashable, Sendable {
        package var masqueradeBit = 14
        package var masqueradeAll = false
        package var localhostNodePorts = true
        package var snatNodeInternalIP = false
        package var syncPeriod = GoDuration.seconds(30)
        package var minSyncPeriod = GoDuration.seconds(1)
    }

    package struct IPVS: Hashable, Sendable {
        package var syncPeriod = GoDuration.seconds(30)
        package var minSyncPeriod = GoDuration.zero
        package var scheduler = ""
        package var excludeCIDRs = StringList()
        package var strictARP = false
        package var tcpTimeout = GoDuration.zero
        package var tcpFinTimeout = GoDuration.zero
        package var udpTimeout = GoDuration.zero
    }

    package struct NFTables: Hashable, Sendable {
        package var masqueradeBit = 14
        package var masqueradeAll = false
        package var syncPeriod = GoDuration.seconds(30)
        package var minSyncPeriod = GoDuration.seconds(1)
    }

    package struct Conntrack: Hashable, Sendable {
        /// 0 leaves the limit alone.
        package var maxPerCore = 32_768
        package var min = 131_072
        package var tcpEstablishedTimeout = GoDuration.seconds(86_400)
        package var tcpCloseWaitTimeout = GoDuration.seconds(3_600)
        /// Liberal unlike kube-proxy's default: a file that kubeadm wrote says false for everybody, which
        /// nobody chose. The flag turns it off.
        package var tcpBeLiberal = true
        package var udpTimeout = GoDuration.zero
        package var udpStreamTimeout = GoDuration.zero
    }

    package struct Winkernel: Hashable, Sendable {
        package var networkName = ""
        package var sourceVip = ""
        package var enableDSR = false
        package var rootHnsEndpointName = ""
        package var forwardHealthCheckVip = false
    }

    package struct DetectLocal: Hashable, Sendable {
        package var bridgeInterface = ""
        package var interfaceNamePrefix = ""
    }

    package var featureGates = FeatureGates()
    package var clientConnection = ClientConnection()
    package var logging = Logging()
    /// Empty: the host name.
    package var hostnameOverride = ""
    /// The node's primary address, unless it is unspecified. No socket is bound to it.
    package var bindAddress = IPAddress(ipv4: 0)
    /// See ``healthzAddress`` and ``metricsAddress``.
    package var healthzBindAddress = ServingAddress.standard
    package var metricsBindAddress = ServingAddress.standard
    package var bindAddressHardFail = false
    package var enableProfiling = false
    package var showHiddenMetricsForVersion = ""
    package var mode = ProxyMode.unset
    package var iptables = IPTables()
    package var ipvs = IPVS()
    package var nftables = NFTables()
    package var winkernel = Winkernel()
    package var detectLocalMode = DetectLocalMode.clusterCIDR
    package var detectLocal = DetectLocal()
    package var clusterCIDR = ClusterBlocks()
    package var nodePortAddresses = NodePortAddresses.unset
    package var oomScoreAdj = -999
    package var conntrack = Conntrack()
    package var configSyncPeriod = GoDuration.seconds(900)
    package var portRange = ""
    package var windowsRunAsService = false

    package init() {}
}

// MARK: - What follows from it

extension ProxyConfiguration {
    /// Where the health pages are served, as `ADDRESS:PORT`; empty for nowhere. `0.0.0.0:10256`, or `[::]:10256` if
    /// ``bindAddress`` is of IPv6.
    package var healthzAddress: String {
        self.healthzBindAddress.text(standard: self.bindAddress.family == .ipv4 ? "0.0.0.0" : "[::]", port: 10256)
    }

    /// Where the metrics are served, as `ADDRESS:PORT`; empty for nowhere. `127.0.0.1:10249`, or `[::1]:10249` if
    /// ``bindAddress`` is of IPv6.
    package var metricsAddress: String {
        self.metricsBindAddress.text(standard: self.bindAddress.family == .ipv4 ? "127.0.0.1" : "[::1]", port: 10249)
    }

    /// The address by which this node is to be known; nil if nothing is said.
    package var primaryAddress: IPAddress? {
        self.bindAddress.high == 0 && self.bindAddress.low == 0 ? nil : self.bindAddress
    }

    /// Whether every connection to a ClusterIP is masqueraded. As in kube-proxy the section of the mode says
    /// (pkg/proxy/apis/config/v1alpha1/conversion.go).
    package var masqueradesAll: Bool {
        self.mode == .nftables ? self.nftables.masqueradeAll : self.iptables.masqueradeAll
    }

    /// Which addresses take NodePorts. Where nothing is said the mode decides, as in kube-proxy
    /// (cmd/kube-proxy/app/server_linux.go): a file written for iptables or ipvs, which answer on all of them, goes
    /// on meaning that. Flags alone mean nftables mode.
    package var nodePorts: NodePortAddresses {
        guard self.nodePortAddresses == .unset else { return self.nodePortAddresses }
        return self.mode == .nftables ? .primary : .blocks([])
    }

    /// How long a failed attempt to program may wait for the next.
    package var syncPeriod: GoDuration {
        switch self.mode {
        case .nftables: self.nftables.syncPeriod
        case .ipvs: self.ipvs.syncPeriod
        case .iptables, .unset: self.iptables.syncPeriod
        }
    }
}
