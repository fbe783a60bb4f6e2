import Balancing
import Networking
import Testing

@testable import struct Balancing.EndpointSet
@testable import enum Balancing.Rendezvous

@Suite struct KeyTests {
    private static let keys = 20_000

    /// The endpoint of each key.
    private static func table(_ set: inout EndpointSet, at now: UInt64 = 1) -> [Int] {
        (0..<Self.keys).map { set.number(set.pick(key: UInt64($0), at: now)) }
    }

    @Test(arguments: [[1, 1, 1], [1, 2, 3, 4], [1, 10, 100], [100, 1]])
    func `shares are those of the weights`(weights: [Int]) {
        var set = EndpointSet(weights.enumerated().map { endpoint($0.offset, weight: $0.element) })
        let shares = Dictionary(Self.table(&set).map { ($0, 1) }, uniquingKeysWith: +)
        let expected = Dictionary(uniqueKeysWithValues: weights.enumerated().map { ($0.offset, $0.element) })
        #expect(surplus(shares, weights: expected) < 0, "\(shares)")
    }

    @Test func `it depends on the set alone`() {
        var one = EndpointSet(endpoints(0..<20), seed: 1)
        // Other slots, other history, another seed, another algorithm.
        var other = EndpointSet(endpoints((5..<40).reversed()), seed: 2) { $0.algorithm = .leastRequests }
        _ = other.update(to: endpoints((0..<20).reversed()))
        #expect(Self.table(&one) == Self.table(&other))
    }

    @Test(arguments: [false, true])
    func `one that goes gives up its own keys only, and takes the same back`(isWeighted: Bool) {
        let list = (0..<10).map { endpoint($0, weight: isWeighted ? 1 + $0 % 4 : 1) }
        var set = EndpointSet(list)
        let before = Self.table(&set)
        for gone in 0..<10 {
            _ = set.update(to: list.filter { $0.number != gone })
            let after = Self.table(&set)
            for (old, new) in zip(before, after) { #expect(old == new || old == gone) }
            #expect(!after.contains(gone))
            // To each of the others.
            #expect(Set(zip(before, after).filter { $0.0 == gone }.map(\.1)).count == 9)
        }
        _ = set.update(to: list)
        #expect(Self.table(&set) == before)
    }

    @Test func `a weight that grows only takes`() {
        var set = EndpointSet(endpoints(0..<10))
        let before = Self.table(&set)
        _ = set.update(to: (0..<10).map { endpoint($0, weight: $0 == 3 ? 3 : 1) })
        let after = Self.table(&set)
        #expect(zip(before, after).allSatisfy { $0 == $1 || $1 == 3 })
        #expect(after.count { $0 == 3 } > before.count { $0 == 3 } * 2)
    }

    @Test func `one that is ejected, full or tried gives up its own keys only, for as long`() {
        var set = EndpointSet(endpoints(0..<10))
        let before = Self.table(&set)
        _ = set.fail(3, at: 1)
        #expect(zip(before, Self.table(&set)).allSatisfy { $0 == $1 && $0 != 3 || $0 == 3 && $1 != 3 })
        #expect(Self.table(&set, at: 60_000) == before)

        set.policy.maximumRequests = 1
        set.requestStarted(set.slot(4))
        #expect(
            zip(before, Self.table(&set, at: 60_000)).allSatisfy { $0 == $1 && $0 != 4 || $0 == 4 && $1 != 4 })

        var tried = TriedEndpoints()
        tried.insert(set.slot(before[0]))
        #expect(set.number(set.pick(key: 0, tried: tried, at: 60_000)) != before[0])
    }

    /// Against the definition: n equal shares of a byte of the leading ones, and powers of two exactly.
    @Test func `waiting times are logarithms`() {
        for power in 1..<50 {
            let time = Rendezvous.waitingTime(1 << UInt64(64 - power))
            #expect(abs(time - Double(power)) < 1e-3 || power > 40, "2^-\(power): \(time)")
        }
        // log2(a) + log2(b) = log2(ab), and they fall as numbers grow.
        func time(_ number: Double) -> Double { Rendezvous.waitingTime(UInt64(number * 0x1p53) << 11) }
        for (a, b) in [(0.9, 0.7), (0.501, 0.999), (0.3, 0.3), (0.123, 0.456), (0.75, 0.6)] {
            #expect(abs(time(a) + time(b) - time(a * b)) < 1e-7)
        }
        var random = TestNumbers(state: 3)
        for _ in 0..<10_000 {
            let (a, b) = (random.next(), random.next())
            #expect((a >> 11 <= b >> 11) == (Rendezvous.waitingTime(a) >= Rendezvous.waitingTime(b)))
            // What is skipped without a logarithm would not have won.
            let bound = Rendezvous.waitingTime(b)
            if Rendezvous.isAtLeast(a, bound) { #expect(Rendezvous.waitingTime(a) >= bound) }
        }
    }
}
