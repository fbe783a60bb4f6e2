package import Routing
package import TLS

/// All that is served at one moment, as control hands it to the workers. Immutable; a copy is some references.
package struct ProxySnapshot: Sendable {
    package let plan: IngressPlan
    /// nil while nothing is listened to by TLS.
    package let tls: TLSServerContext?

    /// What each of the plan's client authentications came to, by its number.
    package let clientPolicies: [Int32: ClientCertificatePolicy.ID]

    package init(
        plan: IngressPlan, tls: TLSServerContext?, clientPolicies: [Int32: ClientCertificatePolicy.ID] = [:]
    ) {
        self.plan = plan
        self.tls = tls
        self.clientPolicies = clientPolicies
    }
}
