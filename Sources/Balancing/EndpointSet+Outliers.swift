extension EndpointSet {
    /// A request failed. Envoy's rules: a failure while it is ejected counts for nothing, a 500 ends a row of gateway
    /// failures, and what would eject counts on while too many are ejected.
    @usableFromInline
    mutating func failed(_ place: Int, _ outcome: RequestOutcome, at now: UInt64) -> OutlierEvent {
        self.loads[place].failed &+= 1
        guard self.loads[place].stage == .active, !self.loads[place].isEjected else { return .none }
        let policy = self.policy.outliers
        var load = self.loads[place]
        if load.failures < .max { load.failures += 1 }
        if !outcome.isGatewayFailure {
            load.gatewayFailures = 0
        } else if load.gatewayFailures < .max {
            load.gatewayFailures += 1
        }
        self.loads[place] = load
        let failures = Int(load.failures)
        let gatewayFailures = Int(load.gatewayFailures)
        let isGatewayOutlier =
            policy.consecutiveGatewayFailures > 0 && gatewayFailures >= policy.consecutiveGatewayFailures
        let isOutlier = policy.consecutiveServerErrors > 0 && failures >= policy.consecutiveServerErrors
        guard isGatewayOutlier || isOutlier, policy.maximumEjectedPercent > 0 else { return .none }

        if now >= self.attentionAt { self.attend(at: now) }
        let candidates = self.candidateCount
        let allowed = candidates > 1 ? max(1, candidates * policy.maximumEjectedPercent / 100) : 0
        guard self.ejectedCount < allowed else {
            let isFirst =
                isGatewayOutlier && gatewayFailures == policy.consecutiveGatewayFailures
                || isOutlier && failures == policy.consecutiveServerErrors
            return isFirst ? .spared : .none
        }
        return self.eject(place, at: now)
    }

    private mutating func eject(_ place: Int, at now: UInt64) -> OutlierEvent {
        let policy = self.policy.outliers
        var times = self.states[place].timesEjected
        if times > 0, policy.forgivingInterval > 0 {
            let quiet = (now - min(now, self.states[place].returnedAt)) / policy.forgivingInterval
            times -= Int(min(UInt64(times), quiet))
        }
        times += 1
        let longest = max(policy.maximumEjectionTime, policy.baseEjectionTime)
        let (product, isOver) = policy.baseEjectionTime.multipliedReportingOverflow(by: UInt64(times))
        let duration = isOver ? longest : min(product, longest)
        let jitter = policy.ejectionJitter > 0 ? self.random.next() % (policy.ejectionJitter + 1) : 0
        let until = now + duration + jitter

        self.states[place].timesEjected = times
        self.states[place].ejectedUntil = until
        self.loads[place].isEjected = true
        self.loads[place].gatewayFailures = 0
        self.loads[place].failures = 0
        self.ejectedCount += 1
        if self.states[place].hasReturned { self.returnedCount -= 1 }
        self.states[place].hasReturned = false
        self.attentionAt = 0
        return .ejected(until: until, times: times)
    }

    /// An endpoint that came back from ejection and has not been told of; for the log. Ask when ``returnedCount``
    /// is not 0.
    public mutating func nextReturned() -> EndpointSlot? {
        guard self.returnedCount > 0 else { return nil }
        for place in self.states.indices where self.states[place].hasReturned {
            self.states[place].hasReturned = false
            self.returnedCount -= 1
            return self.slot(at: place)
        }
        return nil
    }

    // MARK: What picks stand on

    /// Takes back whose time has come, and makes anew what picks stand on. Rare: after a change of endpoints or
    /// policy, an ejection, and the end of one.
    mutating func attend(at now: UInt64) {
        var earliest = UInt64.max
        self.ejectedCount = 0
        let hasWeight = self.lookAtChecks()
        for place in self.loads.indices where self.loads[place].stage != .free && self.loads[place].isEjected {
            if self.states[place].ejectedUntil <= now {
                self.takeBack(place, at: now)
            } else {
                earliest = min(earliest, self.states[place].ejectedUntil)
                if self.loads[place].stage == .active, !self.isLeftOutByChecks(place) { self.ejectedCount += 1 }
            }
        }
        self.isPanicking = self.ejectedCount * 100 > self.candidateCount * self.policy.outliers.panicPercent
        self.regroup(hasWeight)
        self.attentionAt = max(earliest, 1)
    }

    private mutating func takeBack(_ place: Int, at now: UInt64) {
        self.loads[place].isEjected = false
        self.states[place].ejectedUntil = 0
        self.states[place].returnedAt = now
        guard self.loads[place].stage == .active, !self.states[place].hasReturned else { return }
        self.states[place].hasReturned = true
        self.returnedCount += 1
    }

    private mutating func regroup(_ hasWeight: Bool) {
        self.available.reserve(self.loads.count)
        self.all.reserve(self.loads.count)
        self.sameZone.reserve(self.loads.count)
        self.available.removeAll()
        self.all.removeAll()
        self.sameZone.removeAll()
        self.availableCount = 0
        var (zoneWeight, zoneLeft) = (0, 0)
        var (smallest, largest) = (UInt32.max, UInt32.min)
        for place in self.loads.indices {
            guard self.loads[place].stage == .active else {
                self.loads[place].weight = 0
                continue
            }
            let wished = self.states[place].endpoint.weight
            let weight = UInt32(hasWeight ? min(max(wished, 0), BackendEndpoint.maximumWeight) : 1)
            self.loads[place].weight = weight
            guard weight > 0 else { continue }
            smallest = min(smallest, weight)
            largest = max(largest, weight)
            let isSameZone = self.states[place].endpoint.isSameZone
            if isSameZone { zoneWeight += Int(weight) }
            if self.isLeftOut(place) { continue }
            self.all.insert(place)
            if isSameZone, self.policy.prefersSameZone {
                zoneLeft += Int(weight)
                self.sameZone.insert(place)
            }
            if self.isFull(place) { continue }
            self.available.insert(place)
            self.availableCount += 1
        }
        self.hasEqualWeights = smallest >= largest
        let share = zoneWeight > 0 ? zoneLeft * self.policy.zoneOverprovisioning : 0
        self.sameZoneShare =
            share >= zoneWeight * 100
            ? (zoneLeft > 0 ? .max : 0) : UInt32(Double(share) / Double(zoneWeight * 100) * Double(UInt32.max))
        self.all.rebuild(for: self.policy.algorithm, loads: self.loads, random: &self.random)
        self.sameZone.rebuild(for: self.policy.algorithm, loads: self.loads, random: &self.random)
    }
}
