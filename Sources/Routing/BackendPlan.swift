package import KubernetesAPI
package import Networking
package import ServiceModel

/// What stays the same of a backend, whatever its endpoints are: a Service and one of its ports as Ingresses name it.
package struct BackendID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let service: ObjectName
    /// nil for the first port of the Service, which only the default backend of the command line can mean.
    package let port: PortReference?

    package init(service: ObjectName, port: PortReference?) {
        self.service = service
        self.port = port
    }

    /// `namespace/name:port`.
    package var description: String { self.port.map { "\(self.service):\($0)" } ?? "\(self.service)" }

    package static func < (left: Self, right: Self) -> Bool {
        if left.service != right.service { return left.service < right.service }
        return switch (left.port, right.port) {
        case (.number(let left), .number(let right)): left < right
        case (.name(let left), .name(let right)): left < right
        case (nil, .some), (.number, .name): true
        default: false
        }
    }
}

/// An endpoint that takes new requests.
package struct RoutedEndpoint: BitwiseCopyable, Hashable, Sendable {
    package let address: IPAddress
    package let port: UInt16
    /// At least 1; what share of new requests it gets.
    package let weight: Int
    /// Whether it is in the zone of this proxy.
    package let isSameZone: Bool

    package init(address: IPAddress, port: UInt16, weight: Int = 1, isSameZone: Bool = false) {
        self.address = address
        self.port = port
        self.weight = weight
        self.isSameZone = isSameZone
    }
}

/// How the endpoint of a request is chosen; the raw value is that of the annotation `load-balance`.
package enum LoadBalancing: String, Hashable, Sendable, CaseIterable {
    case roundRobin = "round_robin"
    case random
    case leastRequests = "least_requests"
}

/// What Ingresses ask of a backend. Of several that lead to it, the oldest that says something of a setting decides.
package struct BackendSettings: Hashable, Sendable {
    package var loadBalancing = LoadBalancing.roundRobin
    /// Requests in flight to one endpoint; 0 for any number.
    package var maximumRequestsPerEndpoint: UInt32 = 0
    /// Whether a session gets another endpoint for good when its own fails.
    package var sessionsMoveOnFailure = false
    /// nil: endpoints are not asked how they are.
    package var healthCheck: HealthCheckPolicy?

    package init() {}
}

/// Whether a backend can take requests. What it cannot is answered with 503 (B3).
package enum BackendAvailability: Hashable, Sendable {
    case available
    case serviceMissing
    /// The Service has no such port.
    case portMissing
    /// No endpoint is ready, and none serves while it terminates.
    case noEndpoints
    /// The Service is an ExternalName, and those are not allowed (B6).
    case externalNameRefused
    /// Endpoints are to be verified, or shown a certificate, with a Secret that is not there or broken.
    case backendSecretUnusable

    /// For the header that says why.
    package var reason: String {
        switch self {
        case .available: "available"
        case .serviceMissing: "service-missing"
        case .portMissing: "service-port-missing"
        case .noEndpoints: "no-endpoints"
        case .externalNameRefused: "external-name-refused"
        case .backendSecretUnusable: "backend-secret-unusable"
        }
    }
}

/// A backend at one moment. Immutable; those that have not changed are the same objects in the next plan.
package final class BackendPlan: Sendable {
    package let id: BackendID
    /// Greater than that of every earlier plan for any backend. Two plans with the same revision are the same.
    package let revision: UInt64
    package let availability: BackendAvailability
    /// Sorted. Empty unless available.
    package let endpoints: [RoutedEndpoint]
    package let settings: BackendSettings
    /// What is spoken with the endpoints: as an Ingress says, else as the Service says, else HTTP/1.1.
    package let `protocol`: BackendProtocol
    /// How they are connected to; nil unless the protocol is one over TLS.
    package let tls: BackendTLS?
    /// `appProtocol` of the Service port.
    package let appProtocol: String?
    /// Of an ExternalName Service where those are allowed: the name, for the shell to resolve, and the port. There
    /// are no endpoints then.
    package let external: ExternalBackend?

    init(id: BackendID, revision: UInt64, state: BackendState) {
        self.id = id
        self.revision = revision
        self.availability = state.availability
        self.endpoints = state.endpoints
        self.settings = state.settings
        self.protocol = state.protocol
        self.tls = state.tls
        self.appProtocol = state.appProtocol
        self.external = state.external
    }

    var state: BackendState {
        BackendState(
            availability: self.availability, endpoints: self.endpoints, settings: self.settings,
            protocol: self.protocol, tls: self.tls, appProtocol: self.appProtocol, external: self.external)
    }
}

/// A name outside of the cluster and a port there.
package struct ExternalBackend: Hashable, Sendable {
    package let name: String
    package let port: UInt16

    package init(name: String, port: UInt16) {
        self.name = name
        self.port = port
    }
}

/// All of a ``BackendPlan`` that changes.
struct BackendState: Hashable {
    var availability: BackendAvailability
    var endpoints: [RoutedEndpoint] = []
    var settings = BackendSettings()
    var `protocol` = BackendProtocol.http1
    var tls: BackendTLS?
    var appProtocol: String?
    var external: ExternalBackend?
}
