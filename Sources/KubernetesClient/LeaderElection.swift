package import KubernetesAPI
package import KubernetesWire

/// Who of several instances does what only one may do: the holder of a Lease (coordination.k8s.io/v1), by the rules
/// of client-go's leader election. Clocks of different hosts are never compared: a holder is gone when its Lease has
/// not changed for its duration by the clock of who looks. Pure: the Lease as read goes in, what to write comes out.
package struct LeaderElection: Sendable {
    package struct Timing: Hashable, Sendable {
        /// For how long a Lease is good that is not renewed.
        package var leaseDuration = Duration.seconds(15)
        /// A leader that could not renew for so long stops leading; less than the lease duration, so that it does
        /// before another one begins.
        package var renewDeadline = Duration.seconds(10)
        /// Between two looks, or two renewals.
        package var retryPeriod = Duration.seconds(2)

        package init() {}
    }

    package enum Action: Hashable, Sendable {
        /// There is no Lease: make this one.
        case create(Lease)
        /// Write it over the one that was read, if that has not changed since.
        case update(Lease)
        /// Somebody else holds it.
        case wait
    }

    package let identity: String
    package let timing: Timing
    private let name: ObjectName
    private var observed: Lease?
    private var observedAt: ContinuousClock.Instant?
    private var renewedAt: ContinuousClock.Instant?

    /// - Parameters:
    ///   - name: of the Lease.
    ///   - identity: this instance: different from all others.
    package init(lease name: ObjectName, identity: String, timing: Timing = Timing()) {
        self.name = name
        self.identity = identity
        self.timing = timing
    }

    /// Whether this instance leads at `now`.
    package func isLeader(at now: ContinuousClock.Instant) -> Bool {
        self.renewedAt.map { now - $0 < self.timing.renewDeadline } ?? false
    }

    /// What to do about the Lease as it is; nil if there is none.
    ///
    /// - Parameter date: to be written.
    package mutating func look(_ lease: Lease?, now: ContinuousClock.Instant, date: MicroTime) -> Action {
        guard let lease else {
            (self.observed, self.observedAt) = (nil, nil)
            var new = Lease(name: self.name, holderIdentity: "", leaseDurationSeconds: 0)
            self.hold(&new, date)
            return .create(new)
        }
        if self.observed != lease { (self.observed, self.observedAt) = (lease, now) }
        var next = lease
        if lease.holderIdentity == self.identity {
            next.renewTime = date
            next.leaseDurationSeconds = self.seconds
            return .update(next)
        }
        let age = self.observedAt.map { now - $0 } ?? .zero
        guard lease.holderIdentity.isEmpty || age >= .seconds(max(1, lease.leaseDurationSeconds)) else {
            self.renewedAt = nil
            return .wait
        }
        self.hold(&next, date)
        next.leaseTransitions += 1
        return .update(next)
    }

    private var seconds: Int { Int(self.timing.leaseDuration.components.seconds) }

    private func hold(_ lease: inout Lease, _ date: MicroTime) {
        lease.holderIdentity = self.identity
        lease.leaseDurationSeconds = self.seconds
        lease.acquireTime = date
        lease.renewTime = date
    }

    /// The Lease was written as ``look(_:now:date:)`` said.
    ///
    /// - Parameter asked: when the request was sent: the Lease may be counted from then.
    package mutating func wrote(asked: ContinuousClock.Instant) {
        self.renewedAt = asked
    }

    /// It was not: somebody else was faster (409), which the next look will show; or no answer came, in which case
    /// this instance leads until its deadline.
    package mutating func failed(isConflict: Bool) {
        if isConflict { self.renewedAt = nil }
    }

    /// For an orderly end: the Lease without a holder, so that the next one need not wait. nil if it is not ours.
    package mutating func release(_ lease: Lease, date: MicroTime) -> Lease? {
        guard lease.holderIdentity == self.identity, self.renewedAt != nil else { return nil }
        self.renewedAt = nil
        var free = lease
        free.holderIdentity = ""
        free.leaseDurationSeconds = 1
        free.renewTime = date
        return free
    }
}
