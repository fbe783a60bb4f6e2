import Glibc
import Lab
import Linux
import Networking
import Testing

extension EndToEnd {
    /// The dashboard in headless Chromium: what it shows, whether it can be used without a mouse and read by who sees little, and whether it
    /// keeps up with many Services.
    @Suite struct DashboardTests {
        private static let tool = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/browser.py"
        private static let virtualIP = IPAddress(10, 96, 0, 10)
        private static let pod = IPAddress(198, 51, 100, 1)

        /// What the tool found, by name.
        private static func look(_ host: Host, _ port: UInt16, into folder: String) throws -> [String: String] {
            let completion = try host.execute(
                ["python3", Self.tool, "http://127.0.0.1:\(port)/", folder], timeout: Sanitizer.bound(.seconds(120)))
            try #require(completion.succeeded, "\(completion.errorOutput)")
            var found: [String: String] = [:]
            for line in completion.output.split(separator: "\n") {
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                found[String(parts[0])] = String(parts.last ?? "")
            }
            return found
        }

        private static func objects() -> [any Manifest] {
            func service(_ name: String, _ number: UInt8) -> ServiceManifest {
                ServiceManifest(name, clusterIPs: [IPAddress(10, 96, 0, number)], ports: [.init(80, targetPort: 3000)])
            }
            var broken = EndpointSliceManifest.Endpoint(IPAddress(198, 51, 100, 2))
            broken.ready = false
            broken.serving = false
            var ingress = IngressManifest(
                "shop", className: "fairlead",
                rules: [
                    .init(
                        "shop.example",
                        [
                            .init("/", "Prefix", .service("web", port: 80)),
                            .init("/idle", "Prefix", .service("idle", port: 80)),
                        ])
                ])
            ingress.tls = [.init(["shop.example"], secret: "gone")]
            return [
                IngressClassManifest("fairlead", controller: "fairlead.dev/ingress-controller"), ingress,
                service("web", 10), service("idle", 11),
                EndpointSliceManifest(of: "web", family: .ipv4, endpoints: [.init(Self.pod)], ports: [.init(3000)]),
                EndpointSliceManifest(of: "idle", family: .ipv4, endpoints: [broken], ports: [.init(3000)]),
            ]
        }

        /// Services that nobody looks at one by one.
        private static func many(_ count: Int) -> [any Manifest] {
            (0..<count).flatMap { number -> [any Manifest] in
                let address = IPAddress(10, 97, UInt8(number / 250), UInt8(number % 250 + 1))
                let name = "many-\(number)"
                return [
                    ServiceManifest(name, clusterIPs: [address], ports: [.init(80, targetPort: 3000)]),
                    EndpointSliceManifest(of: name, family: .ipv4, endpoints: [.init(Self.pod)], ports: [.init(3000)]),
                ]
            }
        }

        @Test func `it shows what is wrong first, can be used by keyboard, and keeps up with ten thousand Services`()
            throws
        {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            let host = sandbox.host
            try host.shell("ip addr add \(Self.pod)/32 dev lo && ip route add default dev lo")
            let folder = try ManifestFolder()
            defer { folder.delete() }
            try folder.write("shop.yaml", Self.objects())
            try folder.write("many.yaml", Self.many(9_998))
            let fairlead = try FairleadProcess(
                on: host,
                [
                    "run", "--manifests", folder.path, "--http-port", "8080", "--https-port", "8443",
                    "--admin-bind-address", "127.0.0.1:10257",
                ])
            defer { _ = fairlead.terminate() }
            let isThere = waitUntil(timeout: Sanitizer.bound(.seconds(30))) {
                fairlead.log.contains { $0.contains("in force") }
            }
            try #require(isThere, "\(fairlead.log)")
            // Until everything was listed there are no answers, of which the page tells.
            for list in ["services", "routes"] {
                expectSoon("\(list) are listed", within: Sanitizer.bound(.seconds(30))) {
                    let address = SocketAddress(IPAddress(127, 0, 0, 1), 10257)
                    return (try? host.get(address, path: "/v1/\(list)"))??.status == 200
                }
            }
            let found = try Self.look(host, 10257, into: Self.pictures ?? folder.path)

            #expect(found["status"] == "10000 of 10000, 1 with something wrong")
            #expect(found["services.0.1"] == "default/idle" && found["services.0.3"] == "0/1")
            #expect(found["services.0.4"] == "none is ready")
            #expect(found["figures.count"].flatMap { Int($0) } ?? 0 >= 5)
            // The keyboard.
            #expect(found["focus after /"] == "search" && found["focus after Tab"] == "frame")
            #expect(found["selected"] == "1")
            #expect(
                found["detail"]?.contains("Endpoints") == true
                    && found["detail"]?.contains("198.51.100.1:3000") == true, "\(found)")
            #expect(found["detail after Escape"] == "true")
            // Names for screen readers, and contrast.
            #expect(found["named"].flatMap { Int($0) } ?? 0 > 5)
            #expect(found["unnamed.count"] == "0", "\(found.filter { $0.key.hasPrefix("unnamed") })")
            for scheme in ["light", "dark"] {
                #expect(found["contrast.\(scheme).count"].flatMap { Int($0) } ?? 0 > 10, "\(scheme)")
                #expect(
                    found["contrast.\(scheme).poor.count"] == "0", "\(found.filter { $0.key.hasPrefix("contrast") })")
            }
            // Of ten thousand a screenful is in the document.
            #expect(found["scroll.most"].flatMap { Int($0) } ?? .max < 80)
            #expect(found["scroll.last"] == "9999")
            print(
                "scrolling through 10,000 Services: median \(found["scroll.median"] ?? "") ms a step, slowest \(found["scroll.slowest"] ?? "") ms"
            )
            // The other lists.
            #expect(found["routes.0.0"]?.hasSuffix(" Prefix /idle") == true, "\(found)")
            #expect(found["routes.0.4"] == "no-endpoints", "\(found)")
            #expect(found["certificates.0.0"] == "default/gone" && found["certificates.0.4"] == "missing", "\(found)")
            #expect(found["problems.0.2"] == "CertificateMissing", "\(found)")
            // It asks nobody else, and nothing fails.
            #expect(found["outside.count"] == "0" && found["errors.count"] == "0", "\(found)")
        }

        /// Where pictures are kept: `FAIRLEAD_PICTURES=docs/images` makes those of the documentation anew.
        private static let pictures = unsafe getenv("FAIRLEAD_PICTURES").map { unsafe String(cString: $0) }
    }
}
