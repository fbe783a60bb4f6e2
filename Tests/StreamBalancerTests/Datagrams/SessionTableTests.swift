import Reactor
import StreamBalancer
import Testing

@Suite struct SessionTableTests {
    /// Everything that has a hash.
    private static func positions(_ table: borrowing SessionTable, _ hash: UInt32) -> Set<Int> {
        var found: Set<Int> = []
        var place = table.start(hash)
        while let position = table.next(hash, &place) { found.insert(position) }
        return found
    }

    /// Hashes that are all different, that share places, and that are often the same.
    @Test(arguments: [UInt32.max, 0xff, 0xf, 0])
    func `it finds what is in it and nothing else, whatever comes and goes`(mask: UInt32) {
        var table = SessionTable()
        var model: [UInt32: Set<Int>] = [:]
        var hashes: [Int: UInt32] = [:]
        var numbers = Numbers(state: UInt64(mask) + 1)
        for step in 0..<4_000 {
            let position = Int(numbers.next() % 300)
            if let hash = hashes.removeValue(forKey: position) {
                table.remove(hash, position: position)
                model[hash]?.remove(position)
            } else {
                let hash = UInt32(truncatingIfNeeded: numbers.next()) & mask &* 0x0101
                table.insert(hash, position: position)
                model[hash, default: []].insert(position)
                hashes[position] = hash
            }
            #expect(table.count == hashes.count)
            guard step % 50 == 0 else { continue }
            for (hash, expected) in model { #expect(Self.positions(table, hash) == expected) }
            #expect(Self.positions(table, 0xdead_beef).isEmpty)
        }
    }

    @Test func `it grows, and finds what was there before`() {
        var table = SessionTable()
        for position in 0..<10_000 { table.insert(UInt32(position) &* 2_654_435_769, position: position) }
        for position in 0..<10_000 {
            #expect(Self.positions(table, UInt32(position) &* 2_654_435_769) == [position])
        }
        for position in 0..<10_000 { table.remove(UInt32(position) &* 2_654_435_769, position: position) }
        #expect(table.count == 0)
    }

    @Test func `hashes are SipHash-1-3`() {
        // The vector of 32 bytes of the reference implementation, as Rust's library tests it (test_siphash_1_3).
        let hash = SessionHash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        let value = hash.hash(
            0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, 0x1716_1514_1312_1110, 0x1f1e_1d1c_1b1a_1918)
        #expect(value == 0x8115_7b6c_16a7_b60d)
    }

    private struct Numbers {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return self.state >> 33
        }
    }
}
