import Balancing
import Testing

/// Random updates, requests, connections, failures and pauses, held against a model that knows nothing of bits, groups
/// and places: a dictionary by slot, gone through each time.
@Suite struct ModelTests {
    private struct Known {
        var endpoint: BackendEndpoint
        var isActive = true
        var requests = 0
        var connections = 0
        var gatewayFailures = 0
        var failures = 0
        var until: UInt64?
        var times = 0
        var returnedAt: UInt64 = 0

        var isUnused: Bool { self.requests == 0 && self.connections == 0 }
    }

    private struct Model {
        var known: [EndpointSlot: Known] = [:]
        /// Every slot there ever was: none may be given out again.
        var past: Set<EndpointSlot> = []
        var policy: BalancingPolicy

        var active: [EndpointSlot: Known] { self.known.filter { $0.value.isActive } }
        var ejected: Int { self.active.values.count { $0.until != nil } }
        var isPanicking: Bool {
            Double(self.ejected) > Double(self.active.count * self.policy.outliers.panicPercent) / 100
        }

        mutating func pass(to now: UInt64) {
            for (slot, known) in self.known {
                guard let until = known.until, until <= now else { continue }
                self.known[slot]?.until = nil
                self.known[slot]?.returnedAt = now
            }
        }

        func mayTake(_ known: Known, ofWeight: Bool = true) -> Bool {
            let hasWeight = known.endpoint.weight > 0 || self.active.values.allSatisfy { $0.endpoint.weight <= 0 }
            return known.isActive && (hasWeight || !ofWeight) && (known.until == nil || self.isPanicking)
        }

        func isFull(_ known: Known) -> Bool {
            self.policy.maximumRequests > 0 && known.requests >= self.policy.maximumRequests
        }

        /// What a pick may come to; nil for a slot.
        func refusal(_ tried: Set<EndpointSlot>) -> PickOutcome? {
            if self.active.isEmpty { return .noEndpoints }
            let left = self.known.filter { self.mayTake($0.value) && !tried.contains($0.key) }
            if left.isEmpty { return .allTried }
            return left.values.allSatisfy(self.isFull) ? .allBusy : nil
        }

        mutating func forget() {
            self.known = self.known.filter { $0.value.isActive || !$0.value.isUnused }
        }

        /// What comes of a request's end; the time of an ejection is the set's, as it is drawn by chance.
        mutating func ended(_ slot: EndpointSlot, _ outcome: RequestOutcome, at now: UInt64, _ event: OutlierEvent) {
            guard var known = self.known[slot] else { return }
            let outliers = self.policy.outliers
            known.requests -= 1
            if outcome == .success { (known.gatewayFailures, known.failures) = (0, 0) }
            if known.isActive, known.until == nil, outcome != .success, outcome != .neutral {
                known.failures += 1
                known.gatewayFailures = outcome == .serverError ? 0 : known.gatewayFailures + 1
            }
            let isOutlier =
                known.gatewayFailures >= outliers.consecutiveGatewayFailures
                || known.failures >= outliers.consecutiveServerErrors
            switch event {
            case .ejected(let until, let times):
                #expect(isOutlier && known.until == nil && known.isActive)
                #expect(self.active.count > 1)
                #expect(
                    self.ejected + 1 <= max(1, self.active.count * outliers.maximumEjectedPercent / 100))
                known.times = max(0, known.times - Int((now - known.returnedAt) / outliers.forgivingInterval)) + 1
                #expect(times == known.times)
                let duration = min(outliers.baseEjectionTime * UInt64(times), outliers.maximumEjectionTime)
                #expect((duration...(duration + outliers.ejectionJitter)).contains(until - now))
                known.until = until
                (known.gatewayFailures, known.failures) = (0, 0)
            case .spared, .none:
                let isDue = outcome != .success && outcome != .neutral && known.isActive && known.until == nil
                let isAllowed =
                    self.active.count > 1
                    && self.ejected < max(1, self.active.count * outliers.maximumEjectedPercent / 100)
                #expect(!(isDue && isOutlier && isAllowed))
                if event == .spared { #expect(isOutlier) }
            }
            self.known[slot] = known
            self.forget()
        }

        mutating func update(_ list: [BackendEndpoint], _ changes: EndpointChanges) {
            var wanted: [Int: BackendEndpoint] = [:]
            for endpoint in list where wanted[endpoint.number] == nil { wanted[endpoint.number] = endpoint }
            let before = Dictionary(uniqueKeysWithValues: self.known.map { ($0.value.endpoint.number, $0.key) })
            for (slot, known) in self.known {
                let wish = wanted[known.endpoint.number]
                #expect(changes.removed.contains(slot) == (known.isActive && wish == nil))
                #expect(changes.returned.contains(slot) == (!known.isActive && wish != nil))
                #expect(changes.changed.contains(slot) == (known.isActive && wish != nil && wish != known.endpoint))
                self.known[slot]?.isActive = wish != nil
                if let wish { self.known[slot]?.endpoint = wish }
            }
            #expect(changes.added.count == wanted.keys.count { before[$0] == nil })
            self.forget()
            // Who is new is found in the set.
            for slot in changes.added {
                #expect(self.past.insert(slot).inserted, "a slot is given out once")
                #expect(!self.known.keys.contains { $0.index == slot.index }, "and its place to one at a time")
                self.known[slot] = Known(endpoint: endpoint(0))
            }
        }
    }

    private static func list(_ random: inout TestNumbers) -> [BackendEndpoint] {
        let count = Int.random(in: 0...12, using: &random)
        return (0..<count).map { _ in
            endpoint(
                Int.random(in: 0..<16, using: &random), weight: Int.random(in: 0...3, using: &random),
                isSameZone: Bool.random(using: &random))
        }
    }

    @Test(arguments: BalancingAlgorithm.allCases, Array(UInt64(1)...6))
    func `it agrees with a model`(algorithm: BalancingAlgorithm, seed: UInt64) {
        var random = TestNumbers(state: seed)
        var policy = BalancingPolicy()
        policy.algorithm = algorithm
        policy.prefersSameZone = seed % 2 == 0
        policy.maximumRequests = seed % 3 == 0 ? 0 : 3
        policy.outliers.consecutiveGatewayFailures = 2
        policy.outliers.consecutiveServerErrors = 3
        policy.outliers.panicPercent = 40
        var set = EndpointSet(policy: policy, seed: seed)
        var model = Model(policy: policy)
        var flights: [EndpointSlot] = []
        var connections: [EndpointSlot] = []
        var now: UInt64 = 1

        for _ in 0..<2000 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                let list = Self.list(&random)
                let changes = set.update(to: list)
                model.update(list, changes)
                for slot in changes.added { model.known[slot]?.endpoint = set.endpoint(slot) ?? endpoint(0) }
                #expect(
                    Set(model.active.values.map(\.endpoint.number)) == Set(list.map(\.number)))
            case 1:
                now += UInt64.random(in: 0...40_000, using: &random)
                _ = set.pick(at: now)
                model.pass(to: now)
            case 2..<9:
                Self.pick(&set, model, now, &random, &flights)
                if let slot = flights.last, set.requests(slot) > model.known[slot]?.requests ?? 0 {
                    model.known[slot]?.requests += 1
                }
            case 9..<16:
                guard !flights.isEmpty else { continue }
                let slot = flights.remove(at: Int.random(in: 0..<flights.count, using: &random))
                let outcome = RequestOutcome.allCases.randomElement(using: &random) ?? .success
                let event = set.requestEnded(slot, outcome, at: now)
                model.ended(slot, outcome, at: now, event)
            case 16, 17:
                guard let slot = model.known.keys.min(by: { $0.index < $1.index }) else { continue }
                set.connectionOpened(slot)
                model.known[slot]?.connections += 1
                connections.append(slot)
            default:
                guard !connections.isEmpty else { continue }
                let slot = connections.remove(at: Int.random(in: 0..<connections.count, using: &random))
                set.connectionClosed(slot)
                model.known[slot]?.connections -= 1
                model.forget()
            }
            Self.compare(set, model)
        }
        #expect(model.past.count > 100, "slots were used again")
    }

    /// Whoever holds one that long has counted wrong; the counts of others stay right.
    @Test func `a slot that is over names nothing`() {
        var set = EndpointSet(endpoints(0..<1)) { $0.maximumRequests = 1 }
        let old = set.slot(0)
        _ = set.update(to: [])
        _ = set.update(to: endpoints(1..<2))
        let new = set.slot(1)
        #expect(new.index == old.index && new != old)
        set.requestStarted(new)
        set.connectionOpened(new)
        set.requestStarted(old)
        set.connectionOpened(old)
        set.connectionClosed(old)
        set.connectionClosed(old)
        for outcome in RequestOutcome.allCases + RequestOutcome.allCases {
            #expect(set.requestEnded(old, outcome, at: 1) == .none)
        }
        #expect(set.requests(new) == 1 && set.connections(new) == 1 && set.requests(old) == 0)
        #expect(set.pick(at: 1) == .allBusy)
        #expect(set.endpoint(old) == nil && set.affinityValue(old) == nil && set.endpoint(.none) == nil)
        // One end too many is passed over too.
        _ = set.requestEnded(new, .success, at: 1)
        _ = set.requestEnded(new, .success, at: 1)
        #expect(set.requests(new) == 0)
        #expect(set.pick(at: 1) == .slot(new))
    }

    /// Picks in one of the three ways, and starts a request there.
    private static func pick(
        _ set: inout EndpointSet, _ model: Model, _ now: UInt64, _ random: inout TestNumbers,
        _ flights: inout [EndpointSlot]
    ) {
        var tried = TriedEndpoints()
        var triedSlots: Set<EndpointSlot> = []
        for slot in model.active.keys where Int.random(in: 0..<5, using: &random) == 0 && triedSlots.count < 8 {
            tried.insert(slot)
            triedSlots.insert(slot)
        }
        let outcome: PickOutcome
        var session: EndpointSlot?
        switch Int.random(in: 0..<3, using: &random) {
        case 0: outcome = set.pick(tried: tried, at: now)
        case 1: outcome = set.pick(key: random.next(), tried: tried, at: now)
        default:
            session = model.known.keys.randomElement(using: &random)
            outcome = set.pick(session: session.flatMap { set.affinityValue($0) }, tried: tried, at: now).outcome
        }
        if let session, let known = model.known[session], model.mayTake(known, ofWeight: false),
            !model.isFull(known), !triedSlots.contains(session)
        {
            #expect(outcome == .slot(session))
        } else if let refusal = model.refusal(triedSlots) {
            #expect(outcome == refusal)
        }
        guard case .slot(let slot) = outcome else {
            #expect(model.refusal(triedSlots) == outcome)
            return
        }
        guard let known = model.known[slot] else {
            Issue.record("a slot that is unknown")
            return
        }
        #expect(model.mayTake(known, ofWeight: slot != session) && !model.isFull(known) && !triedSlots.contains(slot))
        set.requestStarted(slot)
        flights.append(slot)
    }

    private static func compare(_ set: borrowing EndpointSet, _ model: Model) {
        var count = 0
        set.forEach { report in
            count += 1
            guard let known = model.known[report.slot] else {
                Issue.record("a slot that is over")
                return
            }
            #expect(report.endpoint == known.endpoint && report.isDraining == !known.isActive)
            #expect(report.requests == known.requests && report.connections == known.connections)
            #expect(report.ejectedUntil == known.until ?? 0)
        }
        #expect(count == model.known.count && set.count == model.active.count)
        for slot in model.past { #expect((set.endpoint(slot) != nil) == (model.known[slot] != nil)) }
    }
}
