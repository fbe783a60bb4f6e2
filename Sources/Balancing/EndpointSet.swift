/// The endpoints of a backend as one worker knows them: who they are, what is on its way to each, who is ejected, whose
/// turn it is.
///
/// It is changed in place by the thread that owns it. It has no clock: whoever calls says what time it is, in milliseconds of a
/// clock that does not go back. Updates allocate; picking, and what begins and ends, does not.
///
///     switch endpoints.pick(tried: request.tried, at: now) {
///     case .slot(let slot):
///         endpoints.requestStarted(slot)
///         ...
///         if case .ejected(let until, _) = endpoints.requestEnded(slot, .connectFailed, at: now) { ... }
///
/// A slot stays an endpoint's for as long as it is in the backend or has requests or connections. Endpoints
/// that leave get nothing new from that moment, not even by affinity.
public struct EndpointSet: ~Copyable {
    /// Affects picks from the next one on.
    public var policy: BalancingPolicy {
        didSet { self.attentionAt = 0 }
    }
    public let affinityKey: AffinityKey

    // By place.
    @usableFromInline var loads: [EndpointLoad] = []
    var states: [EndpointState] = []
    var freePlaces: [Int32] = []
    var index = EndpointIndex()
    var updates: UInt64 = 0

    /// The places that can take a new request: active, of some weight, not full, not failing unless all are, and not
    /// ejected unless there is panic.
    var available = SlotBits()
    var availableCount = 0
    var all = EndpointGroup()
    var sameZone = EndpointGroup()
    /// The part of requests, of 2^32 - 1, that go to the own zone first.
    var sameZoneShare: UInt32 = 0
    var hasEqualWeights = true
    var random: RandomNumbers

    /// When the next ejected endpoint is to be taken back; 0 when what is above has to be made anew.
    var attentionAt: UInt64 = 0
    /// How many are in the backend.
    public internal(set) var count = 0
    /// How many of those fail the checks: ``setFailing(_:)``.
    public internal(set) var failingCount = 0
    /// All that have any weight do, so that the checks are ignored: the fault is then more likely elsewhere, and nobody is better off
    /// without any endpoint.
    public internal(set) var ignoresChecks = false
    /// How many are left by the checks: among those outliers are looked for.
    var candidateCount = 0
    /// How many of those are ejected.
    public internal(set) var ejectedCount = 0
    /// More are ejected than ``OutlierPolicy/panicPercent``, so that ejection is ignored.
    public internal(set) var isPanicking = false
    /// How many have come back from ejection that ``nextReturned()`` has not told of.
    public internal(set) var returnedCount = 0

    /// - Parameters:
    ///   - seed: different for each worker, so that they do not all begin with the same endpoint.
    ///   - affinityKey: the same for each replica of this proxy.
    public init(policy: BalancingPolicy = BalancingPolicy(), seed: UInt64, affinityKey: AffinityKey = .standard) {
        self.policy = policy
        self.affinityKey = affinityKey
        self.random = RandomNumbers(seed: mixed(seed &+ 0x9e37_79b9_7f4a_7c15))
    }

    /// How many places there are, used or not: the indices of slots are below it.
    public var capacity: Int { self.loads.count }

    func slot(at place: Int) -> EndpointSlot {
        EndpointSlot(place: place, generation: self.loads[place].generation)
    }

    /// Whether the slot still names an endpoint.
    @inlinable
    public func contains(_ slot: EndpointSlot) -> Bool {
        slot.index < self.loads.count && self.loads[slot.index].generation == slot.generation
            && self.loads[slot.index].stage != .free
    }

    /// Whether the slot's endpoint is in the backend, and its connections are worth keeping.
    @inlinable
    public func isActive(_ slot: EndpointSlot) -> Bool {
        self.contains(slot) && self.loads[slot.index].stage == .active
    }

    /// Where to connect to; nil for a slot that names nothing.
    public func endpoint(_ slot: EndpointSlot) -> BackendEndpoint? {
        self.contains(slot) ? self.states[slot.index].endpoint : nil
    }

    /// Requests in flight; 0 for a slot that names nothing.
    public func requests(_ slot: EndpointSlot) -> Int {
        self.contains(slot) ? Int(self.loads[slot.index].requests) : 0
    }

    /// Open connections; 0 for a slot that names nothing.
    public func connections(_ slot: EndpointSlot) -> Int {
        self.contains(slot) ? Int(self.loads[slot.index].connections) : 0
    }

    /// Each endpoint, those that drain included, for admin pages and metrics.
    public func forEach(_ body: (EndpointReport) -> Void) {
        for place in self.loads.indices where self.loads[place].stage != .free {
            let load = self.loads[place]
            body(
                EndpointReport(
                    slot: self.slot(at: place), endpoint: self.states[place].endpoint,
                    isDraining: load.stage == .draining, requests: Int(load.requests),
                    connections: Int(load.connections), finishedRequests: load.finished, failedRequests: load.failed,
                    ejectedUntil: self.states[place].ejectedUntil, isFailing: load.isFailing))
        }
    }
}
