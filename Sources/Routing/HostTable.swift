/// Hosts and a number for each, by open addressing in flat storage. Exact names before wildcards.
///
/// A wildcard is kept as what follows its `*`, with the dot, which no exact name begins with.
@frozen
package struct HostTable: Sendable {
    @frozen
    package struct Slot: BitwiseCopyable {
        @usableFromInline let hash: UInt64
        @usableFromInline let text: TextRange
        /// -1 where nothing is.
        @usableFromInline let value: Int32

        @usableFromInline
        init(hash: UInt64, text: TextRange, value: Int32) {
            self.hash = hash
            self.text = text
            self.value = value
        }

        @usableFromInline static let none = Slot(hash: 0, text: .empty, value: -1)
    }

    @usableFromInline let slots: [Slot]
    @usableFromInline let text: [UInt8]
    @usableFromInline let seed: RouteHash.Seed
    /// No name is longer.
    @usableFromInline let longest: Int
    @usableFromInline let hasWildcards: Bool

    /// `names` in lower case, each once; the number of a name is its place.
    package init(_ names: some Collection<String>, seed: RouteHash.Seed) {
        var text: [UInt8] = []
        text.reserveCapacity(names.count * 24)
        // At most half full, so that a miss ends soon.
        var slots = [Slot](repeating: .none, count: max(2, names.count * 2).roundedUpToPowerOfTwo)
        var longest = 0
        var hasWildcards = false
        for (value, name) in names.enumerated() {
            let start = text.count
            if HostName.isWildcard(name) {
                text.append(contentsOf: name.utf8.dropFirst())
                hasWildcards = true
            } else {
                text.append(contentsOf: name.utf8)
            }
            // A wildcard's label is at least one byte.
            longest = max(longest, hasWildcards ? HostName.maximumLength : text.count - start)
            let hash = RouteHash.host(text.span.extracting(start..<text.count), from: 0, seed)
            var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[place].value >= 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = Slot(
                hash: hash, text: TextRange(offset: UInt32(start), count: UInt32(text.count - start)),
                value: Int32(value))
        }
        self.slots = slots
        self.text = text
        self.seed = seed
        self.longest = longest
        self.hasWildcards = hasWildcards
    }

    /// The number of a host in lower case, without a port or a dot at its end; -1 for one that is not there.
    @inlinable
    package func find(_ host: Span<UInt8>) -> Int32 {
        guard host.count > 0, host.count <= self.longest else { return -1 }
        let exact = self.find(host, from: 0)
        guard exact < 0, self.hasWildcards else { return exact }
        var dot = 0
        while dot < host.count, host[dot] != UInt8(ascii: ".") { dot &+= 1 }
        return dot > 0 && dot < host.count ? self.find(host, from: dot) : -1
    }

    @inlinable
    package func find(_ host: Span<UInt8>, from start: Int) -> Int32 {
        let hash = RouteHash.host(host, from: start, self.seed)
        let slots = self.slots.span
        let mask = slots.count &- 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[place]
            if slot.value < 0 { return -1 }
            if slot.hash == hash, slot.text.isEqual(self.text.span, to: host, from: start, to: host.count) {
                return slot.value
            }
            place = (place &+ 1) & mask
        }
    }
}

extension TextRange {
    /// Whether this piece of `text` is what `other` holds between two places.
    @inlinable
    package func isEqual(_ text: Span<UInt8>, to other: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        guard Int(self.count) == end &- start else { return false }
        let offset = Int(self.offset)
        var index = 0
        while index < end &- start {
            if text[offset &+ index] != other[start &+ index] { return false }
            index &+= 1
        }
        return true
    }
}

extension Int {
    /// The least power of two that is not less.
    var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
