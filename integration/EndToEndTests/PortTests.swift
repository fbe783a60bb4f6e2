import Lab
import Networking
import Testing

extension EndToEnd {
    /// Which of a Service's ports goes to which port of which endpoint.
    @Suite struct PortTests {
        @Test(arguments: AddressFamily.allCases)
        func `the same number over TCP and UDP are two ports`(family: AddressFamily) throws {
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
        func `several ports go to several ports, and can come and go`(family: AddressFamily) throws {
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
        func `endpoints come from all slices, each with its own target port`(family: AddressFamily) throws {
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

        @Test func `a dual-stack Service answers over both families`() throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            let web = Application(on: scene.pods)
            try scene.put(web)
            for family in AddressFamily.allCases {
                try expectAnswered(scene.vantagePoints, web.clusterIP(family), by: scene.pods)
            }
        }

        @Test(arguments: AddressFamily.allCases)
        func `without endpoints of a family its address is refused`(family: AddressFamily) throws {
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
