// Bytes: memory that bytes pass through on their way between sockets, and how it is reused. Pure: no
// sockets, no clock.

/// A stretch of memory with a reading position and a writing position, and exactly one owner.
///
///     |  consumed  |  readable  |  space  |
///     0         start          end     capacity
///
/// Without memory it is empty and has no space: what an idle connection holds. Memory comes from a
/// ``BufferPool`` and goes back there, or is freed with the buffer.
///
/// **Unsafe, and why it is right.** `base` comes from `allocate` with `capacity` bytes and is owned by this value alone
/// (`~Copyable`); `0 <= start <= end <= capacity` holds after every method; bytes before `end` have been
/// written. Views (`readable`) borrow the buffer, so the compiler refuses a change while one is in use.
@safe
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    @usableFromInline var size: Int
    @usableFromInline var start: Int
    @usableFromInline var end: Int

    /// Without memory.
    @inlinable
    public init() {
        unsafe self.base = nil
        self.size = 0
        self.start = 0
        self.end = 0
    }

    public init(capacity: Int) {
        precondition(capacity > 0 && capacity <= 1 << 30, "no capacity for a buffer: \(capacity)")
        unsafe self.base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        self.size = capacity
        self.start = 0
        self.end = 0
    }

    init(owning base: UnsafeMutablePointer<UInt8>, capacity: Int) {
        unsafe self.base = base
        self.size = capacity
        self.start = 0
        self.end = 0
    }

    deinit { unsafe self.base?.deallocate() }

    /// Gives up the memory, which then belongs to nobody.
    consuming func release() -> UnownedMemory {
        guard let base = unsafe self.base else { preconditionFailure("a buffer without memory") }
        discard self
        return unsafe UnownedMemory(base: base)
    }

    /// Bytes of memory.
    @inlinable public var capacity: Int { self.size }
    @inlinable public var hasMemory: Bool { self.size != 0 }
    /// How many bytes can be read.
    @inlinable public var count: Int { self.end &- self.start }
    @inlinable public var isEmpty: Bool { self.end == self.start }
    /// How many bytes can be appended.
    @inlinable public var space: Int { self.capacity &- self.end }

    /// The buffer with its memory; this one is without afterwards.
    public mutating func move() -> ByteBuffer {
        var moved = ByteBuffer()
        swap(&moved, &self)
        return moved
    }

    // MARK: - Reading

    /// What has been written and not been consumed.
    @inlinable
    public var readable: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(self.memory + self.start), count: self.count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The same as an array, off the hot path.
    public var copy: [UInt8] {
        unsafe [UInt8](UnsafeBufferPointer(start: self.memory + self.start, count: self.count))
    }

    /// The same for system calls.
    @inlinable
    public func withReadable<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeRawBufferPointer(start: self.memory + self.start, count: self.count))
    }

    /// Where the readable bytes are, for gathering several buffers in one `writev(2)`. Good until the buffer is
    /// next changed.
    @inlinable
    public var readablePointer: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(self.memory + self.start) }

    @inlinable
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.start &+= count
        if self.start == self.end {
            self.start = 0
            self.end = 0
        }
    }

    @inlinable
    public mutating func clear() {
        self.start = 0
        self.end = 0
    }

    /// Moves the readable bytes to the front, so that all free memory is space.
    @inlinable
    public mutating func compact() {
        guard self.start > 0 else { return }
        let count = self.count
        if count > 0 { unsafe self.memory.update(from: self.memory + self.start, count: count) }
        self.start = 0
        self.end = count
    }

    // MARK: - Writing

    /// Lets `body` write into the space; it returns how many bytes it wrote.
    @inlinable
    public mutating func fill(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        let written = unsafe body(UnsafeMutableRawBufferPointer(start: self.memory + self.end, count: self.space))
        precondition(written >= 0 && written <= self.space)
        self.end &+= written
        return written
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        precondition(self.space > 0)
        unsafe self.memory[self.end] = byte
        self.end &+= 1
    }

    @inlinable
    public mutating func append(_ bytes: Span<UInt8>) {
        let count = bytes.count
        precondition(count <= self.space)
        guard count > 0 else { return }
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe (self.memory + self.end).update(from: from, count: count)
        }
        self.end &+= count
    }

    /// Some of `bytes`.
    @inlinable
    public mutating func append(_ bytes: Span<UInt8>, _ range: ByteRange) {
        precondition(range.upperBound <= bytes.count && Int(range.count) <= self.space)
        guard range.count > 0 else { return }
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe (self.memory + self.end).update(from: from + range.lowerBound, count: Int(range.count))
        }
        self.end &+= Int(range.count)
    }

    /// A field line of HTTP/1.1: `name: value` with its CRLF.
    @inlinable
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let (nameCount, valueCount) = (name.count, value.count)
        precondition(nameCount &+ valueCount &+ 4 <= self.space)
        var place = unsafe self.memory + self.end
        unsafe name.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe place.update(from: from, count: nameCount)
        }
        unsafe place += nameCount
        unsafe place[0] = 0x3a
        unsafe place[1] = 0x20
        unsafe place += 2
        unsafe value.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe place.update(from: from, count: valueCount)
        }
        unsafe place += valueCount
        unsafe place[0] = 0x0d
        unsafe place[1] = 0x0a
        self.end &+= nameCount &+ valueCount &+ 4
    }

    /// Some of what is readable already.
    public mutating func `repeat`(_ range: ByteRange) {
        precondition(range.upperBound <= self.count && Int(range.count) <= self.space)
        unsafe (self.memory + self.end).update(
            from: self.memory + self.start + range.lowerBound, count: Int(range.count))
        self.end &+= Int(range.count)
    }

    @inlinable
    public mutating func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        precondition(count <= self.space)
        unsafe (self.memory + self.end).update(from: text.utf8Start, count: count)
        self.end &+= count
    }

    /// Off the hot path.
    public mutating func append(text: String) {
        for byte in text.utf8 { self.append(byte) }
    }

    /// In decimal: at most 20 bytes.
    @inlinable
    public mutating func append(decimal number: UInt64) {
        self.append(number, digits: Self.digits(number, base: 10), base: 10)
    }

    /// In hexadecimal, lowercase, without leading zeros: at most 16 bytes.
    @inlinable
    public mutating func append(hex number: UInt64) {
        self.append(number, digits: Self.digits(number, base: 16), base: 16)
    }

    /// In hexadecimal with leading zeros.
    @inlinable
    public mutating func append(hex number: UInt64, digits: Int) { self.append(number, digits: digits, base: 16) }

    @inlinable
    static func digits(_ number: UInt64, base: UInt64) -> Int {
        var digits = 1
        var rest = number / base
        while rest > 0 {
            digits &+= 1
            rest /= base
        }
        return digits
    }

    @inlinable
    mutating func append(_ number: UInt64, digits: Int, base: UInt64) {
        precondition(digits <= self.space)
        var rest = number
        var position = self.end &+ digits
        while position > self.end {
            position &-= 1
            let digit = UInt8(truncatingIfNeeded: rest % base)
            unsafe self.memory[position] = digit < 10 ? digit &+ 48 : digit &+ 87
            rest /= base
        }
        self.end &+= digits
    }

    /// Changes one byte that was written, counted from the reading position.
    @inlinable
    public mutating func replace(at index: Int, with byte: UInt8) {
        precondition(index >= 0 && index < self.count)
        unsafe self.memory[self.start &+ index] = byte
    }

    /// The last `count` readable bytes are dropped.
    @inlinable
    public mutating func dropLast(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        self.end &-= count
    }

    /// The memory; there always is some where this is used, as every use has checked `space` or `count`.
    @inlinable
    var memory: UnsafeMutablePointer<UInt8> {
        // An empty buffer's zero bytes may be anywhere.
        unsafe self.base ?? UnsafeMutablePointer(bitPattern: 0x1000).unsafelyUnwrapped
    }
}
