import Balancing
import Networking
import Testing

@Suite struct PickTests {
    static let algorithms = BalancingAlgorithm.allCases
    static let weightings = [[1, 1, 1], [1, 2, 3, 4], [1, 10, 100], [7, 7, 7, 7, 7, 7, 7, 1], [50, 1, 1, 1]]

    /// Idle, which is where a choice by load alone would starve the light ones.
    @Test(arguments: Self.algorithms, Self.weightings)
    func `shares are those of the weights`(algorithm: BalancingAlgorithm, weights: [Int]) {
        for seed in [UInt64(1), 2, 3] {
            let list = weights.enumerated().map { endpoint($0.offset, weight: $0.element) }
            var set = EndpointSet(list, seed: seed) { $0.algorithm = algorithm }
            let expected = Dictionary(uniqueKeysWithValues: weights.enumerated().map { ($0.offset, $0.element) })
            let shares = set.shares(weights.reduce(0, +) * 400)
            #expect(surplus(shares, weights: expected) < 0, "\(shares)")
        }
    }

    @Test(arguments: Self.algorithms, [1, 3, 100, 1000])
    func `nobody starves`(algorithm: BalancingAlgorithm, count: Int) {
        var set = EndpointSet(endpoints(0..<count)) { $0.algorithm = algorithm }
        #expect(set.shares(count * 40).count == count)
    }

    /// Scenario 14 of the ingress conformance suite: 100 requests reach each of ten pods, from each worker.
    @Test func `a hundred requests reach each of ten endpoints`() {
        for seed in 0..<50 {
            var set = EndpointSet(endpoints(0..<10), seed: UInt64(seed))
            #expect(set.shares(100).values.allSatisfy { $0 == 10 })
        }
    }

    @Test(arguments: Self.algorithms)
    func `weight 0 gets nothing, unless all have it`(algorithm: BalancingAlgorithm) {
        var set = EndpointSet([endpoint(0, weight: 0), endpoint(1), endpoint(2, weight: -3)]) {
            $0.algorithm = algorithm
        }
        #expect(set.shares(100) == [1: 100])
        _ = set.update(to: (0..<3).map { endpoint($0, weight: 0) })
        #expect(set.shares(1000).count == 3)
    }

    @Test func `weights above the most count as the most`() {
        var set = EndpointSet([endpoint(0, weight: .max), endpoint(1, weight: BackendEndpoint.maximumWeight)])
        #expect(set.shares(1000) == [0: 500, 1: 500])
    }

    // MARK: By load

    /// Of two by chance the less loaded: the fullest of n after n requests has ln ln n / ln 2 more or less, not
    /// ln n / ln ln n (Mitzenmacher 2001).
    @Test(arguments: [BalancingAlgorithm.leastRequests, .leastConnections])
    func `two choices keep the fullest low`(algorithm: BalancingAlgorithm) {
        func fullest(_ algorithm: BalancingAlgorithm, _ seed: UInt64) -> Int {
            var set = EndpointSet(endpoints(0..<1000), seed: seed) { $0.algorithm = algorithm }
            for _ in 0..<1000 {
                guard case .slot(let slot) = set.pick(at: 1) else { continue }
                set.requestStarted(slot)
                set.connectionOpened(slot)
            }
            var most = 0
            set.forEach { most = max(most, $0.requests) }
            return most
        }
        for seed in 1...10 {
            #expect(fullest(algorithm, UInt64(seed)) <= 4)
            #expect(fullest(.random, UInt64(seed)) >= 4)
        }
    }

    /// Work that takes ten times as long at one of ten endpoints: with a hundred requests in flight all the time.
    @Test func `a slow endpoint gets less`() {
        var set = EndpointSet(endpoints(0..<10)) { $0.algorithm = .leastRequests }
        var flights: [(end: Int, slot: EndpointSlot)] = []
        var slow = 0
        for turn in 0..<20_000 {
            flights.removeAll { flight in
                guard flight.end <= turn else { return false }
                _ = set.requestEnded(flight.slot, .success, at: 1)
                return true
            }
            guard case .slot(let slot) = set.pick(at: 1) else { continue }
            set.requestStarted(slot)
            let isSlow = set.endpoint(slot)?.number == 0
            if isSlow { slow += 1 }
            flights.append((turn + (isSlow ? 500 : 50), slot))
        }
        // A tenth would be 2,000.
        #expect((100...700).contains(slow), "\(slow)")
    }

    @Test func `load is for its weight`() {
        var set = EndpointSet([endpoint(0, weight: 1), endpoint(1, weight: 4)]) { $0.algorithm = .leastRequests }
        for _ in 0..<1000 {
            guard case .slot(let slot) = set.pick(at: 1) else { continue }
            set.requestStarted(slot)
        }
        #expect((790...810).contains(set.requests(set.slot(1))))
    }

    // MARK: What cannot take it

    @Test(arguments: Self.algorithms)
    func `what was tried is not chosen again`(algorithm: BalancingAlgorithm) {
        var set = EndpointSet(endpoints(0..<5)) { $0.algorithm = algorithm }
        for _ in 0..<200 {
            var tried = TriedEndpoints()
            var numbers: Set<Int> = []
            while case .slot(let slot) = set.pick(tried: tried, at: 1) {
                #expect(numbers.insert(set.number(.slot(slot))).inserted)
                tried.insert(slot)
            }
            #expect(numbers.count == 5)
            #expect(set.pick(tried: tried, at: 1) == .allTried)
            #expect(set.pick(key: 7, tried: tried, at: 1) == .allTried)
        }
    }

    @Test(arguments: Self.algorithms)
    func `who is full is passed over, and when all are that is said`(algorithm: BalancingAlgorithm) {
        var set = EndpointSet(endpoints(0..<70)) {
            $0.algorithm = algorithm
            $0.maximumRequests = 2
        }
        #expect(EndpointSet([]).capacity == 0)
        var slots: [EndpointSlot] = []
        for _ in 0..<140 {
            guard case .slot(let slot) = set.pick(at: 1) else { break }
            set.requestStarted(slot)
            slots.append(slot)
        }
        #expect(slots.count == 140)
        #expect(set.pick(at: 1) == .allBusy)
        #expect(set.pick(key: 1, at: 1) == .allBusy)
        #expect(set.pick(session: nil, at: 1) == SessionPick(.allBusy))
        _ = set.requestEnded(slots[17], .success, at: 1)
        #expect(set.pick(at: 1) == .slot(slots[17]))
        #expect(set.pick(key: 1, at: 1) == .slot(slots[17]))
        // The one that is not full was tried: the others are busy, which may pass.
        var tried = TriedEndpoints()
        tried.insert(slots[17])
        #expect(set.pick(tried: tried, at: 1) == .allBusy)
        set.policy.maximumRequests = 3
        #expect(set.shares(700).count == 70)
        set.policy.maximumRequests = 0
        #expect(set.shares(700).count == 70)
    }

    @Test func `a backend without endpoints says so`() {
        var set = EndpointSet([])
        #expect(set.pick(at: 1) == .noEndpoints)
        #expect(set.pick(key: 1, at: 1) == .noEndpoints)
        #expect(set.pick(session: AffinityValue(rawValue: 1), at: 1) == SessionPick(.noEndpoints))
        _ = set.update(to: endpoints(0..<1))
        #expect(set.pickNumber() == 0)
        _ = set.update(to: [])
        #expect(set.pick(at: 1) == .noEndpoints)
    }
}
