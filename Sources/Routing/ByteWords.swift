// Eight bytes at a time. **The only unsafe loads of this module, and why they are right:** every load goes through
// `RawSpan.unsafeLoadUnaligned(fromByteOffset:as:)`, which checks that all eight bytes are inside the span. It is
// unsafe only for types for which not every bit pattern is a value, and for UInt64 every one is.
//
// In a word the first byte of the text is the lowest, whatever the machine.

extension Span where Element == UInt8 {
    /// The bytes from `offset` to `end` (not behind the span's end), eight at most; zeros for what is missing.
    @inlinable @inline(__always)
    package func word(_ offset: Int, to end: Int) -> UInt64 {
        let count = end &- offset
        if offset &+ 8 <= self.count {
            let word = unsafe UInt64(
                littleEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return count >= 8 ? word : word & Self.mask(count)
        }
        if self.count >= 8 {
            // Of the last eight bytes those from `offset`.
            let last = unsafe UInt64(
                littleEndian: self.bytes.unsafeLoadUnaligned(fromByteOffset: self.count &- 8, as: UInt64.self))
            let word = last &>> UInt64(truncatingIfNeeded: (offset &+ 8 &- self.count) &* 8)
            return word & Self.mask(count)
        }
        return self.shortWord(offset, to: end)
    }

    @usableFromInline
    @inline(never)
    func shortWord(_ offset: Int, to end: Int) -> UInt64 {
        var word: UInt64 = 0
        var index = end
        while index > offset {
            index &-= 1
            word = word << 8 | UInt64(self[index])
        }
        return word
    }

    /// The lowest `count` bytes, 0 to 7.
    @inlinable @inline(__always)
    static func mask(_ count: Int) -> UInt64 { (1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1 }
}

extension TextRange {
    /// Whether the bytes of this piece of `text` are those of `other` from `start` to `end`.
    @inlinable @inline(__always)
    package func holds(_ other: Span<UInt8>, from start: Int, to end: Int, in text: Span<UInt8>) -> Bool {
        guard Int(self.count) == end &- start else { return false }
        let last = Int(self.offset) &+ Int(self.count)
        var offset = Int(self.offset)
        var index = start
        while index < end {
            if text.word(offset, to: last) != other.word(index, to: end) { return false }
            offset &+= 8
            index &+= 8
        }
        return true
    }
}

/// Which byte of a word is the first that equals a slash; 8 when none does.
@inlinable @inline(__always)
package func firstSlash(_ word: UInt64) -> Int {
    let difference = word ^ 0x2f2f_2f2f_2f2f_2f2f
    let zeros = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    return zeros.trailingZeroBitCount &>> 3
}
