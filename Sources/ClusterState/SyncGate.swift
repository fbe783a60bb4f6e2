package import KubernetesAPI

/// When enough is known to program from: every kind has been listed once; but kinds that the data plane can do without
/// are not waited for without end. Pure.
package struct SyncGate: Sendable {
    /// How long a kind is waited for that is wanted but not needed, from when all that are needed are there. A Node as
    /// long as kube-proxy waits for its addresses: without it, what stands in the kernel would be changed for the worse.
    /// Secrets as long: without them clients would be shown the wrong certificate.
    package static func patience(for kind: ObjectKind) -> Duration {
        switch kind {
        case .node, .secret: .seconds(30)
        case .service, .endpointSlice, .serviceCIDR, .ingress, .ingressClass: .seconds(5)
        }
    }

    private let needed: Set<ObjectKind>
    private var missing: Set<ObjectKind>
    /// Since when all that are needed are there.
    private var completeSince: ContinuousClock.Instant?
    package private(set) var isOpen = false

    /// - Parameters:
    ///   - kinds: all that are followed.
    ///   - needed: those without which nothing may be programmed, as what is missing would be taken away.
    package init(_ kinds: Set<ObjectKind>, needed: Set<ObjectKind>) {
        self.needed = needed.intersection(kinds)
        self.missing = kinds
    }

    /// A kind has been listed.
    ///
    /// - Returns: whether the gate opens with it.
    package mutating func settled(_ kind: ObjectKind, at now: ContinuousClock.Instant) -> Bool {
        self.missing.remove(kind)
        if self.completeSince == nil, self.missing.isDisjoint(with: self.needed) { self.completeSince = now }
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
        guard !self.isOpen, let since = self.completeSince else { return nil }
        return self.missing.map { since + Self.patience(for: $0) }.max() ?? since
    }

    /// - Returns: whether the gate opens now.
    package mutating func tryOpen(at now: ContinuousClock.Instant) -> Bool {
        guard let deadline, self.missing.isEmpty || now >= deadline else { return false }
        self.isOpen = true
        return true
    }

    /// Kinds that have not been listed yet.
    package var waitingFor: [ObjectKind] { self.missing.sorted { $0.rawValue < $1.rawValue } }
}
