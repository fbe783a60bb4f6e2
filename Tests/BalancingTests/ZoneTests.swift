import Balancing
import Testing

@Suite struct ZoneTests {
    /// 0..<5 here, 5..<10 elsewhere.
    private static func set(_ change: (inout BalancingPolicy) -> Void = { _ in }) -> EndpointSet {
        EndpointSet((0..<10).map { endpoint($0, isSameZone: $0 < 5) }) {
            $0.prefersSameZone = true
            change(&$0)
        }
    }

    @Test(arguments: BalancingAlgorithm.allCases)
    func `endpoints of the own zone take everything`(algorithm: BalancingAlgorithm) {
        var set = Self.set { $0.algorithm = algorithm }
        #expect(Set(set.shares(1000).keys) == Set(0..<5))
        set.policy.prefersSameZone = false
        #expect(Set(set.shares(1000).keys) == Set(0..<10))
    }

    @Test func `without an endpoint of the own zone all take part`() {
        var set = EndpointSet(endpoints(0..<10)) { $0.prefersSameZone = true }
        #expect(set.shares(1000).count == 10)
        // One that has no weight is none.
        _ = set.update(to: [endpoint(0, weight: 0, isSameZone: true)] + endpoints(1..<3))
        #expect(set.shares(1000) == [1: 500, 2: 500])
    }

    @Test(arguments: BalancingAlgorithm.allCases)
    func `when the own zone is full or tried others stand in`(algorithm: BalancingAlgorithm) {
        var set = Self.set {
            $0.algorithm = algorithm
            $0.maximumRequests = 1
        }
        for turn in 0..<10 {
            guard case .slot(let slot) = set.pick(at: 1) else { return #expect(Bool(false)) }
            #expect((set.number(.slot(slot)) < 5) == (turn < 5))
            set.requestStarted(slot)
        }
        #expect(set.pick(at: 1) == .allBusy)

        var other = Self.set { $0.algorithm = algorithm }
        var tried = TriedEndpoints()
        for number in 0..<5 { tried.insert(other.slot(number)) }
        for _ in 0..<100 { #expect(other.pickNumber(tried: tried) >= 5) }
    }

    /// Of five: one ejected leaves 80 % x 1.4, all of it; two leave 60 % x 1.4 = 84 %, three 56 %, four 28 %; the rest goes to
    /// whoever is left, those of the own zone included.
    @Test(arguments: [(1, 1.0), (2, 0.84), (3, 0.56), (4, 0.28), (5, 0.0)])
    func `it keeps as much as is left of it, and a bit more`(ejected: Int, kept: Double) {
        var set = Self.set { $0.outliers.maximumEjectedPercent = 100 }
        for number in 0..<ejected { #expect(set.fail(number, at: 1) != .none) }
        #expect(set.ejectedCount == ejected && !set.isPanicking)
        let shares = set.shares(20_000)
        let here = (0..<5).reduce(0) { $0 + (shares[$1] ?? 0) }
        let left = Double(5 - ejected)
        let expected = 20_000 * (kept + (1 - kept) * left / (left + 5))
        #expect(abs(Double(here) - expected) < 5 * (20_000 * 0.25).squareRoot(), "\(here)")
        for number in 0..<ejected { #expect(shares[number] == nil) }
    }

    /// Replicas in other zones have to come to the same endpoint.
    @Test func `keys do not ask for zones`() {
        var here = Self.set()
        var elsewhere = EndpointSet(endpoints(0..<10))
        for key in 0..<1000 {
            #expect(
                here.number(here.pick(key: UInt64(key), at: 1))
                    == elsewhere.number(elsewhere.pick(key: UInt64(key), at: 1)))
        }
    }
}
