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
        /// There is no Lease: make one.
        case create(Record)
        /// Write it over the one that was read, if that has not changed since.
        case update(Record)
        /// Somebody else holds it.
        case wait
    }

    /// What a Lease says.
    package struct Record: Hashable, Sendable {
        package var holder: String
        package var durationSeconds: Int
        /// Microseconds since 1970, by the holder's clock.
        package var acquired: Int64
        package var renewed: Int64
        package var transitions: Int

        package init(holder: String, durationSeconds: Int, acquired: Int64, renewed: Int64, transitions: Int) {
            self.holder = holder
            self.durationSeconds = durationSeconds
            self.acquired = acquired
            self.renewed = renewed
            self.transitions = transitions
        }
    }

    package let identity: String
    package let timing: Timing
    private var observed: Record?
    private var observedAt: ContinuousClock.Instant?
    private var renewedAt: ContinuousClock.Instant?

    package init(identity: String, timing: Timing = Timing()) {
        self.identity = identity
        self.timing = timing
    }

    /// Whether this instance leads at `now`.
    package func isLeader(at now: ContinuousClock.Instant) -> Bool {
        self.renewedAt.map { now - $0 < self.timing.renewDeadline } ?? false
    }

    /// What to do about the Lease as it is; nil if there is none.
    ///
    /// - Parameter date: microseconds since 1970, to be written.
    package mutating func look(
        _ record: Record?,
        now: ContinuousClock.Instant,
        date: Int64
    ) -> Action {
        let seconds = Int(self.timing.leaseDuration.components.seconds)
        guard let record else {
            (self.observed, self.observedAt) = (nil, nil)
            return .create(
                Record(
                    holder: self.identity, durationSeconds: seconds, acquired: date, renewed: date, transitions: 0))
        }
        if self.observed != record { (self.observed, self.observedAt) = (record, now) }
        if record.holder == self.identity {
            var next = record
            next.renewed = date
            next.durationSeconds = seconds
            return .update(next)
        }
        let age = self.observedAt.map { now - $0 } ?? .zero
        let isFree = record.holder.isEmpty || age >= .seconds(max(1, record.durationSeconds))
        guard isFree else {
            self.renewedAt = nil
            return .wait
        }
        return .update(
            Record(
                holder: self.identity, durationSeconds: seconds, acquired: date, renewed: date,
                transitions: record.transitions + 1))
    }

    /// The Lease was written as ``look(_:now:date:)`` said.
    ///
    /// - Parameter asked: when the request was sent: the Lease may be counted from then.
    package mutating func wrote(_ record: Record, asked: ContinuousClock.Instant) {
        (self.observed, self.observedAt) = (record, asked)
        self.renewedAt = asked
    }

    /// It was not: somebody else was faster (409), which the next look will show; or no answer came, in which case
    /// this instance leads until its deadline.
    package mutating func failed(isConflict: Bool) {
        if isConflict { self.renewedAt = nil }
    }

    /// For an orderly end: the Lease without a holder, so that the next one need not wait. nil if it is not ours.
    package mutating func release(date: Int64) -> Record? {
        guard var record = self.observed, record.holder == self.identity, self.renewedAt != nil else { return nil }
        self.renewedAt = nil
        record.holder = ""
        record.durationSeconds = 1
        record.renewed = date
        return record
    }
}
