import KubernetesAPI
import Networking
import Testing

@Suite struct LoadBalancerDecodingTests {
    private static func service(_ type: String = "LoadBalancer", spec: String = "", ingress: String = "[]") -> String {
        Manifests.service(spec: "type: \(type)\nports: [{port: 80}]" + (spec.isEmpty ? "" : "\n\(spec)"))
            + "status: {loadBalancer: {ingress: \(ingress)}}\n"
    }

    @Test func everyFieldIsRead() throws {
        let source = Self.service(
            spec: """
                allocateLoadBalancerNodePorts: false
                externalTrafficPolicy: Local
                healthCheckNodePort: 32000
                loadBalancerSourceRanges: [203.0.113.0/25, "2001:db8:1::/48"]
                """,
            ingress: "[{ip: 192.0.2.1, ipMode: VIP, ports: [{port: 80, protocol: TCP}]}, {ip: '2001:db8::1'}]"
        )
        #expect(Manifests.problems(source).isEmpty)
        let service = try #require(Manifests.firstService(source))
        #expect(
            service
                == Service(
                    metadata: ObjectMeta(name: ObjectName(namespace: "default", name: "web")),
                    type: .loadBalancer,
                    loadBalancerIPs: try Self.addresses("192.0.2.1", "2001:db8::1"),
                    loadBalancerSourceRanges: try Self.blocks("203.0.113.0/25", "2001:db8:1::/48"),
                    ports: [ServicePort(port: 80)],
                    externalTrafficPolicy: .local,
                    healthCheckNodePort: 32000,
                    loadBalancer: try Self.addresses("192.0.2.1", "2001:db8::1").map { LoadBalancerAddress(ip: $0) }
                )
        )
    }

    private static func addresses(_ texts: String...) throws -> [IPAddress] {
        try texts.map { try #require(IPAddress($0)) }
    }

    private static func blocks(_ texts: String...) throws -> [CIDR] {
        try texts.map { try #require(CIDR($0)) }
    }

    @Test(arguments: [
        ("[{ip: 192.0.2.1}, {ip: 192.0.2.2, ipMode: Proxy}, {hostname: lb.example.com}]", ["192.0.2.1"]),
        ("[{ip: 192.0.2.1, ipMode: null, hostname: lb.example.com}]", ["192.0.2.1"]),
        ("[{ip: 192.0.2.2}, {ip: 192.0.2.1}, {ip: 192.0.2.002}]", ["192.0.2.2", "192.0.2.1"]),
        ("[{ip: ' 192.0.2.010\t'}, {ip: \"2001:DB8::0:1\"}]", ["192.0.2.10", "2001:db8::1"]),
        ("[{ip: ''}, {ip: null}, {}, {ip: 127.0.0.1, ipMode: Proxy}]", []),
        ("null", []),
    ])
    func addressesThatPacketsComeWithAreKept(ingress: String, addresses: [String]) {
        let source = Self.service(ingress: ingress)
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.firstService(source)?.loadBalancerIPs.map(\.description) == addresses)
    }

    @Test(arguments: ["ClusterIP", "NodePort", "LoadBalancer"])
    func addressesOutliveTheType(type: String) {
        let service = Manifests.firstService(Self.service(type, ingress: "[{ip: 192.0.2.1}]"))
        #expect(service?.loadBalancerIPs == [IPAddress(192, 0, 2, 1)])
    }

    @Test(arguments: ["", "status:", "status: {}", "status: {loadBalancer: {}}", "status: {loadBalancer: null}"])
    func statusMayBeMissing(status: String) {
        let source = Manifests.service(spec: "type: LoadBalancer\nports: [{port: 80}]") + status
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.firstService(source)?.loadBalancerIPs == [])
    }

    @Test(arguments: [
        ("[' 203.0.113.0/25', \"203.0.113.000/025\\t\", 203.0.113.77/25]", ["203.0.113.0/25"]),
        (
            "[\"\\n10.0.0.0/8 \\r\\n\", 0.0.0.0/0, '2001:db8::1/32', '::/0']",
            [
                "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0",
            ]
        ),
        ("[]", []),
        ("null", []),
    ])
    func sourceRangesAreCanonical(ranges: String, blocks: [String]) {
        let source = Self.service(spec: "loadBalancerSourceRanges: \(ranges)")
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.firstService(source)?.loadBalancerSourceRanges.map(\.description) == blocks)
    }

    /// What the API server clears when a Service is changed to another type may stay behind as nothing.
    @Test(arguments: [
        "healthCheckNodePort: 0", "healthCheckNodePort: null", "allocateLoadBalancerNodePorts: null",
        "loadBalancerSourceRanges: []",
    ])
    func nothingIsFineForAnyType(spec: String) {
        let source = Self.service("ClusterIP", spec: spec)
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.firstService(source)?.healthCheckNodePort == nil)
    }

    static let badSpecs: [BadCase] = [
        BadCase(
            Self.service("NodePort", spec: "loadBalancerSourceRanges: [10.0.0.0/8]"),
            "8: spec.loadBalancerSourceRanges: may only be given when type is LoadBalancer"),
        BadCase(
            Self.service(spec: "loadBalancerSourceRanges: 10.0.0.0/8"),
            "8: spec.loadBalancerSourceRanges: must be a list, not the string \"10.0.0.0/8\""),
        BadCase(
            Self.service(spec: "loadBalancerSourceRanges: [10.0.0.0, 10.0.0.0/33, '', 8]"),
            "8: spec.loadBalancerSourceRanges[0]: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"10.0.0.0\"",
            "8: spec.loadBalancerSourceRanges[1]: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"10.0.0.0/33\"",
            "8: spec.loadBalancerSourceRanges[2]: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"\"",
            "8: spec.loadBalancerSourceRanges[3]: must be a string, not the number 8; put it in quotes"),
        BadCase(
            Self.service("ClusterIP", spec: "allocateLoadBalancerNodePorts: false"),
            "8: spec.allocateLoadBalancerNodePorts: may only be given when type is LoadBalancer"),
        BadCase(
            Self.service(spec: "allocateLoadBalancerNodePorts: \"false\""),
            "8: spec.allocateLoadBalancerNodePorts: must be true or false, not the string \"false\""),
        BadCase(
            Self.service(spec: "healthCheckNodePort: 32000"),
            "8: spec.healthCheckNodePort: may only be given when type is LoadBalancer and externalTrafficPolicy is Local"
        ),
        BadCase(
            Self.service("NodePort", spec: "externalTrafficPolicy: Local\nhealthCheckNodePort: 32000"),
            "9: spec.healthCheckNodePort: may only be given when type is LoadBalancer and externalTrafficPolicy is Local"
        ),
        BadCase(
            Self.service(spec: "externalTrafficPolicy: Local\nhealthCheckNodePort: 65536"),
            "9: spec.healthCheckNodePort: must be between 1 and 65535, not 65536"),
        BadCase(
            Self.service(spec: "externalTrafficPolicy: Local\nhealthCheckNodePort: \"32000\""),
            "9: spec.healthCheckNodePort: must be an integer, not the string \"32000\""),
        BadCase(
            Self.service(ingress: "[{ip: 192.0.2.1, ipMode: vip}, {ip: 192.0.2.1, ipMode: ''}]"),
            "8: status.loadBalancer.ingress[0].ipMode: must be VIP or Proxy, not \"vip\"",
            "8: status.loadBalancer.ingress[1].ipMode: must be VIP or Proxy, not \"\""),
        BadCase(
            Self.service(ingress: "[{hostname: lb.example.com, ipMode: VIP}, {ip: '', ipMode: Proxy}]"),
            "8: status.loadBalancer.ingress[0].ipMode: may not be given without ip",
            "8: status.loadBalancer.ingress[1].ipMode: may not be given without ip"),
        BadCase(
            Self.service(ingress: "[{hostname: 192.0.2.1}, {hostname: LB}]"),
            "8: status.loadBalancer.ingress[0].hostname: must be a name, not the IP address 192.0.2.1",
            "8: status.loadBalancer.ingress[1].hostname: must be at most 253 lower case letters, digits, '-' and '.', "
                + "each part beginning and ending with a letter or digit, not \"LB\""),
        BadCase(
            Self.service(ingress: "[{ip: 192.0.2}, {ip: web, ipMode: Proxy}, 192.0.2.1]"),
            "8: status.loadBalancer.ingress[0].ip: must be an IP address, not \"192.0.2\"",
            "8: status.loadBalancer.ingress[1].ip: must be an IP address, not \"web\"",
            "8: status.loadBalancer.ingress[2]: must be a mapping, not the string \"192.0.2.1\""),
        BadCase(
            Self.service(ingress: "[{ip: 127.0.0.1}, {ip: 169.254.0.1}, {ip: 'ff02::1'}, {ip: '::'}]"),
            "8: status.loadBalancer.ingress[0].ip: must not be a loopback address: 127.0.0.1",
            "8: status.loadBalancer.ingress[1].ip: must not be a link-local address: 169.254.0.1",
            "8: status.loadBalancer.ingress[2].ip: must not be a multicast address: ff02::1",
            "8: status.loadBalancer.ingress[3].ip: must not be the unspecified address: ::"),
        BadCase(
            Self.service(ingress: "{ip: 192.0.2.1}"),
            "8: status.loadBalancer.ingress: must be a list, not a mapping"),
    ]

    @Test(arguments: badSpecs)
    func badFieldIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(bad.source + "---\n" + Manifests.slice)
        #expect(content.problems.map(\.description) == bad.reports(of: "Service default/web"))
        #expect(content.objects.map(\.object.key.description) == ["EndpointSlice shop/web-x7k2p"])
    }
}
