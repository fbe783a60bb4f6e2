/// Counts how many hold each key.
struct ReferenceCounts<Key: Hashable & Sendable>: Sendable {
    private var counts: [Key: Int] = [:]

    var keys: some Collection<Key> { self.counts.keys }

    func contains(_ key: Key) -> Bool { self.counts[key] != nil }

    mutating func retain(_ key: Key) { self.add(1, to: key) }

    mutating func release(_ key: Key) { self.add(-1, to: key) }

    private mutating func add(_ difference: Int, to key: Key) {
        let count = (self.counts[key] ?? 0) + difference
        precondition(count >= 0, "released more often than retained")
        self.counts[key] = count == 0 ? nil : count
    }

    /// Retains and releases gathered up, so that a key let go by one and taken by another does not
    /// come and go.
    struct Change {
        private var differences: [Key: Int] = [:]

        mutating func retain(_ key: Key) { self.differences[key, default: 0] += 1 }

        mutating func release(_ key: Key) { self.differences[key, default: 0] -= 1 }

        mutating func reserveCapacity(_ count: Int) { self.differences.reserveCapacity(count) }

        /// Applies the change; returns the keys that came (true) or went (false).
        func commit(to counts: inout ReferenceCounts) -> [(key: Key, isPresent: Bool)] {
            guard !counts.counts.isEmpty else {
                precondition(self.differences.values.allSatisfy { $0 >= 0 }, "released more often than retained")
                // The first change of all is mostly the largest one.
                counts.counts =
                    self.differences.values.contains(0) ? self.differences.filter { $0.value > 0 } : self.differences
                return counts.counts.keys.map { ($0, true) }
            }
            var turned: [(key: Key, isPresent: Bool)] = []
            for (key, difference) in self.differences where difference != 0 {
                let wasPresent = counts.contains(key)
                counts.add(difference, to: key)
                let isPresent = counts.contains(key)
                if wasPresent != isPresent { turned.append((key, isPresent)) }
            }
            return turned
        }
    }
}
