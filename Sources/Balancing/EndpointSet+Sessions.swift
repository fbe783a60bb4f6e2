/// Where a request of a session may go, and what to tell its client.
@frozen
public struct SessionPick: BitwiseCopyable, Hashable, Sendable {
    public let outcome: PickOutcome
    /// A cookie to set; nil when the client has the right one, or is to keep the one of an endpoint that is away.
    public let cookie: AffinityValue?

    @inlinable
    public init(_ outcome: PickOutcome, cookie: AffinityValue? = nil) {
        self.outcome = outcome
        self.cookie = cookie
    }
}

extension EndpointSet {
    /// The endpoint of a session: the same until it leaves the backend, then a new one and a new cookie.
    ///
    /// While the session's endpoint is ejected, full or tried in vain, another stands in for it, and the session goes back unless
    /// ``BalancingPolicy/sessionsMoveOnFailure``. An endpoint of weight 0 keeps its sessions. A look-up, without allocation.
    ///
    /// - Parameter value: what the client sent; nil for none, or one that is no such value.
    public mutating func pick(
        session value: AffinityValue?, tried: TriedEndpoints = TriedEndpoints(), at now: UInt64
    ) -> SessionPick {
        if now >= self.attentionAt { self.attend(at: now) }
        var staysAway = false
        if let value {
            let place = self.index.place(value.rawValue) { self.loads[$0].stage == .active }
            if place >= 0 {
                if !self.isLeftOut(place), !self.isFull(place), !tried.contains(place) {
                    return SessionPick(.slot(self.slot(at: place)))
                }
                staysAway = !self.policy.sessionsMoveOnFailure
            }
        }
        let outcome = self.pick(tried: tried, at: now)
        guard case .slot(let slot) = outcome, !staysAway else { return SessionPick(outcome) }
        return SessionPick(outcome, cookie: self.affinityValue(slot))
    }

    /// What a cookie says of a slot's endpoint.
    public func affinityValue(_ slot: EndpointSlot) -> AffinityValue? {
        self.contains(slot) ? AffinityValue(rawValue: self.states[slot.index].affinity) : nil
    }
}
