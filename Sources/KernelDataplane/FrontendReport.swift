internal import Conntrack
package import KubernetesAPI
internal import Linux
package import Nftables
package import ServiceModel
internal import Synchronization

/// What the kernel is to hold at one moment. Values, as ``DataplaneView`` has them.
package struct TablePlan: Sendable {
    package let program: TableProgram
    /// Another one after each commit.
    package let revision: UInt64
    /// Something is to be written still, or has failed to be: the kernel may hold something else for good reason.
    package let isPending: Bool
    package let mode: DataplaneMode

    package init(program: TableProgram, revision: UInt64, isPending: Bool, mode: DataplaneMode) {
        self.program = program
        self.revision = revision
        self.isPending = isPending
        self.mode = mode
    }
}

/// Each frontend that the kernel serves: whether it holds what is planned, and what goes through it.
package struct FrontendReport: Sendable {
    package enum Standing: String, Hashable, Sendable {
        /// Every element of its own is there as planned, and what all have in common.
        case exact
        case differs
        /// What is planned has changed while the kernel was read, or is not written yet.
        case changing
    }

    package struct Item: Sendable {
        package let frontend: Frontend
        package let service: ObjectName
        /// `namespace/name:port`
        package let servicePort: String
        package let standing: Standing
        /// Elements that are missing or others than planned.
        package let wrongElements: Int
        package let traffic: FrontendTraffic.Count
    }

    /// What a dump came to.
    package enum Reading: Sendable {
        /// nil: there is no table.
        case table(TableSnapshot?)
        /// What an earlier one came to, of the same generation of the ruleset and the same plan.
        case known(KernelAudit)
        /// It changed all the time.
        case changing
    }

    package let items: [Item]
    /// All that is planned stands, and nothing that nobody has planned. nil: that cannot be told, as it is changing, or only some
    /// frontends were asked for.
    package let isTableExact: Bool?
    /// Of what was planned, if that did not change meanwhile.
    let audit: KernelAudit?

    /// - Parameters:
    ///   - before: what was planned before the kernel was read.
    ///   - after: what was planned then.
    ///   - selected: the frontends that were asked for, by what was planned before; nil: all.
    package init(
        _ before: TablePlan, _ reading: Reading, _ after: TablePlan, _ traffic: FrontendTraffic,
        of selected: [Frontend]? = nil
    ) {
        let counts = traffic.counts()
        let asked = before.program.programmed(selected)
        func item(
            _ frontend: Frontend, _ programmed: ProgrammedFrontend, _ standing: Standing, wrong: Int = 0
        ) -> Item {
            Item(
                frontend: frontend, service: programmed.service, servicePort: programmed.servicePort,
                standing: standing, wrongElements: wrong, traffic: counts[frontend] ?? traffic.none)
        }
        guard let audit = Self.audit(before, reading, of: selected), !after.isPending else {
            self.isTableExact = nil
            self.audit = nil
            self.items = asked.map { item($0, $1, .changing) }
            return
        }
        let isSettled = before.revision == after.revision
        self.audit = isSettled ? audit : nil
        self.isTableExact = isSettled && selected == nil ? audit.isExact : nil
        self.items = asked.map { frontend, programmed in
            let wrong = audit.differences[frontend] ?? 0
            if wrong == 0, audit.hasFrame { return item(frontend, programmed, .exact) }
            let hasStayed = isSettled || audit.hasFrame && after.program.frontends[frontend] == programmed
            return item(frontend, programmed, hasStayed ? .differs : .changing, wrong: wrong)
        }
    }

    private static func audit(_ plan: TablePlan, _ reading: Reading, of selected: [Frontend]?) -> KernelAudit? {
        guard !plan.isPending else { return nil }
        return switch reading {
        case .table(let snapshot): KernelAudit(plan.program, snapshot, of: selected)
        case .known(let audit): audit
        case .changing: nil
        }
    }

    /// The kernel serves nobody.
    private init() { (self.items, self.isTableExact, self.audit) = ([], nil, nil) }

    fileprivate static let none = FrontendReport()
}

/// What the kernel's table was found to hold, and for how long that is known.
struct KnownAudit: Sendable {
    /// Of the ruleset: nobody has committed anything since.
    let generation: UInt32
    /// Of the plan.
    let revision: UInt64
    let audit: KernelAudit
}

extension KernelDataplane {
    /// Reads what the kernel's table holds of these frontends, unless nothing was committed since all of it was read, and its
    /// connections. From any thread; waits.
    ///
    /// - Parameter selects: whether a Service's frontends are asked for; nil: those of all, and the table as a whole, for which all of it is
    ///   read.
    /// - Returns: nil: the data plane is busy for longer than `patience`, or does not run.
    /// - Throws: ``NftablesError`` or `ConntrackError`.
    package func frontends(
        of selects: ((ObjectName) -> Bool)?, within patience: Duration
    ) throws -> FrontendReport? {
        guard let before = self.plan(within: patience) else { return nil }
        guard before.mode == .nftables else { return FrontendReport.none }
        let selected = selects.map { before.program.frontends(of: $0) }
        var report: FrontendReport?
        try self.inNamespace {
            let (reading, generation) = try self.read(before, of: selected)
            var traffic = FrontendTraffic(
                of: before.program.frontends, selected: selected, nodeAddresses: before.program.node.nodePortAddresses,
                isAccounted: HostSystem.setting("net.netfilter.nf_conntrack_acct") == "1")
            let connections = try ConntrackTable()
            for scope in traffic.scopes {
                try connections.forEach(scope.transport, scope.family) { traffic.note($0) }
            }
            report = self.plan(within: patience).map { FrontendReport(before, reading, $0, traffic, of: selected) }
            guard selected == nil, let generation, let audit = report?.audit else { return }
            self.knownAudit.withLock {
                $0 = KnownAudit(generation: generation, revision: before.revision, audit: audit)
            }
        }
        return report
    }

    /// With the generation that it is of; nil where there is no table, or none that stands still.
    private func read(
        _ plan: TablePlan, of selected: [Frontend]?
    ) throws(NftablesError) -> (FrontendReport.Reading, UInt32?) {
        guard !plan.isPending else { return (.changing, nil) }
        let kernel = try NetlinkKernel()
        let generation = try kernel.generation()
        if let known = self.knownAudit.withLock({ $0 }), known.generation == generation, known.revision == plan.revision
        {
            return (.known(known.audit), generation)
        }
        do throws(NftablesError) {
            let scope = KernelAudit.scope(of: selected, in: plan.program)
            let snapshot = try kernel.snapshot(of: FairleadTable.reference, scope)
            return (.table(snapshot), snapshot?.generation)
        } catch  where error.code == .changedMeanwhile {
            return (.changing, nil)
        }
    }
}
