package import KubernetesAPI

/// When enough is known to program from: every kind has been listed once; but kinds that the data plane can do without
/// are not waited for without end. Pure.
package struct SyncGate: Sendable {
    /// How long kinds are waited for that are wanted but not needed.
    package static let patience = Duration.seconds(5)

    private let needed: Set<ObjectKind>
    private var missing: Set<ObjectKind>
    private let start: ContinuousClock.Instant
    package private(set) var isOpen = false

    /// - Parameters:
    ///   - kinds: all that are followed.
    ///   - needed: those without which nothing may be programmed, as what is missing would be taken away.
    package init(_ kinds: Set<ObjectKind>, needed: Set<ObjectKind>, start: ContinuousClock.Instant) {
        self.needed = needed.intersection(kinds)
        self.missing = kinds
        self.start = start
    }

    /// A kind has been listed.
    ///
    /// - Returns: whether the gate opens with it.
    package mutating func settled(_ kind: ObjectKind, at now: ContinuousClock.Instant) -> Bool {
        self.missing.remove(kind)
        return self.tryOpen(at: now)
    }

    /// There is no hope that a kind will be listed soon. Those that are needed are waited for all the same.
    ///
    /// - Returns: whether the gate opens with it.
    package mutating func givenUp(_ kind: ObjectKind, at now: ContinuousClock.Instant) -> Bool {
        self.needed.contains(kind) ? false : self.settled(kind, at: now)
    }

    /// When to try again though nothing happens; nil once it is open, and while it would be of no use.
    package var deadline: ContinuousClock.Instant? {
        self.isOpen || !self.missing.isDisjoint(with: self.needed) ? nil : self.start + Self.patience
    }

    /// - Returns: whether the gate opens now.
    package mutating func tryOpen(at now: ContinuousClock.Instant) -> Bool {
        guard !self.isOpen, self.missing.isDisjoint(with: self.needed),
            self.missing.isEmpty || now >= self.start + Self.patience
        else { return false }
        self.isOpen = true
        return true
    }

    /// Kinds that have not been listed yet.
    package var waitingFor: [ObjectKind] { self.missing.sorted { $0.rawValue < $1.rawValue } }
}
