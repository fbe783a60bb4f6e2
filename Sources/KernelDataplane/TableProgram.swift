package import KubernetesAPI
internal import Networking
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
    }

    package private(set) var frontends: [Frontend: ProgrammedFrontend] = [:]
    private var holdings: [ObjectName: Holding] = [:]
    private var clusterIPs = ReferenceCounts<IPAddress>()
    private var hairpins = ReferenceCounts<IPAddress>()
    package private(set) var node: NodeSettings
    /// How many frontends use each balancing chain.
    private var balancerUse = ReferenceCounts<FairleadTable.Balancer>()
    /// Chains that stand in the kernel, in use or not.
    package private(set) var standingBalancers: Set<FairleadTable.Balancer> = []
    package private(set) var declarations: [FairleadSet: NamedSet] = [:]
    private var elementCounts: [FairleadSet: Int] = [:]

    /// An empty program: no Services, the constant rules, and what is known of the node.
    package init(node: NodeSettings) {
        self.node = node
        for set in FairleadSet.all { self.declarations[set] = set.declaration(size: set.defaultSize) }
        for placed in node.elements { self.elementCounts[placed.set, default: 0] += 1 }
    }

    // MARK: - Changes

    /// What a change amounts to.
    package struct Step: Sendable {
        package var changes = ElementChanges()
        /// Chains to make before, in the order of their size.
        package var newBalancers: [FairleadTable.Balancer] = []
        /// A set has run out of room: the table has to be made anew from this program's `ruleset()`.
        package var needsNewTable = false
    }

    /// Takes over the plans of some Services; nil means that a Service asks for nothing any more.
    ///
    /// - Parameter hints: slots as the kernel has them, for frontends that are new to this program.
    package mutating func apply(
        _ plans: [ObjectName: ServicePlan?],
        hints: [Frontend: [Backend]] = [:]
    ) -> Step {
        var step = Step()
        var touched: [Frontend: ProgrammedFrontend?] = [:]
        var countedIPs = ReferenceCounts<IPAddress>.Change()
        var countedHairpins = ReferenceCounts<IPAddress>.Change()

        // What they held is let go before anything is taken: a frontend may pass from one to another.
        for name in plans.keys {
            guard let holding = self.holdings.removeValue(forKey: name) else { continue }
            for frontend in holding.frontends { touched[frontend] = .some(nil) }
            for address in holding.clusterIPs { countedIPs.release(address) }
            for address in holding.hairpins { countedHairpins.release(address) }
        }
        for case (let name, let plan?) in plans {
            for frontendPlan in plan.frontends {
                let frontend = frontendPlan.frontend
                let slots = self.frontends[frontend]?.slots ?? hints[frontend] ?? []
                touched[frontend] = ProgrammedFrontend(
                    role: frontendPlan.role,
                    servicePort: frontendPlan.servicePort,
                    slots: SlotAssignment.assign(frontendPlan.backends, keeping: slots)
                )
            }
            for address in plan.clusterIPs { countedIPs.retain(address) }
            for address in plan.hairpins { countedHairpins.retain(address) }
            self.holdings[name] = Holding(
                frontends: plan.frontends.map(\.frontend), clusterIPs: plan.clusterIPs, hairpins: plan.hairpins)
        }

        for (frontend, programmed) in touched { self.change(frontend, to: programmed, in: &step) }
        for (address, isPresent) in countedIPs.commit(to: &self.clusterIPs) {
            self.change(FairleadSet(.clusterIPs, address.family), .address(address), isPresent, in: &step)
        }
        for (address, isPresent) in countedHairpins.commit(to: &self.hairpins) {
            self.change(FairleadSet(.hairpins, address.family), .hairpin(address), isPresent, in: &step)
        }
        step.newBalancers = self.balancerUse.keys
            .filter { !self.standingBalancers.contains($0) }
            .sorted { $0.name < $1.name }
        self.standingBalancers.formUnion(step.newBalancers)
        self.checkSizes(in: &step)
        return step
    }

    /// Takes over what is known of the node.
    package mutating func apply(_ node: NodeSettings) -> Step {
        var step = Step()
        let (before, after) = (Set(self.node.elements), Set(node.elements))
        for placed in self.node.elements where !after.contains(placed) {
            step.changes.delete(placed)
            self.elementCounts[placed.set, default: 0] -= 1
        }
        for placed in node.elements where !before.contains(placed) {
            step.changes.add(placed)
            self.elementCounts[placed.set, default: 0] += 1
        }
        self.node = node
        return step
    }

    private mutating func change(_ frontend: Frontend, to new: ProgrammedFrontend?, in step: inout Step) {
        let old = self.frontends[frontend]
        guard old != new else { return }
        self.frontends[frontend] = new
        if let chain = old.flatMap({ frontend.balancer(slots: $0.slots.count) }) { self.balancerUse.release(chain) }
        if let chain = new.flatMap({ frontend.balancer(slots: $0.slots.count) }) { self.balancerUse.retain(chain) }

        let (oldVerdict, newVerdict) = (old.map(frontend.verdictElement), new.map(frontend.verdictElement))
        step.changes.replace(oldVerdict, with: newVerdict)
        step.changes.replace(
            old.flatMap { frontend.masqueradeElement($0.role) },
            with: new.flatMap { frontend.masqueradeElement($0.role) })
        let (oldSlots, newSlots) = (old?.slots ?? [], new?.slots ?? [])
        for slot in 0..<max(oldSlots.count, newSlots.count) {
            let before = slot < oldSlots.count ? oldSlots[slot] : nil
            let after = slot < newSlots.count ? newSlots[slot] : nil
            guard before != after else { continue }
            step.changes.replace(
                before.map { frontend.slotElement(slot, $0) }, with: after.map { frontend.slotElement(slot, $0) })
        }
        self.count(frontend, old, -1)
        self.count(frontend, new, +1)
    }

    private mutating func change(
        _ set: FairleadSet,
        _ element: Element,
        _ isPresent: Bool,
        in step: inout Step
    ) {
        let placed = PlacedElement(set: set, element: element)
        if isPresent { step.changes.add(placed) } else { step.changes.delete(placed) }
        self.elementCounts[set, default: 0] += isPresent ? 1 : -1
    }

    // MARK: - Room

    private mutating func count(_ frontend: Frontend, _ programmed: ProgrammedFrontend?, _ sign: Int) {
        guard let programmed else { return }
        self.elementCounts[frontend.set(.frontends, orNodePort: .nodeports), default: 0] += sign
        self.elementCounts[frontend.endpointSet, default: 0] += sign * programmed.slots.count
        if programmed.role != .clusterIP {
            self.elementCounts[frontend.set(.masqueradeFrontends, orNodePort: .masqueradeNodeports), default: 0] += sign
        }
    }

    /// A hash table in the kernel keeps the size it was declared with. One that is full means a new
    /// table, with a quarter to spare, so that this is rare.
    private mutating func checkSizes(in step: inout Step) {
        for set in FairleadSet.all {
            guard let size = self.declarations[set]?.size, let count = self.elementCounts[set], count > Int(size)
            else { continue }
            step.needsNewTable = true
            var room = size
            while Int(room) < count + count / 4 { room *= 2 }
            self.declarations[set] = set.declaration(size: room)
        }
    }

    /// Keeps the sizes that the kernel's sets have, where there is room enough in them.
    package mutating func adoptSizes(_ sizes: [FairleadSet: UInt32]) {
        for (set, size) in sizes where Int(size) >= self.elementCounts[set] ?? 0 && size > set.defaultSize ?? .max {
            self.declarations[set] = set.declaration(size: size)
        }
    }

    // MARK: - Balancing chains

    /// Chains that stand and that no frontend uses.
    package var unusedBalancers: Set<FairleadTable.Balancer> {
        self.standingBalancers.filter { !self.balancerUse.contains($0) }
    }

    package mutating func adoptStanding(_ balancers: Set<FairleadTable.Balancer>) {
        self.standingBalancers = balancers
    }

    package mutating func removeStanding(_ balancers: Set<FairleadTable.Balancer>) {
        self.standingBalancers.subtract(balancers)
    }

    // MARK: - The whole table

    /// Every element, by set.
    package func elements() -> [FairleadSet: [Element]] {
        var elements: [FairleadSet: [Element]] = [:]
        for (set, count) in self.elementCounts { elements[set, default: []].reserveCapacity(count) }
        for (frontend, programmed) in self.frontends {
            for placed in frontend.elements(programmed) { elements[placed.set, default: []].append(placed.element) }
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
        let balancers = self.balancerUse.keys.sorted { ($0.slots, $0.name) < ($1.slots, $1.name) }
        var elements: [String: [Element]] = [:]
        for (set, list) in self.elements() { elements[set.name] = list }
        return Ruleset(
            table: FairleadTable.reference,
            sets: FairleadSet.all.compactMap { self.declarations[$0] },
            chains: FairleadTable.chains + balancers.map { (Chain(name: $0.name), $0.rules) },
            elements: elements
        )
    }
}
