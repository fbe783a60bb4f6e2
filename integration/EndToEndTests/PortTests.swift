import Lab
import Networking
import Testing

extension EndToEnd {
    /// Which of a Service's ports goes to which port of which endpoint.
    @Suite struct PortTests {
        @Test(arguments: AddressFamily.allCases)
        func `A5 the same number over TCP and UDP are two ports`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let pod = scene.pods[0]
            let stream = try EchoServer(on: pod, port: 6001, name: "stream", transports: [.tcp])
            let datagram = try EchoServer(on: pod, port: 6002, name: "datagram", transports: [.udp])
            defer {
                stream.stop()
                datagram.stop()
            }
            let target = SocketAddress.clusterIP(70, family, port: 5000)
            try scene.put(
                "dns",
                [
                    ServiceManifest(
                        "dns", clusterIPs: [target.address],
                        ports: [.init(5000, name: "a", transport: .tcp), .init(5000, name: "b", transport: .udp)]),
                    EndpointSliceManifest(
                        of: "dns", family: family, endpoints: [.init(pod.address(family))],
                        ports: [.init(6001, name: "a", transport: .tcp), .init(6002, name: "b", transport: .udp)]),
                ])
            for host in scene.vantagePoints {
                #expect(try host.probe(.tcp, target).server == "stream")
                #expect(try host.probe(.udp, target).server == "datagram")
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `A5 several ports go to several ports, and can come and go`(family: AddressFamily) throws {
            let scene = try Scene(pods: 1)
            defer { scene.tearDown() }
            let pod = scene.pods[0]
            let admin = try EchoServer(on: pod, port: 9090, name: "admin", transports: [.tcp])
            defer { admin.stop() }
            let http = SocketAddress.clusterIP(70, family)
            func put(_ ports: [ServiceManifest.Port]) throws {
                try scene.put(
                    "web",
                    [
                        ServiceManifest("web", clusterIPs: [http.address], ports: ports),
                        EndpointSliceManifest(
                            of: "web", family: family, endpoints: [.init(pod.address(family))],
                            ports: [.init(Scene.targetPort, name: "http"), .init(9090, name: "admin")]),
                    ])
            }
            try put([.init(80, name: "http"), .init(9000, name: "admin")])
            for host in scene.vantagePoints {
                #expect(try host.probe(.tcp, http).server == pod.name)
                #expect(try host.probe(.tcp, http.port(9000)).server == "admin")
            }
            // One goes, one changes its number.
            try put([.init(8000, name: "admin")])
            for host in scene.vantagePoints {
                #expect(try host.probe(.tcp, http.port(8000)).server == "admin")
                try expectRefused([host], http, over: [.tcp])
                try expectRefused([host], http.port(9000), over: [.tcp])
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `A6 endpoints come from all slices, each with its own target port`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let other = try EchoServer(on: scene.pods[2], port: 8888, name: "other", transports: [.tcp])
            defer { other.stop() }
            let target = SocketAddress.clusterIP(50, family)
            func slice(_ name: String, _ port: UInt16, _ pods: ArraySlice<Host>) -> EndpointSliceManifest {
                EndpointSliceManifest(
                    of: "web", name: name, family: family, endpoints: pods.map { .init($0.address(family)) },
                    ports: [.init(port, name: "http")])
            }
            let service = ServiceManifest("web", clusterIPs: [target.address], ports: [.init(80)])
            try scene.put(
                "web", [service, slice("a", Scene.targetPort, scene.pods[..<2]), slice("b", 8888, scene.pods[2...])])
            var servers = Set(try scene.pods[0].tally(.tcp, target, attempts: 100).keys)
            #expect(servers == ["pod-1", "pod-2", "other"])
            // A slice goes, and its endpoints only.
            try scene.put("web", [service, slice("a", Scene.targetPort, scene.pods[..<2])])
            servers = Set(try scene.pods[0].tally(.tcp, target, attempts: 100).keys)
            #expect(servers == ["pod-1", "pod-2"])
        }

        @Test(arguments: AddressFamily.allCases)
        func `A6 targetPort and appProtocol are not read`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: [scene.pods[1]])
            var service = web.service
            for index in service.ports.indices { service.ports[index].targetPort = 9999 }
            for appProtocol in ["http", "kubernetes.io/h2c", "example.com/own"] {
                let line = "      port: \(Application.port)\n"
                let yaml = service.yaml.replacing(line, with: "\(line)      appProtocol: \(appProtocol)\n")
                #expect(yaml != service.yaml)
                let slices = web.slices.map(\.yaml).joined(separator: "---\n")
                try scene.folder.write("web.yaml", "\(yaml)---\n\(slices)")
                try scene.settle()
                try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: [scene.pods[1]])
            }
        }

        /// In a slice of the API server a port without a name has the empty one, by default.
        @Test func `A7 a slice's port without a number leads nowhere, its others do`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application()
            func put(_ port: String) throws {
                try scene.put("web", [web.service])
                try scene.folder.write(
                    "slice.yaml",
                    """
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
                    addressType: IPv4
                    ports: [\(port), {name: http-udp, protocol: UDP, port: \(Scene.targetPort)}]
                    endpoints: [{addresses: ["\(scene.pods[0].ipv4)"]}]
                    """)
                try scene.settle()
            }
            for port in ["{name: http}", "{name: http, port: null}", "{name: http, port: 0}", "{port: 8080}"] {
                try put(port)
                try expectRefused(scene.vantagePoints, web.clusterIP(.ipv4), over: [.tcp])
                try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4), over: [.udp])
            }
            try put("{name: http, port: \(Scene.targetPort)}")
            try expectAnswered(scene.vantagePoints, web.clusterIP(.ipv4))
        }

        @Test func `A11 a dual-stack Service answers over both families`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: scene.pods)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `A11 without endpoints of a family its address is refused`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put("web", [web.service] + web.slices.filter { $0.family == family })
            for other in AddressFamily.allCases {
                if other == family {
                    try expectAnswered(scene.vantagePoints, web.clusterIP(other))
                } else {
                    try expectRefused(scene.vantagePoints, web.clusterIP(other))
                }
            }
        }
    }
}
