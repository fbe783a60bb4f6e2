import KubernetesAPI
import Networking
import Testing

@Suite struct EndpointSliceDecodingTests {
    @Test func everyFieldIsRead() throws {
        let source = Manifests.slice(
            fields: """
                addressType: IPv4
                ports:
                - {name: http, port: 8080, protocol: TCP, appProtocol: http}
                - {name: all, port: null}
                - {name: zero, port: 0}
                - {port: 53, protocol: UDP}
                endpoints:
                - addresses: [10.0.0.1, 10.0.0.2]
                  conditions: {ready: false, serving: true, terminating: true}
                  nodeName: node-1.a-long-domain.example
                  zone: a
                  hints:
                    forZones: [{name: a}, {name: Zone_b.c-1}]
                    forNodes: [{name: node-1.a-long-domain.example}]
                    forRacks: [{name: r1}]
                - addresses: [127.0.0.1]
                  conditions: {ready: null}
                  hints: {forZones: null, forNodes: []}
                - addresses: []
                """
        )
        let slice = try #require(Manifests.firstSlice(source))
        #expect(slice.serviceName == ObjectName(namespace: "default", name: "web"))
        #expect(slice.family == .ipv4)
        #expect(
            slice.ports == [
                EndpointPort(name: "http", port: 8080), EndpointPort(name: "", transport: .udp, port: 53),
            ]
        )
        #expect(
            slice.endpoints == [
                Endpoint(
                    address: IPAddress(10, 0, 0, 1),
                    isReady: false,
                    isServing: true,
                    isTerminating: true,
                    nodeName: "node-1.a-long-domain.example",
                    zone: "a",
                    zoneHints: ["a", "Zone_b.c-1"],
                    nodeHints: ["node-1.a-long-domain.example"]
                ),
                Endpoint(address: IPAddress(127, 0, 0, 1)),
            ]
        )
        #expect(Manifests.problems(source).isEmpty)
    }

    @Test func namesAreNoEndpoints() throws {
        let source = Manifests.slice(fields: "addressType: FQDN\nendpoints: [{addresses: [web.example.com]}]")
        let slice = try #require(Manifests.firstSlice(source))
        #expect(slice.family == nil)
        #expect(slice.endpoints.isEmpty)
    }

    @Test func sliceOfNoServiceIsDeliveredWithAWarning() {
        let source = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv6"
        let content = Manifests.decode(source)
        #expect(content.objects.count == 1)
        #expect(Manifests.firstSlice(source)?.serviceName == nil)
        #expect(content.problems.map(\.severity) == [.warning])
        #expect(
            content.problems.map(\.description) == [
                "a.yaml:1: EndpointSlice default/x: metadata.labels: without kubernetes.io/service-name the slice "
                    + "belongs to no Service"
            ]
        )
    }

    static let badFields: [BadCase] = [
        BadCase("ports: []", "1: addressType: is required"),
        BadCase("addressType: IP", "7: addressType: must be IPv4, IPv6 or FQDN, not \"IP\""),
        BadCase(
            "addressType: IPv4\nendpoints: [{addresses: ['fd00::1']}]",
            "8: endpoints[0].addresses[0]: must be an IPv4 address, not fd00::1"),
        BadCase(
            "addressType: IPv6\nendpoints:\n- addresses: ['fd00::1']\n- addresses: ['fe80::1', '::', 'ff02::1']",
            "10: endpoints[1].addresses[0]: must not be a link-local address: fe80::1",
            "10: endpoints[1].addresses[1]: must not be the unspecified address: ::",
            "10: endpoints[1].addresses[2]: must not be a multicast address: ff02::1"),
        BadCase(
            "addressType: IPv4\nendpoints:\n- addresses:\n  - web",
            "10: endpoints[0].addresses[0]: must be an IP address, not \"web\""),
        BadCase(
            "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n  conditions: {ready: \"true\"}",
            "10: endpoints[0].conditions.ready: must be true or false, not the string \"true\""),
        BadCase(
            "addressType: IPv4\nports: [{name: a, port: 1}, {name: a, port: 2}]",
            "8: ports[1].name: is given twice: \"a\""),
        BadCase("addressType: IPv4\nports: [{port: 1}, {port: 2}]", "8: ports[1].name: is given twice: \"\""),
        BadCase("addressType: IPv4\nports: [{port: -1}]", "8: ports[0].port: must be between 1 and 65535, not -1"),
        BadCase("addressType: IPv4\nendpoints: {}", "8: endpoints: must be a list, not a mapping"),
        BadCase(
            "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], nodeName: Node}]",
            "8: endpoints[0].nodeName: must be at most 253 lower case letters, digits, '-' and '.', each part "
                + "beginning and ending with a letter or digit, not \"Node\""),
        BadCase(
            "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n"
                + "  hints: {forZones: [{}, {name: ''}, {name: 1}, a, {name: null}]}",
            "10: endpoints[0].hints.forZones[0].name: is required",
            "10: endpoints[0].hints.forZones[1].name: is required",
            "10: endpoints[0].hints.forZones[2].name: must be a string, not the number 1; put it in quotes",
            "10: endpoints[0].hints.forZones[3]: must be a mapping, not the string \"a\"",
            "10: endpoints[0].hints.forZones[4].name: is required"),
        BadCase(
            "addressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n"
                + "  hints: {forZones: [{name: a}, {name: a}, {name: -a}], forNodes: [{name: n}, {name: n}, {name: N}]}",
            "10: endpoints[0].hints.forZones[1].name: is given twice: \"a\"",
            "10: endpoints[0].hints.forZones[2].name: must be at most 63 letters, digits, '-', '_' and '.', and begin "
                + "and end with a letter or digit, not \"-a\"",
            "10: endpoints[0].hints.forNodes[1].name: is given twice: \"n\"",
            "10: endpoints[0].hints.forNodes[2].name: must be at most 253 lower case letters, digits, '-' and '.', "
                + "each part beginning and ending with a letter or digit, not \"N\""),
        BadCase(
            "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], hints: []}]",
            "8: endpoints[0].hints: must be a mapping, not a list"),
        BadCase(
            "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], hints: {forNodes: a}}]",
            "8: endpoints[0].hints.forNodes: must be a list, not the string \"a\""),
    ]

    @Test(arguments: badFields)
    func badFieldIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Manifests.slice(fields: bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "EndpointSlice default/web-1"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    @Test func tooManyHintsAreRefused() {
        let hints = (0..<9).map { "{name: a\($0)}" }.joined(separator: ", ")
        let fields = "addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], hints: {forZones: [\(hints)]}}]"
        #expect(
            Manifests.problems(Manifests.slice(fields: fields)) == [
                "a.yaml:8: EndpointSlice default/web-1: endpoints[0].hints.forZones: must have at most 8 items, not 9"
            ]
        )
    }

    @Test func tooManyEndpointsAreRefused() {
        let endpoints = String(repeating: "- addresses: [10.0.0.1]\n", count: 1_001)
        let problems = Manifests.problems(Manifests.slice(fields: "addressType: IPv4\nendpoints:\n" + endpoints))
        #expect(
            problems == [
                "a.yaml:9: EndpointSlice default/web-1: endpoints: must have at most 1000 items, not 1001"
            ]
        )
    }
}
