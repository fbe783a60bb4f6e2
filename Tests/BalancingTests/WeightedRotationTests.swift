import Testing

@testable import Balancing

@Suite struct WeightedRotationTests {
    private static func rotation(_ weights: [Int], seed: UInt64 = 1) -> WeightedRotation {
        var rotation = WeightedRotation()
        var random = RandomNumbers(seed: seed)
        rotation.rebuild(Array(0..<UInt32(weights.count)), weights: self.loads(weights), random: &random)
        return rotation
    }

    private static func loads(_ weights: [Int]) -> [EndpointLoad] {
        weights.map { weight in
            var load = EndpointLoad()
            load.weight = UInt32(weight)
            return load
        }
    }

    @Test(arguments: [
        [1], [7], [1, 1, 1], [5, 1, 1], [4, 3, 2, 1], [1, 100], [65_535, 1], [65_535, 65_534, 3], [10, 20, 30],
        [255, 256], [1, 2, 4, 8, 16, 32],
    ])
    func `in a cycle each is served as its weight says, wherever it begins`(weights: [Int]) {
        for seed in 1...5 {
            var rotation = Self.rotation(weights, seed: UInt64(seed))
            for _ in 0..<2 {
                var counts = [Int](repeating: 0, count: weights.count)
                for _ in 0..<weights.reduce(0, +) { counts[rotation.next()] += 1 }
                #expect(counts == weights)
            }
        }
    }

    /// No two services of one member are further apart than twice its fair distance, and some (Guo's bound has the
    /// number of members in it).
    @Test(arguments: [[5, 1, 1], [4, 3, 2, 1], [10, 20, 30], [9, 1], [100, 50, 25, 12, 6, 3]])
    func `services of one are well spread`(weights: [Int]) {
        var rotation = Self.rotation(weights)
        let total = weights.reduce(0, +)
        var last = [Int](repeating: -1, count: weights.count)
        for turn in 0..<(3 * total) {
            let member = rotation.next()
            if last[member] >= 0 {
                #expect(turn - last[member] <= 2 * total / weights[member] + weights.count)
            }
            last[member] = turn
        }
    }

    @Test func `with equal weights it is one after the other`() {
        for weight in [1, 2, 3, 100] {
            var rotation = Self.rotation([Int](repeating: weight, count: 10))
            let first = (0..<10).map { _ in rotation.next() }
            #expect(Set(first).count == 10)
            #expect((0..<30).map { _ in rotation.next() } == first + first + first)
        }
    }

    @Test func `workers begin at different members`() {
        var counts: [Int: Int] = [:]
        for seed in 0..<10_000 {
            var set = EndpointSet(endpoints(0..<10), seed: UInt64(seed))
            counts[set.pickNumber(), default: 0] += 1
        }
        #expect(surplus(counts, weights: Dictionary(uniqueKeysWithValues: (0..<10).map { ($0, 1) })) < 0)
    }

    /// Otherwise frequent changes would favour those in front.
    @Test func `a change goes on where it was`() {
        var set = EndpointSet(endpoints(0..<20))
        var shares: [Int: Int] = [:]
        for turn in 0..<4000 {
            if turn % 3 == 0 { _ = set.update(to: endpoints(turn % 2 == 0 ? 0..<20 : 0..<19)) }
            shares[set.pickNumber(), default: 0] += 1
        }
        for number in 0..<19 { #expect((190...220).contains(shares[number] ?? 0), "\(number)") }
    }
}
