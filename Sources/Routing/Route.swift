package import KubernetesAPI

/// What a look-up found.
@frozen
package struct RouteMatch: BitwiseCopyable, Hashable, Sendable {
    /// For ``RouteTable``'s `target`, `settings` and `route`; -1 if nothing matches, which is answered with 404.
    package let route: Int32
    /// Whether a rule names the host, or a wildcard for it: without one it is the rules for all hosts that counted.
    package let knowsHost: Bool

    @inlinable
    package init(route: Int32, knowsHost: Bool) {
        self.route = route
        self.knowsHost = knowsHost
    }

    @inlinable package var isRoute: Bool { self.route >= 0 }
}

/// Where the requests of a route go.
@frozen
package struct RouteTarget: BitwiseCopyable, Hashable, Sendable {
    /// Why a route has no backend.
    @frozen
    package enum Refusal: UInt8, BitwiseCopyable, Hashable, Sendable {
        case none
        /// The backend is no Service, and there is no default backend: 404 (B7).
        case resourceBackend
        /// Client certificates are demanded, and nothing is there to verify them with: 503.
        case noClientAuthority

        @inlinable package var status: UInt16 { self == .resourceBackend ? 404 : 503 }
    }

    /// An index of ``IngressPlan/backends``; -1 if it has none, for the reason in `refusal`. Whether the backend can
    /// take requests is in its ``BackendPlan``, so that routes do not change when Services do.
    package let backend: Int32
    package let refusal: Refusal
    /// It goes where the default for all hosts goes, if there is one: only before a table is put together.
    let followsDefault: Bool

    init(backend: Int32, refusal: Refusal = .none, followsDefault: Bool = false) {
        self.backend = backend
        self.refusal = refusal
        self.followsDefault = followsDefault
    }
}

/// What a route is, for logs, metrics and traces.
package struct Route: Hashable, Sendable {
    /// nil for the default backend of the command line.
    package let ingress: ObjectName?
    /// Of the rule, in lower case; `*.` in front stands for one label. Empty for all hosts.
    package let host: String
    /// Of the rule, normalised as those of requests are. `/` for a default backend.
    package let path: String
    package let pathType: IngressPathType
    /// Whether it is a default backend, and not of a rule's path.
    package let isDefault: Bool
    /// nil if the backend is no Service.
    package let backend: BackendID?

    package init(
        ingress: ObjectName?,
        host: String,
        path: String,
        pathType: IngressPathType,
        isDefault: Bool = false,
        backend: BackendID?
    ) {
        self.ingress = ingress
        self.host = host
        self.path = path
        self.pathType = pathType
        self.isDefault = isDefault
        self.backend = backend
    }
}
