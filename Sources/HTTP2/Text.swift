internal import Bytes
internal import CNghttp2

// Comparing and searching bytes. Unsafe invariant of this file: a pointer into a span is used only within the call that lends it,
// for bytes that were checked to be inside.

extension UInt8 {
    @inline(always) static var colon: UInt8 { 0x3a }
    @inline(always) static var space: UInt8 { 0x20 }
    @inline(always) static var tab: UInt8 { 0x09 }
    @inline(always) static var carriageReturn: UInt8 { 0x0d }
    @inline(always) static var lineFeed: UInt8 { 0x0a }
    @inline(always) static var slash: UInt8 { 0x2f }
    @inline(always) static var asterisk: UInt8 { 0x2a }

    @inline(always) var isBlank: Bool { self == .space || self == .tab }
    @inline(always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(always) var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

extension Span where Element == UInt8 {
    @inline(always)
    func equals(_ text: StaticString) -> Bool {
        self.count == text.utf8CodeUnitCount && self.hasText(text, at: 0)
    }

    /// Whether `text` (lower case) is at `start`, whatever the case of the letters here. So many bytes are there.
    @inline(always)
    func hasToken(_ text: StaticString, at start: Int) -> Bool {
        for index in 0..<text.utf8CodeUnitCount {
            guard self[start &+ index].lowercased == text.byte(index) else { return false }
        }
        return true
    }

    @inline(always)
    func hasText(_ text: StaticString, at start: Int) -> Bool {
        for index in 0..<text.utf8CodeUnitCount {
            guard self[start &+ index] == text.byte(index) else { return false }
        }
        return true
    }

    /// The same text, but for the case of ASCII letters.
    func equalsIgnoringCase(_ other: Span<UInt8>, _ range: ByteRange) -> Bool {
        guard self.count == Int(range.count) else { return false }
        for index in 0..<self.count {
            guard self[index].lowercased == other[range.lowerBound &+ index].lowercased else { return false }
        }
        return true
    }

    /// Where `byte` first is from `start` on; the number of bytes when it is nowhere.
    @inline(always)
    func first(_ byte: UInt8, from start: Int) -> Int {
        precondition(start >= 0 && start <= self.count)
        return unsafe self.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return start }
            return unsafe start &+ fairlead_find_byte(base + start, bytes.count &- start, byte)
        }
    }
}

extension UInt64 {
    /// Eight bytes of ASCII with their capital letters in lower case.
    @inline(always)
    var lowercasedText: UInt64 {
        let low = self & 0x7f7f_7f7f_7f7f_7f7f
        // The highest bit of each byte: from A on, and beyond Z.
        let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
        let beyondZ = low &+ 0x2525_2525_2525_2525
        return self | (fromA & ~beyondZ & ~self & 0x8080_8080_8080_8080) &>> 2
    }
}

extension StaticString {
    /// The code unit at `index`.
    @inline(always)
    func byte(_ index: Int) -> UInt8 {
        precondition(self.hasPointerRepresentation && index >= 0 && index < self.utf8CodeUnitCount)
        return unsafe self.utf8Start[index]
    }
}
