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
        var pools: [AffinityPoolKey] = []
    }

    package private(set) var frontends: [Frontend: ProgrammedFrontend] = [:]
    private var holdings: [ObjectName: Holding] = [:]
    private var clusterIPs = ReferenceCounts<IPAddress>()
    private var hairpins = ReferenceCounts<IPAddress>()
    private var pools = AffinityPools()
    package private(set) var node: NodeSettings
    /// How many routes of frontends use each chain.
    private var chainUse = ReferenceCounts<OnDemandChain>()
    /// Chains that stand in the kernel, in use or not, with their rules.
    package private(set) var standingChains: [String: [Rule]] = [:]
    /// Names of chains that stand and that no frontend uses.
    package private(set) var unusedChains: Set<String> = []
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

    /// A chain that stands only while it is used.
    package struct NamedChain: Sendable {
        package let name: String
        package let rules: [Rule]
    }

    /// What a change amounts to.
    package struct Step: Sendable {
        package var changes = ElementChanges()
        /// Chains to make before, by name.
        package var newChains: [NamedChain] = []
        /// Chains that stand and get other rules, in the same transaction as the elements.
        package var changedChains: [NamedChain] = []
        /// The table has to be made anew from this program's `ruleset()`: a set has run out of room, or the
        /// constant rules are others.
        package var needsNewTable = false
        /// Frontends that were programmed and are no longer.
        package var removedFrontends: Set<Frontend> = []
    }

    /// Slots as the kernel has them, for what is new to a program.
    package struct Hints: Sendable {
        package var main: [Frontend: [Backend]] = [:]
        package var external: [Frontend: [Backend]] = [:]
        /// Addresses, by the number of the pool.
        package var pools: [AddressFamily: [UInt32: [IPAddress]]] = [:]

        package init() {}
    }

    /// Takes over the plans of some Services; nil means that a Service asks for nothing any more.
    package mutating func apply(_ plans: [ObjectName: ServicePlan?], hints: Hints = Hints()) -> Step {
        var step = Step()
        var touched: [Frontend: ProgrammedFrontend?] = [:]
        var touchedPools: [AffinityPoolKey: AffinityPool?] = [:]
        var countedIPs = ReferenceCounts<IPAddress>.Change()
        var countedHairpins = ReferenceCounts<IPAddress>.Change()

        // What they held is let go before anything is taken: a frontend may pass from one to another.
        for name in plans.keys {
            guard let holding = self.holdings.removeValue(forKey: name) else { continue }
            for frontend in holding.frontends { touched[frontend] = .some(nil) }
            for key in holding.pools { touchedPools[key] = .some(nil) }
            for address in holding.clusterIPs { countedIPs.release(address) }
            for address in holding.hairpins { countedHairpins.release(address) }
        }
        for case (let name, let plan?) in plans {
            var keys: Set<AffinityPoolKey> = []
            for frontend in plan.frontends { self.gatherPools(of: frontend, hints, &touchedPools, &keys) }
            for address in plan.clusterIPs { countedIPs.retain(address) }
            for address in plan.hairpins { countedHairpins.retain(address) }
            self.holdings[name] = Holding(
                frontends: plan.frontends.map(\.frontend), clusterIPs: plan.clusterIPs, hairpins: plan.hairpins,
                pools: Array(keys))
        }
        var changedChains: Set<AffinityChain> = []
        // In an order of their own: two ports whose preferred numbers are the same get them in that order.
        for (key, pool) in touchedPools.sorted(by: { $0.key.port.description < $1.key.port.description }) {
            changedChains.insert(self.pools.set(key, pool, &step.changes))
        }
        for case (_, let plan?) in plans {
            for frontend in plan.frontends { touched[frontend.frontend] = self.programmed(frontend, hints) }
        }

        var retained: Set<OnDemandChain> = []
        for (frontend, programmed) in touched {
            if programmed == nil, self.frontends[frontend] != nil { step.removedFrontends.insert(frontend) }
            self.change(frontend, to: programmed, in: &step.changes, &retained)
        }
        for (address, isPresent) in countedIPs.commit(to: &self.clusterIPs) {
            step.changes.toggle(FairleadSet(.clusterIPs, address.family), .address(address), isPresent)
        }
        for (address, isPresent) in countedHairpins.commit(to: &self.hairpins) {
            step.changes.toggle(FairleadSet(.hairpins, address.family), .hairpin(address), isPresent)
        }
        self.count(step.changes)
        self.noteChains(retained: retained, changed: changedChains, in: &step)
        self.checkSizes(in: &step)
        return step
    }

    /// Takes over what is known of the node.
    package mutating func apply(_ node: NodeSettings) -> Step {
        var step = Step()
        let (before, after) = (Set(self.node.elements), Set(node.elements))
        for placed in self.node.elements where !after.contains(placed) { step.changes.delete(placed) }
        for placed in node.elements where !before.contains(placed) { step.changes.add(placed) }
        self.count(step.changes)
        let sameRules = FairleadTable.chains(self.node).elementsEqual(FairleadTable.chains(node)) {
            $0.chain == $1.chain && $0.rules == $1.rules
        }
        step.needsNewTable = !sameRules
        self.node = node
        return step
    }

    // MARK: - Frontends

    private mutating func gatherPools(
        of plan: FrontendPlan,
        _ hints: Hints,
        _ pools: inout [AffinityPoolKey: AffinityPool?],
        _ keys: inout Set<AffinityPoolKey>
    ) {
        guard case .clientIPAffinity(let timeout) = plan.balancing else { return }
        for case .backends(let policy, let backends)? in [plan.route, plan.externalRoute] {
            let key = AffinityPoolKey(plan.port, policy, plan.frontend.family)
            guard keys.insert(key).inserted else { continue }
            let standing = self.pools.pool(key)?.slots ?? self.hinted(key, backends, hints)
            pools[key] = AffinityPool(slots: SlotAssignment.assign(backends, keeping: standing), timeout: timeout)
        }
    }

    /// The slots of a pool as the kernel has them, which knows addresses only.
    private mutating func hinted(_ key: AffinityPoolKey, _ backends: [WeightedBackend], _ hints: Hints) -> [Backend] {
        guard let hinted = hints.pools[key.family] else { return [] }
        let number = self.pools.chain(key.port, key.policy).pool
        var byAddress: [IPAddress: Backend] = [:]
        for weighted in backends.reversed() { byAddress[weighted.backend.address] = weighted.backend }
        return (hinted[number] ?? []).compactMap { byAddress[$0] }
    }

    private mutating func programmed(_ plan: FrontendPlan, _ hints: Hints) -> ProgrammedFrontend {
        let standing = self.frontends[plan.frontend]
        return ProgrammedFrontend(
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
        case (.backends(let policy, _), .clientIPAffinity):
            return .affinity(self.pools.chain(plan.port, policy))
        }
    }

    private mutating func change(
        _ frontend: Frontend,
        to new: ProgrammedFrontend?,
        in changes: inout ElementChanges,
        _ retained: inout Set<OnDemandChain>
    ) {
        let old = self.frontends[frontend]
        guard old != new else { return }
        self.frontends[frontend] = new
        for chain in self.chains(frontend, old) {
            self.chainUse.release(chain)
            if !self.chainUse.contains(chain) { self.unusedChains.insert(chain.name) }
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

    private func chains(_ frontend: Frontend, _ programmed: ProgrammedFrontend?) -> [OnDemandChain] {
        func chain(_ route: ProgrammedRoute, _ isExternal: Bool) -> OnDemandChain? {
            if case .affinity(let chain) = route { return .affinity(chain) }
            return frontend.balancer(route, isExternal: isExternal).map { .balancer($0) }
        }
        guard let programmed else { return [] }
        return [chain(programmed.main, false), programmed.external.flatMap { chain($0, true) }].compactMap(\.self)
    }

    // MARK: - Room

    private mutating func count(_ changes: ElementChanges) {
        for (set, growth) in changes.growth { self.elementCounts[set, default: 0] += growth }
    }

    /// A hash table in the kernel keeps the size it was declared with. One that is full means a new
    /// table, with a quarter to spare, so that this is rare.
    private mutating func checkSizes(in step: inout Step) {
        for (set, count) in self.elementCounts {
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

    private func rules(_ chain: OnDemandChain) -> [Rule] {
        switch chain {
        case .balancer(let balancer): balancer.rules
        case .affinity(let chain): self.pools.rules(chain)
        }
    }

    private mutating func noteChains(
        retained: Set<OnDemandChain>,
        changed: Set<AffinityChain>,
        in step: inout Step
    ) {
        for chain in retained.union(changed.map { .affinity($0) }) where self.chainUse.contains(chain) {
            let (name, rules) = (chain.name, self.rules(chain))
            // One that stands unused may have any rules: it is made like a new one.
            let isUnused = self.unusedChains.remove(name) != nil
            guard let standing = self.standingChains[name], !isUnused || standing == rules else {
                step.newChains.append(NamedChain(name: name, rules: rules))
                continue
            }
            if standing != rules { step.changedChains.append(NamedChain(name: name, rules: rules)) }
        }
        step.newChains.sort { $0.name < $1.name }
        step.changedChains.sort { $0.name < $1.name }
        for chain in step.newChains + step.changedChains { self.standingChains[chain.name] = chain.rules }
    }

    /// Chains that frontends lead to, with the rules they should have.
    package var chainsInUse: [String: [Rule]] {
        Dictionary(uniqueKeysWithValues: self.chainUse.keys.map { ($0.name, self.rules($0)) })
    }

    /// Takes over which chains stand.
    package mutating func adoptStanding(_ chains: [String: [Rule]]) {
        self.standingChains = chains
        let used = Set(self.chainUse.keys.map(\.name))
        self.unusedChains = Set(chains.keys.filter { !used.contains($0) })
    }

    package mutating func removeStanding(_ names: Set<String>) {
        for name in names { self.standingChains[name] = nil }
        self.unusedChains.subtract(names)
    }

    // MARK: - The whole table

    /// Every element, by set.
    package func elements() -> [FairleadSet: [Element]] {
        var elements: [FairleadSet: [Element]] = [:]
        for (set, count) in self.elementCounts { elements[set, default: []].reserveCapacity(count) }
        for (frontend, programmed) in self.frontends {
            for placed in frontend.elements(programmed) { elements[placed.set, default: []].append(placed.element) }
        }
        for (chain, pools) in self.pools.chains {
            for (family, pool) in pools {
                for placed in chain.elements(family, pool) { elements[placed.set, default: []].append(placed.element) }
            }
        }
        for address in self.clusterIPs.keys {
            elements[FairleadSet(.clusterIPs, address.family), default: []].append(.address(address))
        }
        for address in self.hairpins.keys {
            elements[FairleadSet(.hairpins, address.family), default: []].append(.hairpin(address))
        }
        for placed in self.node.elements { elements[placed.set, default: []].append(placed.element) }
        return elements
    }

    /// The table as a whole.
    package func ruleset() -> Ruleset {
        let chains = self.chainUse.keys.map { NamedChain(name: $0.name, rules: self.rules($0)) }
            .sorted { ($0.name.utf8.count, $0.name) < ($1.name.utf8.count, $1.name) }
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
