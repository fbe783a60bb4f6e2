package import ClusterState
package import KubernetesAPI
package import Nftables
package import ServiceModel

/// Keeps a kernel's table in step with the objects: changes in, transactions out. Owned by one thread.
package final class KernelSynchronizer {
    /// What a synchronisation wrote.
    package struct Report: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            /// Nothing had to be written, and nothing was sent.
            case unchanged
            /// The difference was written.
            case updated
            /// The table was made anew, in one transaction.
            case replaced
        }

        package var kind: Kind
        package var elementOperations = 0
        package var bytes = 0
        /// Elements that were read back; nil if the kernel was not asked.
        package var elementsRead: Int?
        /// Frontends that may not have been in the table before; all that are, where it is not known.
        package var addedFrontends: Set<Frontend> = []
        /// Frontends that were in the table and are no longer.
        package var removedFrontends: Set<Frontend> = []
        /// The ruleset's generation at which the table was as it should be; nil if it was not read back.
        package var generation: UInt32?

        /// Takes another commit of the same synchronisation in.
        fileprivate mutating func add(_ other: Report) {
            if self.kind == .unchanged { self.kind = other.kind }
            self.elementOperations += other.elementOperations
            self.bytes += other.bytes
        }
    }

    private let kernel: any NftablesKernel
    /// Who serves some Services in the kernel's stead.
    private let streams: (any StreamHandover)?

    /// What load balancers may ask about, by Service.
    package private(set) var healthChecks: [ObjectName: HealthCheckPlan] = [:]
    /// Endpoints that are terminating, by Service.
    package private(set) var draining: [ObjectName: [Backend]] = [:]
    package private(set) var localPolicyGaps = LocalPolicyGaps()
    package private(set) var planner: ServicePlanner
    package private(set) var program: TableProgram
    /// The program and the kernel may differ: the next synchronisation reads the kernel back.
    package private(set) var needsReadback = true
    /// Another one after each commit, and whenever ``program`` is another one.
    package private(set) var revision: UInt64 = 0

    /// How often a dump and its commit are tried again when other programs commit in between.
    package static let readbackAttempts = 5

    package init(
        kernel: any NftablesKernel, streams: (any StreamHandover)? = nil, node: NodeFacts, settings: NodeSettings
    ) {
        self.kernel = kernel
        self.streams = streams
        self.planner = ServicePlanner(node: node)
        self.program = TableProgram(node: settings)
    }

    // MARK: - Objects

    /// Takes objects over without writing anything. Returns the Services whose plans may differ now.
    package func take(_ changes: [ObjectChange]) -> Set<ObjectName> {
        var affected: Set<ObjectName> = []
        for change in changes {
            let name = change.key.name
            switch (change.key.kind, change.object) {
            case (.service, .service(let service)?): affected.formUnion(self.planner.update(name, service: service))
            case (.service, _): affected.formUnion(self.planner.update(name, service: nil))
            case (.endpointSlice, .endpointSlice(let slice)?):
                affected.formUnion(self.planner.update(name, slice: slice))
            case (.endpointSlice, _): affected.formUnion(self.planner.update(name, slice: nil))
            case (.node, _), (.serviceCIDR, _): break  // ClusterFacts
            case (.ingress, _), (.ingressClass, _), (.secret, _): break  // the ingress role's
            }
        }
        return affected
    }

    // MARK: - Writing

    /// Writes what these Services ask for now. One transaction, as small as the difference.
    package func synchronize(_ services: Set<ObjectName>) throws(NftablesError) -> Report {
        guard !self.needsReadback else { return try self.readBack() }
        let plans = self.plans(of: services)
        return try self.write(self.program.apply(self.streams?.prepare(plans, hints: nil) ?? plans))
    }

    /// What these Services ask for now, whoever is to do it.
    package func plans(of services: some Collection<ObjectName>) -> [ObjectName: ServicePlan?] {
        var plans = Dictionary(minimumCapacity: services.count) as [ObjectName: ServicePlan?]
        for name in services { plans[name] = .some(self.planner.plan(for: name)) }
        self.note(plans)
        return plans
    }

    /// Takes over what is known of the node, without writing anything. Returns the Services whose plans
    /// may differ now.
    package func take(_ facts: NodeFacts) -> Set<ObjectName> { self.planner.update(facts) }

    /// Writes what is known of the node now.
    package func synchronize(_ settings: NodeSettings) throws(NftablesError) -> Report {
        let step = self.program.apply(settings)
        guard !self.needsReadback else { return try self.readBack() }
        return try self.write(step)
    }

    /// Takes over settings that the next reading back is to write.
    package func adopt(_ settings: NodeSettings) {
        self.needsReadback = true
        _ = self.program.apply(settings)
    }

    private func note(_ plans: [ObjectName: ServicePlan?]) {
        for (name, plan) in plans {
            self.healthChecks[name] = plan?.healthCheck
            self.draining[name] = plan.flatMap { $0.draining.isEmpty ? nil : $0.draining }
            self.localPolicyGaps.update(name, plan)
        }
    }

    private func write(_ step: TableProgram.Step) throws(NftablesError) -> Report {
        // Until the kernel has said yes, what it holds is not what the program says.
        self.needsReadback = true
        var report: Report
        if step.needsNewTable {
            report = try self.commit(self.program.ruleset().replacement(), kind: .replaced)
            self.program.adoptStanding(self.program.chainsInUse)
        } else {
            try self.make(step.newChains)
            report = Report(kind: .unchanged)
            for changes in step.changes.phases {
                var transaction = Transaction(FairleadTable.reference)
                changes.append(to: &transaction, declarations: self.program.declarations)
                report.add(try self.commit(transaction, kind: .updated))
            }
        }
        report.addedFrontends = step.addedFrontends
        report.removedFrontends = step.removedFrontends
        self.needsReadback = false
        return report
    }

    /// Makes chains, in a transaction before the one with the elements that lead to them: a packet may
    /// find such an element while it still sees the chain as it was before, without rules, and would
    /// pass through it untranslated.
    private func make(_ balancers: [Balancer]) throws(NftablesError) {
        guard !balancers.isEmpty else { return }
        var transaction = Transaction(FairleadTable.reference)
        for balancer in balancers {
            transaction.append(.addChain(Chain(name: balancer.name)))
            for rule in balancer.rules { transaction.append(.addRule(chain: balancer.name, rule)) }
        }
        _ = try self.commit(transaction)
    }

    private func commit(_ transaction: Transaction) throws(NftablesError) -> CommitReceipt {
        defer { self.revision &+= 1 }
        return try self.kernel.commit(transaction)
    }

    private func commit(_ transaction: Transaction, kind: Report.Kind) throws(NftablesError) -> Report {
        guard !transaction.isEmpty else { return Report(kind: .unchanged) }
        let receipt = try self.commit(transaction)
        return Report(kind: kind, elementOperations: transaction.elementOperationCount, bytes: receipt.bytes)
    }

    // MARK: - Reading back

    /// Makes the kernel's table what the objects ask for, whatever it holds: reads it back and writes
    /// the difference, or all of it if the constant part is not what it should be.
    package func readBack() throws(NftablesError) -> Report {
        self.needsReadback = true
        var attempt = 1
        while true {
            do throws(NftablesError) {
                return try self.readBackOnce()
            } catch  where error.isStale && attempt < Self.readbackAttempts {
                attempt += 1
            }
        }
    }

    private func readBackOnce() throws(NftablesError) -> Report {
        let readback = try self.kernel.snapshot(of: FairleadTable.reference).map(TableReadback.init)
        var generation: UInt32
        if let known = readback?.snapshot.generation {
            generation = known
        } else {
            generation = try self.kernel.generation()
        }
        let elementsRead = readback?.snapshot.elements.values.reduce(0) { $0 + $1.count } ?? 0

        var program = TableProgram(node: self.program.node)
        (self.healthChecks, self.draining, self.localPolicyGaps) = ([:], [:], LocalPolicyGaps())
        var plans = self.plans(of: self.planner.serviceNames)
        let hints = readback?.hints() ?? TableProgram.Hints()
        if let streams { plans = streams.prepare(plans, hints: hints) }
        _ = program.apply(plans, hints: hints, keepsElements: false)
        // They are as large as what is about to be written, and have said what they had to say.
        plans = [:]
        if let readback { program.adoptSizes(readback.sizes) }

        let former = readback?.frontends() ?? []
        var report: Report
        if let readback, readback.hasFrame(of: program) {
            let standing = readback.balancers
            let missing = program.chainsInUse.subtracting(standing)
            if !missing.isEmpty {
                try self.make(missing.sorted { $0.name < $1.name })
                generation = Self.generation(after: generation)
            }
            var transaction = Transaction(FairleadTable.reference)
            readback.changes(to: program.elements()).append(to: &transaction, declarations: program.declarations)
            transaction.expectedGeneration = generation
            report = try self.commit(transaction, kind: .updated)
            program.adoptStanding(standing.union(missing))
        } else {
            var transaction = program.ruleset().replacement()
            transaction.expectedGeneration = generation
            report = try self.commit(transaction, kind: .replaced)
            program.adoptStanding(program.chainsInUse)
        }
        report.elementsRead = elementsRead
        report.addedFrontends = report.kind == .unchanged ? [] : Set(program.frontends.keys)
        report.removedFrontends = former.filter { program.frontends[$0] == nil }
        report.generation = report.kind == .unchanged ? generation : Self.generation(after: generation)
        self.program = program
        self.revision &+= 1
        self.needsReadback = false
        return report
    }

    /// Generations count commits, and skip 0.
    private static func generation(after generation: UInt32) -> UInt32 { generation == .max ? 1 : generation + 1 }

    // MARK: - Chains

    /// Chains that no frontend uses.
    package var unusedChains: Set<Balancer> { self.needsReadback ? [] : self.program.unusedChains }

    /// Removes some of the chains that no frontend uses. To be called some time after the change that
    /// left them: kernels before 6.2 let go of a chain only a while after the last element that led to
    /// it, and a packet may still be on its way there.
    package func remove(_ chains: Set<Balancer>) throws(NftablesError) {
        let unused = chains.intersection(self.unusedChains)
        guard !unused.isEmpty else { return }
        var transaction = Transaction(FairleadTable.reference)
        for chain in unused.sorted(by: { $0.name < $1.name }) {
            transaction.append(.flushChain(chain.name))
            transaction.append(.deleteChain(chain.name))
        }
        self.needsReadback = true
        _ = try self.commit(transaction)
        self.needsReadback = false
        self.program.removeStanding(unused)
    }

    /// Whether the kernel takes anything for the table at all: less work than to find out with the whole of it.
    package func probe() throws(NftablesError) {
        self.needsReadback = true
        var transaction = Transaction(FairleadTable.reference)
        transaction.append(.addTable)
        _ = try self.commit(transaction)
    }

    /// Leaves every new connection untranslated, to who is there: what the table says is out of date and cannot be mended. The nat
    /// chains stay, so that connections that were translated go on.
    package func disarm() throws(NftablesError) {
        self.needsReadback = true
        var transaction = Transaction(FairleadTable.reference)
        transaction.append(.flushChain(FairleadTable.services))
        _ = try self.commit(transaction)
    }

    /// Removes the table and all it holds. Returns whether there was one.
    package static func removeTable(from kernel: any NftablesKernel) throws(NftablesError) -> Bool {
        var transaction = Transaction(FairleadTable.reference)
        transaction.append(.deleteTable)
        do throws(NftablesError) {
            _ = try kernel.commit(transaction)
            return true
        } catch  where error.number == Self.noSuchFile {
            return false
        }
    }

    /// ENOENT
    private static let noSuchFile: Int32 = 2
}

extension NftablesError {
    /// A transaction came too late (`ERESTART`); a dump that never was of one piece does not count.
    fileprivate var isStale: Bool { self.code == .changedMeanwhile && self.number != Self.interrupted }

    /// EINTR
    private static let interrupted: Int32 = 4
}
