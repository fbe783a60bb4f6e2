import Testing

@testable import Balancing

@Suite struct RandomNumbersTests {
    /// Worked out with integers of any size from the definition.
    @Test(arguments: [
        (UInt64(0), UInt64(0x111c_b3a7_8f59_a58e), UInt64(0xceab_d938_ff4e_856d), UInt64(0x61fb_5131_8f47_d2a4)),
        (42, 0xae4a_7cbf_dda9_b434, 0xe9cc_09d3_3d38_d9d2, 0xcb57_5651_2b93_433a),
    ])
    func `they are those of wyrand`(seed: UInt64, first: UInt64, second: UInt64, third: UInt64) {
        var random = RandomNumbers(seed: seed)
        for number in [first, second, third] { #expect(random.next() == number) }
    }

    @Test(arguments: [1, 2, 3, 10, 1000])
    func `each number below a bound is as likely`(bound: Int) {
        var random = RandomNumbers(seed: 7)
        var counts: [Int: Int] = [:]
        for _ in 0..<(bound * 1000) { counts[random.below(bound), default: 0] += 1 }
        #expect(counts.keys.allSatisfy { (0..<bound).contains($0) } && counts.count == bound)
        if bound > 1 {
            #expect(surplus(counts, weights: Dictionary(uniqueKeysWithValues: (0..<bound).map { ($0, 1) })) < 0)
        }
    }
}

@Suite struct SlotBitsTests {
    @Test func `next goes around, through both sets, past what was tried`() {
        var random = TestNumbers(state: 1)
        for _ in 0..<300 {
            let size = Int.random(in: 1...200, using: &random)
            var (one, other) = (SlotBits(), SlotBits())
            one.reserve(size)
            other.reserve(size)
            var members: [Int] = []
            var tried = TriedEndpoints()
            for index in 0..<size {
                let (inOne, inOther) = (Bool.random(using: &random), Bool.random(using: &random))
                if inOne { one.insert(index) }
                if inOther { other.insert(index) }
                if inOne && inOther { members.append(index) }
                #expect(one.contains(index) == inOne)
            }
            for index in members.shuffled(using: &random).prefix(3) {
                tried.insert(EndpointSlot(place: index, generation: 1))
                members.removeAll { $0 == index }
            }
            for start in 0..<(size + 70) {
                let next = one.next(from: start, in: other, without: tried)
                // From past the last word it begins at the beginning.
                let from = start >> 6 < (size + 63) / 64 ? start : 0
                #expect(next == members.first { $0 >= from } ?? members.first ?? -1)
            }
        }
    }

    @Test func `of more than eight that were tried the last eight count`() {
        var tried = TriedEndpoints()
        #expect(tried.count == 0 && !tried.contains(0))
        for place in 0..<20 {
            tried.insert(EndpointSlot(place: place, generation: 1))
            #expect(tried.count == min(place + 1, TriedEndpoints.capacity))
            for other in 0..<20 { #expect(tried.contains(other) == (other <= place && other > place - 8)) }
        }
    }
}
