/// Which request goes where: all hosts and paths, compiled. Immutable; a look-up costs what the request is long, however
/// many rules there are, and neither allocates nor counts references.
///
/// The host is chosen first (exact, `*.` for one label, all the others), then the longest path of that host (P11).
/// Each host has a hash table of its paths; a request's path is hashed once, and at each `/` as far down as the
/// host has rules that table is asked.
@frozen
package struct RouteTable: Sendable {
    /// What the paths of one host need: where its slots are, and how far it is worth looking.
    @frozen
    package struct Host: BitwiseCopyable {
        /// The first of its slots.
        @usableFromInline var slots: UInt32
        /// How many slots it has, less one; they are a power of two.
        @usableFromInline var mask: UInt32
        /// The most elements a path of its rules has; 0 if it has none but `/`.
        @usableFromInline var depth: UInt32
        /// The most bytes.
        @usableFromInline var length: UInt32
        /// What gets everything else: a rule for `/`, or a default backend; -1 for nothing.
        @usableFromInline var root: Int32
        /// Whether two of its paths have the same hash.
        @usableFromInline var hasCollisions: Bool

        @usableFromInline
        init(slots: UInt32, mask: UInt32, depth: UInt32, length: UInt32, root: Int32, hasCollisions: Bool) {
            self.slots = slots
            self.mask = mask
            self.depth = depth
            self.length = length
            self.root = root
            self.hasCollisions = hasCollisions
        }
    }

    /// A path of one host, by the text without a slash at the end for Prefix, by the whole text for Exact.
    @frozen
    package struct Slot: BitwiseCopyable {
        @usableFromInline var hash: UInt64
        @usableFromInline var text: TextRange
        /// For the path and all below; -1 for none.
        @usableFromInline var prefix: Int32
        /// For the path itself; -1 for none.
        @usableFromInline var exact: Int32

        @usableFromInline
        init(hash: UInt64, text: TextRange, prefix: Int32, exact: Int32) {
            self.hash = hash
            self.text = text
            self.prefix = prefix
            self.exact = exact
        }

        @usableFromInline var isEmpty: Bool { self.prefix < 0 && self.exact < 0 }
    }

    /// A route as a request needs it.
    struct Entry: BitwiseCopyable {
        var target: RouteTarget
        /// Whose it is: an index of ``blocks``, and of its routes.
        var block: Int32
        var ordinal: Int32
        var settings: RouteSettings
    }

    /// Exact names and wildcards; host-less rules are the last of ``hosts``.
    /// Greater than that of every earlier table of a planner; 0 for the one without a rule.
    package let revision: UInt64
    @usableFromInline let names: HostTable
    @usableFromInline let hosts: [Host]
    @usableFromInline let slots: [Slot]
    @usableFromInline let seed: RouteHash.Seed
    /// What ``TextRange``s are pieces of.
    package let text: [UInt8]
    let entries: [Entry]
    /// What was compiled for each host, in the order of ``hosts``; then the default for all.
    let blocks: [HostRoutes]

    init(
        revision: UInt64, names: HostTable, hosts: [Host], slots: [Slot], seed: RouteHash.Seed, text: [UInt8], entries: [Entry],
        blocks: [HostRoutes]
    ) {
        self.revision = revision
        self.names = names
        self.hosts = hosts
        self.slots = slots
        self.seed = seed
        self.text = text
        self.entries = entries
        self.blocks = blocks
    }

    // MARK: - Look-up

    /// Where a request goes. `host` is in lower case, without a port and a dot at its end, empty if the request has
    /// none; `path` is normalised and without its query. A path without a `/` in front (`*`, or nothing) is
    /// below `/` only.
    @inlinable
    package func match(host: Span<UInt8>, path: Span<UInt8>) -> RouteMatch {
        let name = self.names.find(host)
        let place = name < 0 ? self.hosts.count &- 1 : Int(name)
        return RouteMatch(route: self.find(path, of: self.hosts[place]), knowsHost: name >= 0)
    }

    @inlinable
    package func find(_ path: Span<UInt8>, of host: Host) -> Int32 {
        guard host.depth > 0, path.count > 0, path[0] == UInt8(ascii: "/") else { return host.root }
        guard !host.hasCollisions else { return self.findComparing(path, of: host) }
        let (route, slot) = self.descend(path, of: host, comparing: false)
        // One comparison, of the deepest: what is right of it is right of all above it. Bytes that only have the hash of
        // a rule's lead to the search that compares them all.
        guard slot >= 0 else { return route }
        let text = self.slots[slot].text
        return text.isEqual(self.text.span, to: path, from: 0, to: Int(text.count))
            ? route : self.findComparing(path, of: host)
    }

    @usableFromInline
    @inline(never)
    package func findComparing(_ path: Span<UInt8>, of host: Host) -> Int32 {
        self.descend(path, of: host, comparing: true).route
    }

    /// Asks at each `/` and at the end; the deepest answer counts (P5). -1 for the slot is the host's root.
    @inlinable @inline(__always)
    package func descend(_ path: Span<UInt8>, of host: Host, comparing: Bool) -> (route: Int32, slot: Int) {
        let slots = self.slots.span
        var found: (route: Int32, slot: Int) = (host.root, -1)
        var hash = RouteHash(self.seed)
        var depth: UInt32 = 0
        var index = 1
        var element = 1
        let limit = min(path.count, Int(host.length))
        while true {
            while index < limit, path[index] != UInt8(ascii: "/") {
                hash.append(path[index])
                index &+= 1
            }
            // Longer than all rules, and in the middle of an element.
            if index < path.count, path[index] != UInt8(ascii: "/") { return found }
            hash.endElement()
            depth &+= 1
            var place = UInt32(truncatingIfNeeded: hash.value) & host.mask
            while true {
                let position = Int(host.slots &+ place)
                let slot = slots[position]
                if slot.isEmpty { break }
                if slot.hash == hash.value, Int(slot.text.count) == index,
                    !comparing || slot.text.isEqual(self.text.span, to: path, from: 0, to: index)
                {
                    if index == path.count, slot.exact >= 0 {
                        // Exact goes before Prefix (P6, P7).
                        found = (slot.exact, position)
                    } else if slot.prefix >= 0, index > element || index < path.count {
                        // The slash at a path's end ends no element of Prefix (P3).
                        found = (slot.prefix, position)
                    }
                    break
                }
                place = (place &+ 1) & host.mask
            }
            if index >= limit || depth == host.depth { return found }
            index &+= 1
            element = index
        }
    }

    // MARK: - Of a route

    /// How many routes there are.
    package var count: Int { self.entries.count }

    package func target(of route: Int32) -> RouteTarget { self.entries[Int(route)].target }

    package func settings(of route: Int32) -> RouteSettings { self.entries[Int(route)].settings }

    /// For logs and pages: this counts references.
    package func route(_ route: Int32) -> Route {
        let entry = self.entries[Int(route)]
        return self.blocks[Int(entry.block)].routes[Int(entry.ordinal)].route
    }

    /// All of them, host by host: names in order, then the rules for all hosts, then the default for all.
    package var routes: [Route] { self.blocks.flatMap { $0.routes.map(\.route) } }
}
