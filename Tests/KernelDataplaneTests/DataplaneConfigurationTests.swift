import KernelDataplane
import KubernetesAPI
import Networking
import TestSupport
import Testing

/// What kube-proxy's configuration comes to.
@Suite struct DataplaneConfigurationTests {
    private static func configuration(_ fields: String) throws -> DataplaneConfiguration {
        let text = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\(fields)\n"
        let file = ProxyConfigurationDecoder.decode(Array(text.utf8), file: "config.conf")
        return DataplaneConfiguration(try #require(file.configuration, "\(file.problems)"), hostName: "Host-A")
    }

    @Test func `A10 the node's name is the override, else the host's, in lower case`() throws {
        #expect(try Self.configuration("").nodeName == "host-a")
        #expect(try Self.configuration("hostnameOverride: Node-B").nodeName == "node-b")
    }

    @Test func `1.5 every way to tell pods`() throws {
        let blocks = ["10.244.0.0/16", "fd00::/48"].compactMap { CIDR($0) }
        #expect(
            try Self.configuration("clusterCIDR: \"10.244.0.0/16,fd00::/48\"").localDetection == .clusterCIDR(blocks))
        #expect(try Self.configuration("").localDetection == .clusterCIDR([]))
        #expect(try Self.configuration("detectLocalMode: NodeCIDR").localDetection == .nodeCIDR)
        #expect(
            try Self.configuration("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}")
                .localDetection == .bridgeInterface("cni0"))
        #expect(
            try Self.configuration("detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}")
                .localDetection == .interfaceNamePrefix("cali"))
    }

    @Test func `B3 where NodePorts answer follows the mode`() throws {
        #expect(try Self.configuration("mode: nftables").nodePortAddresses == .primary)
        #expect(try Self.configuration("mode: iptables").nodePortAddresses == .blocks([]))
        #expect(try Self.configuration("mode: iptables\nnodePortAddresses: [primary]").nodePortAddresses == .primary)
    }

    @Test func `the rest`() throws {
        let configuration = try Self.configuration(
            """
            mode: nftables
            nftables: {masqueradeAll: true, syncPeriod: 20s}
            featureGates: {AllowServiceExternalIPs: false}
            """)
        #expect(configuration.masqueradeAll)
        #expect(!configuration.allowsExternalIPs)
        #expect(configuration.syncPeriod == .seconds(20))
        #expect(try Self.configuration("").syncPeriod == .seconds(30))
        #expect(try Self.configuration("").allowsExternalIPs)
    }

    @Test func `D10 conntrack settings`() throws {
        #expect(try Self.configuration("").conntrack == ConntrackSettings())
        var expected = ConntrackSettings()
        expected.maximumPerCore = 0
        expected.minimum = 1
        expected.tcpEstablishedTimeout = 0
        expected.tcpCloseWaitTimeout = 90
        expected.udpTimeout = 2
        expected.udpStreamTimeout = 3
        let configuration = try Self.configuration(
            """
            conntrack:
              maxPerCore: 0
              min: 1
              tcpEstablishedTimeout: 0s
              tcpCloseWaitTimeout: 1m30.9s
              udpTimeout: 2s
              udpStreamTimeout: 3s
            """)
        #expect(configuration.conntrack == expected)
    }

    @Test func `bindAddress goes before what the Node says, for its family`() throws {
        var cluster = ClusterFacts(nodeName: "host-a")
        let name = ObjectName(namespace: "", name: "host-a")
        let node = Node(
            metadata: ObjectMeta(name: name), internalIPs: [Make.ip("192.0.2.1"), Make.ip("2001:db8::1")])
        _ = cluster.take(ObjectKey(kind: .node, name: name), .node(node))
        let configuration = try Self.configuration("mode: nftables\nbindAddress: 192.0.2.9")
        let addresses = try configuration.settings(cluster).settings.nodePortAddresses
        #expect(addresses == [Make.ip("192.0.2.9"), Make.ip("2001:db8::1")])
        let unspecified = try Self.configuration("mode: nftables\nbindAddress: 0.0.0.0")
        #expect(
            try unspecified.settings(cluster).settings.nodePortAddresses
                == [Make.ip("192.0.2.1"), Make.ip("2001:db8::1")])
    }
}
