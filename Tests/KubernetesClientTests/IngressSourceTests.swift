import ClusterState
import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Networking
import TestSupport
import Testing

/// What an ingress reads and writes, against a server that does what the API conventions say.
@Suite struct IngressSourceTests {
    private static func setting(_ scope: IngressScope = IngressScope()) -> Cluster.Setting {
        var setting = Cluster.Setting()
        setting.selections = ObjectSelection.ingress(scope)
        setting.needed = ObjectSelection.neededByIngress
        return setting
    }

    private static func name(_ namespace: String, _ name: String) -> ObjectName {
        ObjectName(namespace: namespace, name: name)
    }

    private static func ingress(_ namespace: String, _ name: String, host: String = "a.example") -> KubernetesObject {
        .ingress(
            Ingress(
                metadata: ObjectMeta(name: self.name(namespace, name)),
                ingressClassName: "fairlead",
                tls: [IngressTLS(hosts: [host], secretName: name)],
                rules: [
                    IngressRule(
                        host: host,
                        paths: [
                            IngressPath(path: "/", backend: .service(name: name, port: .name("http"))),
                            IngressPath(
                                path: "/old", pathType: .exact,
                                backend: .resource(apiGroup: "x.example", kind: "Page", name: "old")),
                        ]), IngressRule(),
                ]))
    }

    private static func service(_ namespace: String, _ name: String, headless: Bool = false) -> KubernetesObject {
        .service(
            KubernetesAPI.Service(
                metadata: ObjectMeta(name: self.name(namespace, name)), isHeadless: headless,
                clusterIPs: headless ? [] : [IPAddress(10, 96, 0, 1)],
                ports: [
                    ServicePort(name: "http", port: 80, targetPort: .name("web"), appProtocol: "kubernetes.io/h2c"),
                    ServicePort(name: "admin", port: 81, targetPort: .number(8_081)),
                ]))
    }

    private static func slice(_ namespace: String, _ service: String) -> KubernetesObject {
        .endpointSlice(
            EndpointSlice(
                metadata: ObjectMeta(
                    name: self.name(namespace, "\(service)-1"), labels: [KnownKey.serviceName: service]),
                serviceName: self.name(namespace, service), endpoints: [Endpoint(address: IPAddress(10, 244, 0, 1))],
                ports: [EndpointPort(name: "http", port: 8_080)]))
    }

    private static func secret(_ namespace: String, _ name: String, type: SecretType = .tls) -> KubernetesObject {
        .secret(
            Secret(
                metadata: ObjectMeta(name: self.name(namespace, name)), type: type,
                certificate: Array("certificate-\(name)".utf8), key: Array("hunter2".utf8)))
    }

    private static let ingressClass = KubernetesObject.ingressClass(
        IngressClass(
            metadata: ObjectMeta(name: ObjectName(namespace: "", name: "fairlead")),
            controller: "fairlead.dev/ingress-controller", isDefault: true))

    /// The same without what the server gives it.
    private static func given(_ object: KubernetesObject?) -> KubernetesObject? {
        switch object {
        case .ingress(var ingress)?:
            ingress.metadata.creationTimestamp = nil
            ingress.uid = ""
            return .ingress(ingress)
        case .ingressClass(var ingressClass)?:
            ingressClass.metadata.creationTimestamp = nil
            return .ingressClass(ingressClass)
        case .secret(var secret)?:
            secret.metadata.creationTimestamp = nil
            return .secret(secret)
        case .service(var service)?:
            service.metadata.creationTimestamp = nil
            return .service(service)
        default: return object
        }
    }

    @Test(arguments: [WireFormat.protobuf, .json])
    func itListsAndFollows(format: WireFormat) async throws {
        var setting = Self.setting()
        setting.format = format
        let objects = [
            Self.ingress("shop", "web"), Self.ingressClass, Self.service("shop", "web"),
            Self.service("shop", "headless", headless: true), Self.secret("shop", "web"),
        ]
        try await Cluster.with(
            setting,
            prepare: { server in
                try await server.apply(objects)
                try await server.apply(Self.slice("shop", "web"), Self.secret("shop", "plain", type: .opaque))
            },
            { cluster in
                try await eventually("synced") { cluster.isSynced }
                for object in objects {
                    let key = object.key
                    let found = cluster.object(key.kind, key.name.namespace, key.name.name)
                    #expect(Self.given(found) == object)
                }
                guard case .ingress(let ingress)? = cluster.object(.ingress, "shop", "web") else {
                    throw NotInTime(description: "no Ingress")
                }
                #expect(!ingress.uid.isEmpty && ingress.metadata.creationTimestamp != nil)
                // Of Secrets only certificates.
                #expect(cluster.names(.secret) == ["shop/web"])
                #expect(cluster.names(.endpointSlice) == ["shop/web-1"])

                try await cluster.server.apply(Self.ingress("shop", "web", host: "b.example"))
                try await eventually("a change") {
                    guard case .ingress(let new)? = cluster.object(.ingress, "shop", "web") else { return false }
                    return new.rules.first?.host == "b.example" && new.uid == ingress.uid
                }
                try await cluster.server.apply(Self.secret("other", "late"))
                try await eventually("a new certificate") { cluster.names(.secret) == ["other/late", "shop/web"] }
                for object in objects { try await cluster.server.delete(object.key) }
                try await eventually("nothing") {
                    cluster.names(.ingress).isEmpty && cluster.names(.ingressClass).isEmpty
                        && cluster.names(.service).isEmpty && cluster.names(.secret) == ["other/late"]
                }
                // Nothing that was said of all this shows a key.
                #expect(cluster.log.lines(with: "hunter2").isEmpty)
            })
    }

    /// `--watch-namespace`, and what options name elsewhere.
    @Test func oneNamespaceAndWhatIsNamed() async throws {
        let scope = IngressScope(
            namespace: "shop", secrets: .certificatesAndAuthorities,
            publishService: Self.name("infra", "lb"), defaultBackend: Self.name("infra", "pages"),
            defaultCertificate: Self.name("infra", "default"))
        try await Cluster.with(
            Self.setting(scope),
            prepare: { server in
                for namespace in ["shop", "infra", "else"] {
                    for name in ["lb", "pages", "web"] {
                        try await server.apply(
                            Self.ingress(namespace, name), Self.service(namespace, name), Self.slice(namespace, name))
                    }
                    for name in ["default", "web"] { try await server.apply(Self.secret(namespace, name)) }
                    try await server.apply(
                        Self.secret(namespace, "opaque", type: .opaque),
                        Self.secret(namespace, "helm", type: SecretType(rawValue: "helm.sh/release.v1")))
                }
                try await server.apply(Self.ingressClass)
            },
            { cluster in
                try await eventually("synced") { cluster.isSynced }
                #expect(cluster.names(.ingress) == ["shop/lb", "shop/pages", "shop/web"])
                #expect(
                    cluster.names(.service) == ["infra/lb", "infra/pages", "shop/lb", "shop/pages", "shop/web"])
                #expect(cluster.names(.endpointSlice) == ["infra/pages-1", "shop/lb-1", "shop/pages-1", "shop/web-1"])
                #expect(cluster.names(.secret) == ["infra/default", "shop/default", "shop/opaque", "shop/web"])
                #expect(cluster.names(.ingressClass) == ["fairlead"])
                let counts = try await cluster.server.counts()
                #expect(counts["list", .secrets] + counts["watch", .secrets] >= 2)
                try await cluster.server.delete(.services, namespace: "infra", name: "lb")
                try await eventually("it goes") { !cluster.names(.service).contains("infra/lb") }
                #expect(cluster.names(.service).contains("shop/lb"))
            })
    }

    /// HTTP is served all the same, and the rule that is missing is said.
    @Test func withoutSecrets() async throws {
        var setting = Self.setting()
        setting.server.forbidden = [.init(resource: .secrets)]
        try await Cluster.with(setting, prepare: { try await $0.apply(Self.ingress("shop", "web")) }) { cluster in
            try await eventually("synced", within: .seconds(20)) { cluster.isSynced }
            #expect(cluster.names(.ingress) == ["shop/web"])
            try await eventually("it is said") { !cluster.log.lines(with: "objects cannot be followed").isEmpty }
            #expect(
                cluster.log.lines(with: "objects cannot be followed").first?.contains(
                    #"apiGroups: [""], resources: ["secrets"], verbs: ["list", "watch"]"#) == true)
        }
    }

    /// Of several selections of one kind each has to be there: the gate does not open with the first.
    @Test func aKindIsThereWhenAllOfItIs() async throws {
        let scope = IngressScope(namespace: "shop", secrets: .none, publishService: Self.name("infra", "lb"))
        var setting = Self.setting(scope)
        setting.server.forbidden = [.init(resource: .services)]
        try await Cluster.with(setting, prepare: { _ in }) { cluster in
            try await eventually("both are said") {
                cluster.log.lines(with: "objects cannot be followed").count == 2
            }
            let lines = cluster.log.lines(with: "objects cannot be followed")
            #expect(lines.contains { $0.contains("shop") } && lines.contains { $0.contains("infra") })
            #expect(!cluster.isSynced)
            try await cluster.server.configure { $0.forbidden = [] }
            try await eventually("once it is allowed", within: .seconds(60)) { cluster.isSynced }
        }
    }

    // MARK: - Status

    @Test func theStatusOfAnIngress() async throws {
        try await Cluster.with(Self.setting(), prepare: { try await $0.apply(Self.ingress("shop", "web")) }) {
            cluster in
            try await eventually("synced") { cluster.isSynced }
            let writer = StatusWriter(cluster.connection.client)
            let name = Self.name("shop", "web")
            let addresses: [PublishedAddress] = [.ip("192.0.2.7"), .hostname("lb.example")]
            #expect(try await writer.publish(addresses, to: .ingress, name) == .written)
            #expect(try await writer.publish(addresses, to: .ingress, name) == .unchanged)
            try await eventually("it is seen") {
                guard case .ingress(let ingress)? = cluster.object(.ingress, "shop", "web") else { return false }
                return ingress.loadBalancer == [
                    LoadBalancerAddress(ip: IPAddress(192, 0, 2, 7)), LoadBalancerAddress(hostname: "lb.example"),
                ]
            }
            // The spec is as it was.
            guard case .ingress(var ingress)? = Self.given(cluster.object(.ingress, "shop", "web")) else { return }
            ingress.loadBalancer = []
            #expect(.ingress(ingress) == Self.ingress("shop", "web"))
            #expect(try await writer.publish([], to: .ingress, name) == .written)
            #expect(try await writer.publish([], to: .ingress, Self.name("shop", "none")) == .gone)
            let error = await #expect(throws: APIError.self) {
                _ = try await writer.publish([.ip("nonsense")], to: .ingress, name)
            }
            #expect(error?.status?.code == 422)
        }
    }
}
