package import Reactor

/// Finds sessions by what they are known by: open addressing with linear probing, the hash beside each place, and no marks left
/// behind by what was removed.
///
/// What a key is, only who asks knows: the table gives the places that may hold it.
package struct SessionTable: ~Copyable {
    /// The hash in the upper half, one more than the session's position in its slab in the lower; 0 where there is nobody.
    private var places: [UInt64]
    private var mask: Int
    package private(set) var count = 0

    package init() {
        self.places = [UInt64](repeating: 0, count: Self.smallest)
        self.mask = Self.smallest - 1
    }

    private static let smallest = 64

    /// Where to look first.
    package func start(_ hash: UInt32) -> Int { Int(hash) & self.mask }

    /// The next position in the slab whose hash this is; nil if there is no more. Goes on from `place` when asked again.
    package func next(_ hash: UInt32, _ place: inout Int) -> Int? {
        while self.places[place] != 0 {
            let entry = self.places[place]
            place = (place + 1) & self.mask
            if UInt32(truncatingIfNeeded: entry >> 32) == hash { return Int(UInt32(truncatingIfNeeded: entry)) - 1 }
        }
        return nil
    }

    package mutating func insert(_ hash: UInt32, position: Int) {
        // At most half full.
        if (self.count + 1) * 2 > self.places.count { self.grow() }
        self.put(UInt64(hash) << 32 | UInt64(position + 1))
        self.count += 1
    }

    /// It must be there.
    package mutating func remove(_ hash: UInt32, position: Int) {
        let entry = UInt64(hash) << 32 | UInt64(position + 1)
        var hole = Int(hash) & self.mask
        while self.places[hole] != entry {
            precondition(self.places[hole] != 0, "no such session")
            hole = (hole + 1) & self.mask
        }
        self.count -= 1
        // Whoever comes after and would rather be here moves up (Knuth, volume 3, section 6.4, algorithm R).
        var place = hole
        while true {
            place = (place + 1) & self.mask
            guard self.places[place] != 0 else { break }
            let home = Int(self.places[place] >> 32) & self.mask
            if (place - home) & self.mask >= (place - hole) & self.mask {
                self.places[hole] = self.places[place]
                hole = place
            }
        }
        self.places[hole] = 0
    }

    private mutating func put(_ entry: UInt64) {
        var place = Int(entry >> 32) & self.mask
        while self.places[place] != 0 { place = (place + 1) & self.mask }
        self.places[place] = entry
    }

    private mutating func grow() {
        let former = self.places
        self.places = [UInt64](repeating: 0, count: former.count * 2)
        self.mask = self.places.count - 1
        for entry in former where entry != 0 { self.put(entry) }
    }
}

/// The hash of a session's key: SipHash-1-3 (Aumasson and Bernstein 2012; the rounds that Rust and Swift use for their tables), by
/// words. The key of the hash is secret, so that nobody can choose ports that all meet in one place.
package struct SessionHash: BitwiseCopyable, Sendable {
    private let low: UInt64
    private let high: UInt64

    package init(_ low: UInt64, _ high: UInt64) {
        self.low = low
        self.high = high
    }

    /// From the system's random numbers.
    package static func random() -> SessionHash {
        var numbers = SystemRandomNumberGenerator()
        return SessionHash(numbers.next(), numbers.next())
    }

    /// Of a client's address and a frontend's number.
    package func callAsFunction(_ peer: PeerAddress, _ frontend: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: self.hash(peer.head, peer.first, peer.second, UInt64(frontend)))
    }

    /// Of 32 bytes, as numbers of which each is in little-endian order.
    package func hash(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) -> UInt64 {
        var state = State(self.low, self.high)
        state.take(first)
        state.take(second)
        state.take(third)
        state.take(fourth)
        state.take(32 << 56)
        return state.finish()
    }

    private struct State: BitwiseCopyable {
        private var v0: UInt64
        private var v1: UInt64
        private var v2: UInt64
        private var v3: UInt64

        init(_ low: UInt64, _ high: UInt64) {
            self.v0 = low ^ 0x736f_6d65_7073_6575
            self.v1 = high ^ 0x646f_7261_6e64_6f6d
            self.v2 = low ^ 0x6c79_6765_6e65_7261
            self.v3 = high ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            self.v3 ^= word
            self.round()
            self.v0 ^= word
        }

        mutating func finish() -> UInt64 {
            self.v2 ^= 0xff
            for _ in 0..<3 { self.round() }
            return self.v0 ^ self.v1 ^ self.v2 ^ self.v3
        }

        private mutating func round() {
            self.v0 &+= self.v1
            self.v1 = Self.rotated(self.v1, 13) ^ self.v0
            self.v0 = Self.rotated(self.v0, 32)
            self.v2 &+= self.v3
            self.v3 = Self.rotated(self.v3, 16) ^ self.v2
            self.v0 &+= self.v3
            self.v3 = Self.rotated(self.v3, 21) ^ self.v0
            self.v2 &+= self.v1
            self.v1 = Self.rotated(self.v1, 17) ^ self.v2
            self.v2 = Self.rotated(self.v2, 32)
        }

        private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
    }
}
