/// Memory for buffers of one size, kept for the next that needs it. Belongs to one thread.
public struct BufferPool: ~Copyable {
    /// Bytes of each buffer.
    public let size: Int
    /// So many unused ones are kept, the rest is given back to the system.
    public let limit: Int
    private var free: [UnownedMemory] = []
    /// Buffers that are in use.
    public private(set) var used = 0
    /// Unused buffers that are kept.
    var kept: Int { self.free.count }

    public init(size: Int, limit: Int) {
        self.size = size
        self.limit = limit
        self.free.reserveCapacity(limit)
    }

    /// An empty buffer of ``size`` bytes.
    @inline(__always)
    public mutating func take() -> ByteBuffer {
        self.used &+= 1
        if let memory = self.free.popLast() { return ByteBuffer(memory, capacity: self.size) }
        return ByteBuffer(capacity: self.size)
    }

    /// Takes back what ``take()`` gave; what is in it is lost. A buffer without memory is welcome.
    @inline(__always)
    public mutating func give(_ buffer: consuming ByteBuffer) {
        guard buffer.hasMemory else { return }
        self.used &-= 1
        precondition(buffer.capacity == self.size, "a buffer of another pool")
        guard self.free.count < self.limit else { return }
        self.free.append(buffer.release())
    }

    deinit { for memory in self.free { _ = ByteBuffer(memory, capacity: self.size) } }
}

/// Memory between two buffers.
@safe
struct UnownedMemory: BitwiseCopyable {
    let base: UnsafeMutablePointer<UInt8>
}

extension ByteBuffer {
    /// Owns memory that ``release()`` gave.
    init(_ memory: UnownedMemory, capacity: Int) {
        unsafe self.init(owning: memory.base, capacity: capacity)
    }
}
