extension RouteTable {
    /// Puts together what was compiled for each host. Little more than copying: what has not changed is not compiled
    /// again.
    ///
    /// - Parameters:
    ///   - revision: greater than that of the table before.
    ///   - named: hosts with a name, in order.
    ///   - hostless: the rules for all hosts; nil without any.
    ///   - catchAll: what gets what no host's rules are for; nil for nobody.
    ///   - number: what the request path calls a way of asking for client certificates.
    init(
        revision: UInt64,
        named: [HostRoutes],
        hostless: HostRoutes?,
        catchAll: HostRoutes?,
        seed: RouteHash.Seed,
        number: (ClientAuthentication) -> Int32
    ) {
        var assembly = Assembly(capacity: named)
        // First, so that all others know it.
        if let catchAll { assembly.appendCatchAll(catchAll, number) }
        for host in named { assembly.appendNamed(host, number) }
        self.hostless = hostless.map { assembly.append($0, number) } ?? assembly.nothing
        self.revision = revision
        self.hosts = assembly.hosts
        self.longestHost = assembly.longestHost
        self.hasWildcards = assembly.hasWildcards
        self.paths = assembly.paths
        self.seed = seed
        self.text = assembly.text
        self.entries = assembly.entries
        self.blocks = assembly.blocks
    }

    /// A table without a rule.
    package static let empty = RouteTable(
        revision: 0, named: [], hostless: nil, catchAll: nil, seed: .random(), number: { _ in -1 })

    private struct Assembly {
        private(set) var hosts: [HostSlot]
        private(set) var longestHost = 0
        private(set) var hasWildcards = false
        private(set) var paths: [PathSlot] = []
        private(set) var text: [UInt8] = []
        private(set) var entries: [Entry] = []
        private(set) var blocks: [HostRoutes] = []
        /// The route for what nothing else is for.
        private var catchAll: Int32 = -1

        init(capacity named: [HostRoutes]) {
            // Two thirds full at most, so that a miss ends soon.
            self.hosts = [HostSlot](
                repeating: .none, count: max(2, named.count + named.count / 2).roundedUpToPowerOfTwo)
            self.blocks.reserveCapacity(named.count + 2)
            self.paths.reserveCapacity(named.reduce(0) { $0 + $1.slots.count })
            self.text.reserveCapacity(named.reduce(0) { $0 + $1.text.count })
            self.entries.reserveCapacity(named.reduce(1) { $0 + $1.routes.count })
        }

        var nothing: Paths {
            var paths = Paths.none
            paths.root = self.catchAll
            return paths
        }

        mutating func appendCatchAll(_ block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            self.appendRoutes(of: block, number)
            self.catchAll = 0
        }

        mutating func appendNamed(_ block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            let name = block.name.moved(by: UInt32(self.text.count))
            let paths = self.append(block, number)
            let mask = self.hosts.count - 1
            var place = Int(truncatingIfNeeded: block.nameHash) & mask
            while self.hosts[place].name.count > 0 { place = (place + 1) & mask }
            self.hosts[place] = HostSlot(hash: block.nameHash, name: name, paths: paths)
            // Before a wildcard's dot any name fits.
            self.hasWildcards = self.hasWildcards || block.isWildcard
            self.longestHost = max(self.longestHost, block.isWildcard ? HostName.maximumLength : Int(name.count))
        }

        mutating func append(_ block: HostRoutes, _ number: (ClientAuthentication) -> Int32) -> Paths {
            let text = UInt32(self.text.count)
            let route = Int32(self.entries.count)
            var paths = block.layout
            paths.slots = UInt32(self.paths.count)
            paths.root = paths.root < 0 ? self.catchAll : paths.root + route
            for slot in block.slots {
                var slot = slot
                slot.text += text
                if slot.prefix >= 0 { slot.prefix += route }
                if slot.exact >= 0 { slot.exact += route }
                self.paths.append(slot)
            }
            self.appendRoutes(of: block, number)
            return paths
        }

        private mutating func appendRoutes(of block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            let text = UInt32(self.text.count)
            let authentication = block.clientAuthentication.map(number) ?? -1
            let index = Int32(self.blocks.count)
            for entry in block.entries {
                var entry = entry
                entry.block = index
                if entry.target.followsDefault {
                    entry.target =
                        self.catchAll >= 0
                        ? self.entries[0].target : RouteTarget(backend: -1, refusal: entry.target.refusal)
                }
                entry.settings.clientAuthentication = authentication
                if entry.settings.affinity.kind != .none {
                    entry.settings.affinity = entry.settings.affinity.moved(by: text)
                }
                self.entries.append(entry)
            }
            self.text.append(contentsOf: block.text)
            self.blocks.append(block)
        }
    }
}

extension RouteTable.HostSlot {
    static let none = Self(hash: 0, name: .empty, paths: .none)
}

extension TextRange {
    fileprivate func moved(by offset: UInt32) -> TextRange {
        TextRange(offset: self.offset + offset, count: self.count)
    }
}

extension RouteAffinity {
    fileprivate func moved(by offset: UInt32) -> RouteAffinity {
        RouteAffinity(
            kind: self.kind, security: self.security, name: self.name.moved(by: offset),
            attributes: self.attributes.moved(by: offset))
    }
}

extension Int {
    /// The least power of two that is not less.
    var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
