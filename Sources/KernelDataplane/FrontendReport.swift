internal import Linux
package import Nftables
package import ServiceModel

/// Each frontend that the kernel serves: whether it holds what is planned, and what goes through it.
package struct FrontendReport: Sendable {
    package enum Standing: String, Hashable, Sendable {
        /// Every element that makes it work is there as planned.
        case exact
        case differs
        /// What is planned has changed while the kernel was read.
        case changing
    }

    package struct Item: Sendable {
        package let frontend: Frontend
        /// `namespace/name:port`
        package let servicePort: String
        package let standing: Standing
        /// Elements that are missing or others than planned.
        package let wrongElements: Int
        package let traffic: FrontendTraffic.Count
    }

    package let items: [Item]
    /// What all Services have in common stands as well, and there is nothing that nobody has planned. nil: it has changed
    /// meanwhile.
    package let isTableExact: Bool?

    /// - Parameters:
    ///   - before: what was planned before the kernel was read.
    ///   - after: what was planned then.
    package init(
        _ before: DataplaneView, _ snapshot: TableSnapshot?, _ after: DataplaneView, _ traffic: FrontendTraffic
    ) {
        let audit = KernelAudit(before.program, snapshot)
        let isSettled = before.revision == after.revision
        self.isTableExact = isSettled ? audit.hasFrame && audit.others == 0 : nil
        self.items = before.program.frontends.map { frontend, programmed in
            let wrong = audit.differences[frontend] ?? 0
            let hasChanged = !isSettled && after.program.frontends[frontend] != programmed
            return Item(
                frontend: frontend, servicePort: programmed.servicePort,
                standing: wrong == 0 ? .exact : hasChanged ? .changing : .differs, wrongElements: wrong,
                traffic: traffic[frontend])
        }
    }
}

extension KernelDataplane {
    /// Reads the kernel's table and its connections. From any thread; waits. nil: the data plane is busy for longer than
    /// `patience`, or does not run.
    ///
    /// Throws ``NftablesError`` or `ConntrackError`.
    package func frontends(within patience: Duration) throws -> FrontendReport? {
        guard let before = self.view(within: patience) else { return nil }
        var report: FrontendReport?
        try self.inNamespace {
            let snapshot = try NetlinkKernel().snapshot(of: FairleadTable.reference)
            let traffic = try FrontendTraffic(of: before.program.frontends.keys)
            report = self.view(within: patience).map { FrontendReport(before, snapshot, $0, traffic) }
        }
        return report
    }
}
