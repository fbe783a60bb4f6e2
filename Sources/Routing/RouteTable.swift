/// Which request goes where: all hosts and paths, compiled. Immutable; a look-up costs what the request is long, however
/// many rules there are, and neither allocates nor counts references.
///
/// The host is chosen first (exact, `*.` for one label, all the others), then the longest path of that host (P11).
/// Each host has a hash table of its paths; a request's path is hashed once, and at each `/` as far down as the
/// host has rules that table is asked. Everything is in a few arrays, the pieces of one host side by side.
@frozen
package struct RouteTable: Sendable {
    /// What the paths of one host need: where its slots are, and how far it is worth looking.
    @frozen
    package struct Paths: BitwiseCopyable, Sendable {
        /// The first of its slots.
        @usableFromInline var slots: UInt32
        /// How many slots it has, less one; they are a power of two.
        @usableFromInline var mask: UInt32
        /// What gets everything else: a rule for `/`, or a default backend; -1 for nothing.
        @usableFromInline var root: Int32
        /// The most bytes a path of its rules has: at most ``RulePath/longest``.
        @usableFromInline var length: UInt16
        /// The most elements; 0 if it has no path but `/`.
        @usableFromInline var depth: UInt16
        /// Whether two of its paths have the same hash.
        @usableFromInline var hasCollisions: Bool

        static let none = Paths(slots: 0, mask: 0, root: -1, length: 0, depth: 0, hasCollisions: false)
    }

    /// A host by its name, or a wildcard by what follows its `*`, with the dot: no name begins with one.
    @frozen
    package struct HostSlot: BitwiseCopyable, Sendable {
        @usableFromInline var hash: UInt64
        /// Empty where no host is.
        @usableFromInline var name: TextRange
        @usableFromInline var paths: Paths
    }

    /// A path of one host, by the text without a slash at the end for Prefix, by the whole text for Exact.
    @frozen
    package struct PathSlot: BitwiseCopyable, Sendable {
        /// The upper half of the hash; the lower one led here.
        @usableFromInline var hash: UInt32
        /// 0 where no path is.
        @usableFromInline var length: UInt32
        @usableFromInline var text: UInt32
        /// For the path and all below; -1 for none.
        @usableFromInline var prefix: Int32
        /// For the path itself; -1 for none.
        @usableFromInline var exact: Int32

        @inlinable @inline(__always) var isEmpty: Bool { self.length == 0 }
        @inlinable @inline(__always) var range: TextRange { TextRange(offset: self.text, count: self.length) }

        static let none = PathSlot(hash: 0, length: 0, text: 0, prefix: -1, exact: -1)
    }

    /// A route as a request needs it.
    @frozen
    package struct Entry: BitwiseCopyable, Sendable {
        @usableFromInline var target: RouteTarget
        /// Whose it is: an index of ``blocks``, and of its routes.
        var block: Int32
        var ordinal: Int32
        @usableFromInline var settings: RouteSettings
    }

    /// Greater than that of every earlier table of a planner; 0 for the one without a rule.
    package let revision: UInt64
    @usableFromInline let hosts: [HostSlot]
    /// No name is longer.
    @usableFromInline let longestHost: Int
    @usableFromInline let hasWildcards: Bool
    /// For hosts that are not there.
    @usableFromInline let hostless: Paths
    @usableFromInline let paths: [PathSlot]
    @usableFromInline let seed: RouteHash.Seed
    /// What ``TextRange``s are pieces of.
    package let text: [UInt8]
    @usableFromInline let entries: [Entry]
    /// What was compiled for each host.
    let blocks: [HostRoutes]

    // MARK: - Look-up

    /// Where a request goes. `host` is in lower case, without a port and a dot at its end, empty if the request has
    /// none; `path` is normalised and without its query. A path without a `/` in front (`*`, or nothing) is
    /// below `/` only.
    @inlinable
    package func match(host: Span<UInt8>, path: Span<UInt8>) -> RouteMatch {
        var place = -1
        // A dot in front would be taken for a wildcard.
        if host.count > 0, host.count <= self.longestHost, host[0] != UInt8(ascii: ".") {
            place = self.find(host, from: 0)
            if place < 0, self.hasWildcards { place = self.findWildcard(host) }
        }
        let paths = place < 0 ? self.hostless : self.hosts[place].paths
        return RouteMatch(route: self.find(path, of: paths), knowsHost: place >= 0)
    }

    @usableFromInline
    @inline(never)
    func findWildcard(_ host: Span<UInt8>) -> Int {
        var dot = 0
        while dot < host.count, host[dot] != UInt8(ascii: ".") { dot &+= 1 }
        return dot > 0 && dot < host.count ? self.find(host, from: dot) : -1
    }

    /// Which slot is that of the name from `start`; -1 for none.
    @inlinable @inline(__always)
    func find(_ host: Span<UInt8>, from start: Int) -> Int {
        let hash = RouteHash.host(host, from: start, self.seed)
        let mask = self.hosts.count &- 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = self.hosts[place]
            if slot.name.count == 0 { return -1 }
            if slot.hash == hash, slot.name.holds(host, from: start, to: host.count, in: self.text.span) {
                return place
            }
            place = (place &+ 1) & mask
        }
    }

    @inlinable @inline(__always)
    func find(_ path: Span<UInt8>, of paths: Paths) -> Int32 {
        guard paths.depth > 0, path.count > 0, path[0] == UInt8(ascii: "/") else { return paths.root }
        guard !paths.hasCollisions else { return self.findComparing(path, of: paths) }
        let (route, slot) = self.descend(path, of: paths, comparing: false)
        // One comparison, of the deepest: what is right of it is right of all above it. Bytes that only have the hash of
        // a rule's lead to the search that compares them all.
        guard slot >= 0 else { return route }
        let text = self.paths[slot].range
        return text.holds(path, from: 0, to: Int(text.count), in: self.text.span)
            ? route : self.findComparing(path, of: paths)
    }

    @usableFromInline
    @inline(never)
    func findComparing(_ path: Span<UInt8>, of paths: Paths) -> Int32 {
        self.descend(path, of: paths, comparing: true).route
    }

    /// Asks at each `/` and at the end; the deepest answer counts (P5). -1 for the slot is the host's root.
    @inlinable @inline(__always)
    func descend(_ path: Span<UInt8>, of paths: Paths, comparing: Bool) -> (route: Int32, slot: Int) {
        var found: (route: Int32, slot: Int) = (paths.root, -1)
        var hash = RouteHash(self.seed)
        var depth: UInt16 = 0
        var element = 1
        let limit = min(path.count, Int(paths.length))
        while true {
            let end = hash.element(path, from: element, to: limit)
            // Longer than all rules, and in the middle of an element.
            if end < path.count, path[end] != UInt8(ascii: "/") { return found }
            depth &+= 1
            var place = UInt32(truncatingIfNeeded: hash.value) & paths.mask
            while true {
                let position = Int(paths.slots &+ place)
                let slot = self.paths[position]
                if slot.isEmpty { break }
                if slot.hash == UInt32(truncatingIfNeeded: hash.value &>> 32), Int(slot.length) == end,
                    !comparing || slot.range.holds(path, from: 0, to: end, in: self.text.span)
                {
                    if end == path.count, slot.exact >= 0 {
                        // Exact goes before Prefix (P6, P7).
                        found = (slot.exact, position)
                    } else if slot.prefix >= 0 {
                        // Never for the slash at a path's end: the keys of Prefix have none (P3).
                        found = (slot.prefix, position)
                    }
                    break
                }
                place = (place &+ 1) & paths.mask
            }
            if end >= limit || depth == paths.depth { return found }
            element = end &+ 1
        }
    }

    // MARK: - Of a route

    /// How many routes there are.
    package var count: Int { self.entries.count }

    @inlinable package func target(of route: Int32) -> RouteTarget { self.entries[Int(route)].target }

    @inlinable package func settings(of route: Int32) -> RouteSettings { self.entries[Int(route)].settings }

    /// For logs and pages: this counts references.
    package func route(_ route: Int32) -> Route {
        let entry = self.entries[Int(route)]
        return self.blocks[Int(entry.block)].routes[Int(entry.ordinal)]
    }

    /// All of them, by number: the default for all hosts, names in order, the rules for all hosts.
    package var routes: [Route] { self.blocks.flatMap(\.routes) }
}
