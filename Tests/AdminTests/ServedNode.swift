import Admin
import Lab
import Logging
import Networking
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// A namespace with a server in it.
final class ServedNode: Sendable {
    let host: Host
    let server: AdminServer
    let log = CollectedLog()
    private let sandbox: Sandbox
    private let group: ServiceGroup

    /// Runs `body` with a server, and ends the server.
    static func with(
        _ limits: ServerLimits = .forTests,
        sites: [Site] = [],
        _ body: (ServedNode) async throws -> Void
    ) async throws {
        try await ServedNode(limits, sites: sites).run(body)
    }

    /// Runs `body` with the server, and ends that. Throws what either throws.
    func run(_ body: (ServedNode) async throws -> Void) async throws {
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await self.group.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(self)) } catch { outcome = .failure(error) }
            await self.group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    init(_ limits: ServerLimits = .forTests, sites: [Site] = []) throws {
        self.sandbox = try Sandbox()
        self.host = self.sandbox.host
        let logger = self.log.logger
        self.server = try self.host.run { AdminServer(sites: sites, logger: logger, limits: limits) }
        self.group = ServiceGroup(
            services: [self.server], logger: Logger(label: "lifecycle", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func serve(_ checks: [HealthCheck], at addresses: [IPAddress]? = nil, isProxyHealthy: Bool = true) {
        self.server.serve(HealthCheckState(checks: checks, addresses: addresses, isProxyHealthy: isProxyHealthy))
    }

    /// Connects as soon as somebody listens.
    func connect(_ port: UInt16, at address: IPAddress = .local) async throws -> ByteConversation {
        var connection: ByteConversation?
        try await eventually("a listener at \(address) port \(port)") {
            connection = try? self.host.connect(to: address, port: port)
            return connection != nil
        }
        return try #require(connection)
    }

    /// What the port answers to a GET, over a connection of its own.
    func ask(_ port: UInt16, at address: IPAddress = .local) async throws -> Reply {
        try await self.connect(port, at: address).ask()
    }

    func isRefused(_ port: UInt16, at address: IPAddress = .local) throws -> Bool {
        let result = try self.host.run { try Probe.tcp(to: address, port: port, timeout: .milliseconds(50)) }
        if case .refused = result { return true }
        return false
    }
}

/// Waits without holding a thread: the server needs one of the pool to start. Long, because tests of the kernel
/// hold the threads of the pool, and on a small machine there are two.
func eventually(_ what: String, within timeout: Duration = .seconds(30), _ condition: () throws -> Bool)
    async throws
{
    let deadline = ContinuousClock.now + timeout
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw LabError("not within \(timeout): \(what)") }
        try await Task.sleep(for: .milliseconds(3))
    }
}

extension ServerLimits {
    static var forTests: Self {
        var limits = Self()
        limits.firstRetry = .milliseconds(20)
        limits.longestRetry = .milliseconds(80)
        return limits
    }
}

extension IPAddress {
    static let local = IPAddress(127, 0, 0, 1)
    static let local6 = IPAddress(ipv6High: 0, low: 1)
}
