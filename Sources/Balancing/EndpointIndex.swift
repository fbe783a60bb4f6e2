/// Places by the hash of their endpoint: open addressing with linear probing, at most half full.
struct EndpointIndex {
    private struct Entry: BitwiseCopyable {
        var hash: UInt64
        /// -1: nobody's.
        var place: Int32
    }

    private var entries = [Entry](repeating: Entry(hash: 0, place: -1), count: 8)
    private var count = 0

    private var mask: Int { self.entries.count - 1 }

    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & self.mask }

    /// The place with this hash for which `matches` holds; -1 if there is none.
    func place(_ hash: UInt64, where matches: (Int) -> Bool) -> Int {
        let entries = self.entries.span
        var index = self.home(hash)
        while entries[index].place >= 0 {
            if entries[index].hash == hash, matches(Int(entries[index].place)) { return Int(entries[index].place) }
            index = (index + 1) & (entries.count - 1)
        }
        return -1
    }

    mutating func insert(_ hash: UInt64, _ place: Int) {
        if (self.count + 1) * 2 > self.entries.count { self.grow() }
        self.put(Entry(hash: hash, place: Int32(place)))
        self.count += 1
    }

    /// What comes after it moves up, so that no search ends early.
    mutating func remove(_ hash: UInt64, _ place: Int) {
        var hole = self.home(hash)
        while self.entries[hole].place != place {
            guard self.entries[hole].place >= 0 else { return }
            hole = (hole + 1) & self.mask
        }
        var index = (hole + 1) & self.mask
        while self.entries[index].place >= 0 {
            let distance = (index - self.home(self.entries[index].hash)) & self.mask
            if distance >= (index - hole) & self.mask {
                self.entries[hole] = self.entries[index]
                hole = index
            }
            index = (index + 1) & self.mask
        }
        self.entries[hole].place = -1
        self.count -= 1
    }

    private mutating func put(_ entry: Entry) {
        var index = self.home(entry.hash)
        while self.entries[index].place >= 0 { index = (index + 1) & self.mask }
        self.entries[index] = entry
    }

    private mutating func grow() {
        let old = self.entries
        self.entries = [Entry](repeating: Entry(hash: 0, place: -1), count: old.count * 2)
        for entry in old where entry.place >= 0 { self.put(entry) }
    }
}
