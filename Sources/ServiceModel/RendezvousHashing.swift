internal import Networking

/// Fills the look-up table of consistent hashing.
///
/// Each place goes to the endpoint with the highest score for it (rendezvous hashing, Thaler and
/// Ravishankar 1998). A table filled that way depends on nothing but the set of endpoints, so all nodes
/// agree; and when an endpoint leaves, only its own places change hands, which a Maglev table
/// does not promise. The price is a less even share: see ``ServiceAnnotations/defaultTableSize``.
package enum RendezvousHashing {
    /// The most scores for one place, unless there are more endpoints: more weight is scaled down.
    static let maximumShares = 1024

    /// The endpoint of each of `size` places; empty without endpoints.
    package static func table(_ backends: [WeightedBackend], size: Int) -> [Backend] {
        guard !backends.isEmpty else { return [] }
        // A share more is a score more: the highest of several counts.
        var shares: [(seed: UInt64, index: Int)] = []
        let total = backends.reduce(0) { $0 + $1.weight }
        for (index, weighted) in backends.enumerated() {
            let seed = self.seed(weighted.backend)
            let weight =
                total <= self.maximumShares ? weighted.weight : max(1, weighted.weight * self.maximumShares / total)
            for share in 0..<weight { shares.append((self.mix(seed &+ UInt64(share)), index)) }
        }
        return (0..<size).map { place in
            let number = self.mix(UInt64(place) &+ 1)
            var best = 0
            var highest: UInt64 = 0
            for (seed, index) in shares {
                let score = self.mix(seed ^ number)
                if score >= highest { (best, highest) = (index, score) }
            }
            return backends[best].backend
        }
    }

    private static func seed(_ backend: Backend) -> UInt64 {
        self.mix(self.mix(backend.address.high) ^ backend.address.low &+ UInt64(backend.port) << 40)
    }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
