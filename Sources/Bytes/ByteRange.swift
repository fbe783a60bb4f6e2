/// Some bytes of a buffer, by where they begin and how many they are. Says nothing of which buffer.
@frozen
package struct ByteRange: BitwiseCopyable, Hashable, Sendable {
    package var start: UInt32
    package var count: UInt32

    @inlinable
    package init(start: Int, count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    @inlinable
    package init(_ range: Range<Int>) { self.init(start: range.lowerBound, count: range.count) }

    /// No bytes, at the beginning.
    package static let empty = ByteRange(start: 0, count: 0)

    @inlinable package var isEmpty: Bool { self.count == 0 }
    @inlinable package var lowerBound: Int { Int(self.start) }
    @inlinable package var upperBound: Int { Int(self.start) + Int(self.count) }
    @inlinable package var indices: Range<Int> { self.lowerBound..<self.upperBound }
}
