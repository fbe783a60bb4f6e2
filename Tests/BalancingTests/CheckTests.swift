import Balancing
import Networking
import Testing

/// What active checks find, and who is picked then.
@Suite struct CheckTests {
    private static func set(_ weights: [Int], _ change: (inout BalancingPolicy) -> Void = { _ in }) -> EndpointSet {
        EndpointSet(weights.enumerated().map { endpoint($0.offset, weight: $0.element) }) {
            $0.outliers.ejectionJitter = 0
            change(&$0)
        }
    }

    private static func fail(_ set: inout EndpointSet, _ numbers: Set<Int>) {
        set.setFailing { address, _ in numbers.contains(Int(address.low - 0x0a00_0000)) }
    }

    /// Weights, who fails, and who gets requests.
    @Test(
        arguments: [
            ([1, 1, 1, 1], [0], [1, 2, 3]), ([1, 1, 1, 1], [0, 1, 2], [3]), ([1, 1], [1], [0]),
            // Nobody is well: as if nobody had been asked.
            ([1, 1, 1], [0, 1, 2], [0, 1, 2]), ([1], [0], [0]),
            // Who has no weight is no help.
            ([1, 0], [0], [0]), ([0, 0, 0], [0], [1, 2]), ([2, 1, 0], [0, 2], [1]), ([1, 1, 1], [], [0, 1, 2]),
        ] as [([Int], Set<Int>, Set<Int>)], BalancingAlgorithm.allCases)
    func `who fails gets nothing while anybody is well`(
        row: (weights: [Int], failing: Set<Int>, expected: Set<Int>), algorithm: BalancingAlgorithm
    ) {
        var set = Self.set(row.weights) { $0.algorithm = algorithm }
        Self.fail(&set, row.failing)
        #expect(Set(set.shares(400).keys) == row.expected)
        var byKey: Set<Int> = []
        for key in 0..<400 { byKey.insert(set.number(set.pick(key: UInt64(key), at: 1))) }
        #expect(byKey == row.expected)
        Self.fail(&set, [])
        let all = Set(row.weights.indices.filter { row.weights[$0] > 0 || row.weights.allSatisfy { $0 == 0 } })
        #expect(Set(set.shares(400).keys) == all, "all are well again")
    }

    @Test func `a session whose endpoint fails is stood in for, and goes back`() {
        var set = Self.set([1, 1, 1])
        let value = set.affinityValue(set.slot(1))
        Self.fail(&set, [1])
        let away = set.pick(session: value, at: 1)
        #expect(set.number(away.outcome) != 1 && away.cookie == nil)
        Self.fail(&set, [])
        let back = set.pick(session: value, at: 1)
        #expect(set.number(back.outcome) == 1)
    }

    @Test func `who leaves and comes back, or is new, is well until it is said otherwise`() {
        var set = Self.set([1, 1])
        Self.fail(&set, [0])
        #expect(set.pickNumber() == 1)
        _ = set.update(to: endpoints([1]))
        _ = set.update(to: endpoints([0, 1, 2]))
        #expect(Set(set.shares(300).keys) == [0, 1, 2])
    }

    @Test func `endpoints that stay still fail after an update of others`() {
        var set = Self.set([1, 1, 1])
        Self.fail(&set, [0])
        _ = set.update(to: endpoints([0, 1, 5, 6]))
        #expect(Set(set.shares(300).keys) == [1, 5, 6])
    }

    /// Outliers are looked for among those that are left: half of four is two, half of the two that are well is one.
    @Test func `ejection counts those that are left by the checks`() {
        var set = Self.set([1, 1, 1, 1])
        Self.fail(&set, [0, 1])
        _ = set.pickNumber(at: 1_000)
        guard case .ejected = set.fail(2, at: 1_000) else { return #expect(Bool(false), "not ejected") }
        #expect(Set(set.shares(100, at: 1_001).keys) == [3])
        #expect(set.fail(3, at: 1_001) == .spared)
        // The one that is left now fails its checks too: the ejected one is better than nobody.
        Self.fail(&set, [0, 1, 3])
        #expect(Set(set.shares(100, at: 1_002).keys) == [2])
    }

    @Test func `who passes its checks again is not ejected any longer`() {
        var set = Self.set([1, 1, 1])
        guard case .ejected = set.fail(0, at: 1_000) else { return #expect(Bool(false), "not ejected") }
        Self.fail(&set, [0])
        #expect(Set(set.shares(100, at: 1_001).keys) == [1, 2])
        Self.fail(&set, [])
        #expect(Set(set.shares(100, at: 1_002).keys) == [0, 1, 2])
    }

    @Test func `the report says who fails`() {
        var set = Self.set([1, 1])
        Self.fail(&set, [1])
        _ = set.pickNumber()
        var failing: [Int] = []
        set.forEach { if $0.isFailing { failing.append($0.endpoint.number) } }
        #expect(failing == [1] && set.failingCount == 1 && !set.ignoresChecks)
    }
}
