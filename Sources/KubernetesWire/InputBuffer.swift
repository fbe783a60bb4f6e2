/// Bytes that have arrived and are not decoded yet. Each byte is copied in once and, at most once for each
/// doubling, moved to the front.
struct InputBuffer: Sendable {
    private var storage: [UInt8] = []
    private var start = 0

    /// Memory that a rare large object took is given back.
    private static let keptCapacity = 1 << 20

    var count: Int { self.storage.count - self.start }

    /// Must not be held when the buffer changes, or all of it is copied.
    var bytes: ArraySlice<UInt8> { self.storage[self.start...] }

    mutating func append(_ bytes: some Collection<UInt8>) {
        if self.count == 0 {
            self.storage.removeAll(keepingCapacity: self.storage.capacity <= Self.keptCapacity)
            self.start = 0
        } else if self.start >= self.count {
            // Moving what is left costs no more than what was consumed before.
            self.storage.removeSubrange(..<self.start)
            self.start = 0
        }
        self.storage.append(contentsOf: bytes)
    }

    mutating func consume(_ count: Int) {
        self.start += count
    }
}
