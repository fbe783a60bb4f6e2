import KubernetesAPI
import Networking
import Testing

@Suite struct ServiceDecodingTests {
    @Test func everyFieldIsRead() throws {
        let service = try #require(
            Manifests.firstService(
                """
                # A comment first.
                apiVersion: v1
                kind: Service
                metadata:
                  name: web
                  namespace: shop
                  creationTimestamp: 2026-01-31T12:00:00Z
                  labels: {app: web, service.kubernetes.io/service-proxy-name: other}
                  annotations:
                    fairlead.dev/note: "1"
                    example.com/other: x
                spec:
                  type: LoadBalancer
                  clusterIP: 10.96.0.10
                  clusterIPs: [10.96.0.10, "fd00::a"]
                  externalIPs: [192.0.2.1]
                  externalTrafficPolicy: Local
                  internalTrafficPolicy: Local
                  sessionAffinity: ClientIP
                  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
                  selector: {app: web}
                  ports:
                  - {name: http, port: 80, targetPort: web, nodePort: 30080, appProtocol: http}
                  - {name: dns, port: 0x35, protocol: UDP, targetPort: 5353}
                """
            )
        )
        #expect(
            service
                == Service(
                    metadata: ObjectMeta(
                        name: ObjectName(namespace: "shop", name: "web"),
                        labels: ["service.kubernetes.io/service-proxy-name": "other"],
                        annotations: ["fairlead.dev/note": "1"],
                        allLabels: LabelSet(["app": "web", "service.kubernetes.io/service-proxy-name": "other"]),
                        creationTimestamp: 1_769_860_800
                    ),
                    type: .loadBalancer,
                    clusterIPs: [IPAddress(10, 96, 0, 10), IPAddress(ipv6High: 0xfd00 << 48, low: 10)],
                    externalIPs: [IPAddress(192, 0, 2, 1)],
                    ports: [
                        ServicePort(
                            name: "http", transport: .tcp, port: 80, nodePort: 30080, targetPort: .name("web"),
                            appProtocol: "http"),
                        ServicePort(name: "dns", transport: .udp, port: 53, targetPort: .number(5353)),
                    ],
                    externalTrafficPolicy: .local,
                    internalTrafficPolicy: .local,
                    sessionAffinity: .clientIP(timeoutSeconds: 60)
                )
        )
    }

    @Test func defaultsAreThoseOfTheAPI() throws {
        let service = try #require(Manifests.firstService(Manifests.service(spec: "ports:\n- port: 80")))
        let name = ObjectName(namespace: "default", name: "web")
        #expect(service == Service(metadata: ObjectMeta(name: name), ports: [ServicePort(port: 80)]))
    }

    @Test(arguments: [
        ("clusterIP: 172.30.0.041", ["172.30.0.41"]),
        ("clusterIP: ' 10.0.0.1 '", ["10.0.0.1"]),
        ("clusterIP: \"\"", []),
        ("clusterIP: null", []),
        ("clusterIPs: [\"fd00::00\", 10.0.0.1]", ["fd00::", "10.0.0.1"]),
        ("clusterIP: 10.0.0.01\nclusterIPs: [10.0.0.1]", ["10.0.0.1"]),
    ])
    func clusterIPsAreCanonical(source: String, addresses: [String]) {
        let service = Manifests.firstService(Manifests.service(spec: source + "\nports: [{port: 80}]"))
        #expect(service?.clusterIPs.map(\.description) == addresses)
    }

    @Test func headlessAndExternalNameNeedNoPorts() {
        #expect(Manifests.firstService(Manifests.service(spec: "clusterIP: None"))?.isHeadless == true)
        #expect(Manifests.firstService(Manifests.service(spec: "clusterIPs: [None]"))?.isHeadless == true)
        let named = Manifests.service(spec: "type: ExternalName\nexternalName: example.com")
        #expect(Manifests.firstService(named)?.type == .externalName)
        #expect(Manifests.firstService(named)?.externalName == "example.com")
        let absolute = Manifests.service(spec: "type: ExternalName\nexternalName: example.com.")
        #expect(Manifests.firstService(absolute)?.externalName == "example.com.")
        // Of another type it means nothing.
        let leftover = Manifests.service(spec: "externalName: example.com\nports: [{port: 80}]")
        #expect(Manifests.firstService(leftover)?.externalName == nil)
    }

    @Test func affinityDefaultsToThreeHours() {
        let source = Manifests.service(spec: "sessionAffinity: ClientIP\nports: [{port: 80}]")
        #expect(Manifests.firstService(source)?.sessionAffinity == .clientIP(timeoutSeconds: 10_800))
    }

    @Test(arguments: ["0", "\"\"", "null"])
    func noTargetPortIsTheSamePort(port: String) {
        let source = Manifests.service(spec: "ports: [{port: 80, targetPort: \(port)}]")
        #expect(Manifests.firstService(source)?.ports == [ServicePort(port: 80)])
    }

    static let badSpecs: [BadCase] = [
        BadCase(
            "ports:\n- {port: 80, targetPort: 65536}",
            "7: spec.ports[0].targetPort: must be between 1 and 65535, not 65536"),
        BadCase(
            "ports:\n- {port: 80, targetPort: [80]}",
            "7: spec.ports[0].targetPort: must be an integer or a string, not a list"),
        BadCase(
            "ports:\n- {port: 80, targetPort: web--1}",
            "7: spec.ports[0].targetPort: must be at most 15 lower case letters, digits and single '-', among them a "
                + "letter, and begin and end with a letter or digit, not \"web--1\""),
        BadCase(
            "ports:\n- {port: 80, appProtocol: 'a/b/c'}",
            "7: spec.ports[0].appProtocol: must be a name of letters, digits, '-', '_' and '.', with or without a "
                + "domain and '/' before it, not \"a/b/c\""),
        BadCase(
            "type: ExternalName\nexternalName: a_b",
            "7: spec.externalName: must be at most 253 lower case letters, digits, '-' and '.', each part beginning "
                + "and ending with a letter or digit, not \"a_b\""),
        BadCase("ports:\n- port: 70000", "7: spec.ports[0].port: must be between 1 and 65535, not 70000"),
        BadCase("ports:\n- port: 0", "7: spec.ports[0].port: must be between 1 and 65535, not 0"),
        BadCase("ports:\n- port: \"80\"", "7: spec.ports[0].port: must be an integer, not the string \"80\""),
        BadCase("ports:\n- port: 8.5", "7: spec.ports[0].port: must be an integer, not the number 8.5"),
        BadCase(
            "ports:\n- port: 99999999999999999999",
            "7: spec.ports[0].port: must be an integer, not the number 99999999999999999999"),
        BadCase("ports:\n- name: http", "7: spec.ports[0].port: is required"),
        BadCase("ports:\n- 80", "7: spec.ports[0]: must be a mapping, not the number 80"),
        BadCase("ports: 80", "6: spec.ports: must be a list, not the number 80"),
        BadCase("ports: []", "6: spec.ports: is required"),
        BadCase("type: ClusterIP", "6: spec.ports: is required"),
        BadCase(
            "ports:\n- {name: a, port: 80}\n- {port: 81}",
            "8: spec.ports[1].name: is required when there are several ports"),
        BadCase(
            "ports:\n- {name: a, port: 80}\n- {name: a, port: 81}",
            "8: spec.ports[1].name: is given twice: \"a\""),
        BadCase(
            "ports:\n- {name: a, port: 80}\n- {name: b, port: 80}",
            "8: spec.ports[1]: port 80/tcp is given twice"),
        BadCase(
            "ports:\n- {name: Web, port: 80}",
            "7: spec.ports[0].name: must be at most 63 lower case letters, digits and '-', and begin and end with a "
                + "letter or digit, not \"Web\""),
        BadCase(
            "ports:\n- {name: 1, port: 80}",
            "7: spec.ports[0].name: must be a string, not the number 1; put it in quotes"),
        BadCase(
            "ports:\n- {port: 80, protocol: ICMP}",
            "7: spec.ports[0].protocol: must be TCP, UDP or SCTP, not \"ICMP\""),
        BadCase(
            "ports:\n- {port: 80, nodePort: 30080}",
            "7: spec.ports[0].nodePort: may not be given when type is ClusterIP"),
        BadCase(
            "type: NodePort\nports:\n- {port: 80, nodePort: 65536}",
            "8: spec.ports[0].nodePort: must be between 1 and 65535, not 65536"),
        BadCase(
            "type: NodePort\nports:\n- {name: a, port: 80, nodePort: 30000}\n- {name: b, port: 81, nodePort: 30000}",
            "9: spec.ports[1].nodePort: 30000/tcp is given twice"),
        BadCase(
            "type: Cluster\nports: [{port: 80}]",
            "6: spec.type: must be ClusterIP, NodePort, LoadBalancer or ExternalName, not \"Cluster\""),
        BadCase(
            "clusterIP: 10.0.0\nports: [{port: 80}]",
            "6: spec.clusterIP: must be an IP address, not \"10.0.0\""),
        BadCase(
            "clusterIP: 10.0.0.1\nclusterIPs: [10.0.0.2]\nports: [{port: 80}]",
            "7: spec.clusterIPs[0]: must be the same as spec.clusterIP"),
        BadCase(
            "clusterIPs: [10.0.0.1, 10.0.0.2]\nports: [{port: 80}]",
            "6: spec.clusterIPs[1]: must be of the other family than 10.0.0.1"),
        BadCase(
            "clusterIPs: [10.0.0.1, 'fd00::1', 10.0.0.2]\nports: [{port: 80}]",
            "6: spec.clusterIPs[2]: must not be given: at most one address per family"),
        BadCase(
            "type: NodePort\nclusterIP: None\nports: [{port: 80}]",
            "7: spec.clusterIP: may not be None when type is NodePort"),
        BadCase(
            "externalIPs: [127.0.0.1, 169.254.0.1, 224.0.0.1, 0.0.0.0]\nports: [{port: 80}]",
            "6: spec.externalIPs[0]: must not be a loopback address: 127.0.0.1",
            "6: spec.externalIPs[1]: must not be a link-local address: 169.254.0.1",
            "6: spec.externalIPs[2]: must not be a multicast address: 224.0.0.1",
            "6: spec.externalIPs[3]: must not be the unspecified address: 0.0.0.0"),
        BadCase(
            "sessionAffinity: ClientIP\nsessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}\nports: [{port: 80}]",
            "7: spec.sessionAffinityConfig.clientIP.timeoutSeconds: must be between 1 and 86400, not 86401"),
        BadCase(
            "sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}\nports: [{port: 80}]",
            "6: spec.sessionAffinityConfig: must not be given when sessionAffinity is None"),
        BadCase(
            "sessionAffinity: Cookie\nports: [{port: 80}]",
            "6: spec.sessionAffinity: must be None or ClientIP, not \"Cookie\""),
        BadCase(
            "externalTrafficPolicy: Local\nports: [{port: 80}]",
            "6: spec.externalTrafficPolicy: may only be given when type is NodePort or LoadBalancer, or with externalIPs"
        ),
        BadCase("type: ExternalName", "6: spec.externalName: is required when type is ExternalName"),
        BadCase("type: ClusterIP\ntype: NodePort\nports: [{port: 80}]", "7: spec.type: given twice"),
    ]

    @Test(arguments: badSpecs)
    func badSpecIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Manifests.service(spec: bad.source) + "---\n" + Manifests.slice)
        #expect(content.problems.map(\.description) == bad.reports(of: "Service default/web"))
        #expect(content.objects.map(\.object.key.description) == ["EndpointSlice shop/web-x7k2p"])
        #expect(!content.isBroken)
    }

    static let badHeads: [BadCase] = [
        BadCase(
            "apiVersion: v2\nkind: Service\nmetadata: {name: web}",
            "a.yaml:1: apiVersion: must be \"v1\" for kind Service, not \"v2\""),
        BadCase(
            "kind: Service\nmetadata: {name: web}",
            "a.yaml:1: apiVersion: is required: \"v1\" for kind Service"),
        BadCase("apiVersion: v1\nmetadata: {name: web}", "a.yaml:1: kind: is required"),
        BadCase("- a", "a.yaml:1: must be a mapping, not a list"),
        BadCase("apiVersion: v1\nkind: Service", "a.yaml:1: metadata: is required"),
        BadCase(
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}", "a.yaml:1: Service default/web: spec: is required"),
        BadCase(
            "apiVersion: v1\nkind: Service\nmetadata: {}\nspec: {ports: [{port: 80}]}",
            "a.yaml:3: metadata.name: is required"),
        BadCase(
            "apiVersion: v1\nkind: Service\nmetadata: {name: 1web}\nspec: {ports: [{port: 80}]}",
            "a.yaml:3: metadata.name: must be at most 63 lower case letters, digits and '-', begin with a letter and "
                + "end with a letter or digit, not \"1web\""),
        BadCase(
            "apiVersion: v1\nkind: Service\nmetadata: {name: web, creationTimestamp: 2026-02-30T00:00:00Z}\n"
                + "spec: {ports: [{port: 80}]}",
            "a.yaml:3: Service default/web: metadata.creationTimestamp: must be a time as 2026-01-31T12:00:00Z, "
                + "not \"2026-02-30T00:00:00Z\""),
        BadCase(
            "apiVersion: v1\nkind: Service\nmetadata: {name: web, labels: {a: yes}}\nspec: {ports: [{port: 80}]}",
            "a.yaml:3: Service default/web: metadata.labels.a: must be a string, not the boolean yes; put it in quotes"),
    ]

    @Test(arguments: badHeads)
    func badHeadIsReported(bad: BadCase) {
        #expect(Manifests.problems(bad.source) == bad.problems)
        #expect(Manifests.names(bad.source).isEmpty)
    }

    @Test func problemsOfOneObjectAreCapped() {
        let ports = (0..<30).map { "- {name: p\($0), port: 0}" }.joined(separator: "\n")
        let problems = Manifests.problems(Manifests.service(spec: "ports:\n" + ports))
        #expect(problems.count == 11)
        #expect(problems.last == "a.yaml:1: Service default/web: and 20 more problems")
    }
}
