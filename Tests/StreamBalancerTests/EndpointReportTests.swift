import Balancing
import HealthChecking
import KubernetesAPI
import LineSupport
import Linux
import Networking
import Reactor
import ServiceModel
import Testing

@testable import StreamBalancer

/// What is told of endpoints.
@Suite(.timeLimit(.minutes(10))) struct EndpointReportTests {
    private static let slowStart = SlowStart(milliseconds: 1_000)

    @Test func `shares grow in ten steps, the first at once`() {
        #expect(
            [0, 99, 100, 550, 899, 900, 5_000].map { Self.slowStart.step(from: 7, at: 7 + $0) } == [
                1, 1, 2, 6, 9, 10, 10,
            ])
        #expect(Self.slowStart.end(from: 7) == 907)
        #expect(SlowStart(milliseconds: 0).step(from: 7, at: 7) == SlowStart.steps)
        // Whatever the duration, the end is where the last step begins.
        for duration in [1, 3, 7, 33, 999, 60_001] as [UInt32] {
            let slowStart = SlowStart(milliseconds: duration)
            let end = slowStart.end(from: 0)
            #expect(slowStart.step(from: 0, at: end) == 10)
            #expect(end == 0 || slowStart.step(from: 0, at: end - 1) < 10)
        }
    }

    @Test func `warmth is a share at first, and then a time`() {
        #expect(Self.slowStart.warmth(from: 100, at: 100) == .warming(percent: 10, milliseconds: 0))
        #expect(Self.slowStart.warmth(from: 100, at: 650) == .warming(percent: 60, milliseconds: 550))
        #expect(Self.slowStart.warmth(from: 100, at: 1_100) == .warm(milliseconds: 100))
    }

    private static func key(_ policy: TrafficPolicy, serverName: String? = nil) -> GroupKey {
        GroupKey(port: Stage.port, family: .ipv4, policy: policy, serverName: serverName)
    }

    private static let address = SocketAddress(IPAddress(127, 0, 0, 1), 1)
    private static let endpoint = StreamEndpoint(port: Stage.port, backend: Backend(address.address, address.port))
    private static let now = WallTime(seconds: 1_000)

    private static func tally(
        _ connections: Int, _ warmth: Warmth? = nil, _ policy: TrafficPolicy = .cluster, serverName: String? = nil
    ) -> EndpointTally {
        EndpointTally(
            group: self.key(policy, serverName: serverName), endpoint: self.address, connections: connections,
            warmth: warmth)
    }

    @Test func `connections are those of all workers and groups, but for other Services' endpoints`() {
        let reports = StreamEndpointReport.merge(
            [[Self.tally(2), Self.tally(1, nil, .local)], [Self.tally(4)], [Self.tally(8, serverName: "a.example")]],
            checked: [], HealthSnapshot(), at: Self.now)
        #expect(reports.count == 1 && reports[Self.endpoint]?.connections == 7)
        #expect(reports[Self.endpoint]?.isChecked == false && reports[Self.endpoint]?.isUsable == true)
    }

    @Test(arguments: [true, false])
    func `the smallest share counts, and the last end`(isReversed: Bool) {
        func merged(_ tallies: [EndpointTally]) -> StreamEndpointReport? {
            StreamEndpointReport.merge(
                isReversed ? [tallies.reversed()] : [tallies], checked: [], HealthSnapshot(), at: Self.now)[
                    Self.endpoint]
        }
        let mixed = merged([
            Self.tally(0, .warming(percent: 40, milliseconds: 3_000)), Self.tally(0, .warm(milliseconds: 10)),
            Self.tally(0, .warming(percent: 30, milliseconds: 2_000)), Self.tally(1),
        ])
        #expect(mixed?.share == 30 && mixed?.shareSince == 998_000_000_000)
        let warm = merged([Self.tally(0, .warm(milliseconds: 5_000)), Self.tally(0, .warm(milliseconds: 1_000))])
        #expect(warm?.share == 100 && warm?.shareSince == 999_000_000_000)
    }

    /// The clock of workers is milliseconds; here it is the test's.
    @Test func `a group tells of slow start from when an endpoint is new until it has gone`() throws {
        var policy = StreamPolicy()
        policy.slowStart = 1_000
        func plan(_ ports: [UInt16]) -> GroupPlan {
            GroupPlan(
                number: 0, key: Self.key(.cluster),
                endpoints: ports.map { BackendEndpoint(address: IPAddress(127, 0, 0, 1), port: $0, weight: 1) },
                policy: policy)
        }
        var group = ServedGroup(plan([1]), seed: 1)
        func warmth(_ port: UInt16, _ now: UInt64) -> Warmth? {
            group.tallies(now: now).first { $0.endpoint.port == port }?.warmth
        }
        #expect(group.tallies(now: 50).isEmpty)
        group.adopt(plan([1, 2]), now: 100)
        #expect(warmth(2, 100) == .warming(percent: 10, milliseconds: 0))
        #expect(warmth(1, 100) == nil)
        group.weigh(now: 700)
        #expect(warmth(2, 700) == .warming(percent: 70, milliseconds: 600))
        group.weigh(now: 1_100)
        #expect(warmth(2, 1_500) == .warm(milliseconds: 500))
        group.adopt(plan([1]), now: 1_600)
        #expect(group.tallies(now: 1_600).isEmpty)
    }

    @Test func `open connections are told exactly, and not after they have ended`() async throws {
        let stage = try Stage(workers: 2)
        let endpoint = try TestEndpoint()
        let address = try stage.serve([endpoint])
        let backend = Backend(IPAddress(127, 0, 0, 1), endpoint.port)
        func connections() -> Int? {
            stage.balancer.endpoints(within: .seconds(10)).map {
                $0[StreamEndpoint(port: Stage.port, backend: backend)]?.connections ?? 0
            }
        }
        func expect(_ count: Int) async throws {
            let start = ContinuousClock.now
            while connections() != count { try await Line.wait(since: start, "\(count): \(connections() ?? -1)") }
        }
        try await expect(0)
        var open: [Line] = []
        for _ in 0..<7 { open.append(try stage.connect(address)) }
        try await expect(7)
        // The Service goes, its connections stay.
        stage.withdraw(address)
        try await expect(7)
        for line in open { line.close() }
        while let line = endpoint.acceptWaiting() { line.close() }
        try await expect(0)
        await stage.stop()
        // Those that have ended have none, and nobody waits for them.
        #expect(stage.balancer.endpoints(within: .milliseconds(50))?.isEmpty == true)
    }
}
