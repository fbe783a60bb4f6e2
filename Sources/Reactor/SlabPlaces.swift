/// The places of a ``Slab``, whatever is in them: which are taken, by which generation, and where they are.
///
/// They come in blocks of 64, so that growing moves nothing.
///
/// **Unsafe, and why it is right.** Blocks and tables are allocated and freed by this value alone (`~Copyable`); a handle is
/// checked against the generation of its place before an address is given.
@safe
public struct SlabPlaces: ~Copyable {
    @usableFromInline static var blockBits: Int { 6 }
    @usableFromInline static var blockSize: Int { 64 }

    @usableFromInline
    struct Place: BitwiseCopyable {
        @usableFromInline var generation: UInt32 = 0
        @usableFromInline var nextFree: UInt32 = 0

        @usableFromInline
        init() {}
    }

    @usableFromInline var blocks: UnsafeMutablePointer<UnsafeMutableRawPointer>
    @usableFromInline var places: UnsafeMutablePointer<Place>
    @usableFromInline let stride: Int
    private let alignment: Int
    private var blockCapacity = 16
    private var blockCount = 0
    /// One past the last place.
    @usableFromInline var end = 0
    public var capacity: Int { self.end }
    private var firstFree = UInt32.max
    public private(set) var count = 0

    init(stride: Int, alignment: Int) {
        self.stride = stride
        self.alignment = alignment
        unsafe self.blocks = .allocate(capacity: 16)
        unsafe self.places = .allocate(capacity: 16 * Self.blockSize)
    }

    deinit {
        for block in 0..<self.blockCount { unsafe self.blocks[block].deallocate() }
        unsafe self.blocks.deallocate()
        unsafe self.places.deallocate()
    }

    /// Where the element is that the handle names, which must be there. Good until it is removed.
    @inlinable
    @inline(__always)
    public func address(of handle: Handle) -> UnsafeMutableRawPointer {
        precondition(self.contains(handle), "no such element")
        let index = Int(handle.index)
        return unsafe self.blocks[index >> Self.blockBits] + (index & (Self.blockSize - 1)) * self.stride
    }

    @inlinable
    @inline(__always)
    public func contains(_ handle: Handle) -> Bool {
        unsafe Int(handle.index) < self.end && handle.generation & 1 == 1
            && self.places[Int(handle.index)].generation == handle.generation
    }

    @inlinable
    public func handle(token: UInt64) -> Handle? {
        let index = UInt32(truncatingIfNeeded: token)
        guard Int(index) < self.end else { return nil }
        let generation = unsafe self.places[Int(index)].generation
        guard generation & 1 == 1, UInt64(generation & 0xff_ffff) == token >> 32 & 0xff_ffff else { return nil }
        return Handle(index: index, generation: generation)
    }

    public func handle(at position: Int) -> Handle? {
        guard position >= 0, position < self.end else { return nil }
        let generation = unsafe self.places[position].generation
        return generation & 1 == 1 ? Handle(index: UInt32(position), generation: generation) : nil
    }

    // MARK: - Taking and giving

    /// A place for a new element: the one that was given up last, or the lowest that never was one.
    mutating func take() -> Handle {
        if self.firstFree == UInt32.max { self.grow() }
        let index = self.firstFree
        self.firstFree = unsafe self.places[Int(index)].nextFree
        unsafe self.places[Int(index)].generation &+= 1
        self.count += 1
        return Handle(index: index, generation: unsafe self.places[Int(index)].generation)
    }

    /// The element is gone from its place.
    mutating func give(_ handle: Handle) {
        let index = Int(handle.index)
        unsafe self.places[index].generation &+= 1
        unsafe self.places[index].nextFree = self.firstFree
        self.firstFree = handle.index
        self.count -= 1
    }

    private mutating func grow() {
        if self.blockCount == self.blockCapacity { self.moveTables() }
        unsafe self.blocks[self.blockCount] = .allocate(
            byteCount: self.stride * Self.blockSize, alignment: self.alignment)
        for index in (self.end..<self.end + Self.blockSize).reversed() {
            unsafe (self.places + index).initialize(to: Place())
            unsafe self.places[index].nextFree = self.firstFree
            self.firstFree = UInt32(index)
        }
        self.blockCount += 1
        self.end += Self.blockSize
    }

    private mutating func moveTables() {
        let blockCapacity = self.blockCapacity * 2
        let blocks = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: blockCapacity)
        let places = UnsafeMutablePointer<Place>.allocate(capacity: blockCapacity * Self.blockSize)
        unsafe blocks.moveInitialize(from: self.blocks, count: self.blockCount)
        unsafe places.moveInitialize(from: self.places, count: self.end)
        unsafe self.blocks.deallocate()
        unsafe self.places.deallocate()
        unsafe self.blocks = blocks
        unsafe self.places = places
        self.blockCapacity = blockCapacity
    }
}
