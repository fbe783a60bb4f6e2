import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules B: which endpoints a route has, and what comes of those that have none.
    @Suite struct BackendRuleTests {
        private static func ingress(_ rule: String, to backend: IngressManifest.Backend) -> IngressManifest {
            EndToEndTests.ingress(rule, [.init("\(rule).test", [.prefix("/", backend)])])
        }

        private static func expectUnavailable(_ url: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let response = try Stage.scene.fetch(url)
            #expect(response.status == 503, "\(url)", sourceLocation: sourceLocation)
            #expect(
                response["X-Fairlead-Reason"]?.isEmpty == false, "\(response.fields)", sourceLocation: sourceLocation)
        }

        @Test func `B1 a Service of another namespace is not there`() throws {
            let scene = try Stage.scene
            var elsewhere = Self.ingress("b1", to: .to("b1-service"))
            elsewhere.namespace = "b1-other"
            let objects = try scene.service("b1-service") + [elsewhere]
            try scene.with("b1", objects) {
                try Self.expectUnavailable("http://b1.test/")
                try scene.put("b1", objects + (try scene.service("b1-service", namespace: "b1-other", on: ["b"])))
                try expectRoutes(scene, ["http://b1.test/": "b"])
            }
        }

        @Test func `B2 ports go by number or name of the Service's port, never by targetPort`() throws {
            let scene = try Stage.scene
            let endpoint = EndpointSliceManifest.Endpoint(try scene.backend("a").address.address)
            let other = EndpointSliceManifest.Endpoint(try scene.backend("b").address.address)
            let service = ServiceManifest(
                "b2", clusterIPs: [], ports: [.init(80, targetPort: 3000), .init(81, name: "other", targetPort: 3000)])
            let slices = [
                EndpointSliceManifest(
                    of: "b2", name: "b2-1", family: .ipv4, endpoints: [endpoint], ports: [.init(3000)]),
                EndpointSliceManifest(
                    of: "b2", name: "b2-2", family: .ipv4, endpoints: [other], ports: [.init(3000, name: "other")]),
            ]
            let rules = EndToEndTests.ingress(
                "b2",
                [
                    .init(
                        "b2.test",
                        [
                            .exact("/80", .service("b2", port: 80)), .exact("/http", .service("b2", port: "http")),
                            .exact("/81", .service("b2", port: 81)), .exact("/other", .service("b2", port: "other")),
                            .exact("/3000", .service("b2", port: 3000)), .exact("/none", .service("b2", port: "none")),
                        ])
                ])
            try scene.with("b2", [service] + slices + [rules]) {
                try expectRoutes(
                    scene,
                    [
                        "http://b2.test/80": "a", "http://b2.test/http": "a", "http://b2.test/81": "b",
                        "http://b2.test/other": "b",
                    ])
                try Self.expectUnavailable("http://b2.test/3000")
                try Self.expectUnavailable("http://b2.test/none")
            }
        }

        @Test func `B3 without Service, port or ready endpoint 503, until there is one`() throws {
            let scene = try Stage.scene
            let url = "http://b3.test/"
            let rules = Self.ingress("b3", to: .to("b3"))
            try scene.with("b3", [rules]) {
                try Self.expectUnavailable(url)
                try scene.put("b3", [rules] + scene.service("b3", endpoints: []))
                try Self.expectUnavailable(url)
                try scene.put("b3", [rules] + (try scene.service("b3", on: ["a"], ready: [])))
                try Self.expectUnavailable(url)
                try scene.put("b3", [rules] + (try scene.service("b3", on: ["a"])))
                try expectRoutes(scene, [url: "a"])
                try scene.put("b3", [rules] + scene.service("b3", endpoints: []))
                try Self.expectUnavailable(url)
                #expect(try scene.fetch(url)["X-Fairlead-Reason"]?.contains("no-endpoints") == true)
            }
        }

        @Test func `B4 an endpoint that is not ready any more gets nothing new, and no request fails`() throws {
            let scene = try Stage.scene
            let rules = Self.ingress("b4", to: .to("b4"))
            let pods = ["b4-1", "b4-2", "b4-3"]
            try scene.with("b4", [rules] + (try scene.service("b4", on: pods))) {
                let load = try HTTPLoad(
                    from: scene.host, to: IngressScene.http, [.init(host: "b4.test", path: "/")], rate: 300,
                    connections: 16, freshEvery: 7)
                for ready in [["b4-1", "b4-2"], ["b4-2"], ["b4-2", "b4-3"], ["b4-1"], pods] {
                    try scene.put("b4", [rules] + (try scene.service("b4", on: pods, ready: ready)))
                    // Where the load is slow, much of what was sent before that was in force waits for its answer: as
                    // many as that have to have come.
                    let sent = load.report.sent
                    #expect(waitUntil(timeout: .seconds(5)) { load.report.answered + load.report.failed >= sent })
                    let before = load.report.answeredBy
                    pause(.milliseconds(300))
                    let after = load.report.answeredBy
                    let used = pods.filter { after[$0] != before[$0] }
                    // Those need not be the same ones: a few may have been under way still when the first count was taken.
                    let late = pods.filter { !ready.contains($0) && after[$0, default: 0] > before[$0, default: 0] + 4 }
                    #expect(late.isEmpty && Set(ready).isSubset(of: used), "\(ready): \(used)")
                }
                let report = load.stop()
                #expect(report.failed == 0 && report.answered == report.sent, "\(report.failures)")
            }
        }

        @Test func `B5 endpoints of several slices, of one family each, of a Service with a long name`() throws {
            let scene = try Stage.scene
            let name = String(repeating: "long-name-", count: 6) + "xyz"
            try #require(name.utf8.count == 63)
            let six = IPAddress(ipv6High: 0, low: 1)
            let overIPv6 = try HTTPBackend(on: scene.host, SocketAddress(six, 3000), name: "six")
            defer { overIPv6.stop() }
            func slice(_ number: Int, _ address: IPAddress) -> EndpointSliceManifest {
                EndpointSliceManifest(
                    of: name, name: "b5-\(number)", family: address.family, endpoints: [.init(address)],
                    ports: [.init(3000)])
            }
            let four = try ["a", "b"].enumerated().map {
                slice($0.offset, try scene.backend($0.element).address.address)
            }
            let (clusterIP, clusterIPv6) = (IPAddress(10, 96, 0, 5), IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: 5))
            // A pod with two addresses is in slices of both families, and one endpoint: of the Service's first family, or of the
            // other if there is nobody.
            for (clusterIPs, slices, expected) in [
                ([clusterIP], four, ["a", "b"]), ([clusterIP, clusterIPv6], four + [slice(2, six)], ["a", "b"]),
                ([clusterIPv6, clusterIP], four + [slice(2, six)], ["six"]), ([clusterIP], [slice(2, six)], ["six"]),
            ] {
                let service = ServiceManifest(name, clusterIPs: clusterIPs, ports: [.init(80, targetPort: 3000)])
                try scene.with("b5", [service] + slices + [Self.ingress("b5", to: .to(name))]) {
                    let answered = try Set((0..<30).map { _ in try scene.fetch("http://b5.test/").outcome })
                    #expect(answered == Set(expected), "\(clusterIPs)")
                }
            }
        }

        @Test func `B6 ExternalName is not followed, and that is said`() throws {
            let scene = try Stage.scene
            var service = ServiceManifest("b6", clusterIPs: [], ports: [.init(80)])
            service.type = "ExternalName"
            service.externalName = "localhost"
            try scene.with("b6", [service, Self.ingress("b6", to: .to("b6"))]) {
                try Self.expectUnavailable("http://b6.test/")
                try expectProblem(scene, "default/b6", "ExternalName")
            }
        }

        @Test func `B7 a resource as backend does no harm to other paths, and is said`() throws {
            let scene = try Stage.scene
            let rules = EndToEndTests.ingress(
                "b7",
                [
                    .init(
                        "b7.test",
                        [
                            .prefix("/bucket", .resource(kind: "Bucket", name: "static")), .prefix("/web", .to("a")),
                            .prefix("/", .to("b")),
                        ])
                ])
            try scene.with("b7", [rules]) {
                try expectRoutes(
                    scene,
                    ["http://b7.test/web": "a", "http://b7.test/": "b", "http://a.example/": "a"])
                let refused = try scene.fetch("http://b7.test/bucket/x")
                #expect([404, 503].contains(refused.status), "never another path's backend: \(refused)")
                try expectProblem(scene, "default/b7", "ResourceBackend")
            }
        }

        @Test func `B8 a bad Ingress does no harm to others, in the same file or another`() throws {
            let scene = try Stage.scene
            let good = Self.ingress("b8-good", to: .to("a"))
            var bad = [
                EndToEndTests.ingress("b8-path", [.init("b8-path.test", [.prefix("no/slash", .to("a"))])]),
                EndToEndTests.ingress("b8-host", [.init("not a host", [.prefix("/", .to("a"))])]),
                EndToEndTests.ingress("b8-type", [.init("b8-type.test", [.init("/", "Regex", .to("a"))])]),
            ]
            for index in bad.indices { bad[index].namespace = "b8" }
            try scene.with("b8", [bad[0], good, bad[1], bad[2]]) {
                try expectRoutes(
                    scene,
                    [
                        "http://b8-good.test/": "a", "http://a.example/": "a", "http://b8-path.test/": "404",
                        "http://b8-type.test/": "404",
                    ])
                for ingress in bad {
                    let name = "b8/\(ingress.name)"
                    let page = try scene.page("/ingress/problems").text
                    #expect(page.contains(name) || scene.fairlead.log.contains { $0.contains(name) }, "\(name)")
                }
            }
            // Not even YAML: the rest goes on.
            try scene.folder.write("b8-broken.yaml", "{ [ : not yaml\n")
            defer { try? scene.folder.remove("b8-broken.yaml") }
            try scene.with("b8", [good]) { try expectRoutes(scene, ["http://b8-good.test/": "a"]) }
        }
    }
}
