import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// Started as kube-proxy is: with its configuration file and its flags.
    @Suite struct ConfigurationFileTests {
        /// As kubeadm writes it: every field, with Go's zero values for what nobody chose.
        static let kubeadm = """
            apiVersion: kubeproxy.config.k8s.io/v1alpha1
            bindAddress: 0.0.0.0
            bindAddressHardFail: false
            clientConnection:
              acceptContentTypes: ""
              burst: 0
              contentType: ""
              kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
              qps: 0
            clusterCIDR: \(Lab.clusterCIDR)
            configSyncPeriod: 0s
            conntrack:
              maxPerCore: null
              min: null
              tcpBeLiberal: false
              tcpCloseWaitTimeout: null
              tcpEstablishedTimeout: null
              udpStreamTimeout: 0s
              udpTimeout: 0s
            detectLocal:
              bridgeInterface: ""
              interfaceNamePrefix: ""
            detectLocalMode: ""
            enableProfiling: false
            healthzBindAddress: ""
            hostnameOverride: ""
            iptables:
              localhostNodePorts: null
              masqueradeAll: false
              masqueradeBit: null
              minSyncPeriod: 0s
              syncPeriod: 0s
            ipvs:
              excludeCIDRs: null
              minSyncPeriod: 0s
              scheduler: ""
              strictARP: false
              syncPeriod: 0s
              tcpFinTimeout: 0s
              tcpTimeout: 0s
              udpTimeout: 0s
            kind: KubeProxyConfiguration
            logging:
              flushFrequency: 0
              options:
                json:
                  infoBufferSize: "0"
                text:
                  infoBufferSize: "0"
              verbosity: 0
            metricsBindAddress: ""
            mode: ""
            nftables:
              masqueradeAll: false
              masqueradeBit: null
              minSyncPeriod: 0s
              syncPeriod: 0s
            nodePortAddresses: null
            oomScoreAdj: null
            portRange: ""
            showHiddenMetricsForVersion: ""
            winkernel:
              enableDSR: false
              forwardHealthCheckVip: false
              networkName: ""
              rootHnsEndpointName: ""
              sourceVip: ""
            """

        private static let head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"

        /// A folder with the file in it.
        private static func folder(_ text: String) throws -> ManifestFolder {
            let folder = try ManifestFolder()
            try folder.write("config.conf", text)
            return folder
        }

        private static func scene(
            _ folder: ManifestFolder, hostname: String? = Scene.here, _ further: [String] = []
        ) throws -> Scene {
            try Scene(clusterCIDR: nil, hostname: hostname, ["--config", "\(folder.path)/config.conf"] + further)
        }

        @Test func `E8 the file that kubeadm writes starts it unchanged`() throws {
            let folder = try Self.folder(Self.kubeadm)
            let scene = try Self.scene(folder)
            defer { scene.tearDown() }
            var web = Application(on: scene.pods)
            web.nodePort = 30080
            try scene.put(web)
            let other = Application("other", number: 11, on: [scene.pods[1]])
            try scene.put(other)
            for family in AddressFamily.allCases {
                // Who is a pod is known from it: those keep their address, others do not.
                try expectAnswered([scene.pods[0]], other.clusterIP(family)) { $0.address(family) }
                let gateway = scene.lab.podGateway(family)
                try expectAnswered([scene.client], other.clusterIP(family)) { _ in gateway }
                try expectAnswered(scene.vantagePoints, web.clusterIP(family))
                // It means iptables mode, in which NodePorts answer on all addresses.
                let alias = try #require(scene.lab.nodeAliases.first { $0.family == family })
                try expectAnswered([scene.client], SocketAddress(alias, 30080))
            }
            let log = scene.fairlead.log
            #expect(!log.contains { $0.contains("configuration warning") || $0.contains("no meaning") }, "\(log)")
        }

        @Test func `E8 when the file changes it ends with an error, and the rules stay`() throws {
            let folder = try Self.folder(Self.kubeadm)
            let scene = try Self.scene(folder)
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            // Its neighbour in the ConfigMap is no concern of its.
            try folder.write("kubeconfig.conf", "other")
            try folder.write("config.conf", Self.kubeadm)
            try scene.settle()
            #expect(scene.fairlead.process.isRunning)
            try folder.write("config.conf", Self.kubeadm + "\n# another\n")
            #expect(scene.fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(1))
            #expect(scene.fairlead.log.last?.contains("\(folder.path)/config.conf has changed") == true)
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
            try scene.start()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
        }

        @Test func `what is passed over is said once, and the rest counts`() throws {
            let folder = try Self.folder(
                Self.head + "masqueradeall: true\nmode: ipvs\nipvs: {scheduler: wrr}\nclusterCIDR: \(Lab.clusterCIDR)\n"
            )
            let scene = try Self.scene(folder, ["--masquerade-all", "--ipvs-strict-arp=true", "-v=4"])
            defer { scene.tearDown() }
            let log = scene.fairlead.log
            for part in [
                "line=3 reason=\"masqueradeall: there is no such field; passed over\"",
                "flags=\"--masquerade-all --ipvs-strict-arp\"", "settings=ipvs.scheduler",
                "programs nftables, whatever the mode",
            ] {
                #expect(log.count { $0.contains(part) } == 1, "\(part): \(log)")
            }
            // -v counts: this is said at debug level only.
            #expect(log.contains { $0.contains(" debug ") }, "\(log)")
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { $0.ipv4 }
        }

        @Test(arguments: [
            ("mode: userspace\n", 1, "config.conf:3: mode: must be nftables, iptables or ipvs: mode userspace"),
            ("conntrack:\n  min: few\n", 1, "config.conf:4: conntrack.min: must be an integer"),
            ("conntrack: [\n", 1, "config.conf:"),
        ])
        func `a file with a mistake ends it at once, by line`(fields: String, exitCode: Int32, message: String) throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let folder = try Self.folder(Self.head + fields)
            let arguments = ["node", "--manifests", folder.path, "--config", "\(folder.path)/config.conf"]
            let completion = try sandbox.host.execute([try FairleadProcess.locate()] + arguments)
            #expect(completion.status == .exited(exitCode))
            #expect(completion.errorOutput.contains(message), "\(completion.errorOutput)")
            #expect(try sandbox.host.shell("nft list ruleset") == "")
        }

        @Test func `A10 --hostname-override goes before the file`() throws {
            let folder = try Self.folder(
                Self.head + "hostnameOverride: \(Scene.elsewhere)\nclusterCIDR: \(Lab.clusterCIDR)\n")
            let objects = { (scene: Scene) -> [any Manifest] in
                var web = Application(on: [])
                web.internalPolicy = "Local"
                return web.manifests(of: [.here(scene.pods[0]), .elsewhere(scene.pods[1])])
            }
            for (hostname, answering) in [(Scene.here, 0), (nil, 1)] {
                let scene = try Self.scene(folder, hostname: hostname)
                defer { scene.tearDown() }
                try scene.put("web", objects(scene))
                let target = SocketAddress.clusterIP(10, .ipv4)
                try expectAnswered([scene.node], target, by: [scene.pods[answering]])
            }
        }

        @Test func `E9 what is written with --write-config-to starts it the same way`() throws {
            let folder = try Self.folder("")
            let sandbox = try Sandbox()
            let written = try sandbox.host.execute([
                try FairleadProcess.locate(), "node", "--cluster-cidr=\(Lab.clusterCIDR)", "--masquerade-all",
                "--nodeport-addresses", "192.168.50.3/32", "--write-config-to", "\(folder.path)/config.conf",
            ])
            sandbox.tearDown()
            #expect(written.status == .exited(0), "\(written.errorOutput)")
            let scene = try Self.scene(folder)
            defer { scene.tearDown() }
            var web = Application(on: [scene.pods[1]])
            web.nodePort = 30080
            try scene.put(web)
            let gateway = scene.lab.podGateway(.ipv4)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { _ in gateway }
            try expectAnswered([scene.client], SocketAddress(IPAddress(192, 168, 50, 3), 30080))
            try expectRefused([scene.client], SocketAddress(scene.node.ipv4, 30080))
        }

        @Test func `E9 booleans as Go writes them`() throws {
            let scene = try Scene(["--masquerade-all=false", "--conntrack-tcp-be-liberal", "--profiling=F", "-v", "2"])
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            try scene.put(web)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { $0.ipv4 }
            scene.fairlead.terminate()
            try scene.start(["--masquerade-all=T"])
            let gateway = scene.lab.podGateway(.ipv4)
            try expectAnswered([scene.pods[0]], web.clusterIP(.ipv4)) { _ in gateway }
        }
    }
}
