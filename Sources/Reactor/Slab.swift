/// Names an element of a ``Slab`` for as long as it is there; afterwards it names nothing, even if the place is
/// used again.
@frozen
public struct Handle: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline let index: UInt32
    @usableFromInline let generation: UInt32

    @inlinable
    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Names nothing, ever.
    @inlinable public static var none: Handle { Handle(index: 0, generation: 0) }

    @inlinable public var isNone: Bool { self.generation == 0 }

    /// Which place of the slab it is.
    @inlinable public var position: Int { Int(self.index) }

    /// As a number for the kernel to keep. 24 bits of generation are plenty: events of a closed descriptor are at most one
    /// `epoll_wait(2)` old.
    @inlinable
    public func token(kind: UInt8) -> UInt64 {
        UInt64(kind) << 56 | UInt64(self.generation & 0xff_ffff) << 32 | UInt64(self.index)
    }
}

/// Elements in places that stay where they are, reused when an element goes; each use of a place has a generation
/// of its own.
///
/// Elements are changed where they are, by a subscript that each module declares for what it keeps in slabs:
///
///     extension Slab where Element == Connection {
///         subscript(handle: Handle) -> Connection {
///             unsafeAddress { unsafe UnsafePointer(self.places.address(of: handle).assumingMemoryBound(to: Connection.self)) }
///             unsafeMutableAddress { unsafe self.places.address(of: handle).assumingMemoryBound(to: Connection.self) }
///         }
///     }
///
/// Swift 6.3 does not specialise generic functions over types that cannot be copied, and the request path does little
/// else than this.
///
/// **Unsafe, and why it is right.** Places are as large as an element and aligned for it; one whose generation is odd
/// holds an initialised element, an even one none.
@safe
public struct Slab<Element: ~Copyable>: ~Copyable {
    public var places: SlabPlaces

    public init() {
        self.places = SlabPlaces(
            stride: MemoryLayout<Element>.stride, alignment: max(MemoryLayout<Element>.alignment, 64))
    }

    deinit {
        for index in 0..<self.places.capacity {
            guard let handle = self.places.handle(at: index) else { continue }
            unsafe self.places.address(of: handle).assumingMemoryBound(to: Element.self).deinitialize(count: 1)
        }
    }

    /// How many elements there are.
    public var count: Int { self.places.count }
    /// One past the last position that may hold an element.
    public var positions: Int { self.places.capacity }

    public mutating func insert(_ element: consuming Element) -> Handle {
        let handle = self.places.take()
        unsafe self.places.address(of: handle).bindMemory(to: Element.self, capacity: 1).initialize(to: element)
        return handle
    }

    /// The element that the handle names must be there.
    public mutating func remove(_ handle: Handle) -> Element {
        let address = unsafe self.places.address(of: handle).assumingMemoryBound(to: Element.self)
        self.places.give(handle)
        return unsafe address.move()
    }

    @inlinable
    public func contains(_ handle: Handle) -> Bool { self.places.contains(handle) }

    /// The handle that a token of the kernel was made of; nil if its element is gone.
    @inlinable
    public func handle(token: UInt64) -> Handle? { self.places.handle(token: token) }

    /// The handle of the element at a position; nil if there is none.
    public func handle(at position: Int) -> Handle? { self.places.handle(at: position) }
}
