package import KubernetesAPI

/// An Ingress that is ours.
package struct ServedIngress: Hashable, Sendable {
    package let name: ObjectName
    /// What its status says now.
    package let addresses: [LoadBalancerAddress]
    package let labels: LabelSet

    package init(name: ObjectName, addresses: [LoadBalancerAddress], labels: LabelSet = LabelSet()) {
        self.name = name
        self.addresses = addresses
        self.labels = labels
    }
}

/// All that Ingresses ask of a proxy, at one moment. A copy is some references.
package struct IngressPlan: Sendable {
    package let routes: RouteTable
    package let backends: BackendTable
    package let certificates: CertificatePlan
    /// Those that are ours, by name.
    package let ingresses: [ServedIngress]
    /// Sorted.
    package let problems: [IngressProblem]
    /// Which routes are counted by themselves. It changes with ``routes`` only.
    package let meters: RouteMeters
    /// What redirects name: nil for 443, which they leave out.
    package let redirectPort: UInt16?
    /// What is different from the plan before.
    package let changes: PlanChanges

    init(
        routes: RouteTable,
        backends: BackendTable,
        certificates: CertificatePlan,
        ingresses: [ServedIngress],
        problems: [IngressProblem],
        meters: RouteMeters,
        redirectPort: UInt16?,
        changes: PlanChanges
    ) {
        self.routes = routes
        self.backends = backends
        self.certificates = certificates
        self.ingresses = ingresses
        self.problems = problems
        self.meters = meters
        self.redirectPort = redirectPort
        self.changes = changes
    }
}

/// What a plan changes of the one before. Who may have missed plans compares identities: ``RouteTable/revision`` and
/// ``BackendPlan/revision``.
package struct PlanChanges: Sendable, Hashable {
    /// Indices whose backend is new, different or gone, in order.
    package var backends: [Int] = []
    package var routes = false
    package var certificates = false
    /// Which Ingresses are ours, or the addresses that they have.
    package var ingresses = false
    /// Ingresses that were ours, exist still and are ours no longer, with the addresses they have: ours are to
    /// be taken out (S3).
    package var released: [ServedIngress] = []
    /// Sorted.
    package var problemsAppeared: [IngressProblem] = []
    package var problemsGone: [IngressProblem] = []

    package init() {}

    package var isEmpty: Bool { self == PlanChanges() }
}
