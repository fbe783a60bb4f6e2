import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules X: what two ask for.
    @Suite struct ConflictRuleTests {
        private static func ingress(
            _ name: String, namespace: String = "default", time: String?, _ host: String,
            _ paths: [IngressManifest.Path], _ annotations: [String: String] = [:]
        ) -> IngressManifest {
            var ingress = EndToEndTests.ingress(name, [.init(host, paths)], annotations)
            ingress.namespace = namespace
            ingress.creationTimestamp = time
            return ingress
        }

        private static let (old, new) = ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z")

        @Test func `X1 the oldest Ingress has a path that two want, and the rest is merged`() throws {
            let scene = try Stage.scene
            let first = Self.ingress(
                "x1-z", time: Self.old, "x1.test", [.prefix("/both", .to("a")), .prefix("/first", .to("a"))])
            let second = Self.ingress(
                "x1-a", time: Self.new, "x1.test", [.prefix("/both", .to("b")), .prefix("/second", .to("b"))])
            try scene.with("x1", [second, first]) {
                try expectRoutes(
                    scene, ["http://x1.test/both": "a", "http://x1.test/first": "a", "http://x1.test/second": "b"])
                try expectProblem(scene, "default/x1-a")
                // It takes over when the older one goes.
                try scene.put("x1", [second])
                try expectRoutes(scene, ["http://x1.test/both": "b", "http://x1.test/first": "404"])
            }
            // Of the same age the first by name.
            let tie = [
                Self.ingress("x1-m", time: Self.old, "x1.test", [.prefix("/", .to("b"))]),
                Self.ingress("x1-c", time: Self.old, "x1.test", [.prefix("/", .to("a"))]),
            ]
            try scene.with("x1", tie) { try expectRoutes(scene, ["http://x1.test/": "a"]) }
        }

        @Test func `X2 the same path with another type is no conflict`() throws {
            let scene = try Stage.scene
            let objects = [
                Self.ingress("x2-1", time: Self.old, "x2.test", [.prefix("/foo", .to("a"))]),
                Self.ingress("x2-2", time: Self.new, "x2.test", [.exact("/foo", .to("b"))]),
            ]
            try scene.with("x2", objects) {
                try expectRoutes(scene, ["http://x2.test/foo": "b", "http://x2.test/foo/": "a"])
                #expect(try !scene.page("/ingress/problems").text.contains("default/x2-2"))
            }
        }

        @Test func `X3 Ingresses of all namespaces share a host, and annotations are for the own paths`() throws {
            let scene = try Stage.scene
            let objects: [any Manifest] = [
                Self.ingress(
                    "x3", namespace: "x3-one", time: Self.old, "x3.test", [.prefix("/one", .to("one"))],
                    ["proxy-body-size": "10"]),
                Self.ingress("x3", namespace: "x3-two", time: Self.new, "x3.test", [.prefix("/two", .to("two"))]),
            ]
            let services =
                try scene.service("one", namespace: "x3-one", on: ["a"])
                + scene.service("two", namespace: "x3-two", on: ["b"])
            try scene.with("x3", objects + services) {
                let long = String(repeating: "x", count: 100)
                for (path, body, expected) in [("one", "short", "a"), ("one", long, "413"), ("two", long, "b")] {
                    let response = try scene.fetch("http://x3.test/\(path)", method: "POST", body: body)
                    #expect(response.outcome == expected, "\(path)")
                }
            }
        }

        @Test func `X4 of a path twice in one Ingress the first counts`() throws {
            let scene = try Stage.scene
            let object = Self.ingress(
                "x4", time: nil, "x4.test",
                [.prefix("/x", .to("a")), .prefix("/x", .to("b")), .exact("/y", .to("b")), .exact("/y", .to("a"))])
            try scene.with("x4", [object]) {
                try expectRoutes(scene, ["http://x4.test/x": "a", "http://x4.test/y": "b"])
            }
        }
    }
}
