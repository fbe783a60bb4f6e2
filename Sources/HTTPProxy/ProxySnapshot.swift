package import Routing
package import TLS

/// All that is served at one moment, as control hands it to the workers. Immutable; a copy is some references.
package struct ProxySnapshot: Sendable {
    package let plan: IngressPlan
    /// nil while nothing is listened to by TLS.
    package let tls: TLSServerContext?

    /// What each of the plan's client authentications came to, by its number.
    package let clientPolicies: [Int32: ClientCertificatePolicy.ID]

    /// How backends that speak TLS are connected to, by the plan's index. Another one comes with another revision of the backend.
    /// One that is not here although the backend's protocol is over TLS could not be made: its requests are refused.
    package let backendContexts: [Int: BackendContexts]

    package init(
        plan: IngressPlan, tls: TLSServerContext?, clientPolicies: [Int32: ClientCertificatePolicy.ID] = [:],
        backendContexts: [Int: BackendContexts] = [:]
    ) {
        self.plan = plan
        self.tls = tls
        self.clientPolicies = clientPolicies
        self.backendContexts = backendContexts
    }
}

/// How connections to the endpoints of one backend are made.
package struct BackendContexts: Sendable {
    /// Offers what the backend's protocol says; what came of it is the connection's `negotiatedProtocol`.
    package let standard: TLSClientContext
    /// Offers HTTP/1.1 only: for requests with `Upgrade`, which an endpoint that speaks HTTP/2 may take by HTTP/1.1 only. nil
    /// where HTTP/2 is what the backend has to speak.
    package let http1: TLSClientContext?

    package init(standard: TLSClientContext, http1: TLSClientContext?) {
        self.standard = standard
        self.http1 = http1
    }
}
