/// Some bytes of a buffer, by where they begin and how many they are. Says nothing of which buffer.
@frozen
public struct ByteRange: BitwiseCopyable, Hashable, Sendable {
    public var start: UInt32
    public var count: UInt32

    @inlinable
    public init(start: Int, count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    @inlinable
    public init(_ range: Range<Int>) { self.init(start: range.lowerBound, count: range.count) }

    /// No bytes, at the beginning.
    public static let empty = ByteRange(start: 0, count: 0)

    @inlinable public var isEmpty: Bool { self.count == 0 }
    @inlinable public var lowerBound: Int { Int(self.start) }
    @inlinable public var upperBound: Int { Int(self.start) + Int(self.count) }
    @inlinable public var indices: Range<Int> { self.lowerBound..<self.upperBound }
}
