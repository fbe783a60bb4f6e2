/// A set of places as bits, in an array that grows with the places only: a thousand are sixteen words.
struct SlotBits: Sendable {
    private(set) var words: [UInt64] = []

    mutating func reserve(_ capacity: Int) {
        let count = (capacity + 63) / 64
        while self.words.count < count { self.words.append(0) }
    }

    mutating func removeAll() {
        for word in self.words.indices { self.words[word] = 0 }
    }

    func contains(_ index: Int) -> Bool { self.words[index >> 6] >> UInt64(index & 63) & 1 == 1 }

    mutating func insert(_ index: Int) { self.words[index >> 6] |= 1 << UInt64(index & 63) }

    mutating func remove(_ index: Int) { self.words[index >> 6] &= ~(1 << UInt64(index & 63)) }

    /// The first that is in both sets and has not been tried, from a place on and then from the beginning; -1 if
    /// there is none.
    func next(from start: Int, in others: SlotBits, without tried: TriedEndpoints) -> Int {
        let count = self.words.count
        guard count > 0 else { return -1 }
        let first = start >> 6 < count ? start >> 6 : 0
        let mask = start >> 6 < count ? UInt64.max << UInt64(start & 63) : .max
        // The first word twice: its end at first, its beginning at last.
        for step in 0...count {
            let word = first + step < count ? first + step : first + step - count
            var bits = self.words[word] & others.words[word]
            if step == 0 { bits &= mask }
            while bits != 0 {
                let index = word << 6 | bits.trailingZeroBitCount
                if !tried.contains(index) { return index }
                bits &= bits - 1
            }
        }
        return -1
    }
}
