import KubernetesAPI
import Networking
import Testing

/// Nodes and ServiceCIDRs, which belong to no namespace.
@Suite struct ClusterDecodingTests {
    /// A Node `n1` with these fields, whose first line is line 4.
    private static func node(_ fields: String) -> String {
        "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n\(fields)\n"
    }

    /// A ServiceCIDR `services` with these fields, whose first line is line 4.
    private static func serviceCIDR(_ fields: String) -> String {
        "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: services}\n\(fields)\n"
    }

    private static func firstNode(_ text: String) -> Node? {
        guard case .node(let node)? = Manifests.decode(text).objects.first?.object else { return nil }
        return node
    }

    private static func firstServiceCIDR(_ text: String) -> ServiceCIDR? {
        guard case .serviceCIDR(let block)? = Manifests.decode(text).objects.first?.object else { return nil }
        return block
    }

    @Test func everyFieldOfANodeIsRead() throws {
        let source = """
            apiVersion: v1
            kind: Node
            metadata:
              name: node-1.a-long-domain.example
              labels: {kubernetes.io/os: linux, topology.kubernetes.io/zone: Zone_1}
              annotations: {fairlead.dev/note: "1", node.alpha.kubernetes.io/ttl: "0"}
            spec:
              podCIDR: 10.244.1.0/24
              podCIDRs: [10.244.1.0/24, "fd00:244:1::/64"]
              taints: [{key: a, effect: NoSchedule}]
            status:
              addresses:
              - {type: Hostname, address: node-1}
              - {type: InternalIP, address: 192.168.1.010}
              - {type: InternalIP, address: "fd00::10"}
              - {type: ExternalIP, address: 203.0.113.10}
              - {type: InternalIP, address: " 192.168.1.10 "}
              capacity: {cpu: "2"}
            """
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.names(source) == ["Node node-1.a-long-domain.example"])
        let node = try #require(Self.firstNode(source))
        #expect(
            node
                == Node(
                    metadata: ObjectMeta(
                        name: ObjectName(namespace: "", name: "node-1.a-long-domain.example"),
                        labels: ["topology.kubernetes.io/zone": "Zone_1"],
                        annotations: ["fairlead.dev/note": "1"]
                    ),
                    podCIDRs: ["10.244.1.0/24", "fd00:244:1::/64"].compactMap { CIDR($0) },
                    internalIPs: ["192.168.1.10", "fd00::10"].compactMap { IPAddress($0) }
                )
        )
        #expect(node.zone == "Zone_1")
    }

    @Test(arguments: [
        ("spec: {podCIDR: 10.244.1.0/24}", ["10.244.1.0/24"]),
        ("spec: {podCIDR: ' 10.244.001.7/024'}", ["10.244.1.0/24"]),
        ("spec: {podCIDRs: ['fd00::/64', 10.244.1.0/24]}", ["fd00::/64", "10.244.1.0/24"]),
        ("spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.001.0/24, 'fd00::/64']}", ["10.244.1.0/24", "fd00::/64"]),
        ("spec: {podCIDR: '', podCIDRs: []}", []),
        ("spec: {}", []),
        ("spec:", []),
        ("status: {addresses: [{type: Hostname}, {}]}", []),
    ])
    func podCIDRsAreCanonical(fields: String, blocks: [String]) {
        #expect(Manifests.problems(Self.node(fields)).isEmpty)
        #expect(Self.firstNode(Self.node(fields))?.podCIDRs.map(\.description) == blocks)
    }

    @Test(arguments: [
        ("spec: {cidrs: [10.96.0.0/12]}", ["10.96.0.0/12"]),
        ("spec: {cidrs: ['fd00:96::/112', 10.96.0.0/16]}\nstatus: {}", ["fd00:96::/112", "10.96.0.0/16"]),
    ])
    func serviceCIDRIsRead(fields: String, blocks: [String]) {
        let source = Self.serviceCIDR(fields)
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.names(source) == ["ServiceCIDR services"])
        #expect(Self.firstServiceCIDR(source)?.metadata.name == ObjectName(namespace: "", name: "services"))
        #expect(Self.firstServiceCIDR(source)?.cidrs.map(\.description) == blocks)
    }

    @Test func typedListsNeedNotNameTheirItems() {
        let nodes = "apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: a}}, {metadata: {name: b}}]\n"
        let blocks = """
            apiVersion: networking.k8s.io/v1
            kind: ServiceCIDRList
            items: [{metadata: {name: a}, spec: {cidrs: [10.0.0.0/8]}}]
            """
        #expect(Manifests.names(nodes + "---\n" + blocks) == ["Node a", "Node b", "ServiceCIDR a"])
    }

    /// An empty namespace is none.
    @Test func emptyNamespaceIsNoNamespace() {
        let source = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: \"\"}"
        #expect(Manifests.problems(source).isEmpty)
        #expect(Manifests.names(source) == ["Node n1"])
    }

    static let badNodes: [BadCase] = [
        BadCase(
            "spec: {podCIDRs: [10.0.0.0/24, 10.0.1.0/24]}",
            "4: spec.podCIDRs[1]: must be of the other family than 10.0.0.0/24"),
        BadCase(
            "spec:\n  podCIDRs:\n  - 10.0.0.0/24\n  - fd00::/64\n  - 10.0.1.0/24",
            "8: spec.podCIDRs[2]: must not be given: at most one block per family"),
        BadCase(
            "spec: {podCIDR: 10.0.0.0/24, podCIDRs: [10.0.1.0/24]}",
            "4: spec.podCIDRs[0]: must be the same as spec.podCIDR"),
        BadCase(
            "spec: {podCIDRs: [10.0.0.0]}",
            "4: spec.podCIDRs[0]: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"10.0.0.0\""),
        BadCase(
            "spec: {podCIDR: x}",
            "4: spec.podCIDR: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"x\""),
        BadCase("spec: []", "4: spec: must be a mapping, not a list"),
        BadCase("status: {addresses: {}}", "4: status.addresses: must be a list, not a mapping"),
        BadCase("status: {addresses: [a]}", "4: status.addresses[0]: must be a mapping, not the string \"a\""),
        BadCase("status: {addresses: [{type: InternalIP}]}", "4: status.addresses[0].address: is required"),
        BadCase(
            "status: {addresses: [{type: 1}]}",
            "4: status.addresses[0].type: must be a string, not the number 1; put it in quotes"),
        BadCase(
            "status: {addresses: [{type: InternalIP, address: n1}]}",
            "4: status.addresses[0].address: must be an IP address, not \"n1\""),
    ]

    @Test(arguments: badNodes)
    func badNodeIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.node(bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "Node n1"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    static let badServiceCIDRs: [BadCase] = [
        BadCase("", "1: spec: is required"),
        BadCase("spec: {}", "4: spec.cidrs: is required"),
        BadCase("spec: {cidrs: []}", "4: spec.cidrs: is required"),
        BadCase(
            "spec: {cidrs: 10.96.0.0/16}", "4: spec.cidrs: must be a list, not the string \"10.96.0.0/16\""),
        BadCase(
            "spec: {cidrs: [10.96.0.0/16, 10.97.0.0/16]}",
            "4: spec.cidrs[1]: must be of the other family than 10.96.0.0/16"),
        BadCase(
            "spec: {cidrs: [10.96.0.0/16, 'fd00::/112', 'fd01::/112']}",
            "4: spec.cidrs[2]: must not be given: at most one block per family"),
        BadCase(
            "spec: {cidrs: [10.96.0.1]}",
            "4: spec.cidrs[0]: must be a CIDR as 192.0.2.0/24 or 2001:db8::/64, not \"10.96.0.1\""),
        BadCase(
            "spec: {cidrs: [10.96.0.1/16, ' FD00:0::/112']}",
            "4: spec.cidrs[0]: must be written \"10.96.0.0/16\"",
            "4: spec.cidrs[1]: must be written \"fd00::/112\""),
    ]

    @Test(arguments: badServiceCIDRs)
    func badServiceCIDRIsReportedAndLeftOut(bad: BadCase) {
        let content = Manifests.decode(Self.serviceCIDR(bad.source) + "---\n" + Manifests.service)
        #expect(content.problems.map(\.description) == bad.reports(of: "ServiceCIDR services"))
        #expect(content.objects.map(\.object.key.description) == ["Service shop/web"])
    }

    static let badHeads: [BadCase] = [
        BadCase(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n  namespace: default",
            "a.yaml:4: Node n1: metadata.namespace: must not be given: a Node belongs to the cluster"),
        BadCase(
            "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a, namespace: B}\n"
                + "spec: {cidrs: [10.96.0.0/16]}",
            "a.yaml:3: ServiceCIDR a: metadata.namespace: must not be given: a ServiceCIDR belongs to the cluster"),
        BadCase(
            "apiVersion: v1\nkind: Node\nmetadata: {name: Node_1}",
            "a.yaml:3: metadata.name: must be at most 253 lower case letters, digits, '-' and '.', each part beginning "
                + "and ending with a letter or digit, not \"Node_1\""),
        BadCase("apiVersion: v1\nkind: Node\nmetadata: {}", "a.yaml:3: metadata.name: is required"),
        BadCase("apiVersion: v1\nkind: Node", "a.yaml:1: metadata: is required"),
        BadCase(
            "apiVersion: networking.k8s.io/v1beta1\nkind: ServiceCIDR\nmetadata: {name: a}",
            "a.yaml:1: apiVersion: must be \"networking.k8s.io/v1\" for kind ServiceCIDR, "
                + "not \"networking.k8s.io/v1beta1\""),
    ]

    @Test(arguments: badHeads)
    func badHeadIsReported(bad: BadCase) {
        #expect(Manifests.problems(bad.source) == bad.problems)
        #expect(Manifests.names(bad.source).isEmpty)
    }

    @Test(arguments: [
        ("spec: {}", false),
        ("spec: {taints: [{key: node.kubernetes.io/unreachable, effect: NoExecute}]}", false),
        (
            "spec: {taints: [{effect: NoSchedule}, {key: ToBeDeletedByClusterAutoscaler, value: '1', effect: NoSchedule}]}",
            true
        ),
        ("spec: {taints: [{key: ToBeDeletedByClusterAutoscaler}]}", true),
    ])
    func theAutoscalerMarksNodes(fields: String, isMarked: Bool) throws {
        let node = try #require(Self.firstNode(Self.node(fields)))
        #expect(node.isMarkedForDeletion == isMarked && !node.isBeingDeleted)
    }

    @Test func aDeletionTimestampMeansDeletion() throws {
        let source = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, deletionTimestamp: 2026-01-31T12:00:00Z}\n"
        #expect(Self.firstNode(source)?.isBeingDeleted == true)
        let none = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, deletionTimestamp: null}\n"
        #expect(Self.firstNode(none)?.isBeingDeleted == false)
        let wrong = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, deletionTimestamp: soon}\n"
        #expect(
            Manifests.problems(wrong) == [
                "a.yaml:3: Node n1: metadata.deletionTimestamp: must be a time as 2026-01-31T12:00:00Z, not \"soon\""
            ]
        )
    }
}
