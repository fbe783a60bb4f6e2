internal import KubernetesAPI
internal import Linux
internal import Networking
internal import Nftables
internal import Observability
internal import ServiceModel

/// What the metrics say of synchronisations.
extension SyncReporter {
    /// There is something to program.
    func queued() {
        let now = WallTime.now.secondsSince1970
        for gauge in self.metrics.kubeProxy.lastQueued.all { gauge.set(now) }
    }

    func countPending() {
        self.metrics.kubeProxy.serviceChangesPending.set(self.pendingChanges.services)
        self.metrics.kubeProxy.endpointChangesPending.set(self.pendingChanges.endpointSlices)
    }

    /// A synchronisation that succeeded.
    func record(
        _ reason: Reason,
        _ report: KernelSynchronizer.Report,
        _ synchronizer: KernelSynchronizer,
        took duration: Duration
    ) {
        self.record(duration, isFull: report.elementsRead != nil)
        self.metrics.elementOperations.increment(by: report.elementOperations)
        self.metrics.transactionBytes.increment(by: report.bytes)
        if let readback = reason.readback {
            self.metrics.readbacks[readback]?.increment()
            if report.kind != .unchanged { self.metrics.repairs[readback]?.increment() }
        }
        let now = WallTime.now.secondsSince1970
        for gauge in self.metrics.kubeProxy.lastSync.all { gauge.set(now) }
        for trigger in self.pendingChanges.programmed() {
            // The clocks of two hosts differ by a little.
            self.metrics.kubeProxy.networkProgrammingDuration[trigger.family]?
                .observe(max(0, now - Double(trigger.time) / 1e9))
        }
        self.countPending()
        self.recordContents(synchronizer)
    }

    /// Addresses that the userspace balancer should serve and does not.
    func countMissing(_ count: Int) { self.metrics.missingStreams.set(count) }

    /// Plans are in force without the kernel.
    func recordServed() {
        let now = WallTime.now.secondsSince1970
        for gauge in self.metrics.kubeProxy.lastSync.all { gauge.set(now) }
        for trigger in self.pendingChanges.programmed() {
            self.metrics.kubeProxy.networkProgrammingDuration[trigger.family]?
                .observe(max(0, now - Double(trigger.time) / 1e9))
        }
        self.countPending()
    }

    /// One that failed took its time as well.
    func recordFailure(of work: Work, took duration: Duration) {
        switch work {
        case .removingChains:
            for counter in self.metrics.kubeProxy.cleanupFailures.all { counter.increment() }
        case .full, .partial:
            self.record(duration, isFull: work == .full)
            for counter in self.metrics.kubeProxy.syncFailures.all { counter.increment() }
        }
    }

    private func record(_ duration: Duration, isFull: Bool) {
        let metrics = self.metrics.kubeProxy
        for histogram in metrics.syncDuration.all { histogram.observe(duration) }
        for histogram in (isFull ? metrics.fullSyncDuration : metrics.partialSyncDuration).all {
            histogram.observe(duration)
        }
    }

    /// What the table holds now.
    private func recordContents(_ synchronizer: KernelSynchronizer) {
        let program = synchronizer.program
        self.metrics.services.set(program.serviceCount)
        for family in AddressFamily.allCases {
            let frontends = [FairleadSet(.frontends, family), FairleadSet(.nodeports, family)]
            self.metrics.frontends[family]?.set(frontends.reduce(0) { $0 + program.elementCount($1) })
            self.metrics.endpoints[family]?.set(synchronizer.planner.endpointCounts[family] ?? 0)
            for policy in LocalPolicyGaps.Kind.Policy.allCases {
                let kind = LocalPolicyGaps.Kind(family: family, policy: policy)
                self.metrics.kubeProxy.noLocalEndpoints[kind]?.set(synchronizer.localPolicyGaps.counts[kind] ?? 0)
            }
        }
        for set in FairleadSet.all { self.metrics.elements[set]?.set(program.elementCount(set)) }
    }
}

extension SyncReporter.Reason {
    /// nil where the table was not read back for its own sake.
    fileprivate var readback: DataplaneMetrics.ReadbackReason? {
        switch self {
        case .start(let isRecovery): isRecovery ? .failure : .start
        case .repair(.commit): .foreignCommit
        case .repair(.lost): .lostAnnouncements
        case .change, .settings: nil
        }
    }
}
