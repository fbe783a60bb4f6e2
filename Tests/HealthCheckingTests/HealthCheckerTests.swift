import HTTP1
import Linux
import Logging
import Networking
import Reactor
import ServiceModel
import Synchronization
import Testing

@testable import HealthChecking

/// The thread of the checks, over loopback.
@Suite(.timeLimit(.minutes(2))) struct HealthCheckerTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    private static let unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

    private struct Impatience: Error, CustomStringConvertible {
        let description: String
    }

    /// A checker that runs while `body` does, and all it publishes.
    private static func run(
        limit: Int = 128, _ servers: [Answerer], _ body: (HealthChecker, Published) async throws -> Void
    ) async throws {
        let published = Published()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let checker = try HealthChecker(limit: limit, logger: logger) { published.append($0) }
        let running = Task { try await checker.run() }
        let outcome: Result<Void, any Error>
        do {
            try await Answerer.run(servers) { try await body(checker, published) }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        checker.stop()
        try await running.value
        try outcome.get()
    }

    final class Published: Sendable {
        private let snapshots = Mutex<[HealthSnapshot]>([])
        func append(_ snapshot: HealthSnapshot) { self.snapshots.withLock { $0.append(snapshot) } }
        var all: [HealthSnapshot] { self.snapshots.withLock { $0 } }
    }

    private static func eventually(
        _ what: String, _ checker: HealthChecker, _ isRight: (HealthSnapshot) -> Bool
    ) async throws {
        let start = ContinuousClock.now
        while !isRight(checker.snapshot) {
            guard ContinuousClock.now - start < .seconds(60) else {
                throw Impatience(description: "\(what): \(checker.snapshot)")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private static func backend(
        _ servers: [Answerer], _ question: HealthCheckPolicy.Question = .http(path: "/healthz"),
        name: String = "default/web:80",
        interval: UInt32 = 40, timeout: UInt32 = 60_000, rise: Int = 2, fall: Int = 3
    ) -> CheckedBackend {
        CheckedBackend(
            name: name,
            policy: HealthCheckPolicy(question, interval: interval, timeout: timeout, rise: rise, fall: fall),
            transport: .plain, endpoints: servers.map(\.address))
    }

    private static func health(_ snapshot: HealthSnapshot, _ server: Answerer, key: Int = 0) -> EndpointHealth? {
        snapshot.backends[key]?.endpoints[server.address]
    }

    @Test func `an endpoint that answers with 503 and then with 200 again`() async throws {
        let (well, ill) = (try Answerer(.answer(Self.ok)), try Answerer(.answer(Self.unavailable)))
        let before = WallTime.now.unixNanoseconds
        try await Self.run([well, ill]) { checker, published in
            checker.check([HealthCheckChange(key: 7, backend: Self.backend([well, ill]))])
            try await Self.eventually("found", checker) {
                Self.health($0, ill, key: 7)?.standing == .unhealthy
                    && Self.health($0, well, key: 7)?.standing == .healthy
            }
            #expect(Self.health(checker.snapshot, ill, key: 7)?.failure == .status(503))
            #expect(checker.snapshot.backends[7]?.isFailing(ill.address) == true)
            #expect(checker.snapshot.backends[7]?.isFailing(well.address) == false)
            #expect(checker.report.unhealthyEndpoints == 1 && checker.report.checkedEndpoints == 2)
            let fell = Self.health(checker.snapshot, ill, key: 7)?.since?.unixNanoseconds ?? 0
            #expect(fell >= before)
            ill.behave(.answer(Self.ok))
            try await Self.eventually("back", checker) { Self.health($0, ill, key: 7)?.isUsable == true }
            let rose = Self.health(checker.snapshot, ill, key: 7)?.since?.unixNanoseconds ?? 0
            #expect(rose >= fell)
            // Remembered, as is that the other never turned.
            #expect(Self.health(checker.snapshot, ill, key: 7)?.lastFailure == .status(503))
            #expect(Self.health(checker.snapshot, ill, key: 7)?.failure == nil)
            #expect(Self.health(checker.snapshot, well, key: 7)?.since == nil)
            #expect(Self.health(checker.snapshot, well, key: 7)?.lastFailure == nil)
            // Usable at first, then not, then again; and each time it was said which backend that is about.
            let changed = published.all.filter { $0.changed == [7] }.map { Self.health($0, ill, key: 7)?.isUsable }
            #expect(changed == [false, true])
            #expect(published.all.first.map { Self.health($0, ill, key: 7)?.isUsable } == true)
            #expect(checker.report.becameUnhealthy == 1 && checker.report.becameHealthy == 1)
            #expect(checker.report.badStatuses > 0 && checker.report.passed > 1)
            let received = well.received.first
            let first = try #require(received)
            #expect(first.hasPrefix("GET /healthz HTTP/1.1\r\nHost: \(well.address)\r\n"))
        }
    }

    @Test func `who refuses connections, by TCP`() async throws {
        let (well, ill) = (try Answerer(.hang), try Answerer(.hang))
        let gone = ill.address
        try await Self.run([well]) { checker, _ in
            var backend = Self.backend([well], .tcp)
            // Nobody listens any more: 127.0.0.2 has the port for itself.
            let nobody = SocketAddress(IPAddress(127, 0, 0, 2), gone.port)
            backend = CheckedBackend(
                name: backend.name, policy: backend.policy, transport: .plain, endpoints: [well.address, nobody])
            checker.check([HealthCheckChange(key: 0, backend: backend)])
            try await Self.eventually("found", checker) {
                $0.backends[0]?.endpoints[nobody]?.standing == .unhealthy && Self.health($0, well)?.standing == .healthy
            }
            #expect(checker.snapshot.backends[0]?.endpoints[nobody]?.failure?.description == "connection refused")
            // A connection is all that was asked.
            #expect(well.received.isEmpty && well.accepted > 0)
        }
    }

    @Test(arguments: [
        (Answerer.Manner.hang, ProbeFailure.timedOut(.answer)), (.close, .closed),
        (.answer("220 mail.example ESMTP\r\n"), .malformed(.invalidStatusLine)),
    ])
    func `who says nothing, or something else`(manner: Answerer.Manner, failure: ProbeFailure) async throws {
        let server = try Answerer(manner)
        try await Self.run([server]) { checker, _ in
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server], timeout: 60))])
            try await Self.eventually("found", checker) { Self.health($0, server)?.failure == failure }
        }
    }

    @Test func `gRPC of who speaks HTTP/1.1 fails`() async throws {
        let server = try Answerer(.answer("HTTP/1.1 400 Bad Request\r\n\r\n"))
        try await Self.run([server]) { checker, _ in
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server], .grpc(service: "")))])
            try await Self.eventually("found", checker) { Self.health($0, server)?.standing == .unhealthy }
            #expect(Self.health(checker.snapshot, server)?.failure?.kind == .protocol)
            #expect(server.received.first?.hasPrefix("PRI * HTTP/2.0\r\n") == true)
        }
    }

    @Test func `no more checks are under way than may be, and all have their turn`() async throws {
        let server = try Answerer(.hang, isEverywhere: true)
        let addresses = (1...30).map { SocketAddress(IPAddress(127, 0, 0, $0), server.address.port) }
        try await Self.run(limit: 4, [server]) { checker, _ in
            let policy = HealthCheckPolicy(.http(path: "/"), interval: 10, timeout: 60)
            let backend = CheckedBackend(name: "web", policy: policy, transport: .plain, endpoints: addresses)
            checker.check([HealthCheckChange(key: 0, backend: backend)])
            try await Self.eventually("all found", checker) { snapshot in
                addresses.allSatisfy { snapshot.backends[0]?.endpoints[$0]?.standing == .unhealthy }
            }
            #expect(checker.report.delayed > 0)
            #expect(checker.report.timeouts >= 30)
        }
        // The kernel may tell the server of a new connection before it tells of the end of the old one.
        #expect((1...12).contains(server.mostOpen), "\(server.mostOpen)")
    }

    @Test func `endpoints that stay keep what is known of them, those that go are forgotten`() async throws {
        let servers = try (0..<3).map { _ in try Answerer(.answer(Self.unavailable)) }
        try await Self.run(servers) { checker, published in
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([servers[0], servers[1]]))])
            try await Self.eventually("found", checker) { snapshot in
                servers[0...1].allSatisfy { Self.health(snapshot, $0)?.isUsable == false }
            }
            // Would be asked so seldom that what is known can only be what was.
            let unhurried = Self.backend([servers[1], servers[2]])
            checker.check([HealthCheckChange(key: 0, backend: unhurried)])
            try await Self.eventually("changed", checker) {
                Self.health($0, servers[0]) == nil && Self.health($0, servers[2]) != nil
            }
            let found = published.all.first { Self.health($0, servers[2]) != nil }
            let first = try #require(found)
            #expect(Self.health(first, servers[1])?.standing == .unhealthy)
            #expect(Self.health(first, servers[2])?.standing == .unchecked)
            checker.check([HealthCheckChange(key: 0, backend: nil)])
            try await Self.eventually("gone", checker) { $0.backends[0] == nil }
            #expect(published.all.last?.changed == [0])
            #expect(checker.report.checkedEndpoints == 0 && checker.report.unhealthyEndpoints == 0)
        }
    }

    @Test func `another question is decided by its first answer`() async throws {
        let server = try Answerer(.answer(Self.unavailable))
        try await Self.run([server]) { checker, published in
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server]))])
            try await Self.eventually("found", checker) { Self.health($0, server)?.isUsable == false }
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server], .tcp, rise: 100))])
            try await Self.eventually("well", checker) { Self.health($0, server)?.standing == .healthy }
            let usable = published.all.compactMap { Self.health($0, server)?.isUsable }
            #expect(usable.first == true && usable.last == true && usable.filter { !$0 }.count > 0)
        }
    }

    @Test func `a key that is another backend's knows nothing of the one before`() async throws {
        let server = try Answerer(.answer(Self.unavailable))
        try await Self.run([server]) { checker, published in
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server]))])
            try await Self.eventually("found", checker) { Self.health($0, server)?.isUsable == false }
            checker.check([HealthCheckChange(key: 0, backend: Self.backend([server], name: "other/web:80"))])
            try await Self.eventually("another", checker) { $0.backends[0]?.name == "other/web:80" }
            let found = published.all.first { $0.backends[0]?.name == "other/web:80" }
            let first = try #require(found)
            #expect(Self.health(first, server)?.isUsable == true && first.changed == [0])
        }
    }
}
