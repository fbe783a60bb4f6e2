package import Routing
package import TLS

/// All that is served at one moment, as control hands it to the workers. Immutable; a copy is some references.
///
/// Every plan is published, in order: each says what it changes of the one before (``IngressPlan/changes``).
package struct ProxySnapshot: Sendable {
    package let plan: IngressPlan
    /// nil while nothing is listened to by TLS.
    package let tls: TLSServerContext?
    /// By the keys of ``CertificatePlan/clientAuthentications``: which certificates of clients such a connection was
    /// asked for. Those that cannot be used are not here; their routes are refused.
    package let clientPolicies: [Int32: ClientCertificatePolicy.ID]

    package init(
        plan: IngressPlan, tls: TLSServerContext?, clientPolicies: [Int32: ClientCertificatePolicy.ID] = [:]
    ) {
        self.plan = plan
        self.tls = tls
        self.clientPolicies = clientPolicies
    }
}
