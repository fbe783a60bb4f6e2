extension EndpointSet {
    /// The endpoint for a request, or a connection, that may go to any.
    ///
    /// - Parameter tried: is not chosen again.
    public mutating func pick(tried: TriedEndpoints = TriedEndpoints(), at now: UInt64) -> PickOutcome {
        if now >= self.attentionAt { self.attend(at: now) }
        guard self.availableCount > 0 else { return self.refusal(tried) }
        var place = -1
        if self.sameZoneShare > 0,
            self.sameZoneShare == .max || self.random.next() >> 32 < UInt64(self.sameZoneShare)
        {
            place = self.sameZone.choose(
                self.policy.algorithm, available: self.available, loads: self.loads, tried: tried, random: &self.random)
        }
        if place < 0 {
            place = self.all.choose(
                self.policy.algorithm, available: self.available, loads: self.loads, tried: tried, random: &self.random)
        }
        return place >= 0 ? .slot(self.slot(at: place)) : self.refusal(tried)
    }

    /// The endpoint for a key, the same for the same key on each worker and replica: rendezvous hashing (Thaler and Ravishankar 1998),
    /// in proportion to weights. An endpoint that leaves, is ejected or is full gives its keys to all others, and those of
    /// nobody else move. It looks at each endpoint: some two nanoseconds each.
    ///
    /// - Parameter key: of any quality; ``AffinityKey/key(_:)`` makes one of bytes.
    public mutating func pick(
        key: UInt64, tried: TriedEndpoints = TriedEndpoints(), at now: UInt64
    ) -> PickOutcome {
        if now >= self.attentionAt { self.attend(at: now) }
        guard self.availableCount > 0 else { return self.refusal(tried) }
        let number = mixed(key &+ 0x9e37_79b9_7f4a_7c15)
        let words = self.available.words.span
        var best = -1
        var highest: UInt64 = 0
        var lowest = Double.infinity
        for word in words.indices {
            var bits = words[word]
            while bits != 0 {
                let place = word << 6 | bits.trailingZeroBitCount
                bits &= bits - 1
                if tried.contains(place) { continue }
                let score = mixed(self.states[place].affinity ^ number)
                if self.hasEqualWeights {
                    if score >= highest { (best, highest) = (place, score) }
                } else {
                    // The shortest of waiting times, each exponential with the weight as its rate.
                    let weight = Double(self.loads[place].weight)
                    if Rendezvous.isAtLeast(score, lowest * weight) { continue }
                    let time = Rendezvous.waitingTime(score) / weight
                    if time < lowest { (best, lowest) = (place, time) }
                }
            }
        }
        return best >= 0 ? .slot(self.slot(at: best)) : self.refusal(tried)
    }

    /// What to say when nobody can take it.
    private func refusal(_ tried: TriedEndpoints) -> PickOutcome {
        guard self.count > 0 else { return .noEndpoints }
        for place in self.loads.indices where self.isMember(place) && !tried.contains(place) { return .allBusy }
        return .allTried
    }
}

enum Rendezvous {
    /// Whether it is known without a logarithm that ``waitingTime(_:)`` is not below a bound: -log2 u is at least
    /// (1 - u) / ln 2, here a little less than that.
    static func isAtLeast(_ bits: UInt64, _ bound: Double) -> Bool {
        Double(~bits >> 11) * (0x1p-53 * 1.4426) >= bound
    }

    /// -log2 of a number in (0, 1) that has these bits. Without the C library, and the same on every processor: sums,
    /// products and quotients of IEEE 754 only. Exact to eight digits.
    static func waitingTime(_ bits: UInt64) -> Double {
        let number = (Double(bits >> 11) + 0.5) * 0x1p-53
        let significand = number.significand
        // log2 m = 2 / ln 2 * artanh((m - 1) / (m + 1)), which is at most 1/3 here.
        let s = (significand - 1) / (significand + 1)
        let square = s * s
        let series =
            1 + square
            * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square * (1 / 9 + square * (1 / 11 + square / 13)))))
        return -(Double(number.exponent) + 2.885_390_081_777_927 * s * series)
    }
}
