/// The endpoints among which a request is spread: those of the own zone, or all. Only those that are not ejected.
struct EndpointGroup {
    /// Choices by turn or by chance before the bits of who can take a request are gone through. With endpoints that are full or
    /// tried only, as ejected ones are not members.
    private static let attempts = 16

    private var members: [UInt32] = []
    private var bits = SlotBits()
    private var rotation = WeightedRotation()
    private var alias = AliasTable()
    /// Where going through the bits goes on.
    private var cursor = 0

    var isEmpty: Bool { self.members.isEmpty }
    var count: Int { self.members.count }

    mutating func reserve(_ capacity: Int) {
        self.members.reserveCapacity(capacity)
        self.bits.reserve(capacity)
        self.rotation.reserve(capacity)
        self.alias.reserve(capacity)
    }

    mutating func removeAll() {
        self.members.removeAll(keepingCapacity: true)
        self.bits.removeAll()
    }

    mutating func insert(_ place: Int) {
        self.members.append(UInt32(place))
        self.bits.insert(place)
    }

    mutating func rebuild(for algorithm: BalancingAlgorithm, loads: [EndpointLoad], random: inout RandomNumbers) {
        switch algorithm {
        case .roundRobin: self.rotation.rebuild(self.members, weights: loads, random: &random)
        case .random, .leastRequests, .leastConnections: self.alias.rebuild(self.members, weights: loads)
        }
    }

    /// A member that is available and has not been tried; -1 if there is none.
    mutating func choose(
        _ algorithm: BalancingAlgorithm, available: SlotBits, loads: [EndpointLoad], tried: TriedEndpoints,
        random: inout RandomNumbers
    ) -> Int {
        guard !self.members.isEmpty else { return -1 }
        switch algorithm {
        case .roundRobin:
            for _ in 0..<Self.attempts {
                let place = self.rotation.next()
                if available.contains(place), !tried.contains(place) { return place }
            }
            return self.scan(available, tried)
        case .random:
            return self.draw(available, tried, &random)
        case .leastRequests, .leastConnections:
            let first = self.draw(available, tried, &random)
            guard first >= 0, self.members.count > 1 else { return first }
            // The same one again is no choice; a few more draws make that rare also with uneven weights.
            for _ in 0..<4 {
                let second = self.alias.draw(&random)
                if second == first || !available.contains(second) || tried.contains(second) { continue }
                return Self.isBusier(loads[first], loads[second], algorithm) ? second : first
            }
            return first
        }
    }

    /// Drawn by weight already, so that at equal loads shares are those of the weights: nobody starves.
    private static func isBusier(
        _ one: EndpointLoad, _ other: EndpointLoad, _ algorithm: BalancingAlgorithm
    ) -> Bool {
        let isByConnections = algorithm == .leastConnections
        let oneLoad = UInt64(truncatingIfNeeded: isByConnections ? one.connections : one.requests)
        let otherLoad = UInt64(truncatingIfNeeded: isByConnections ? other.connections : other.requests)
        return oneLoad &* UInt64(other.weight) > otherLoad &* UInt64(one.weight)
    }

    private mutating func draw(
        _ available: SlotBits, _ tried: TriedEndpoints, _ random: inout RandomNumbers
    ) -> Int {
        for _ in 0..<Self.attempts {
            let place = self.alias.draw(&random)
            if available.contains(place), !tried.contains(place) { return place }
        }
        return self.scan(available, tried)
    }

    /// In turn among those that are left, whatever their weights.
    private mutating func scan(_ available: SlotBits, _ tried: TriedEndpoints) -> Int {
        let place = self.bits.next(from: self.cursor, in: available, without: tried)
        if place >= 0 { self.cursor = place + 1 }
        return place
    }
}
