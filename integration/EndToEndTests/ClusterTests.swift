import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The node role with an API server in place of manifests.
    @Suite struct ClusterTests {
        @Test func `E12 Services of an API server answer, changes follow, and the start is an event`() throws {
            let scene = try ClusterScene(Application(on: []).manifests)
            defer { scene.tearDown() }
            for family in AddressFamily.allCases {
                let target = Application().clusterIP(family)
                try expectSoon("refused without endpoints") { try scene.lab.client.probe(.tcp, target).isRefused }
            }
            for pod in scene.lab.pods {
                try scene.apply(Application(on: [pod]))
                for family in AddressFamily.allCases {
                    let target = Application().clusterIP(family)
                    try expectSoon("answered by \(pod.name)") {
                        try scene.lab.client.probe(.tcp, target).server == pod.name
                    }
                }
            }
            try scene.api.command("delete Service default/web")
            try expectSoon("gone") { try !scene.lab.client.probe(.tcp, Application().clusterIP(.ipv4)).isAnswered }
            #expect(try scene.api.count("create-events") == 1, "Starting")
        }

        /// What is known stays in force; what happened meanwhile is in force within five seconds of its return.
        @Test func `an API server that is away`() throws {
            let scene = try ClusterScene(Application().manifests)
            defer { scene.tearDown() }
            let target = Application().clusterIP(.ipv4)
            try scene.apply(Application(on: [scene.lab.pods[0]]))
            try expectSoon("answered") { try scene.lab.client.probe(.tcp, target).server == "pod-1" }
            try scene.api.command("fault fail 10000 503")
            try scene.api.command("fault disconnect")
            pause(.seconds(10))
            #expect(try scene.lab.client.probe(.tcp, target).server == "pod-1")
            try scene.apply(Application(on: [scene.lab.pods[1]]))
            pause(.seconds(1))
            #expect(try scene.lab.client.probe(.tcp, target).server == "pod-1", "it cannot know yet")
            let start = ContinuousClock.now
            try scene.api.command("fault none")
            let took = try expectSoon("caught up", within: .seconds(5), since: start) {
                try scene.lab.client.probe(.tcp, target).server == "pod-2"
            }
            print("caught up \(took) after the API server was back")
        }

        @Test func `A14 kill -9, a change, and another start`() throws {
            let scene = try ClusterScene(Application().manifests)
            defer { scene.tearDown() }
            let target = Application().clusterIP(.ipv4)
            try scene.apply(Application(on: [scene.lab.pods[0]]))
            try expectSoon("answered") { try scene.lab.client.probe(.tcp, target).server == "pod-1" }
            scene.fairlead.kill9()
            try scene.apply(Application(on: [scene.lab.pods[2]]))
            #expect(try scene.lab.client.probe(.tcp, target).server == "pod-1", "the rules stay")
            try scene.start()
            try expectSoon("the change is in force") { try scene.lab.client.probe(.tcp, target).server == "pod-3" }
            #expect(scene.fairlead.log.contains { $0.contains("wrote the difference") })
        }

        /// Node facts are followed without a restart: the zone for hints, taints for load balancers.
        @Test func `A15 what the Node says is followed without a restart`() throws {
            let scene = try ClusterScene()
            defer { scene.tearDown() }
            let backends = [
                Backend(scene.lab.pods[0], zones: ["east"]), Backend(scene.lab.pods[1], zones: ["west"]),
            ]
            let web = Application()
            try scene.api.apply(web.manifests(of: backends))
            let target = web.clusterIP(.ipv4)
            try expectSoon("both answer") {
                Set(try scene.lab.client.tally(.tcp, target, attempts: 30).keys) == ["pod-1", "pod-2"]
            }
            for (zone, pod) in [("east", "pod-1"), ("west", "pod-2")] {
                try scene.api.apply([ClusterScene.node(scene.lab, zone: zone)])
                try expectSoon("only \(pod)") {
                    try scene.lab.client.tally(.tcp, target, attempts: 30) == [pod: 30]
                }
            }
            try expectSoon("healthy") { try scene.page("10256/healthz").hasSuffix("\n200") }
            var node = ClusterScene.node(scene.lab)
            node.taints = ["ToBeDeletedByClusterAutoscaler"]
            try scene.api.apply([node])
            try expectSoon("not eligible") { try scene.page("10256/healthz").hasSuffix("\n503") }
            #expect(try scene.page("10256/livez").hasSuffix("\n200"))
            try scene.api.apply([ClusterScene.node(scene.lab)])
            try expectSoon("eligible again") { try scene.page("10256/healthz").hasSuffix("\n200") }
            try scene.api.command("delete Node \(Scene.here)")
            try expectSoon("gone") { try scene.page("10256/healthz").hasSuffix("\n503") }
        }

        /// From the moment a change was made in the cluster until it is in force, as kube-proxy measures it.
        @Test func `the time that changes take is measured`() throws {
            let scene = try ClusterScene(Application().manifests)
            defer { scene.tearDown() }
            // The controller writes whole seconds, and only changes after the start count.
            pause(.milliseconds(1100))
            var slice = Application(on: [scene.lab.pods[0]]).slices[0]
            slice.annotations["endpoints.kubernetes.io/last-change-trigger-time"] = try scene.lab.node
                .shell("date -u +%Y-%m-%dT%H:%M:%SZ").filter { $0 != "\n" }
            try scene.api.apply([slice])
            try expectSoon("measured") {
                try scene.page("10249/metrics").contains(
                    "kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv4\"} 1")
            }
        }

        /// The file of kube-proxy's ConfigMap as kubeadm writes it, whose kubeconfig is beside it.
        @Test func `kube-proxy's own configuration starts it`() throws {
            let scene = try ClusterScene(Application().manifests) { api in
                let file = "\(api.kubeconfig).config"
                try Descriptor.open(file, flags: 0o1101).write(
                    """
                    apiVersion: kubeproxy.config.k8s.io/v1alpha1
                    kind: KubeProxyConfiguration
                    bindAddress: 0.0.0.0
                    bindAddressHardFail: false
                    clientConnection:
                      acceptContentTypes: ""
                      burst: 0
                      contentType: ""
                      kubeconfig: \(api.kubeconfig)
                      qps: 0
                    clusterCIDR: 10.244.0.0/16
                    configSyncPeriod: 0s
                    conntrack: {maxPerCore: null, min: null, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null}
                    detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
                    detectLocalMode: ""
                    enableProfiling: false
                    healthzBindAddress: ""
                    hostnameOverride: ""
                    metricsBindAddress: ""
                    mode: ""
                    nodePortAddresses: null
                    oomScoreAdj: null
                    """.utf8)
                return ["--config", file, "--hostname-override", Scene.here]
            }
            defer { scene.tearDown() }
            try scene.apply(Application(on: [scene.lab.pods[0]]))
            try expectSoon("answered") {
                try scene.lab.client.probe(.tcp, Application().clusterIP(.ipv4)).server == "pod-1"
            }
            #expect(try scene.page("10249/proxyMode").hasPrefix("nftables"))
        }
    }
}
