extension RouteTable {
    /// Puts together what was compiled for each host. Little more than copying: what has not changed is not compiled
    /// again.
    ///
    /// - Parameters:
    ///   - revision: greater than that of the table before.
    ///   - names: those of `named`, in order.
    ///   - named: hosts with a name, in the order of `names`.
    ///   - hostless: the rules for all hosts; nil without any.
    ///   - catchAll: what gets what no host's rules are for; nil for nobody.
    ///   - number: what the request path calls a way of asking for client certificates.
    init(
        revision: UInt64,
        names: HostTable,
        named: [HostRoutes],
        hostless: HostRoutes?,
        catchAll: HostRoutes?,
        seed: RouteHash.Seed,
        number: (ClientAuthentication) -> Int32
    ) {
        var assembly = Assembly(capacity: named)
        // First, so that all others know it.
        if let catchAll { assembly.appendCatchAll(catchAll, number) }
        for host in named { assembly.append(host, number) }
        if let hostless {
            assembly.append(hostless, number)
        } else {
            assembly.hosts.append(
                Host(slots: 0, mask: 0, depth: 0, length: 0, root: assembly.catchAll, hasCollisions: false))
        }
        self.init(
            revision: revision, names: names, hosts: assembly.hosts, slots: assembly.slots, seed: seed, text: assembly.text,
            entries: assembly.entries, blocks: assembly.blocks)
    }

    /// A table without a rule.
    package static let empty: RouteTable = {
        let seed = RouteHash.Seed.random()
        return RouteTable(
            revision: 0, names: HostTable([], seed: seed), named: [], hostless: nil, catchAll: nil, seed: seed, number: { _ in -1 })
    }()

    private struct Assembly {
        var hosts: [Host] = []
        var slots: [Slot] = []
        var text: [UInt8] = []
        var entries: [Entry] = []
        var blocks: [HostRoutes] = []
        /// The route for what nothing else is for.
        private(set) var catchAll: Int32 = -1

        init(capacity named: [HostRoutes]) {
            self.hosts.reserveCapacity(named.count + 1)
            self.blocks.reserveCapacity(named.count + 2)
            self.slots.reserveCapacity(named.reduce(0) { $0 + $1.slots.count })
            self.text.reserveCapacity(named.reduce(0) { $0 + $1.text.count })
            self.entries.reserveCapacity(named.reduce(1) { $0 + $1.routes.count })
        }

        mutating func appendCatchAll(_ block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            self.appendRoutes(of: block, number)
            self.catchAll = 0
        }

        mutating func append(_ block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            let text = UInt32(self.text.count)
            let route = Int32(self.entries.count)
            var host = block.layout
            host.slots = UInt32(self.slots.count)
            host.root = host.root < 0 ? self.catchAll : host.root + route
            self.hosts.append(host)
            for slot in block.slots {
                var slot = slot
                slot.text = slot.text.moved(by: text)
                if slot.prefix >= 0 { slot.prefix += route }
                if slot.exact >= 0 { slot.exact += route }
                self.slots.append(slot)
            }
            self.appendRoutes(of: block, number)
        }

        private mutating func appendRoutes(of block: HostRoutes, _ number: (ClientAuthentication) -> Int32) {
            let text = UInt32(self.text.count)
            let authentication = block.clientAuthentication.map(number) ?? -1
            for ordinal in block.routes.indices {
                var target = block.routes[ordinal].target
                if block.routes[ordinal].followsDefault, self.catchAll >= 0 { target = self.entries[0].target }
                var settings = block.routes[ordinal].settings
                settings.clientAuthentication = authentication
                settings.affinity = settings.affinity.moved(by: text)
                self.entries.append(
                    Entry(
                        target: target, block: Int32(self.blocks.count), ordinal: Int32(ordinal), settings: settings))
            }
            self.text.append(contentsOf: block.text)
            self.blocks.append(block)
        }
    }
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
