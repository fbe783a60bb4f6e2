internal import Linux
internal import ServiceModel

/// What others are told of how things are.
extension DataplaneLoop {
    /// Whether there is something that is not as it should be.
    private var hasWork: Bool {
        self.isSynced
            && (self.retry != nil && !self.fallback.isUserspace || self.repairAt != nil || self.settingsAreStale
                || !self.pending.isEmpty)
    }

    func noteQueued(hasNews: Bool) {
        self.health.isNodeEligible = self.cluster.isNodeEligible ?? !self.configuration.requiresNode
        if self.hasWork {
            if hasNews { self.reporter.queued() }
            self.health.queued(at: self.clock.now)
        }
        self.publishHealth()
    }

    func noteUpdated() {
        if self.hasWork {
            self.health.queued(at: self.clock.now)
        } else if self.health.isPending {
            self.health.updated(at: .now)
        }
        self.publishHealth()
        self.publishChecks()
    }

    private func publishHealth() {
        guard self.health != self.publishedHealth else { return }
        self.publishedHealth = self.health
        self.publish.health(self.health)
    }

    /// Tells those whom load balancers ask about a Service.
    private func publishChecks() {
        guard self.isSynced else { return }
        let report = HealthReport(
            checks: self.synchronizer.healthChecks, addresses: self.synchronizer.program.node.nodePortAddresses,
            isHealthy: (self.events != nil || self.fallback.isUserspace) && self.health.isServing(at: self.clock.now))
        guard report != self.published else { return }
        self.published = report
        self.publish.checks(report)
    }
}
