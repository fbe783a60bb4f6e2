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
    /// Of all elements that have ended.
    @usableFromInline package private(set) var value: UInt64
    @usableFromInline var partial: UInt64 = 0
    @usableFromInline var bits: UInt64 = 0

    @inlinable
    package init(_ seed: Seed) {
        self.seed = seed
        self.value = seed.start
    }

    @inlinable @inline(__always)
    package mutating func append(_ byte: UInt8) {
        self.partial |= UInt64(byte) &<< self.bits
        self.bits &+= 8
        if self.bits == 64 {
            self.value = Self.fold(self.value ^ self.partial, self.seed.word)
            self.partial = 0
            self.bits = 0
        }
    }

    /// Ends an element, which may be empty.
    @inlinable @inline(__always)
    package mutating func endElement() {
        self.value = Self.fold(self.value ^ self.partial, self.seed.end &+ (self.bits &<< 1))
        self.partial = 0
        self.bits = 0
    }

    @inlinable @inline(__always)
    package static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Of a whole host name, or of what follows the first label of one.
    @inlinable
    package static func host(_ name: Span<UInt8>, from start: Int, _ seed: Seed) -> UInt64 {
        var hash = RouteHash(seed)
        var index = start
        while index < name.count {
            hash.append(name[index])
            index &+= 1
        }
        hash.endElement()
        return hash.value
    }
}
