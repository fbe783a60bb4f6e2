import KubernetesAPI
import KubernetesClient
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("https://10.0.0.1:6443", "https://10.0.0.1:6443"), ("https://a.example", "https://a.example:443"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"), ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
        ("https://a/k8s/clusters/c-1/", "https://a:443/k8s/clusters/c-1"), ("10.0.0.1:6443", "https://10.0.0.1:6443"),
    ])
    func addresses(text: String, description: String) {
        #expect(APIServerAddress(text)?.description == description)
    }

    @Test(arguments: [
        "", "https://", "ftp://a", "https://a:0", "https://a:99999", "https://u:p@a", "https://a?b", "a b",
    ])
    func whatIsNoAddress(text: String) {
        #expect(APIServerAddress(text) == nil)
    }

    @Test func withoutAnySourceItSaysWhatToDo() {
        let error = #expect(throws: ClientConfigurationError.self) {
            _ = try ClientConfiguration.inCluster(environment: [:])
        }
        #expect(error?.code == .notInCluster)
        #expect(error?.description.contains("--manifests DIRECTORY, or --kubeconfig FILE") == true)
        let pod = #expect(throws: ClientConfigurationError.self) {
            _ = try ClientConfiguration.inCluster(
                environment: ["KUBERNETES_SERVICE_HOST": "10.96.0.1"], directory: "/nowhere")
        }
        #expect(pod?.description.contains("automountServiceAccountToken") == true)
    }

    @Test func aKubeconfigThatIsNotThere() {
        let error = #expect(throws: ClientConfigurationError.self) {
            _ = try ClientConfiguration.kubeconfig(at: "/nowhere/admin.conf")
        }
        #expect(error?.code == .kubeconfigUnreadable)
        #expect(error?.description.contains("/nowhere/admin.conf") == true)
    }

    /// Services by field selector, what belongs to other proxies and to headless Services not at all, one Node.
    @Test func aNodeAsksForNoMoreThanItNeeds() {
        let selections = ObjectSelection.node(named: "n1")
        #expect(
            selections.map(\.path) == [
                "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/nodes",
                "/apis/networking.k8s.io/v1/servicecidrs",
            ])
        #expect(selections[0].fieldSelector == "spec.clusterIP!=None")
        #expect(selections[0].labelSelector == "!service.kubernetes.io/service-proxy-name")
        #expect(selections[1].labelSelector?.contains("!service.kubernetes.io/headless") == true)
        #expect(selections[2].fieldSelector == "metadata.name=n1")
    }

    /// As a request would have it.
    private static func targets(_ scope: IngressScope) -> [String] {
        ObjectSelection.ingress(scope).map { selection in
            let selectors = [selection.labelSelector, selection.fieldSelector].compactMap { $0 }
            return ([selection.path] + selectors).joined(separator: " ")
        }
    }

    /// Headless Services, those of other proxies and their slices as well: it goes to endpoints.
    @Test func anIngressAsksForAllNamespaces() {
        let named = ObjectName(namespace: "infra", name: "x")
        let scope = IngressScope(
            publishService: named, defaultBackend: named, defaultCertificate: named, nodeName: "n1")
        #expect(
            Self.targets(scope) == [
                "/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/ingressclasses",
                "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices",
                "/api/v1/secrets type=kubernetes.io/tls", "/api/v1/nodes metadata.name=n1",
            ])
        let kinds = Set(ObjectSelection.ingress(scope).map(\.kind))
        #expect(kinds == ObjectKind.ofIngress && kinds.isSuperset(of: ObjectSelection.neededByIngress))
    }

    /// What options name is read wherever it is, and nothing twice.
    @Test func anIngressOfOneNamespaceAsksForThatAlone() {
        var scope = IngressScope(
            namespace: "shop",
            publishService: ObjectName(namespace: "infra", name: "lb"),
            defaultBackend: ObjectName(namespace: "infra", name: "pages"),
            defaultCertificate: ObjectName(namespace: "infra", name: "cert"))
        let own = [
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses", "/apis/networking.k8s.io/v1/ingressclasses",
            "/api/v1/namespaces/shop/services", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
        ]
        let certificates = "/api/v1/namespaces/shop/secrets type=kubernetes.io/tls"
        #expect(
            Self.targets(scope) == own + [
                "/api/v1/namespaces/infra/services metadata.name=lb",
                "/api/v1/namespaces/infra/services metadata.name=pages",
                "/apis/discovery.k8s.io/v1/namespaces/infra/endpointslices kubernetes.io/service-name=pages",
                certificates, "/api/v1/namespaces/infra/secrets metadata.name=cert",
            ])
        scope.publishService = scope.defaultBackend
        #expect(Self.targets(scope).filter { $0.contains("infra/services") }.count == 1)
        scope.publishService = ObjectName(namespace: "shop", name: "lb")
        scope.defaultBackend = ObjectName(namespace: "shop", name: "pages")
        scope.defaultCertificate = ObjectName(namespace: "shop", name: "cert")
        #expect(Self.targets(scope) == own + [certificates])
        scope.defaultCertificate = nil
        #expect(Self.targets(scope) == own + [certificates])
    }

    @Test func secretsAreAskedForOnlyWhereTheyAreWanted() {
        #expect(!Self.targets(IngressScope(secrets: .none)).contains { $0.contains("secrets") })
        let one = IngressScope(secrets: .none, defaultCertificate: ObjectName(namespace: "a", name: "b"))
        #expect(Self.targets(one).last == "/api/v1/namespaces/a/secrets metadata.name=b")
        let all = Self.targets(IngressScope(secrets: .certificatesAndAuthorities)).last ?? ""
        #expect(all.hasPrefix("/api/v1/secrets type!=helm.sh/release.v1,type!="))
        #expect(!all.contains("kubernetes.io/tls") && !all.contains("Opaque"))
    }
}
