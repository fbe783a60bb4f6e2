import Testing

@testable import Balancing

@Suite struct EndpointIndexTests {
    /// Hashes of which many fall on the same place, or are the same.
    @Test func `it finds what a dictionary finds`() {
        var random = TestNumbers(state: 11)
        for round in 0..<20 {
            var index = EndpointIndex()
            var model: [Int: UInt64] = [:]
            for _ in 0..<2000 {
                let place = Int.random(in: 0..<100, using: &random)
                if let hash = model.removeValue(forKey: place) {
                    index.remove(hash, place)
                } else {
                    let hash = UInt64.random(in: 0..<(round % 2 == 0 ? 40 : .max), using: &random)
                    index.insert(hash, place)
                    model[place] = hash
                }
                for other in 0..<100 {
                    let hash = model[other] ?? 7
                    #expect((index.place(hash) { $0 == other } == other) == (model[other] != nil))
                }
                #expect(index.place(.max - 1) { _ in true } == -1)
            }
        }
    }
}
