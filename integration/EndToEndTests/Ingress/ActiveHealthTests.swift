import Lab
import Networking
import Testing

extension EndToEnd.Ingress.Shared {
    /// Endpoints that are asked by HTTP and TCP.
    @Suite struct ActiveHealthTests {
        private static func annotations(_ kind: String, _ others: [String: String] = [:]) -> [String: String] {
            ["health-check": kind, "health-check-interval": "100ms", "health-check-timeout": "2s"]
                .merging(others) { $1 }
        }

        private static func expectStandings(
            _ scene: IngressScene, _ name: String, _ standings: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try expectSoon("\(standings)", within: .seconds(10), sourceLocation: sourceLocation) {
                try HealthPage(scene, name).standings == standings
            }
        }

        /// The workers have a change when both have read their letters.
        private static func outcomes(_ scene: IngressScene, _ name: String, _ count: Int = 16) throws -> Set<String> {
            Set(try (0..<count).map { _ in try scene.fetch("http://\(name).test/").outcome })
        }

        @Test func `503 to checks takes an endpoint out, and 200 takes it back`() throws {
            let annotations = Self.annotations("http", ["health-check-path": "/healthz?full"])
            try withApplication("asked", ["1", "2"], annotations) { scene, pods in
                try Self.expectStandings(scene, "asked", ["healthy", "healthy"])
                let requests = pods[0].targets
                #expect(requests.allSatisfy { $0 == "/healthz?full" || $0 == "/" }, "\(requests)")
                pods[0].script("/healthz", [.answerWith(503, [])])
                try Self.expectStandings(scene, "asked", ["unhealthy", "healthy"])
                try expectSoon("no request", within: .seconds(2)) {
                    try Self.outcomes(scene, "asked") == ["asked-2"]
                }
                #expect(try Self.outcomes(scene, "asked", 40) == ["asked-2"])
                let line = try #require(scene.fairlead.waitForLog(containing: "status 503"))
                #expect(line.contains("endpoint is unhealthy") && line.contains("default/asked:80"), "\(line)")
                #expect(line.contains("\(pods[0].address)"), "\(line)")
                pods[0].script("/healthz", [.answerWith(204, [])])
                try Self.expectStandings(scene, "asked", ["healthy", "healthy"])
                #expect(scene.fairlead.waitForLog(containing: "endpoint is healthy again") != nil)
                try expectSoon("requests again", within: .seconds(2)) {
                    try Self.outcomes(scene, "asked") == ["asked-1", "asked-2"]
                }
            }
        }

        @Test func `who refuses connections is out, by TCP, and no request has to find out`() throws {
            try withApplication("knocked", ["1", "2"], Self.annotations("tcp")) { scene, pods in
                try Self.expectStandings(scene, "knocked", ["healthy", "healthy"])
                #expect(pods[0].requests == 0, "a connection is all that is asked for")
                pods[0].refuse()
                pods[0].closeConnections()
                try Self.expectStandings(scene, "knocked", ["unhealthy", "healthy"])
                #expect(try HealthPage(scene, "knocked").problems == ["connection refused"])
                try expectSoon("none of them retried", within: .seconds(5)) {
                    let metrics = { try PrometheusText(try scene.page("/metrics").text) }
                    let before = try metrics()["fairlead_ingress_upstream_failures_total", [:]]
                    let outcomes = try Self.outcomes(scene, "knocked", 20)
                    return try outcomes == ["knocked-2"]
                        && metrics()["fairlead_ingress_upstream_failures_total", [:]] == before
                }
                pods[0].listen()
                try Self.expectStandings(scene, "knocked", ["healthy", "healthy"])
            }
        }

        @Test func `an endpoint that hangs`() throws {
            let annotations = Self.annotations(
                "http", ["health-check-timeout": "200ms", "health-check-path": "/hang", "health-check-fall": "1"])
            try withApplication("hanging", ["1", "2"], annotations) { scene, pods in
                pods[1].script("/hang", [.hang])
                try expectSoon("found", within: .seconds(10)) {
                    try HealthPage(scene, "hanging").problems == ["timed out waiting for an answer"]
                }
                try expectSoon("no request", within: .seconds(5)) {
                    try Self.outcomes(scene, "hanging") == ["hanging-1"]
                }
            }
        }

        @Test func `where all endpoints fail all are used`() throws {
            let annotations = Self.annotations("http", ["health-check-path": "/nothing"])
            try withApplication("failing", ["1", "2"], annotations) { scene, pods in
                for pod in pods { pod.script("/nothing", [.answerWith(404, [])]) }
                try Self.expectStandings(scene, "failing", ["unhealthy", "unhealthy"])
                #expect(try Self.outcomes(scene, "failing", 40) == ["failing-1", "failing-2"])
                let line = scene.fairlead.waitForLog(containing: "all endpoints of a backend are unhealthy")
                #expect(line?.contains("default/failing:80") == true)
                let metrics = try PrometheusText(try scene.page("/metrics").text)
                #expect(metrics["fairlead_ingress_health_unhealthy_endpoints", [:]] ?? 0 >= 2)
                #expect(metrics["fairlead_ingress_health_checks_total", ["outcome": "status"]] ?? 0 >= 2)
                #expect(metrics["fairlead_ingress_health_changes_total", ["state": "unhealthy"]] ?? 0 >= 2)
            }
        }

        @Test func `a value that is none is named, and what there is instead is served`() throws {
            let annotations = ["health-check": "icmp", "health-check-interval": "1s"]
            try withApplication("misspelt", ["1"], annotations) { scene, _ in
                #expect(try Self.outcomes(scene, "misspelt", 2) == ["misspelt-1"])
                let problems = try scene.page("/ingress/problems").text
                #expect(problems.contains("fairlead.dev/health-check: must be grpc, http or tcp, not"), "\(problems)")
                #expect(try HealthPage(scene, "misspelt").standings.isEmpty)
            }
        }
    }
}
