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
            selections.map(\.kind.path) == [
                "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/nodes",
                "/apis/networking.k8s.io/v1/servicecidrs",
            ])
        #expect(selections[0].fieldSelector == "spec.clusterIP!=None")
        #expect(selections[0].labelSelector == "!service.kubernetes.io/service-proxy-name")
        #expect(selections[1].labelSelector?.contains("!service.kubernetes.io/headless") == true)
        #expect(selections[2].fieldSelector == "metadata.name=n1")
    }
}
