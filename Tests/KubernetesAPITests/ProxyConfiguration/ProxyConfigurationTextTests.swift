import KubernetesAPI
import Testing

/// What is written is read back as what it was.
@Suite struct ProxyConfigurationTextTests {
    private static func decode(_ text: String) -> ProxyConfigurationFile {
        ProxyConfigurationDecoder.decode(Array(text.utf8), file: "written")
    }

    /// Every field at something else than its default.
    private static let unusual = """
        apiVersion: kubeproxy.config.k8s.io/v1alpha1
        kind: KubeProxyConfiguration
        mode: iptables
        hostnameOverride: "node: \\"a\\"\\n\\x01"
        bindAddress: "fd00::1"
        clusterCIDR: "10.244.0.0/16,fd00::/48"
        detectLocalMode: InterfaceNamePrefix
        detectLocal: {bridgeInterface: br0, interfaceNamePrefix: "-cali"}
        nodePortAddresses: [10.0.0.0/8, "fd00::/8"]
        featureGates: {B: true, AllowServiceExternalIPs: false}
        oomScoreAdj: -17
        configSyncPeriod: 1h0.5s
        portRange: 1-2
        healthzBindAddress: "[::]:1"
        metricsBindAddress: 0.0.0.0:2
        bindAddressHardFail: true
        enableProfiling: true
        showHiddenMetricsForVersion: "1.35"
        conntrack:
          maxPerCore: 1
          min: 2
          tcpEstablishedTimeout: 3s
          tcpCloseWaitTimeout: 4s
          udpTimeout: 5s
          udpStreamTimeout: 6s
        nftables: {masqueradeAll: true, masqueradeBit: 1, syncPeriod: 7s, minSyncPeriod: 8ms}
        iptables:
          masqueradeAll: true
          masqueradeBit: 2
          localhostNodePorts: false
          snatNodeInternalIP: true
          syncPeriod: 9s
          minSyncPeriod: 10us
        ipvs:
          syncPeriod: 11s
          minSyncPeriod: 12ns
          scheduler: "yes"
          excludeCIDRs: [10.1.0.0/16, "*"]
          strictARP: true
          tcpTimeout: 13s
          tcpFinTimeout: 14s
          udpTimeout: 15s
        clientConnection:
          kubeconfig: "/a b"
          acceptContentTypes: a/b,c/d
          contentType: application/json
          qps: 2.5
          burst: 99
        logging:
          verbosity: 4
          format: json
          flushFrequency: 1000
          vmodule: [{filePattern: "a*", verbosity: 3}]
          options:
            text: {splitStream: true, infoBufferSize: 1Mi}
            json: {splitStream: true, infoBufferSize: 12}
        winkernel:
          networkName: "null"
          sourceVip: "1.5"
          enableDSR: true
          rootHnsEndpointName: "0x10"
          forwardHealthCheckVip: true
        windowsRunAsService: true
        """

    @Test func `every field is written and read back`() throws {
        let file = Self.decode(Self.unusual)
        #expect(file.problems.isEmpty, "\(file.problems)")
        let configuration = try #require(file.configuration)
        let standard = ProxyConfiguration().yaml.split(separator: "\n")
        let written = configuration.yaml
        // Only liberal tracking cannot be changed by a file.
        for (usual, unusual) in zip(standard.dropFirst(2), written.split(separator: "\n").dropFirst(2))
        where !usual.hasSuffix(":") {
            let isFixed = usual.contains("tcpBeLiberal")
            #expect((usual != unusual) != isFixed, "\(unusual)")
        }
        let again = Self.decode(written)
        #expect(again.problems.isEmpty, "\(again.problems)")
        #expect(again.configuration == configuration)
    }

    @Test func `the defaults are written and read back`() {
        let file = Self.decode(ProxyConfiguration().yaml)
        #expect(file.problems.isEmpty, "\(file.problems)")
        #expect(file.configuration == ProxyConfiguration())
    }

    /// JSON is YAML too, so it can be read as a file is.
    @Test func `as JSON it says the same`() throws {
        let configuration = try #require(Self.decode(Self.unusual).configuration)
        let json = configuration.json
        #expect(json.hasPrefix("{\"mode\":\"iptables\",\"hostnameOverride\":\"node: \\\"a\\\"\\n\\u0001\","))
        #expect(json.contains("\"conntrack\":{\"maxPerCore\":1,\"min\":2,"))
        #expect(json.contains("\"options\":{\"text\":{\"splitStream\":true,"))
        let head = "{\"apiVersion\":\"kubeproxy.config.k8s.io/v1alpha1\",\"kind\":\"KubeProxyConfiguration\","
        let file = Self.decode(head + json.dropFirst())
        #expect(file.problems.isEmpty, "\(file.problems)")
        #expect(file.configuration == configuration)
    }

    @Test func `no path and no flag is there twice`() {
        let paths = ProxyConfigurationField.all.map(\.path)
        #expect(Set(paths).count == paths.count)
        let flags = ProxyConfigurationField.all.compactMap(\.flag)
        #expect(Set(flags).count == flags.count)
    }
}
