import KubernetesAPI
import KubernetesWire
import Networking
import Testing

/// Single objects, as Kubernetes' own definitions write them.
@Suite struct DecodingTests {
    static let objects: [(ObjectKind, [UInt8], String)] = [
        (.endpointSlice, RecordedProtobuf.endpointSlice, RecordedJSON.endpointSlice),
        (.service, RecordedProtobuf.service, RecordedJSON.service),
        (.node, RecordedProtobuf.node, RecordedJSON.node),
        (.serviceCIDR, RecordedProtobuf.serviceCIDR, RecordedJSON.serviceCIDR),
        (.ingress, RecordedProtobuf.ingress, RecordedJSON.ingress),
        (.ingressClass, RecordedProtobuf.ingressClass, RecordedJSON.ingressClass),
        (.secret, RecordedProtobuf.secret, RecordedJSON.secret),
    ]

    static func protobuf(_ kind: ObjectKind, _ content: [UInt8]) throws -> DecodedObject {
        let bytes = Wrapped.envelope(kind.apiVersion, kind.rawValue, content)
        return try DecodedObject(decoding: bytes, kind: kind, format: .protobuf)
    }

    static func json(_ kind: ObjectKind, _ text: String) throws -> DecodedObject {
        try DecodedObject(decoding: Array(text.utf8), kind: kind, format: .json)
    }

    @Test(arguments: Self.objects)
    func protobufAndJSONAndManifestSayTheSame(kind: ObjectKind, protobuf: [UInt8], json: String) throws {
        let decoded = try Self.protobuf(kind, protobuf)
        #expect(decoded.notes.isEmpty)
        #expect(try Self.json(kind, json) == decoded)
        let manifest = ManifestDecoder.decode(Array(json.utf8), file: "a.json")
        #expect(manifest.problems.isEmpty)
        #expect(manifest.objects.map(\.object) == [decoded.object])
    }

    @Test func everyFieldOfASliceIsRead() throws {
        let decoded = try Self.protobuf(.endpointSlice, RecordedProtobuf.endpointSlice)
        #expect(decoded.resourceVersion == "48213")
        #expect(decoded.uid == "3f0c9f0e-6f0e-4a52-8d0c-0d6e1b1b7a01")
        let slice = EndpointSlice(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "shop", name: "web-x7k2p"),
                labels: ["kubernetes.io/service-name": "web", "fairlead.dev/a": "b"],
                creationTimestamp: 1_767_225_600
            ),
            serviceName: ObjectName(namespace: "shop", name: "web"),
            endpoints: [
                Endpoint(
                    address: IPAddress(10, 244, 1, 7),
                    nodeName: "node-1.example.com",
                    zone: "eu-west-1a",
                    zoneHints: ["eu-west-1a"],
                    nodeHints: ["node-1.example.com"]
                ),
                Endpoint(
                    address: IPAddress(10, 244, 2, 9),
                    isReady: false,
                    isTerminating: true,
                    nodeName: "node-2.example.com"
                ),
                Endpoint(address: IPAddress(10, 244, 3, 9)),
            ],
            ports: [EndpointPort(name: "http", port: 8080), EndpointPort(transport: .udp, port: 5353)],
            lastChangeTriggerTime: 1_769_860_800_500_000_000
        )
        #expect(decoded.object == .endpointSlice(slice))
    }

    @Test func everyFieldOfAServiceIsRead() throws {
        let decoded = try Self.protobuf(.service, RecordedProtobuf.service)
        let service = Service(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "shop", name: "web"),
                annotations: ["fairlead.dev/weight": "2"],
                allLabels: LabelSet(["app": "web"]),
                creationTimestamp: 1_767_225_600
            ),
            type: .loadBalancer,
            clusterIPs: ["10.96.0.10", "fd00::a"].compactMap { IPAddress($0) },
            externalIPs: [IPAddress(203, 0, 113, 9)],
            loadBalancerIPs: ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) },
            loadBalancerSourceRanges: ["198.51.100.0/24", "2001:db8::/32"].compactMap { CIDR($0) },
            ports: [
                ServicePort(
                    name: "http", port: 80, nodePort: 30_080, targetPort: .name("http"), appProtocol: "http"),
                ServicePort(name: "dns", transport: .udp, port: 53, targetPort: .number(5_353)),
            ],
            externalTrafficPolicy: .local,
            internalTrafficPolicy: .local,
            sessionAffinity: .clientIP(timeoutSeconds: 600),
            healthCheckNodePort: 32_000,
            loadBalancer: [
                LoadBalancerAddress(ip: IPAddress(192, 0, 2, 1)), LoadBalancerAddress(ip: IPAddress(192, 0, 2, 2)),
                LoadBalancerAddress(hostname: "lb.example.com"), LoadBalancerAddress(ip: IPAddress("2001:db8::1")),
            ]
        )
        #expect(decoded.object == .service(service))
    }

    @Test func everyFieldOfANodeIsRead() throws {
        let decoded = try Self.protobuf(.node, RecordedProtobuf.node)
        let node = Node(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "", name: "node-1.example.com"),
                labels: ["topology.kubernetes.io/zone": "eu-west-1a"],
                creationTimestamp: 1_767_225_600
            ),
            podCIDRs: ["10.244.1.0/24", "fd00:244:1::/64"].compactMap { CIDR($0) },
            internalIPs: ["192.168.1.10", "fd00::10"].compactMap { IPAddress($0) },
            isBeingDeleted: true,
            isMarkedForDeletion: true
        )
        #expect(decoded.object == .node(node))
    }

    @Test func everyFieldOfAServiceCIDRIsRead() throws {
        let decoded = try Self.protobuf(.serviceCIDR, RecordedProtobuf.serviceCIDR)
        let block = ServiceCIDR(
            metadata: ObjectMeta(
                name: ObjectName(namespace: "", name: "kubernetes"),
                creationTimestamp: 1_767_225_600
            ),
            cidrs: ["10.96.0.0/16", "fd00:96::/112"].compactMap { CIDR($0) }
        )
        #expect(decoded.object == .serviceCIDR(block))
    }

    @Test func anAbsentTimeIsNone() throws {
        // creationTimestamp as Go writes it where there is none: there, and empty.
        let metadata = Wrapped.field(1, Array("n".utf8)) + [0x42, 0]
        let decoded = try Self.protobuf(.node, Wrapped.field(1, metadata))
        guard case .node(let node) = decoded.object else { return #expect(Bool(false)) }
        #expect(node.metadata.creationTimestamp == nil)
        #expect(!node.isBeingDeleted)
    }

    @Test func anotherKindIsRefused() {
        let bytes = Wrapped.envelope("v1", "Service", RecordedProtobuf.service)
        let error = #expect(throws: WireError.self) {
            try DecodedObject(decoding: bytes, kind: .endpointSlice, format: .protobuf)
        }
        #expect(error?.code == .unexpectedKind)
        #expect(error?.message == "v1 Service came where discovery.k8s.io/v1 EndpointSlice was asked for")
    }

    @Test func anObjectWithoutANameIsRefused() {
        let error = #expect(throws: WireError.self) { try Self.json(.service, #"{"metadata":{"namespace":"a"}}"#) }
        #expect(error?.message == "a Service came without a name")
    }

    @Test(arguments: ["", "k8s", "k8s\u{0}\u{12}\u{5}ab", "{}", "k8s\u{0}\u{3}"])
    func brokenProtobufIsAnError(text: String) {
        #expect(throws: WireError.self) {
            try DecodedObject(decoding: Array(text.utf8), kind: .service, format: .protobuf)
        }
    }
}
