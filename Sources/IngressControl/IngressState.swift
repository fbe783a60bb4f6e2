package import KubernetesAPI
package import Linux
package import Routing
internal import Synchronization
internal import TLS

/// What is in force at one moment, for whoever asks. A copy is some references.
package struct IngressState: Sendable {
    package let plan: IngressPlan
    /// What tells Ingresses from others that had their names before; none without an API server.
    package let uids: [ObjectName: String]
    /// How many snapshots the workers have been given; this is in force with the last of them.
    package let generation: UInt64
    /// When that was.
    package let publishedAt: WallTime
    /// How long it took from when the change was taken in.
    package let latency: Duration
    /// Those that are shown to somebody, and those that somebody asks for and cannot have; by when they expire.
    package let certificates: [CertificateState]
}

/// A certificate, for pages and metrics.
package struct CertificateState: Sendable, Hashable {
    package enum Standing: String, Hashable, Sendable, CaseIterable {
        case valid
        /// It will soon be over.
        case expiring
        /// It is over. It is shown still (T11).
        case expired
        /// There is no such Secret.
        case missing
        /// The Secret cannot be used.
        case invalid
    }

    /// nil for the generated one.
    package let secret: ObjectName?
    package let isDefault: Bool
    package let standing: Standing
    /// Why it cannot be used.
    package let problem: String?
    /// What it is for.
    package let names: [String]
    /// Which hosts it is shown for, sorted; `*.` stands for one label.
    package let hosts: [String]
    package let subject: String
    package let issuer: String
    package let serialNumber: String
    package let fingerprint: String
    package let key: String
    /// Unix seconds; 0 where there is no certificate.
    package let notBefore: Int64
    package let notAfter: Int64

    init(
        _ secret: ObjectName?, _ certificate: Certificate?, isDefault: Bool, standing: Standing, problem: String?,
        hosts: [String]
    ) {
        self.secret = secret
        self.isDefault = isDefault
        self.standing = standing
        self.problem = problem
        self.names = certificate?.facts.dnsNames ?? []
        self.hosts = hosts
        self.subject = certificate?.facts.subject ?? ""
        self.issuer = certificate?.facts.issuer ?? ""
        self.serialNumber = certificate?.facts.serialNumber ?? ""
        self.fingerprint = certificate?.facts.fingerprint ?? ""
        self.key = certificate.map { "\($0.keyKind)" } ?? ""
        self.notBefore = certificate?.facts.notBefore ?? 0
        self.notAfter = certificate?.facts.notAfter ?? 0
    }
}

/// Where the loop leaves what is in force. Any thread may look.
package final class IngressBoard: Sendable {
    private let current = Mutex<IngressState?>(nil)

    package init() {}

    /// nil until everything has been listed once.
    package var state: IngressState? { self.current.withLock { $0 } }

    func show(_ state: IngressState) { self.current.withLock { $0 = state } }
}
