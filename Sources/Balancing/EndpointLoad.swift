/// What is touched of an endpoint by each request.
@usableFromInline
struct EndpointLoad: BitwiseCopyable {
    @usableFromInline var requests: Int32 = 0
    @usableFromInline var connections: Int32 = 0
    /// 0 while it takes no new requests.
    @usableFromInline var weight: UInt32 = 0
    @usableFromInline var generation: UInt32 = 1
    /// In a row.
    @usableFromInline var gatewayFailures: UInt16 = 0
    /// In a row, gateway failures included.
    @usableFromInline var failures: UInt16 = 0
    @usableFromInline var stage = EndpointStage.free
    @usableFromInline var isEjected = false
    /// Active checks say that it is not well.
    @usableFromInline var isFailing = false
    @usableFromInline var finished: UInt64 = 0
    @usableFromInline var failed: UInt64 = 0

    @usableFromInline init() {}

    @inlinable var isUnused: Bool { self.requests == 0 && self.connections == 0 }
}

/// free -> active -> draining -> free; draining -> active when the endpoint comes back in time.
@usableFromInline
enum EndpointStage: UInt8, BitwiseCopyable {
    case free
    case active
    /// It has left the backend and has requests or connections still.
    case draining
}

/// What is looked at when endpoints change, are ejected or are reported.
struct EndpointState: BitwiseCopyable {
    var endpoint: BackendEndpoint
    /// ``AffinityKey/value(address:port:)`` of it.
    var affinity: UInt64
    /// The update that named it last.
    var update: UInt64 = 0
    /// 0 while it is not.
    var ejectedUntil: UInt64 = 0
    /// In a row.
    var timesEjected = 0
    /// When it was last taken back.
    var returnedAt: UInt64 = 0
    /// ``EndpointSet/nextReturned()`` is still to tell.
    var hasReturned = false
}

/// An endpoint as admin pages and metrics show it. Counts are those of one worker.
public struct EndpointReport: BitwiseCopyable, Sendable {
    public let slot: EndpointSlot
    public let endpoint: BackendEndpoint
    /// It has left the backend.
    public let isDraining: Bool
    public let requests: Int
    public let connections: Int
    public let finishedRequests: UInt64
    /// Of the finished ones, those that ended as ``RequestOutcome/serverError`` or worse.
    public let failedRequests: UInt64
    /// 0 while it is not. Milliseconds.
    public let ejectedUntil: UInt64
    /// It fails the checks.
    public let isFailing: Bool
}

/// What an update did to the slots.
public struct EndpointChanges: Hashable, Sendable {
    /// New: nothing refers to the slot yet.
    public var added: [EndpointSlot] = []
    /// Had left, was still draining, and is back with its requests and connections.
    public var returned: [EndpointSlot] = []
    /// Another weight or zone.
    public var changed: [EndpointSlot] = []
    /// Get no new request. Idle connections to them can be closed; the slot names them until the last one is.
    public var removed: [EndpointSlot] = []

    public var isEmpty: Bool {
        self.added.isEmpty && self.returned.isEmpty && self.changed.isEmpty && self.removed.isEmpty
    }
}
