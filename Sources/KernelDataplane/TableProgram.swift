package import KubernetesAPI
package import Networking
package import Nftables
package import ServiceModel

/// What the kernel's table holds, or is about to hold, and how a change of some Services changes it.
///
/// A value: `apply` takes plans in and gives a transaction out; whoever commits it keeps the new value,
/// or the old one if the kernel refused.
package struct TableProgram: Sendable {
    /// What a Service has in the table.
    struct Holding: Sendable {
        var frontends: [Frontend] = []
        var clusterIPs: [IPAddress] = []
        var hairpins: [IPAddress] = []
        var affinityPorts: [AffinityPortKey] = []
    }

    package private(set) var frontends: [Frontend: ProgrammedFrontend] = [:]
    private var holdings: [ObjectName: Holding] = [:]
    private var clusterIPs = ReferenceCounts<IPAddress>()
    private var hairpins = ReferenceCounts<IPAddress>()
    private var affinity = AffinityPorts()
    package private(set) var node: NodeSettings
    /// How many routes of frontends use each chain.
    private var chainUse = ReferenceCounts<Balancer>()
    /// Chains that stand in the kernel, in use or not.
    package private(set) var standingChains: Set<Balancer> = []
    /// Chains that stand and that no frontend uses.
    package private(set) var unusedChains: Set<Balancer> = []
    package private(set) var declarations: [FairleadSet: NamedSet] = [:]
    private var elementCounts: [FairleadSet: Int] = [:]

    /// An empty program: no Services, the constant rules, and what is known of the node.
    package init(node: NodeSettings) {
        self.node = node
        for set in FairleadSet.all {
            let size = set.kind == .affinity ? node.affinityClients : set.defaultSize
            self.declarations[set] = set.declaration(size: size)
        }
        for placed in node.elements { self.elementCounts[placed.set, default: 0] += 1 }
    }

    // MARK: - Changes

    /// What a change amounts to.
    package struct Step: Sendable {
        package var changes = ElementChanges()
        /// Chains to make before, by name.
        package var newChains: [Balancer] = []
        /// The table has to be made anew from this program's `ruleset()`: a set has run out of room, or the
        /// constant rules are others.
        package var needsNewTable = false
        /// Frontends that are programmed and were not.
        package var addedFrontends: Set<Frontend> = []
        /// Frontends that were programmed and are no longer.
        package var removedFrontends: Set<Frontend> = []
    }

    /// Slots as the kernel has them, for what is new to a program.
    package struct Hints: Sendable {
        package var main: [Frontend: [Backend]] = [:]
        package var external: [Frontend: [Backend]] = [:]
        /// Numbers of endpoints, by the number of a Service port with affinity.
        package var affinity: [AddressFamily: [TrafficPolicy: [UInt32: [UInt32]]]] = [:]

        package init() {}
    }

    /// Takes over the plans of some Services; nil means that a Service asks for nothing any more.
    ///
    /// - Parameter keepsElements: whether the step is to say which elements change.
    package mutating func apply(
        _ plans: [ObjectName: ServicePlan?],
        hints: Hints = Hints(),
        keepsElements: Bool = true
    ) -> Step {
        var step = Step(changes: ElementChanges(keepsElements: keepsElements))
        var touched: [Frontend: ProgrammedFrontend?] = [:]
        var touchedPorts: [AffinityPortKey: [TrafficPolicy: [Backend]]] = [:]
        var countedIPs = ReferenceCounts<IPAddress>.Change()
        var countedHairpins = ReferenceCounts<IPAddress>.Change()
        // Tables that grow by and by are hashed anew each time they do.
        touched.reserveCapacity(plans.count)
        countedIPs.reserveCapacity(plans.count)
        countedHairpins.reserveCapacity(plans.values.reduce(0) { $0 + ($1?.hairpins.count ?? 0) })
        self.holdings.reserveCapacity(self.holdings.count + plans.count)
        self.frontends.reserveCapacity(self.frontends.count + plans.count)

        // What they held is let go before anything is taken: a frontend may pass from one to another.
        for name in plans.keys {
            guard let holding = self.holdings.removeValue(forKey: name) else { continue }
            for frontend in holding.frontends { touched[frontend] = .some(nil) }
            for key in holding.affinityPorts { touchedPorts[key] = [:] }
            for address in holding.clusterIPs { countedIPs.release(address) }
            for address in holding.hairpins { countedHairpins.release(address) }
        }
        var affine: [ObjectName: [AffinityPortKey]] = [:]
        // In an order of their own: two ports whose preferred numbers are the same get them in that order.
        for name in plans.compactMap({ $0.value?.hasAffinity == true ? $0.key : nil }).sorted() {
            guard case let plan?? = plans[name] else { continue }
            let ports = self.affinityPorts(of: plan, hints)
            touchedPorts.merge(ports) { $1 }
            affine[name] = Array(ports.keys)
        }
        for case (let name, let plan?) in plans {
            for address in plan.clusterIPs { countedIPs.retain(address) }
            for address in plan.hairpins { countedHairpins.retain(address) }
            self.holdings[name] = Holding(
                frontends: plan.frontends.map(\.frontend), clusterIPs: plan.clusterIPs, hairpins: plan.hairpins,
                affinityPorts: affine[name] ?? [])
        }
        for (key, slots) in touchedPorts.sorted(by: { $0.key.port.description < $1.key.port.description }) {
            self.affinity.set(key, slots, &step.changes)
        }
        for case (_, let plan?) in plans {
            for frontend in plan.frontends { touched[frontend.frontend] = self.programmed(frontend, hints) }
        }

        var retained: Set<Balancer> = []
        for (frontend, programmed) in touched {
            let wasThere = self.frontends[frontend] != nil
            if programmed == nil, wasThere { step.removedFrontends.insert(frontend) }
            if programmed != nil, !wasThere { step.addedFrontends.insert(frontend) }
            self.change(frontend, to: programmed, in: &step.changes, &retained)
        }
        for (address, isPresent) in countedIPs.commit(to: &self.clusterIPs) {
            step.changes.toggle(FairleadSet(.clusterIPs, address.family), .address(address), isPresent)
        }
        for (address, isPresent) in countedHairpins.commit(to: &self.hairpins) {
            step.changes.toggle(FairleadSet(.hairpins, address.family), .hairpin(address), isPresent)
        }
        self.count(step.changes)
        self.noteChains(retained, in: &step)
        self.checkSizes(in: &step)
        return step
    }

    /// Takes over what is known of the node.
    package mutating func apply(_ node: NodeSettings) -> Step {
        var step = Step()
        let before = Dictionary(grouping: self.node.elements, by: \.set)
        let after = Dictionary(grouping: node.elements, by: \.set)
        for set in FairleadSet.all {
            let (old, new) = (before[set]?.map(\.element) ?? [], after[set]?.map(\.element) ?? [])
            step.changes.replace(old, with: new, in: set)
        }
        self.count(step.changes)
        let sameRules = FairleadTable.chains(self.node).elementsEqual(FairleadTable.chains(node)) {
            $0.chain == $1.chain && $0.rules == $1.rules
        }
        step.needsNewTable = !sameRules
        self.node = node
        return step
    }

    // MARK: - Frontends

    /// The slots of a Service's ports with affinity, by policy.
    private mutating func affinityPorts(
        of plan: ServicePlan,
        _ hints: Hints
    ) -> [AffinityPortKey: [TrafficPolicy: [Backend]]] {
        var ports: [AffinityPortKey: [TrafficPolicy: [Backend]]] = [:]
        for frontend in plan.frontends {
            guard case .clientIPAffinity = frontend.balancing else { continue }
            let key = AffinityPortKey(port: frontend.port, family: frontend.frontend.family)
            for case .backends(let policy, let backends)? in [frontend.route, frontend.externalRoute]
            where ports[key]?[policy] == nil {
                var standing = self.affinity.slots(key, policy)
                if standing.isEmpty, let hinted = hints.affinity[key.family]?[policy] {
                    standing = self.affinity.slots(key, among: backends, hinted: hinted)
                }
                ports[key, default: [:]][policy] = SlotAssignment.assign(backends, keeping: standing)
            }
        }
        return ports
    }

    private mutating func programmed(_ plan: FrontendPlan, _ hints: Hints) -> ProgrammedFrontend {
        let standing = self.frontends[plan.frontend]
        return ProgrammedFrontend(
            service: plan.port.service,
            servicePort: plan.port.description,
            masquerade: plan.masquerade,
            main: self.route(plan.route, of: plan, keeping: standing?.main, hints.main),
            external: plan.externalRoute.map {
                self.route($0, of: plan, keeping: standing?.external, hints.external)
            },
            admittedSources: plan.admittedSources
        )
    }

    private mutating func route(
        _ route: Route,
        of plan: FrontendPlan,
        keeping standing: ProgrammedRoute?,
        _ hints: [Frontend: [Backend]]
    ) -> ProgrammedRoute {
        switch (route, plan.balancing) {
        case (.refuse, _): return .refuse
        case (.drop, _): return .drop
        case (.backends(_, let backends), .random):
            let slots = standing?.slots ?? hints[plan.frontend] ?? []
            return .slots(SlotAssignment.assign(backends, keeping: slots), .random)
        case (.backends(_, let backends), .clientIPHash(let size)):
            return .slots(RendezvousHashing.table(backends, size: size), .clientIPHash)
        case (.backends(_, let backends), .flowHash(let size)):
            return .slots(RendezvousHashing.table(backends, size: size), .flowHash)
        case (.backends(let policy, _), .clientIPAffinity(let timeout)):
            let key = AffinityPortKey(port: plan.port, family: plan.frontend.family)
            return .affinity(
                AffinityRoute(
                    number: self.affinity.number(key), slots: self.affinity.slots(key, policy).count, timeout: timeout,
                    policy: policy))
        }
    }

    private mutating func change(
        _ frontend: Frontend,
        to new: ProgrammedFrontend?,
        in changes: inout ElementChanges,
        _ retained: inout Set<Balancer>
    ) {
        let old = self.frontends[frontend]
        guard old != new else { return }
        self.frontends[frontend] = new
        for chain in self.chains(frontend, old) {
            self.chainUse.release(chain)
            if !self.chainUse.contains(chain) { self.unusedChains.insert(chain) }
        }
        for chain in self.chains(frontend, new) {
            self.chainUse.retain(chain)
            retained.insert(chain)
        }

        let before = old.map(frontend.verdictElements) ?? []
        let after = new.map(frontend.verdictElements) ?? []
        if before != after {
            for placed in before where !after.contains(placed) { changes.delete(placed) }
            for placed in after where !before.contains(placed) { changes.add(placed) }
        }
        frontend.changeSlots(from: old?.main, to: new?.main, isExternal: false, in: &changes)
        frontend.changeSlots(from: old?.external, to: new?.external, isExternal: true, in: &changes)
    }

    private func chains(_ frontend: Frontend, _ programmed: ProgrammedFrontend?) -> [Balancer] {
        guard let programmed else { return [] }
        return [
            frontend.balancer(programmed.main),
            programmed.external.flatMap { frontend.balancer($0, isExternal: true) },
        ].compactMap(\.self)
    }

    // MARK: - Room

    private mutating func count(_ changes: ElementChanges) {
        for (set, growth) in changes.growth { self.elementCounts[set, default: 0] += growth }
    }

    /// A hash table in the kernel keeps the size it was declared with. One that is full means a new
    /// table, with a quarter to spare, so that this is rare.
    private mutating func checkSizes(in step: inout Step) {
        // Between phases, what goes is there still beside what has come.
        let isPhased = step.changes.isPhased
        for (set, settled) in self.elementCounts {
            let count = settled + (isPhased ? step.changes.leaving(set) : 0)
            guard let size = self.declarations[set]?.size, count > Int(size) else { continue }
            step.needsNewTable = true
            var room = size
            while Int(room) < count + count / 4 { room *= 2 }
            self.declarations[set] = set.declaration(size: room)
        }
    }

    /// Keeps the sizes that the kernel's sets have, where there is room enough in them.
    package mutating func adoptSizes(_ sizes: [FairleadSet: UInt32]) {
        for (set, size) in sizes where !set.isDynamic {
            if Int(size) >= self.elementCounts[set] ?? 0 && size > set.defaultSize ?? .max {
                self.declarations[set] = set.declaration(size: size)
            }
        }
    }

    // MARK: - Chains on demand

    private mutating func noteChains(_ retained: Set<Balancer>, in step: inout Step) {
        let used = retained.filter(self.chainUse.contains)
        self.unusedChains.subtract(used)
        step.newChains = used.subtracting(self.standingChains).sorted { $0.name < $1.name }
        self.standingChains.formUnion(step.newChains)
    }

    package var serviceCount: Int { self.holdings.count }

    /// Those of some Services.
    func frontends(of selects: (ObjectName) -> Bool) -> [Frontend] {
        self.holdings.flatMap { name, holding in selects(name) ? holding.frontends : [] }
    }

    /// How these are programmed.
    ///
    /// - Parameter selected: nil: all.
    func programmed(_ selected: [Frontend]?) -> [(Frontend, ProgrammedFrontend)] {
        guard let selected else { return self.frontends.map { ($0, $1) } }
        return selected.compactMap { frontend in self.frontends[frontend].map { (frontend, $0) } }
    }

    /// How many elements a set has.
    package func elementCount(_ set: FairleadSet) -> Int { self.elementCounts[set] ?? 0 }

    /// Chains that frontends lead to.
    package var chainsInUse: Set<Balancer> { Set(self.chainUse.keys) }

    /// Takes over which chains stand.
    package mutating func adoptStanding(_ chains: Set<Balancer>) {
        self.standingChains = chains
        self.unusedChains = chains.subtracting(self.chainUse.keys)
    }

    package mutating func removeStanding(_ chains: Set<Balancer>) {
        self.standingChains.subtract(chains)
        self.unusedChains.subtract(chains)
    }

    // MARK: - The whole table

    /// Every element, by set.
    package func elements() -> [FairleadSet: [Element]] {
        var elements: [FairleadSet: [Element]] = [:]
        for (set, count) in self.elementCounts { elements[set, default: []].reserveCapacity(count) }
        for (frontend, programmed) in self.frontends {
            for placed in frontend.elements(programmed) { elements[placed.set, default: []].append(placed.element) }
        }
        for placed in self.sharedElements { elements[placed.set, default: []].append(placed.element) }
        return elements
    }

    /// Those that belong to no one frontend.
    var sharedElements: [PlacedElement] {
        self.affinity.elements
            + self.clusterIPs.keys.map {
                PlacedElement(set: FairleadSet(.clusterIPs, $0.family), element: .address($0))
            }
            + self.hairpins.keys.map { PlacedElement(set: FairleadSet(.hairpins, $0.family), element: .hairpin($0)) }
            + self.node.elements
    }

    /// The table as a whole.
    package func ruleset() -> Ruleset {
        let chains = self.chainUse.keys.sorted {
            ($0.name.utf8.count, $0.name) < ($1.name.utf8.count, $1.name)
        }
        var elements: [String: [Element]] = [:]
        for (set, list) in self.elements() { elements[set.name] = list }
        return Ruleset(
            table: FairleadTable.reference,
            sets: FairleadSet.all.compactMap { self.declarations[$0] },
            chains: FairleadTable.chains(self.node) + chains.map { (Chain(name: $0.name), $0.rules) },
            elements: elements
        )
    }
}
