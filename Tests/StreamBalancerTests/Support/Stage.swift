import KubernetesAPI
import LineSupport
import Linux
import Logging
import Networking
import Reactor
import ServiceModel
import Synchronization

@testable import StreamBalancer

/// A balancer, and endpoints on which the test says each byte.
final class Stage: Sendable {
    let balancer: StreamBalancer
    private let running: Task<Void, any Error>

    init(workers: Int = 1, _ limits: StreamLimits = StreamLimits()) throws {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let balancer = try StreamBalancer(limits, workers: workers, logger: logger)
        self.balancer = balancer
        self.running = Task { try await balancer.run() }
    }

    deinit { self.running.cancel() }

    /// Ends as on SIGTERM, but at once.
    func stop() async {
        self.running.cancel()
        _ = try? await self.running.value
    }

    static let port = ServicePortIdentity(
        service: ObjectName(namespace: "default", name: "web"), name: "http", transport: .tcp)

    static func frontend(
        _ address: StreamAddress, _ route: Route, outside: Route? = nil,
        balancing: ServiceModel.Balancing = .random, sources: [AddressRange]? = nil,
        policy: StreamPolicy = StreamPolicy()
    ) -> StreamFrontend {
        StreamFrontend(
            FrontendPlan(
                frontend: Frontend(.address(address.address), address.transport, address.port), role: .clusterIP,
                port: Self.port, route: route, externalRoute: outside, balancing: balancing, admittedSources: sources),
            policy)
    }

    static func route(_ ports: [UInt16], _ policy: TrafficPolicy = .cluster) -> Route {
        .backends(policy, ports.map { WeightedBackend(Backend(IPAddress(127, 0, 0, 1), $0)) }.sorted())
    }

    /// Serves endpoints at a port that is free.
    func serve(
        _ endpoints: [TestEndpoint], at address: StreamAddress? = nil, balancing: ServiceModel.Balancing = .random,
        policy: StreamPolicy = StreamPolicy()
    ) throws -> StreamAddress {
        try self.serve(Self.route(endpoints.map(\.port)), at: address, balancing: balancing, policy: policy)
    }

    func serve(
        _ route: Route, outside: Route? = nil, at address: StreamAddress? = nil,
        balancing: ServiceModel.Balancing = .random, sources: [AddressRange]? = nil,
        policy: StreamPolicy = StreamPolicy(), clients: ClientDetection = ClientDetection()
    ) throws -> StreamAddress {
        let address = try address ?? Self.freeAddress()
        let problems = self.balancer.apply(
            [
                .serve(
                    address,
                    Self.frontend(
                        address, route, outside: outside, balancing: balancing, sources: sources, policy: policy))
            ], clients: clients)
        guard problems.isEmpty else { throw Line.Problem(description: "\(problems)") }
        return address
    }

    func withdraw(_ address: StreamAddress) {
        _ = self.balancer.apply([.withdraw(address)], clients: ClientDetection())
    }

    private static let addresses = Atomic<UInt32>(0)

    /// One that no other test has.
    static func freeAddress() throws -> StreamAddress {
        let number = Self.addresses.add(1, ordering: .relaxed).newValue
        return StreamAddress(.tcp, IPAddress(ipv4: 127 << 24 | 77 << 16 | number), 8_080)
    }

    func connect(_ address: StreamAddress) throws -> Line {
        try Line.connect(to: SocketAddress(address.address, address.port))
    }

    /// Until the counters, which are told some times a second, are as expected.
    func expectReport(_ what: String, _ isExpected: (StreamReport) -> Bool) async throws {
        let start = ContinuousClock.now
        while !isExpected(self.balancer.report()) {
            try await Line.wait(since: start, "\(what): \(self.balancer.report())")
        }
    }
}
