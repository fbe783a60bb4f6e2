/// Bytes that have arrived and are not decoded yet. Each byte is copied in once and, at most once for each
/// doubling, moved to the front.
///
/// Appending is inlined into callers: bytes come as `ByteBufferView`s, and only there is it known what that is.
@usableFromInline
struct InputBuffer: Sendable {
    @usableFromInline var storage: [UInt8] = []
    @usableFromInline var start = 0

    /// Memory that a rare large object took is given back.
    @usableFromInline static let keptCapacity = 1 << 20

    init() {}

    @inlinable var count: Int { self.storage.count - self.start }

    /// Must not be held when the buffer changes, or all of it is copied.
    var bytes: ArraySlice<UInt8> { self.storage[self.start...] }

    @inlinable
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
