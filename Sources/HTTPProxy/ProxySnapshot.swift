package import Routing
package import TLS

/// All that is served at one moment, as control hands it to the workers. Immutable; a copy is some references.
package struct ProxySnapshot: Sendable {
    package let plan: IngressPlan
    /// nil while nothing is listened to by TLS.
    package let tls: TLSServerContext?

    package init(plan: IngressPlan, tls: TLSServerContext?) {
        self.plan = plan
        self.tls = tls
    }
}
