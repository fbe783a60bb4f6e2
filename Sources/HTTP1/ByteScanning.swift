// HTTP1: HTTP/1.1 as bytes: heads, chunks, paths, hosts, the PROXY protocol, and the heads that are forwarded.
// Pure: no sockets, no clock, no allocation for a message.
//
// Eight bytes at a time. **The only unsafe loads of this module, and why they are right:** every load of a span goes
// through `RawSpan.unsafeLoadUnaligned(fromByteOffset:as:)`, which checks that all its bytes are inside the span; it is
// unsafe only for types for which not every bit pattern is a value, and for UInt64 and UInt32 every one is. Every load of a
// literal is of its UTF-8 code units, which live as long as the program, at an offset that was checked against their
// number.
//
// In words the first byte of the text is the lowest, whatever the machine. A mask has the highest bit of each byte set
// that is meant; the tricks with borrows may set bits above the first right one, never below: only the lowest counts,
// unless a method says `exact`.

internal import Bytes

/// Eight bytes side by side.
struct Word: BitwiseCopyable {
    var bits: UInt64

    @inline(always)
    init(bits: UInt64) { self.bits = bits }

    /// The same byte eight times.
    @inline(always)
    init(repeating byte: UInt8) { self.bits = UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// ASCII letters in lower case. Other bytes are changed as well: only for comparing with letters, digits and hyphens, which
    /// nothing else becomes in text without control characters.
    @inline(always)
    var lowercased: Word { Word(bits: self.bits | 0x2020_2020_2020_2020) }

    /// Bytes below `limit` (at most 0x80); bytes from 0x80 are none.
    @inline(always)
    func below(_ limit: UInt8) -> UInt64 {
        (self.bits &- Word(repeating: limit).bits) & ~self.bits & Self.high
    }

    @inline(always)
    func equal(_ byte: UInt8) -> UInt64 {
        let difference = self.bits ^ Word(repeating: byte).bits
        return (difference &- 0x0101_0101_0101_0101) & ~difference & Self.high
    }

    /// Every byte that equals `byte`, and no other.
    @inline(always)
    func exactEqual(_ byte: UInt8) -> UInt64 {
        let difference = self.bits ^ Word(repeating: byte).bits
        return ~(((difference & ~Self.high) &+ ~Self.high) | difference) & Self.high
    }

    /// Every byte from `first` to `last` (both below 0x80), and no other. Only the lower seven bits are looked at.
    @inline(always)
    func exactRange(_ first: UInt8, _ last: UInt8) -> UInt64 {
        let low = self.bits & ~Self.high
        let fromFirst = low &+ Word(repeating: 0x80 &- first).bits
        let pastLast = low &+ Word(repeating: 0x7f &- last).bits
        return fromFirst & ~pastLast & Self.high
    }

    /// Control characters and DEL.
    @inline(always)
    var controls: UInt64 { self.below(0x20) | self.equal(0x7f) }

    /// Bytes from 0x80.
    @inline(always)
    var notASCII: UInt64 { self.bits & Self.high }

    /// Every letter and digit of ASCII.
    @inline(always)
    var exactAlphanumeric: UInt64 {
        (self.lowercased.exactRange(0x61, 0x7a) | self.exactRange(0x30, 0x39)) & ~self.bits
    }

    /// A number as eight hexadecimal digits in lower case, the highest first.
    @inline(always)
    static func hexDigits(_ number: UInt32) -> Word {
        // Each four bits go to a byte of their own: by halves, quarters, eighths.
        var spread = UInt64(number.byteSwapped)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
        // 1 in each byte above 9.
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return Word(bits: spread &+ 0x3030_3030_3030_3030 &+ letters &* 39)
    }

    @inline(always)
    static var high: UInt64 { 0x8080_8080_8080_8080 }

    /// Which byte the lowest bit of a mask means; 8 when there is none.
    @inline(always)
    static func first(_ mask: UInt64) -> Int { mask.trailingZeroBitCount &>> 3 }
}

extension Span where Element == UInt8 {
    /// The eight bytes from `offset`, all of them inside.
    @inline(always)
    func wholeWord(_ offset: Int) -> Word {
        Word(bits: UInt64(littleEndian: unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }

    /// The four bytes from `offset`, all of them inside.
    @inline(always)
    func halfWord(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe self.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The eight bytes from `offset` (inside); zeros where the span ends.
    @inline(always)
    func word(_ offset: Int) -> Word {
        if _fastPath(offset &+ 8 <= self.count) { return self.wholeWord(offset) }
        return self.lastWord(offset)
    }

    @inline(never)
    func lastWord(_ offset: Int) -> Word {
        if self.count >= 8 {
            let last = self.wholeWord(self.count &- 8)
            return Word(bits: last.bits >> UInt64((offset &+ 8 &- self.count) &* 8))
        }
        var bits: UInt64 = 0
        var index = self.count
        while index > offset {
            index &-= 1
            bits = bits << 8 | UInt64(self[index])
        }
        return Word(bits: bits)
    }

    // MARK: - Finding

    /// The first byte from `start` that is a control character but TAB, or DEL: what ends a field value, a line. `end` when
    /// there is none before it; `end` is inside the span.
    @inline(always)
    func firstControl(from start: Int, to end: Int) -> Int {
        var index = start
        while index < end {
            let word = self.word(index)
            let mask = word.controls
            if mask == 0 {
                index &+= 8
                continue
            }
            index &+= Word.first(mask)
            guard index < end else { return end }
            guard self[index] == .tab else { return index }
            index &+= 1
        }
        return end
    }

    /// The first byte from `start` that is none of `A-Z a-z 0-9 -`, or `end`.
    @inline(always)
    func firstOutsideName(from start: Int, to end: Int) -> Int {
        var index = start
        while index < end {
            let word = self.word(index)
            let mask = ~(word.exactAlphanumeric | word.exactEqual(.hyphen)) & Word.high
            if mask == 0 {
                index &+= 8
                continue
            }
            return Swift.min(index &+ Word.first(mask), end)
        }
        return end
    }

    /// The first byte from `start` that cannot be in a target (white space, controls, `#`, what is not ASCII) or, where the path
    /// alone is meant, ends it (`?`); `end` when there is none before it.
    @inline(always)
    func firstOutsideTarget(from start: Int, to end: Int, path: Bool) -> Int {
        var index = start
        while index < end {
            let word = self.word(index)
            var mask = word.below(0x21) | word.notASCII | word.equal(0x7f) | word.equal(.hash)
            if path { mask |= word.equal(.questionMark) }
            if mask == 0 {
                index &+= 8
                continue
            }
            return Swift.min(index &+ Word.first(mask), end)
        }
        return end
    }

    // MARK: - Comparing

    /// Whether the text at `offset` begins with `text`. The caller has checked that so many bytes are there.
    @inline(always)
    func hasText(_ text: StaticString, at offset: Int) -> Bool { self.matches(text, at: offset, setting: 0) }

    /// The same for `text` of letters, digits and hyphens, whatever its case. The caller has checked as well that none of
    /// the bytes is a control character.
    @inline(always)
    func hasToken(_ text: StaticString, at offset: Int) -> Bool {
        self.matches(text, at: offset, setting: 0x2020_2020_2020_2020)
    }

    @inline(never)
    private func matches(_ text: StaticString, at offset: Int, setting bits: UInt64) -> Bool {
        let count = text.utf8CodeUnitCount
        guard count >= 8 else {
            guard count >= 4 else {
                for index in 0..<count {
                    let bit = UInt8(truncatingIfNeeded: bits)
                    guard self[offset &+ index] | bit == text.byte(index) | bit else { return false }
                }
                return true
            }
            let bits = UInt32(truncatingIfNeeded: bits)
            return self.halfWord(offset) | bits == text.halfWord(0) | bits
                && self.halfWord(offset &+ count &- 4) | bits == text.halfWord(count &- 4) | bits
        }
        var index = 0
        while index &+ 8 <= count {
            guard self.wholeWord(offset &+ index).bits | bits == text.word(index).bits | bits else { return false }
            index &+= 8
        }
        // The last eight, of which some have been compared.
        return self.wholeWord(offset &+ count &- 8).bits | bits == text.word(count &- 8).bits | bits
    }

    /// Whether the bytes of `range` (no control characters) are `text` (letters, digits and hyphens), whatever their case.
    @inline(always)
    func equals(_ text: StaticString, _ range: ByteRange) -> Bool {
        Int(range.count) == text.utf8CodeUnitCount && self.hasToken(text, at: range.lowerBound)
    }

    /// Whether two ranges hold the same text, but for the case of ASCII letters.
    func equalsIgnoringCase(_ left: ByteRange, _ right: ByteRange) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<Int(left.count) {
            let a = self[left.lowerBound &+ index]
            let b = self[right.lowerBound &+ index]
            if a != b, a.lowercased != b.lowercased { return false }
        }
        return true
    }
}

extension StaticString {
    /// The code unit at `index`.
    func byte(_ index: Int) -> UInt8 {
        precondition(self.hasPointerRepresentation && index >= 0 && index < self.utf8CodeUnitCount)
        return unsafe self.utf8Start[index]
    }

    /// The eight code units from `offset`, all of them inside.
    @inline(always)
    fileprivate func word(_ offset: Int) -> Word {
        precondition(self.hasPointerRepresentation && offset >= 0 && offset &+ 8 <= self.utf8CodeUnitCount)
        let bits = unsafe UnsafeRawPointer(self.utf8Start).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        return Word(bits: UInt64(littleEndian: bits))
    }

    /// The four code units from `offset`, all of them inside.
    @inline(always)
    fileprivate func halfWord(_ offset: Int) -> UInt32 {
        precondition(self.hasPointerRepresentation && offset >= 0 && offset &+ 4 <= self.utf8CodeUnitCount)
        let bits = unsafe UnsafeRawPointer(self.utf8Start).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return UInt32(littleEndian: bits)
    }
}
