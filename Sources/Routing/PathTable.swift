/// The paths of one host by their hash.
struct PathTable {
    private(set) var layout = RouteTable.Paths.none
    private(set) var slots: [RouteTable.PathSlot] = []

    /// Appends the paths to `text`.
    init(_ merged: HostMerge, _ text: inout [UInt8], _ seed: RouteHash.Seed) {
        // By text: what each is for Prefix and what for Exact.
        var keys: [String: (prefix: Int32, exact: Int32)] = [:]
        self.layout.root = merged.fallback.map { Int32($0) } ?? -1
        for (index, item) in merged.routes.enumerated() where !item.route.isDefault {
            let path = item.path
            if item.isExact {
                keys[path.text, default: (-1, -1)].exact = Int32(index)
            } else if path.element.isEmpty {
                self.layout.root = Int32(index)
            } else if let other = keys[path.element]?.prefix, other >= 0,
                merged.routes[Int(other)].path.text.utf8.count > path.text.utf8.count
            {
                // The longer text goes first, for both (P4).
                continue
            } else {
                keys[path.element, default: (-1, -1)].prefix = Int32(index)
            }
        }
        guard !keys.isEmpty else { return }
        self.slots = [RouteTable.PathSlot](repeating: .none, count: max(2, keys.count * 2).roundedUpToPowerOfTwo)
        self.layout.mask = UInt32(self.slots.count - 1)
        // Sorted, so that the same rules are compiled to the same table.
        for (key, value) in keys.sorted(by: { $0.key < $1.key }) {
            let start = text.count
            text.append(contentsOf: key.utf8)
            self.insert(text.span.extracting(start..<text.count), at: start, value, seed)
        }
    }

    private mutating func insert(
        _ key: Span<UInt8>, at start: Int, _ value: (prefix: Int32, exact: Int32), _ seed: RouteHash.Seed
    ) {
        var hash = RouteHash(seed)
        var depth: UInt16 = 0
        var element = 1
        repeat {
            element = hash.element(key, from: element, to: key.count) + 1
            depth += 1
        } while element <= key.count
        self.layout.depth = max(self.layout.depth, depth)
        self.layout.length = max(self.layout.length, UInt16(key.count))

        let tag = UInt32(truncatingIfNeeded: hash.value >> 32)
        var place = Int(UInt32(truncatingIfNeeded: hash.value) & self.layout.mask)
        while !self.slots[place].isEmpty {
            if self.slots[place].hash == tag { self.layout.hasCollisions = true }
            place = (place + 1) & (self.slots.count - 1)
        }
        self.slots[place] = RouteTable.PathSlot(
            hash: tag, length: UInt32(key.count), text: UInt32(start), prefix: value.prefix, exact: value.exact)
    }
}
