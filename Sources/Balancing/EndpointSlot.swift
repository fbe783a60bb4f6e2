/// Names an endpoint of an ``EndpointSet`` for as long as it has requests or connections, also when it has left the
/// backend meanwhile; afterwards it names nothing, even if the place is used again.
@frozen
public struct EndpointSlot: BitwiseCopyable, Hashable, Sendable {
    @usableFromInline let place: UInt32
    @usableFromInline let generation: UInt32

    @inlinable
    init(place: Int, generation: UInt32) {
        self.place = UInt32(truncatingIfNeeded: place)
        self.generation = generation
    }

    /// Names nothing, ever.
    public static var none: EndpointSlot { EndpointSlot(place: 0, generation: 0) }

    /// A small number, for what a shell holds of each endpoint in an array: below ``EndpointSet/capacity``.
    @inlinable public var index: Int { Int(self.place) }
}

/// The endpoints that a request has been tried on.
@frozen
public struct TriedEndpoints: BitwiseCopyable, Sendable {
    /// The first of eight: a request is tried at most once more than that.
    public static let capacity = 8

    @usableFromInline var places = SIMD8<UInt32>(repeating: .max)
    @usableFromInline var next: Int = 0

    @inlinable public init() {}

    @inlinable public var count: Int { min(self.next, 8) }

    /// One more. Of more than eight the last eight count.
    @inlinable
    public mutating func insert(_ slot: EndpointSlot) {
        self.places[self.next & 7] = slot.place
        self.next += 1
    }

    @inlinable
    func contains(_ index: Int) -> Bool {
        guard self.next > 0 else { return false }
        let difference = self.places ^ SIMD8(repeating: UInt32(truncatingIfNeeded: index))
        return difference.min() == 0
    }
}

/// Where a request may go.
@frozen
public enum PickOutcome: BitwiseCopyable, Hashable, Sendable {
    case slot(EndpointSlot)
    /// The backend has none: 503.
    case noEndpoints
    /// All those that have not been tried have as many requests as they may: 503, and worth trying again soon.
    case allBusy
    /// All that could take it have been tried for this request: answer what the last try came to.
    case allTried
}
