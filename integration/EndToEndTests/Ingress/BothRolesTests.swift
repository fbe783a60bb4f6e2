import Lab
import Linux
import Networking
import Testing

extension EndToEnd.Ingress {
    /// `fairlead run`: Services and Ingresses by one process, from one directory.
    @Suite struct BothRolesTests {
        private static let virtualIP = SocketAddress(IPAddress(10, 96, 0, 10), 80)
        private static let addresses = [IPAddress(198, 51, 100, 1), IPAddress(198, 51, 100, 2)]

        private static func objects(_ endpoint: IPAddress) -> [any Manifest] {
            [
                IngressClassManifest("fairlead", controller: "fairlead.dev/ingress-controller"),
                IngressManifest(
                    "web", className: "fairlead",
                    rules: [
                        .init("web.example", [.init("/", "Prefix", .service("web", port: 80))])
                    ]),
                ServiceManifest("web", clusterIPs: [Self.virtualIP.address], ports: [.init(80, targetPort: 3000)]),
                EndpointSliceManifest(
                    of: "web", family: .ipv4, endpoints: [.init(endpoint)], ports: [.init(3000)]),
            ]
        }

        private static func get(_ host: Host, _ target: SocketAddress, _ path: String = "/") throws -> HTTPResponse {
            let conversation = try host.converseByHTTP(with: target, timeout: .seconds(5))
            return try conversation.exchange(HTTPRequest("GET", path, host: "web.example", ["Connection: close"]))
        }

        @Test func `one process serves both, follows both, and ends in good order`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let host = sandbox.host
            // Endpoints that virtual IPs may lead to: loopback addresses are none.
            for address in Self.addresses { _ = try host.shell("ip addr add \(address)/32 dev lo") }
            _ = try host.shell("ip route add 10.96.0.0/16 dev lo src \(Self.addresses[0])")
            let backends = try Self.addresses.enumerated().map { index, address in
                try HTTPBackend(on: host, SocketAddress(address, 3000), name: "backend-\(index)")
            }
            defer { for backend in backends { backend.stop() } }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            try folder.write("web.yaml", Self.objects(Self.addresses[0]))
            let fairlead = try FairleadProcess(on: host, ["run", "--manifests", folder.path])
            defer { _ = fairlead.terminate() }

            let local = IPAddress(127, 0, 0, 1)
            for (index, address) in Self.addresses.enumerated() {
                if index > 0 { try folder.write("web.yaml", Self.objects(address)) }
                for target in [SocketAddress(local, 80), Self.virtualIP] {
                    expectSoon("\(target) is answered by backend-\(index)", within: .seconds(10)) {
                        (try? Self.get(host, target)["X-Backend"]) == "backend-\(index)"
                    }
                }
            }
            // The pages of both, the metrics of both at one address.
            for port in [10254, 10256] as [UInt16] {
                #expect(try Self.get(host, SocketAddress(local, port), "/healthz").status == 200)
            }
            let admin = SocketAddress(local, 10249)
            let metrics = try Self.get(host, admin, "/metrics").text
            #expect(metrics.contains("\nfairlead_ingress_routes 1\n") && metrics.contains("\nfairlead_services 1\n"))
            try MonitoringFiles.expectKnown(by: try PrometheusText(metrics))
            #expect(try Self.get(host, admin, "/ingress/routes").text.contains(#""host":"web.example""#))
            #expect(try Self.get(host, admin, "/proxyMode").text == "nftables")

            fairlead.process.signal(15)
            #expect(fairlead.process.waitForExit(timeout: .seconds(10)) == .exited(0), "\(fairlead.log)")
            // Services go on without it, Ingresses do not.
            #expect(try Self.get(host, Self.virtualIP)["X-Backend"] == "backend-1")
            #expect(throws: (any Error).self) { _ = try Self.get(host, SocketAddress(local, 80)) }
        }

        /// Who scrapes pays for each series, each time: what grows with a cluster is for the admin API.
        @Test func `metrics are as many with a thousand Services and Ingresses as with one`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let host = sandbox.host
            _ = try host.shell("ip addr add \(Self.addresses[0])/32 dev lo && ip route add default dev lo")
            let backend = try HTTPBackend(on: host, SocketAddress(Self.addresses[0], 3000), name: "backend")
            defer { backend.stop() }
            let folder = try ManifestFolder()
            defer { folder.delete() }
            try folder.write("web.yaml", Self.objects(Self.addresses[0]))
            let fairlead = try FairleadProcess(
                on: host, ["run", "--manifests", folder.path, "--max-route-metrics", "10"])
            defer { _ = fairlead.terminate() }
            let (proxy, admin) = (
                SocketAddress(IPAddress(127, 0, 0, 1), 80), SocketAddress(IPAddress(127, 0, 0, 1), 10249)
            )
            func series() throws -> Set<String> {
                let text = try Self.get(host, admin, "/metrics").text
                return Set(text.split(separator: "\n").filter { $0.first != "#" }.map { "\($0.prefix { $0 != " " })" })
            }
            func isThere(_ name: String) -> Bool {
                let request = HTTPRequest("GET", "/", host: name, ["Connection: close"])
                return (try? host.converseByHTTP(with: proxy).exchange(request).status) == 200
            }
            expectSoon("routed", within: .seconds(10)) { isThere("web.example") }
            // What a change brings, it has brought already: at the other address nobody listens.
            try folder.write("web.yaml", Self.objects(Self.addresses[1]))
            expectSoon("changed", within: .seconds(10)) { !isThere("web.example") }
            try folder.write("web.yaml", Self.objects(Self.addresses[0]))
            expectSoon("routed again", within: .seconds(10)) { isThere("web.example") }
            func expectServices(_ count: Int) {
                expectSoon("\(count) Services are programmed", within: Sanitizer.bound(.seconds(20))) {
                    (try? Self.get(host, admin, "/metrics").text.contains("\nfairlead_services \(count)\n")) == true
                }
            }
            expectServices(1)
            let few = try series()
            #expect(few.count > 100)

            try folder.write(
                "many.yaml",
                (0..<1000).flatMap { number -> [any Manifest] in
                    let name = "many-\(number)"
                    return [
                        ServiceManifest(
                            name, clusterIPs: [IPAddress(10, 97, UInt8(number / 250), UInt8(number % 250))],
                            ports: [.init(80, targetPort: 3000)]),
                        EndpointSliceManifest(
                            of: name, family: .ipv4, endpoints: [.init(Self.addresses[0])], ports: [.init(3000)]),
                        IngressManifest(
                            name, className: "fairlead",
                            rules: [.init("\(name).example", [.prefix("/", .service(name, port: 80))])]),
                    ]
                })
            expectSoon("all are routed", within: Sanitizer.bound(.seconds(20))) { isThere("many-999.example") }
            for number in stride(from: 0, to: 1000, by: 50) { #expect(isThere("many-\(number).example")) }
            expectServices(1001)
            let many = try series()
            // Those of routes have their own bound: the first ten by name, of which three were asked for, and all others together.
            let routes = many.filter { $0.hasPrefix("fairlead_ingress_route_") }
            let hosts = Set(routes.map { $0.split(separator: "\"", omittingEmptySubsequences: false)[1] })
            #expect(hosts == ["", "web.example", "many-0.example", "many-100.example"])
            #expect(routes.contains { $0.contains("type=\"other\"") })
            let new = many.subtracting(few).subtracting(routes)
            #expect(new.isEmpty, "new: \(new.sorted())")
        }

        @Test func `two that want the same port: the second says who has it`() throws {
            let scene = try IngressScene()
            defer { scene.tearDown() }
            let completion = try scene.host.execute(
                [
                    try FairleadProcess.locate(), "ingress", "--manifests", scene.folder.path, "--https-port", "0",
                    "--workers", "2", "--healthz-port", "0", "--metrics-bind-address", "",
                ], timeout: .seconds(10))
            #expect(completion.status == .exited(1))
            for word in ["another Fairlead", "0.0.0.0:80", "process \(scene.fairlead.process.pid)"] {
                #expect(completion.errorOutput.contains(word), "\(completion.errorOutput)")
            }
        }

        @Test func `without the capability for low ports it says how to get it`() throws {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            try sandbox.host.setKernelParameters([("net/ipv4/ip_unprivileged_port_start", "1024")])
            let folder = try ManifestFolder()
            defer { folder.delete() }
            let completion = try sandbox.host.execute(
                ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
                    + [try FairleadProcess.locate(), "ingress", "--manifests", folder.path], timeout: .seconds(10))
            #expect(completion.status == .exited(1), "\(completion.errorOutput)")
            for word in [":80: Permission denied", "CAP_NET_BIND_SERVICE", "--http-port", "AmbientCapabilities"] {
                #expect(completion.errorOutput.contains(word), "\(completion.errorOutput)")
            }
        }

        @Test func `pages at the program's own addresses`() throws {
            let scene = try IngressScene(["--access-log", "-"])
            defer { scene.tearDown() }
            try scene.put(
                "web", try scene.service("a") + [ingress("a", [.init("a.example", [.prefix("/", .to("a"))])])])
            #expect(try scene.fetch("http://a.example/").status == 200)
            #expect(try scene.page("/livez", at: IngressScene.health).status == 200)
            for (page, part) in [
                ("/ingress/routes", #""kind":"RouteList""#), ("/ingress/backends", #""backend":"default/a:80""#),
                ("/ingress/certificates", #""default":true,"state":"valid""#), ("/ingress/problems", #""items":["#),
                ("/ingress/status", #""addresses":["192.0.2.80"]"#),
            ] {
                let answer = try scene.page(page)
                #expect(answer.status == 200 && answer["Content-Type"] == "application/json", "\(page)")
                #expect(answer.text.contains(part), "\(page): \(answer.text)")
            }
            #expect(try scene.page("/ingress/status").text.contains(#""leader""#) == false)
            try expectSoon("the request is counted", within: .seconds(5)) {
                try scene.page("/metrics").text.contains("\nfairlead_ingress_requests_total{code=\"2xx\"} ")
                    && !scene.page("/metrics").text.contains("\nfairlead_ingress_requests_total{code=\"2xx\"} 0\n")
            }
        }
    }
}
