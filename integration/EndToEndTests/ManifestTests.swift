import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The directory of manifests while Fairlead runs.
    @Suite struct ManifestTests {
        @Test func `a broken file keeps its last good content`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[0]])
            try scene.put(web)
            let lines = scene.fairlead.log.count
            try scene.folder.write("web.yaml", "kind: Service\nspec: {clusterIP: [\n")
            let line = try #require(scene.fairlead.waitForLog(containing: "manifest error", skipping: lines))
            #expect(line.contains("file=\(scene.folder.path)/web.yaml line="), "\(line)")
            #expect(line.contains(" reason="), "\(line)")
            try scene.settle()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[0]])
            // Mended, it is followed again.
            try scene.put(Application(on: [scene.pods[1]]))
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[1]])
        }

        @Test func `a bad object is named and the rest of its file goes on`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            let bad = """
                apiVersion: v1
                kind: Service
                metadata: {name: bad, namespace: default}
                spec: {clusterIP: not-an-address, ports: [{port: 80}]}

                """
            let rest = web.manifests.map(\.yaml).joined(separator: "---\n")
            try scene.folder.write("mixed.yaml", "\(bad)---\n\(rest)")
            try scene.settle()
            let line = try #require(scene.fairlead.waitForLog(containing: "default/bad"))
            #expect(line.contains("mixed.yaml") && line.contains("not-an-address"), "\(line)")
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
        }

        @Test func `a file that goes takes its Service with it`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            let other = Application("other", number: 11, on: scene.pods)
            try scene.put(web)
            try scene.put(other)
            try scene.remove("web")
            for family in AddressFamily.allCases {
                try expectUnserved(scene.vantagePoints, web.clusterIP(family))
                try expectAnswered(scene.vantagePoints, other.clusterIP(family))
            }
        }

        @Test func `JSON and a List are read like YAML`() throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let address = scene.pods[0].ipv4
            try scene.folder.write(
                "web.json",
                """
                {"apiVersion": "v1", "kind": "List", "items": [
                  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
                   "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 80}]}},
                  {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                   "metadata": {"name": "web-1", "namespace": "default",
                                "labels": {"kubernetes.io/service-name": "web"}},
                   "ports": [{"name": "", "port": 8080}], "endpoints": [{"addresses": ["\(address)"]}]}
                ]}
                """)
            try scene.settle()
            try expectAnswered(scene.vantagePoints, .clusterIP(10, .ipv4), by: [scene.pods[0]], over: [.tcp])
        }

        /// One attempt may be disturbed by what else this machine does; every one is below a second.
        @Test func `a new file works within 100 ms`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var shortest = Duration.seconds(1)
            for number in UInt8(11)...15 {
                let web = Application("web-\(number)", number: number, on: scene.pods)
                let start = ContinuousClock.now
                try scene.folder.write("web-\(number).yaml", web.manifests)
                let duration = try expectSoon("answers", since: start) {
                    try scene.client.probe(.tcp, web.clusterIP(.ipv4), timeout: .milliseconds(5)).isAnswered
                }
                shortest = min(shortest, duration)
            }
            print("a new file: answered \(shortest) after it was written, at best")
            #expect(shortest < .milliseconds(100))
        }

        /// Without a cluster an endpoint may be a server of this very host.
        @Test(arguments: AddressFamily.allCases)
        func `an endpoint on loopback serves the host, and a note says so once`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let loopback = family == .ipv4 ? IPAddress(127, 0, 0, 1) : IPAddress(ipv6High: 0, low: 1)
            let server = try EchoServer(
                on: scene.node, port: Scene.targetPort, name: "own", addresses: [loopback])
            defer { server.stop() }
            let web = Application(on: [])
            try scene.put("web", [web.service, web.slice(family, [.init(loopback)])])
            for transport in transports {
                let result = try scene.node.probe(transport, web.clusterIP(family))
                #expect(result.server == "own", "\(transport): \(result)")
            }
            // The object changes; what is to be said of it does not.
            let both = web.slice(family, [.init(loopback), .init(scene.pods[0].address(family))])
            try scene.put("web", [web.service, both])
            let notes = scene.fairlead.log.filter { $0.contains("endpoint \(loopback) is on loopback") }
            #expect(notes.count == 1, "\(notes)")
            #expect(notes.first?.contains("EndpointSlice default/web-") ?? false, "\(notes)")
        }

        @Test func `while the directory is gone the last state stays, and it is followed when it is back`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[0]])
            try scene.put(web)
            let path = scene.folder.path
            try scene.node.shell("mv '\(path)' '\(path).away'")
            #expect(scene.fairlead.waitForLog(containing: "manifest directory is gone") != nil)
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[0]])
            try scene.node.shell("mv '\(path).away' '\(path)'")
            #expect(scene.fairlead.waitForLog(containing: "manifest directory is there again") != nil)
            try scene.put(Application(on: [scene.pods[1]]))
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[1]])
        }

        /// As a ConfigMap is mounted: the files are links through a link that is swapped.
        @Test func `a directory that is swapped behind symbolic links is followed`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let path = scene.folder.path
            let volume = try ManifestFolder()
            defer { volume.delete() }
            let web = Application(on: [scene.pods[0]])
            try volume.write("1.yaml", web.manifests)
            try volume.write("2.yaml", Application(on: [scene.pods[1]]).manifests)
            try scene.node.shell(
                """
                mkdir '\(volume.path)/1' '\(volume.path)/2'
                mv '\(volume.path)/1.yaml' '\(volume.path)/1/web.yaml'
                mv '\(volume.path)/2.yaml' '\(volume.path)/2/web.yaml'
                cd '\(path)' && ln -s '\(volume.path)/1' ..data && ln -s ..data/web.yaml web.yaml
                """)
            defer { _ = try? scene.node.shell("rm -r '\(volume.path)/1' '\(volume.path)/2'") }
            try scene.settle()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[0]])
            try scene.node.shell("cd '\(path)' && ln -s '\(volume.path)/2' ..next && mv -T ..next ..data")
            try scene.settle()
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), by: [scene.pods[1]])
        }
    }
}
