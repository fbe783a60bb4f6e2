// What begins and ends. A slot that names nothing is passed over: whoever holds one that long has counted wrong, and
// the counts of others stay right.
extension EndpointSet {
    /// A request goes to an endpoint that was picked.
    @inlinable
    public mutating func requestStarted(_ slot: EndpointSlot) {
        guard self.contains(slot) else { return }
        let place = slot.index
        self.loads[place].requests += 1
        if self.policy.maximumRequests > 0, Int(self.loads[place].requests) == self.policy.maximumRequests {
            self.becameFull(place)
        }
    }

    /// A request to an endpoint ended, for this endpoint: what is tried again elsewhere ends here and starts there.
    @inlinable
    public mutating func requestEnded(
        _ slot: EndpointSlot, _ outcome: RequestOutcome, at now: UInt64
    ) -> OutlierEvent {
        guard self.contains(slot), self.loads[slot.index].requests > 0 else { return .none }
        let place = slot.index
        if self.policy.maximumRequests > 0, Int(self.loads[place].requests) == self.policy.maximumRequests {
            self.isNoLongerFull(place)
        }
        self.loads[place].requests -= 1
        self.loads[place].finished &+= 1
        var event = OutlierEvent.none
        if outcome == .success {
            self.loads[place].gatewayFailures = 0
            self.loads[place].failures = 0
        } else if outcome != .neutral {
            event = self.failed(place, outcome, at: now)
        }
        if self.loads[place].stage == .draining, self.loads[place].isUnused { self.release(place) }
        return event
    }

    /// A connection to an endpoint is being opened.
    @inlinable
    public mutating func connectionOpened(_ slot: EndpointSlot) {
        guard self.contains(slot) else { return }
        self.loads[slot.index].connections += 1
    }

    /// It is closed, or could not be opened.
    @inlinable
    public mutating func connectionClosed(_ slot: EndpointSlot) {
        guard self.contains(slot), self.loads[slot.index].connections > 0 else { return }
        self.loads[slot.index].connections -= 1
        if self.loads[slot.index].stage == .draining, self.loads[slot.index].isUnused { self.release(slot.index) }
    }

    @usableFromInline
    mutating func becameFull(_ place: Int) {
        guard self.attentionAt != 0, self.available.contains(place) else { return }
        self.available.remove(place)
        self.availableCount -= 1
    }

    @usableFromInline
    mutating func isNoLongerFull(_ place: Int) {
        // Otherwise it is made anew before it is looked at.
        guard self.attentionAt != 0, self.isMember(place), !self.available.contains(place) else { return }
        self.available.insert(place)
        self.availableCount += 1
    }

    /// Whether a place takes new requests as long as it is not full.
    func isMember(_ place: Int) -> Bool {
        self.loads[place].stage == .active && self.loads[place].weight > 0 && !self.isLeftOut(place)
    }

    func isFull(_ place: Int) -> Bool {
        self.policy.maximumRequests > 0 && Int(self.loads[place].requests) >= self.policy.maximumRequests
    }

    func isLeftOut(_ place: Int) -> Bool {
        self.loads[place].isEjected && !self.isPanicking || self.isLeftOutByChecks(place)
    }

    func isLeftOutByChecks(_ place: Int) -> Bool { self.loads[place].isFailing && !self.ignoresChecks }
}
