import HealthChecking
import KubernetesAPI
import Lab
import LineSupport
import Reactor
import Testing

@testable import HTTPProxy

/// What checks find reaches requests. Endpoints of the test answer both.
@Suite(.timeLimit(.minutes(2))) struct HealthCheckTests {
    private static let annotations = [
        "health-check": "http", "health-check-path": "/health", "health-check-interval": "100ms",
        "health-check-timeout": "60s", "health-check-rise": "1", "health-check-fall": "1",
    ]

    /// An endpoint that says what it is told to checks, and its name to requests, until it is cancelled.
    private final class Application {
        let endpoint: TestEndpoint
        let name: String
        var isWell = true
        var checks = 0
        var requests = 0
        private var lines: [Line] = []

        init(_ name: String) throws {
            self.endpoint = try TestEndpoint()
            self.name = name
        }

        /// Serves what has come.
        func serve() async throws {
            while let line = self.endpoint.acceptWaiting() { self.lines.append(line) }
            for line in self.lines where line.hasBytes() {
                let head = try await line.read(through: "\r\n\r\n")
                guard head.hasPrefix("GET /health ") else {
                    self.requests += 1
                    try await line.send(.ok(self.name))
                    continue
                }
                self.checks += 1
                try await line.send(
                    self.isWell
                        ? .ok("well") : "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            }
            self.lines.removeAll { $0.hasEnded() }
        }
    }

    /// Serves until it is as it is to be.
    private static func until(
        _ what: String, _ applications: [Application], _ isRight: () async throws -> Bool
    ) async throws {
        let start = ContinuousClock.now
        while try await !isRight() {
            for application in applications { try await application.serve() }
            try await Line.wait(since: start, what)
        }
    }

    /// Who answers so many requests, each on a connection of its own.
    private static func answers(
        _ stage: Stage, _ applications: [Application], _ count: Int = 12
    ) async throws -> Set<String> {
        var names: Set<String> = []
        for _ in 0..<count {
            let client = try stage.connect()
            try await client.send(.get())
            try await Self.until("an answer", applications) { client.hasBytes() }
            names.insert(try await client.readMessage().text)
        }
        return names
    }

    private static func unhealthy(_ stage: Stage) -> Int { Int(stage.proxy.report().health.unhealthyEndpoints) }

    @Test func `who fails gets no request, until it is well again; where all fail all get some`() async throws {
        try await Stage.run(workers: 2) { stage in
            let (one, two) = (try Application("one"), try Application("two"))
            let both = [one, two]
            stage.serve(one.endpoint, two.endpoint, annotations: Self.annotations)
            try await Self.until("checks", both) { one.checks > 0 && two.checks > 0 }
            #expect(try await Self.answers(stage, both) == ["one", "two"])

            two.isWell = false
            try await Self.until("two fails", both) { Self.unhealthy(stage) == 1 }
            #expect(try await Self.answers(stage, both) == ["one"])

            one.isWell = false
            try await Self.until("both fail", both) { Self.unhealthy(stage) == 2 }
            #expect(try await Self.answers(stage, both) == ["one", "two"])

            two.isWell = true
            try await Self.until("two is back", both) { Self.unhealthy(stage) == 1 }
            #expect(try await Self.answers(stage, both) == ["two"])
            #expect(stage.proxy.report().health.becameUnhealthy == 2)
        }
    }

    @Test func `endpoints that come and go, and an annotation that does`() async throws {
        try await Stage.run { stage in
            let applications = try ["one", "two", "three"].map { try Application($0) }
            stage.serve(applications[0].endpoint, applications[1].endpoint, annotations: Self.annotations)
            applications[0].isWell = false
            try await Self.until("one fails", applications) { Self.unhealthy(stage) == 1 }
            // Another comes: what is known of those that stay is known still.
            applications[2].isWell = false
            stage.add(port: applications[2].endpoint.port)
            stage.publish()
            #expect(!(try await Self.answers(stage, applications)).contains("one"))
            try await Self.until("three fails", applications) { Self.unhealthy(stage) == 2 }
            #expect(try await Self.answers(stage, applications) == ["two"])
            // Nobody asks any more.
            stage.ingress("web", to: "web")
            stage.publish()
            try await Self.until("forgotten", applications) { stage.proxy.health.backends.isEmpty }
            #expect(try await Self.answers(stage, applications) == ["one", "two", "three"])
            let checks = applications.map(\.checks)
            _ = try await Self.answers(stage, applications)
            #expect(applications.map(\.checks) == checks)
        }
    }

    @Test func `a place that another backend gets says nothing of it`() async throws {
        try await Stage.run { stage in
            let application = try Application("one")
            application.isWell = false
            stage.serve(application.endpoint, annotations: Self.annotations)
            try await Self.until("fails", [application]) { Self.unhealthy(stage) == 1 }
            stage.remove(.ingress, "web")
            stage.publish()
            stage.route(to: "other")
            stage.add(port: application.endpoint.port, to: "other")
            stage.publish()
            try await Self.until("forgotten", [application]) { stage.proxy.health.backends.isEmpty }
            #expect(try await Self.answers(stage, [application], 2) == ["one"])
            #expect(stage.proxy.report().health.checkedEndpoints == 0)
        }
    }
}
