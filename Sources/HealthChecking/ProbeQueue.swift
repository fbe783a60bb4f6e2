/// Whose turn it is, by number: first come, first served.
struct ProbeQueue {
    private var ids: [UInt64] = []
    private var next = 0

    var count: Int { self.ids.count - self.next }
    var isEmpty: Bool { self.next == self.ids.count }

    mutating func append(_ id: UInt64) { self.ids.append(id) }

    mutating func popFirst() -> UInt64? {
        guard !self.isEmpty else { return nil }
        defer {
            self.next += 1
            if self.next * 2 > self.ids.count {
                self.ids.removeFirst(self.next)
                self.next = 0
            }
        }
        return self.ids[self.next]
    }
}
