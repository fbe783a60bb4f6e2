public import Networking

/// What active checks find. Other than ejection, which is a guess from how requests end, it has no bound: one endpoint of a hundred that is
/// well takes all requests. Only when none is well are checks ignored.
extension EndpointSet {
    /// Which endpoints fail their checks from now on. They get no new request; sessions are treated as of those that are ejected. One
    /// that does no longer is not ejected either, as Envoy has it.
    public mutating func setFailing(_ isFailing: (IPAddress, UInt16) -> Bool) {
        var changes = false
        for place in self.loads.indices where self.loads[place].stage != .free {
            let endpoint = self.states[place].endpoint
            let fails = isFailing(endpoint.address, endpoint.port)
            guard self.loads[place].isFailing != fails else { continue }
            changes = true
            self.loads[place].isFailing = fails
            guard !fails else { continue }
            self.loads[place].gatewayFailures = 0
            self.loads[place].failures = 0
            if self.loads[place].isEjected { self.states[place].ejectedUntil = 0 }
        }
        if changes { self.attentionAt = 0 }
    }

    /// Counts anew who is left.
    ///
    /// - Returns: whether any endpoint has some weight. If not, all are equal.
    mutating func lookAtChecks() -> Bool {
        var hasWeight = false
        var (weighted, failingWeighted) = (0, 0)
        self.failingCount = 0
        for place in self.loads.indices where self.loads[place].stage == .active {
            let isFailing = self.loads[place].isFailing
            if isFailing { self.failingCount += 1 }
            guard self.states[place].endpoint.weight > 0 else { continue }
            hasWeight = true
            weighted += 1
            if isFailing { failingWeighted += 1 }
        }
        self.ignoresChecks = hasWeight ? failingWeighted == weighted : self.failingCount == self.count
        self.candidateCount = self.ignoresChecks ? self.count : self.count - self.failingCount
        return hasWeight
    }
}
