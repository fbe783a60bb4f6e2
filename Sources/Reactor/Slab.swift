/// Names an element of a ``Slab`` for as long as it is there; afterwards it names nothing, even if the place is
/// used again.
@frozen
package struct Handle: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline let index: UInt32
    @usableFromInline let generation: UInt32

    @inlinable
    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Names nothing, ever.
    package static let none = Handle(index: 0, generation: 0)

    @inlinable package var isNone: Bool { self.generation == 0 }
    /// Where in the slab.
    @inlinable package var position: Int { Int(self.index) }

    // MARK: As a number for the kernel to keep: 24 bits of generation are plenty, as events of a closed descriptor are
    // at most one `epoll_wait(2)` old.

    @inlinable
    package func token(kind: UInt8) -> UInt64 {
        UInt64(kind) << 56 | UInt64(self.generation & 0xff_ffff) << 32 | UInt64(self.index)
    }
}

/// Elements in places that stay where they are, reused when an element goes; each use of a place has a generation
/// of its own.
///
/// Places come in blocks of 64, so that growing moves nothing. Elements are changed where they are.
///
/// **Unsafe, and why it is right.** Each block is allocated and freed by this value alone (`~Copyable`); a place whose
/// generation is odd holds an initialised element, an even one none; positions are checked against that before an
/// element is touched.
@safe
package struct Slab<Element: ~Copyable>: ~Copyable {
    @usableFromInline static var blockBits: Int { 6 }
    @usableFromInline static var blockSize: Int { 1 << Self.blockBits }

    @usableFromInline
    struct Place: ~Copyable {
        @usableFromInline var generation: UInt32 = 0
        @usableFromInline var nextFree: UInt32 = 0
    }

    /// The blocks, in an allocation of their own that is made anew when it is full.
    @usableFromInline var blocks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    @usableFromInline var places: UnsafeMutablePointer<Place>
    private var blockCapacity: Int
    private var blockCount = 0
    @usableFromInline var capacity = 0
    private var firstFree = UInt32.max
    /// How many elements there are.
    package private(set) var count = 0

    package init() {
        self.blockCapacity = 16
        unsafe self.blocks = .allocate(capacity: 16)
        unsafe self.places = .allocate(capacity: 16 * Self.blockSize)
    }

    deinit {
        for index in 0..<self.capacity where unsafe self.places[index].generation & 1 == 1 {
            unsafe (self.blocks[index >> Self.blockBits] + (index & (Self.blockSize - 1))).deinitialize(count: 1)
        }
        for block in 0..<self.blockCount { unsafe self.blocks[block].deallocate() }
        unsafe self.blocks.deallocate()
        unsafe self.places.deallocate()
    }

    // MARK: - Elements

    package mutating func insert(_ element: consuming Element) -> Handle {
        if self.firstFree == UInt32.max { self.grow() }
        let index = self.firstFree
        self.firstFree = unsafe self.places[Int(index)].nextFree
        unsafe self.places[Int(index)].generation &+= 1
        unsafe self.pointer(Int(index)).initialize(to: element)
        self.count += 1
        return Handle(index: index, generation: unsafe self.places[Int(index)].generation)
    }

    /// The element that the handle names must be there.
    package mutating func remove(_ handle: Handle) -> Element {
        precondition(self.contains(handle), "no such element")
        let index = Int(handle.index)
        // The generation of a place never is 0 where it holds an element: that is `Handle.none`.
        unsafe self.places[index].generation &+= 1
        unsafe self.places[index].nextFree = self.firstFree
        self.firstFree = handle.index
        self.count -= 1
        return unsafe self.pointer(index).move()
    }

    @inlinable
    package func contains(_ handle: Handle) -> Bool {
        unsafe Int(handle.index) < self.capacity && handle.generation & 1 == 1
            && self.places[Int(handle.index)].generation == handle.generation
    }

    /// The handle that a token of the kernel was made of; nil if its element is gone.
    @inlinable
    package func handle(token: UInt64) -> Handle? {
        let index = UInt32(truncatingIfNeeded: token)
        guard Int(index) < self.capacity else { return nil }
        let generation = unsafe self.places[Int(index)].generation
        guard generation & 1 == 1, UInt64(generation & 0xff_ffff) == token >> 32 & 0xff_ffff else { return nil }
        return Handle(index: index, generation: generation)
    }

    /// The handle of the element at a position; nil if there is none.
    package func handle(at position: Int) -> Handle? {
        guard position < self.capacity else { return nil }
        let generation = unsafe self.places[position].generation
        return generation & 1 == 1 ? Handle(index: UInt32(position), generation: generation) : nil
    }

    /// One past the last position that may hold an element.
    package var positions: Int { self.capacity }

    @inlinable
    package subscript(handle: Handle) -> Element {
        _read {
            precondition(self.contains(handle), "no such element")
            yield unsafe self.pointer(Int(handle.index)).pointee
        }
        _modify {
            precondition(self.contains(handle), "no such element")
            yield unsafe &self.pointer(Int(handle.index)).pointee
        }
    }

    @inlinable
    func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
        unsafe self.blocks[index >> Self.blockBits] + (index & (Self.blockSize - 1))
    }

    private mutating func grow() {
        if self.blockCount == self.blockCapacity { self.moveTables() }
        unsafe self.blocks[self.blockCount] = .allocate(capacity: Self.blockSize)
        // Low positions first: they are handed out in the order of the list.
        for index in (self.capacity..<self.capacity + Self.blockSize).reversed() {
            unsafe (self.places + index).initialize(to: Place(generation: 0, nextFree: self.firstFree))
            self.firstFree = UInt32(index)
        }
        self.blockCount += 1
        self.capacity += Self.blockSize
    }

    private mutating func moveTables() {
        let blockCapacity = self.blockCapacity * 2
        let blocks = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: blockCapacity)
        let places = UnsafeMutablePointer<Place>.allocate(capacity: blockCapacity * Self.blockSize)
        unsafe blocks.moveInitialize(from: self.blocks, count: self.blockCount)
        unsafe places.moveInitialize(from: self.places, count: self.capacity)
        unsafe self.blocks.deallocate()
        unsafe self.places.deallocate()
        unsafe self.blocks = blocks
        unsafe self.places = places
        self.blockCapacity = blockCapacity
    }
}
