/// A hash of paths that grows with them: what it is after each `/` is the hash of the path up to there, so that one pass
/// over a request's path asks for all its prefixes.
///
/// Words of eight bytes are folded in by a full multiplication with a secret (as wyhash does); each element between
/// slashes ends with its last bytes and how many they are. It decides nothing: what it finds is compared byte by
/// byte. Keys are secret, so nobody can choose hosts or paths that meet.
@frozen
package struct RouteHash: BitwiseCopyable, Sendable {
    /// The secrets of one planner.
    @frozen
    package struct Seed: BitwiseCopyable, Hashable, Sendable {
        @usableFromInline let start: UInt64
        @usableFromInline let word: UInt64
        @usableFromInline let end: UInt64

        /// With 0 for everything each path has the hash 0: for tests.
        package init(start: UInt64, word: UInt64, end: UInt64) {
            self.start = start
            self.word = word
            self.end = end
        }

        package static func random() -> Seed {
            // Odd: a factor then loses nothing of what it is multiplied with.
            Seed(
                start: UInt64.random(in: .min ... .max), word: UInt64.random(in: .min ... .max) | 1,
                end: UInt64.random(in: .min ... .max) | 1)
        }
    }

    @usableFromInline let seed: Seed
    /// Of all that has been appended.
    @usableFromInline package private(set) var value: UInt64

    @inlinable @inline(__always)
    package init(_ seed: Seed) {
        self.seed = seed
        self.value = seed.start
    }

    /// Eight bytes of an element that has more, or just ends.
    @inlinable @inline(__always)
    package mutating func append(_ word: UInt64) {
        self.value = Self.fold(self.value ^ word, self.seed.word)
    }

    /// Ends an element, which may be empty, with its last `count` bytes: 0 to 7.
    @inlinable @inline(__always)
    package mutating func end(_ word: UInt64, _ count: Int) {
        self.value = Self.fold(self.value ^ word, self.seed.end &* UInt64(truncatingIfNeeded: count &* 2 &+ 1))
    }

    @inlinable @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Of a host's name, or of what follows the first label of one.
    @inlinable @inline(__always)
    package static func host(_ name: Span<UInt8>, from start: Int, _ seed: Seed) -> UInt64 {
        var hash = RouteHash(seed)
        var index = start
        while index &+ 8 <= name.count {
            hash.append(name.word(index, to: index &+ 8))
            index &+= 8
        }
        hash.end(name.word(index, to: name.count), name.count &- index)
        return hash.value
    }

    /// Goes on with one element of a path, up to the next slash or `limit`. Returns where that is.
    @inlinable @inline(__always)
    package mutating func element(_ path: Span<UInt8>, from start: Int, to limit: Int) -> Int {
        var index = start
        while true {
            let word = path.word(index, to: limit)
            let count = min(firstSlash(word), limit &- index)
            if count < 8 {
                self.end(word & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1), count)
                return index &+ count
            }
            self.append(word)
            index &+= 8
        }
    }
}
