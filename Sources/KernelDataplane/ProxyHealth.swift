package import Linux
package import Networking

/// Whether the rules in force are those that the objects ask for, and whether load balancers may use this node:
/// what `/healthz` and `/livez` answer, by the rules of kube-proxy (pkg/proxy/healthcheck/proxy_health.go).
package struct ProxyHealth: Hashable, Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// A change may be unapplied for so long: the rules in force work on, and what the kernel refuses here it
    /// may refuse on every node.
    package let timeout: Duration
    /// The families that the host has. One table serves them all, so they are up to date together.
    package let families: [AddressFamily]
    /// Whether the Node says so. Without a Node it depends on where objects come from.
    package var isNodeEligible: Bool
    /// Since when there has been a change that is not in force.
    package private(set) var pendingSince: Instant?
    /// When what the objects asked for was in force last; nil while it never was.
    package private(set) var lastUpdated: WallTime?

    package init(timeout: Duration, families: [AddressFamily], isNodeEligible: Bool = true) {
        self.timeout = timeout
        self.families = families
        self.isNodeEligible = isNodeEligible
    }

    /// A change has come, or something has to be mended. The oldest counts.
    package mutating func queued(at now: Instant) {
        self.pendingSince = self.pendingSince ?? now
    }

    /// Everything that was queued is in force.
    package mutating func updated(at time: WallTime) {
        self.pendingSince = nil
        self.lastUpdated = time
    }

    package var isPending: Bool { self.pendingSince != nil }

    /// Whether the process does its work. It does while it has nothing to program yet: to start it anew would
    /// not bring the objects.
    package func isHealthy(at now: Instant) -> Bool {
        self.pendingSince.map { now - $0 < self.timeout } ?? true
    }

    /// Whether it does, and rules are in force. Unlike kube-proxy's the answer to load balancers is negative
    /// until then.
    package func isServing(at now: Instant) -> Bool { self.lastUpdated != nil && self.isHealthy(at: now) }
}
