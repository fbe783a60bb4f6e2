import Balancing
import Networking

/// Endpoints 10.0.x.y:8080 by number.
func endpoint(_ number: Int, weight: Int = 1, isSameZone: Bool = false) -> BackendEndpoint {
    BackendEndpoint(
        address: IPAddress(ipv4: 0x0a00_0000 + UInt32(number)), port: 8080, weight: weight, isSameZone: isSameZone)
}

func endpoints(_ numbers: some Sequence<Int>) -> [BackendEndpoint] { numbers.map { endpoint($0) } }

extension BackendEndpoint {
    var number: Int { Int(self.address.low - 0x0a00_0000) }
}

extension EndpointSet {
    /// A set of some endpoints.
    init(_ endpoints: [BackendEndpoint], seed: UInt64 = 1, _ change: (inout BalancingPolicy) -> Void = { _ in }) {
        var policy = BalancingPolicy()
        change(&policy)
        self.init(policy: policy, seed: seed)
        _ = self.update(to: endpoints)
    }

    /// The number of the endpoint of a pick; -1 for none.
    func number(_ outcome: PickOutcome) -> Int {
        guard case .slot(let slot) = outcome, let endpoint = self.endpoint(slot) else { return -1 }
        return endpoint.number
    }

    mutating func pickNumber(tried: TriedEndpoints = TriedEndpoints(), at now: UInt64 = 1) -> Int {
        self.number(self.pick(tried: tried, at: now))
    }

    /// How often each is picked, by number, without a request in flight.
    mutating func shares(_ count: Int, at now: UInt64 = 1) -> [Int: Int] {
        var shares: [Int: Int] = [:]
        for _ in 0..<count { shares[self.pickNumber(at: now), default: 0] += 1 }
        return shares
    }

    func slot(_ number: Int) -> EndpointSlot {
        var found = EndpointSlot.none
        self.forEach { if $0.endpoint.number == number { found = $0.slot } }
        return found
    }

    /// Fails requests to an endpoint until it is ejected, or has failed often enough for it.
    mutating func fail(_ number: Int, at now: UInt64) -> OutlierEvent {
        let slot = self.slot(number)
        var event = OutlierEvent.none
        for _ in 0..<self.policy.outliers.consecutiveGatewayFailures {
            self.requestStarted(slot)
            event = self.requestEnded(slot, .connectFailed, at: now)
        }
        return event
    }
}

/// Pearson's statistic of counts against what weights promise, less what is likely: with k degrees of freedom it is
/// normal enough around k with a deviation of sqrt(2k). Above 0 is off by more than five of those.
func surplus(_ counts: [Int: Int], weights: [Int: Int]) -> Double {
    let drawn = Double(counts.values.reduce(0, +))
    let total = Double(weights.values.reduce(0, +))
    var statistic = 0.0
    for (number, weight) in weights {
        let expected = drawn * Double(weight) / total
        let difference = Double(counts[number] ?? 0) - expected
        statistic += difference * difference / expected
    }
    let freedom = Double(weights.count - 1)
    return statistic - freedom - 5 * (2 * freedom).squareRoot()
}

/// Random numbers for tests that are not those of the code under test (SplitMix64).
struct TestNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var value = self.state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
