import Balancing
import Testing

@Suite struct OutlierTests {
    /// Without jitter, so that times are what they are.
    private static func set(
        _ count: Int = 10, _ change: (inout OutlierPolicy) -> Void = { _ in }
    ) -> EndpointSet {
        EndpointSet(endpoints(0..<count)) {
            $0.outliers.ejectionJitter = 0
            change(&$0.outliers)
        }
    }

    private static func end(
        _ set: inout EndpointSet, _ outcomes: [RequestOutcome], _ number: Int = 0, at now: UInt64 = 1000
    ) -> [OutlierEvent] {
        let slot = set.slot(number)
        return outcomes.map { outcome in
            set.requestStarted(slot)
            return set.requestEnded(slot, outcome, at: now)
        }
    }

    static let failures: [RequestOutcome] = [.gatewayError, .connectFailed, .reset, .timedOut]

    @Test(arguments: Self.failures)
    func `the fifth failure in a row ejects, once`(outcome: RequestOutcome) {
        var set = Self.set()
        let events = Self.end(&set, [RequestOutcome](repeating: outcome, count: 7))
        #expect(
            events == [.none, .none, .none, .none, .ejected(until: 31_000, times: 1), .none, .none],
            "failures of what was on its way count for nothing")
        #expect(set.ejectedCount == 1)
        #expect(set.shares(900, at: 30_999) == Dictionary(uniqueKeysWithValues: (1..<10).map { ($0, 100) }))
    }

    @Test(arguments: [
        ([RequestOutcome.reset, .reset, .reset, .reset, .success, .reset], false),
        ([.reset, .reset, .reset, .reset, .serverError, .reset], false),
        ([.reset, .reset, .reset, .reset, .neutral, .reset], true),
        ([.serverError, .serverError, .serverError, .serverError, .serverError, .serverError], false),
        ([.reset, .timedOut, .connectFailed, .gatewayError, .reset], true),
    ])
    func `what ends a row and what does not`(outcomes: [RequestOutcome], isEjected: Bool) {
        var set = Self.set()
        #expect(Self.end(&set, outcomes).contains { $0 != .none } == isEjected)
        #expect(set.ejectedCount == (isEjected ? 1 : 0))
    }

    @Test(arguments: [
        ([RequestOutcome.serverError, .serverError, .serverError], true),
        ([.serverError, .reset, .gatewayError], true),
        ([.serverError, .success, .serverError, .serverError], false),
    ])
    func `server errors count where asked for`(outcomes: [RequestOutcome], isEjected: Bool) {
        var set = Self.set { $0.consecutiveServerErrors = 3 }
        #expect(Self.end(&set, outcomes).contains { $0 != .none } == isEjected)
    }

    @Test func `it comes back when its time is over, and that is told once`() {
        var set = Self.set()
        _ = set.fail(0, at: 1000)
        #expect(set.returnedCount == 0)
        #expect(set.shares(100, at: 30_999)[0] == nil)
        #expect(set.returnedCount == 0 && set.nextReturned() == nil)
        #expect(set.shares(100, at: 31_000)[0] == 10)
        #expect(set.returnedCount == 1 && set.ejectedCount == 0)
        #expect(set.nextReturned() == set.slot(0))
        #expect(set.returnedCount == 0 && set.nextReturned() == nil)
        // Five failures are needed again.
        #expect(
            Self.end(&set, [.reset, .reset, .reset, .reset], at: 31_001) == [.none, .none, .none, .none])
    }

    @Test func `each time in a row is longer, up to a limit, and forgiven in time`() {
        var set = Self.set { $0.maximumEjectionTime = 100_000 }
        var now: UInt64 = 0
        for (times, duration) in [(1, 30_000), (2, 60_000), (3, 90_000), (4, 100_000), (5, 100_000)] {
            let until = now + UInt64(duration)
            #expect(set.fail(0, at: now) == .ejected(until: until, times: times))
            now = until
            _ = set.pick(at: now)
        }
        // Of five times in a row three are forgiven in 39 seconds without.
        #expect(set.fail(0, at: now + 39_999) == .ejected(until: now + 39_999 + 90_000, times: 3))
        now += 39_999 + 90_000
        _ = set.pick(at: now)
        #expect(set.fail(0, at: now + 10_000_000) == .ejected(until: now + 10_030_000, times: 1))
    }

    /// Envoy: the larger of `max_ejection_time` and `base_ejection_time`.
    @Test func `the base time holds above the most`() {
        var set = Self.set {
            $0.baseEjectionTime = 400_000
        }
        #expect(set.fail(0, at: 0) == .ejected(until: 400_000, times: 1))
        _ = set.pick(at: 400_000)
        #expect(set.fail(0, at: 400_000) == .ejected(until: 800_000, times: 2))
    }

    @Test func `jitter is spread`() {
        var durations: Set<UInt64> = []
        for seed in 0..<100 {
            var set = EndpointSet(endpoints(0..<3), seed: UInt64(seed))
            guard case .ejected(let until, 1) = set.fail(0, at: 0) else {
                Issue.record("not ejected")
                return
            }
            #expect((30_000...33_000).contains(until))
            durations.insert(until)
        }
        #expect(durations.count > 80)
        #expect((durations.min() ?? 0) < 30_200 && (durations.max() ?? 0) > 32_800)
    }

    // MARK: How many

    @Test(arguments: [
        (1, 50, 0), (2, 50, 1), (3, 50, 1), (4, 50, 2), (10, 50, 5), (10, 0, 0), (10, 10, 1), (10, 1, 1), (10, 100, 10),
        (5, 100, 5),
    ])
    func `so many may be ejected`(count: Int, percent: Int, allowed: Int) {
        var set = Self.set(count) {
            $0.maximumEjectedPercent = percent
            $0.panicPercent = 100
        }
        for number in 0..<count { _ = set.fail(number, at: 0) }
        #expect(set.ejectedCount == allowed)
    }

    @Test func `one that is spared is told of once in a row, and goes when another is back`() {
        var set = Self.set(2)
        _ = set.fail(0, at: 0)
        #expect(set.fail(1, at: 1000) == .spared)
        #expect(Self.end(&set, [.reset, .reset], 1) == [.none, .none])
        #expect(set.shares(10, at: 1000) == [1: 10])
        // The other is back at 30,000.
        #expect(Self.end(&set, [.reset], 1, at: 30_000) == [.ejected(until: 60_000, times: 1)])
        #expect(set.shares(10, at: 30_000) == [0: 10])
        // A row that ends and begins again is told of again.
        _ = set.fail(0, at: 40_000)
        _ = Self.end(&set, [.success], 0, at: 40_000)
        #expect(set.fail(0, at: 40_000) == .spared)
    }

    // MARK: Panic

    @Test func `when more than half of those left are ejected, ejection is ignored`() {
        var set = Self.set(10)
        for number in 0..<5 { _ = set.fail(number, at: 0) }
        #expect(set.shares(100, at: 1).count == 5 && !set.isPanicking)
        // Of the others one goes: five of nine are ejected.
        _ = set.update(to: endpoints(0..<9))
        #expect(set.shares(900, at: 1) == Dictionary(uniqueKeysWithValues: (0..<9).map { ($0, 100) }))
        #expect(set.isPanicking && set.ejectedCount == 5)
        // One comes, and it is over.
        _ = set.update(to: endpoints(0..<11))
        #expect(set.shares(600, at: 1) == Dictionary(uniqueKeysWithValues: (5..<11).map { ($0, 100) }))
        #expect(set.isPanicking == false)
    }

    @Test(arguments: [(50, 6), (90, 10), (59, 6), (60, 7), (0, 1), (100, 11)])
    func `panic begins above its threshold`(percent: Int, first: Int) {
        var set = Self.set(10) {
            $0.maximumEjectedPercent = 100
            $0.panicPercent = percent
        }
        for number in 0..<10 {
            _ = set.fail(number, at: 0)
            _ = set.pick(at: 0)
            #expect(set.isPanicking == (number + 1 >= first), "\(number + 1)")
        }
        // Not even then is there nobody, if panic says so.
        #expect((set.pick(at: 0) == .allTried) == (percent == 100))
    }

    // MARK: Changes

    @Test func `ejection and counts survive what leaves them alone`() {
        var set = Self.set(4)
        _ = set.fail(0, at: 0)
        _ = Self.end(&set, [.reset, .reset, .reset, .reset], 1)
        _ = set.update(to: endpoints([3, 1, 0, 2]) + [endpoint(9)])
        #expect(set.shares(10, at: 1)[0] == nil)
        #expect(Self.end(&set, [.reset], 1) == [.ejected(until: 31_000, times: 1)])
        // One that leaves is no longer one of the ejected.
        _ = set.update(to: endpoints([1, 2, 3]))
        _ = set.pick(at: 2)
        #expect(set.ejectedCount == 1)
    }

    @Test func `who has left cannot be ejected`() {
        var set = Self.set(4)
        let slot = set.slot(0)
        for _ in 0..<6 { set.requestStarted(slot) }
        _ = set.update(to: endpoints(1..<4))
        for _ in 0..<6 { #expect(set.requestEnded(slot, .reset, at: 1) == .none) }
        #expect(!set.contains(slot) && set.ejectedCount == 0)
    }
}
