import Lab
import Linux
import Networking
import Testing

extension EndToEnd.HTTP2.Shared {
    /// Endpoints that are asked by `grpc.health.v1.Health`, as Python's grpcio answers.
    @Suite struct GRPCHealthTests {
        private static let annotations = [
            "health-check": "grpc", "health-check-interval": "100ms", "health-check-timeout": "2s",
        ]

        /// Calls of one connection, by the pod that they met.
        private static func calls(_ scene: IngressScene, _ name: String, _ pods: [String]) throws -> [Int] {
            let checks = try GRPCChecks(
                "spread", on: scene.host, authority: "\(name).test", options: ["--calls", "60"])
            checks.expectSuccess()
            return pods.map { checks.number($0) ?? 0 }
        }

        /// The standing of the endpoints of a backend, in their order.
        private static func standings(_ scene: IngressScene, _ name: String) throws -> [String] {
            try HealthPage(scene, name).standings
        }

        @Test func `G12 a server that says NOT_SERVING gets no calls, until it serves again`() throws {
            try withGRPC("serving", ["one", "two"], Self.annotations, health: "=1\n") { scene, _ in
                try expectSoon("both are well", within: .seconds(10)) {
                    try Self.standings(scene, "serving") == ["healthy", "healthy"]
                }
                #expect(try Self.calls(scene, "serving", ["one", "two"]).allSatisfy { $0 > 0 })
                _ = try scene.file("serving-two.health", "=2\n")
                try expectSoon("one of them is not", within: .seconds(10)) {
                    try Self.standings(scene, "serving") == ["healthy", "unhealthy"]
                }
                #expect(try Self.calls(scene, "serving", ["one", "two"]) == [60, 0])
                let line = scene.fairlead.waitForLog(containing: "NOT_SERVING")
                #expect(line?.contains("endpoint is unhealthy") == true, "\(line ?? "")")
                #expect(line?.contains("default/serving:80") == true, "\(line ?? "")")
                _ = try scene.file("serving-two.health", "=1\n")
                try expectSoon("both are well again", within: .seconds(10)) {
                    try Self.standings(scene, "serving") == ["healthy", "healthy"]
                }
                #expect(try Self.calls(scene, "serving", ["one", "two"]).allSatisfy { $0 > 0 })
            }
        }

        @Test func `G13 one service of a server, over TLS`() throws {
            let annotations = Self.annotations.merging(
                ["backend-protocol": "GRPCS", "health-check-grpc-service": "shop.v1.Cart"]) { $1 }
            try withGRPC("carts", ["one", "two"], annotations, secured: true, health: "=1\nshop.v1.Cart=1\n") {
                scene, _ in
                _ = try scene.file("carts-one.health", "=1\nshop.v1.Cart=2\n")
                try expectSoon("the service counts, and not the server", within: .seconds(10)) {
                    try Self.standings(scene, "carts") == ["unhealthy", "healthy"]
                }
                #expect(try Self.calls(scene, "carts", ["one", "two"]) == [0, 60])
                _ = try scene.file("carts-one.health", "=1\n")
                try expectSoon("a service that it does not know", within: .seconds(10)) {
                    try HealthPage(scene, "carts").problems.contains { $0.contains("NOT_FOUND") }
                }
            }
        }

        /// Python's grpcio answers UNIMPLEMENTED: not well, as for the kubelet. Where nobody is, calls go on.
        @Test func `G14 a server without a health service`() throws {
            try withGRPC("unasked", ["one"], Self.annotations) { scene, _ in
                try expectSoon("found", within: .seconds(10)) {
                    try Self.standings(scene, "unasked") == ["unhealthy"]
                }
                #expect(
                    try HealthPage(scene, "unasked").problems == [
                        "UNIMPLEMENTED: the server has no service grpc.health.v1.Health"
                    ])
                #expect(try Self.calls(scene, "unasked", ["one"]) == [60])
            }
        }

        @Test func `G15 a server that does not answer`() throws {
            let annotations = Self.annotations.merging(["health-check-timeout": "200ms"]) { $1 }
            try withGRPC("silent", ["one", "two"], annotations, health: "=1\n") { scene, _ in
                _ = try scene.file("silent-one.health", "=hang\n")
                try expectSoon("found", within: .seconds(20)) {
                    try HealthPage(scene, "silent").problems.contains("timed out waiting for an answer")
                }
            }
        }
    }
}
