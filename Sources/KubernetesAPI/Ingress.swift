package import Networking

/// An Ingress (networking.k8s.io/v1): which requests go to which Service, by host and path.
package struct Ingress: Hashable, Sendable {
    package var metadata: ObjectMeta
    /// What tells it from others that had its name before; empty without an API server. Events about it give it, or
    /// `kubectl describe` does not find them.
    package var uid: String
    /// `spec.ingressClassName`. The annotation ``KnownKey/ingressClass`` counts only where this is nil.
    package var ingressClassName: String?
    /// What gets the requests that no rule matches.
    package var defaultBackend: IngressBackend?
    package var tls: [IngressTLS]
    package var rules: [IngressRule]
    /// `status.loadBalancer.ingress`: where clients are told to go.
    package var loadBalancer: [LoadBalancerAddress]

    package init(
        metadata: ObjectMeta,
        uid: String = "",
        ingressClassName: String? = nil,
        defaultBackend: IngressBackend? = nil,
        tls: [IngressTLS] = [],
        rules: [IngressRule] = [],
        loadBalancer: [LoadBalancerAddress] = []
    ) {
        self.metadata = metadata
        self.uid = uid
        self.ingressClassName = ingressClassName
        self.defaultBackend = defaultBackend
        self.tls = tls
        self.rules = rules
        self.loadBalancer = loadBalancer
    }
}

/// One entry of `spec.tls`: the hosts a certificate is for.
package struct IngressTLS: Hashable, Sendable {
    /// As written: case and all. `*.` in front stands for one label. Empty for all hosts of the rules.
    package var hosts: [String]
    /// A Secret of the Ingress's namespace; nil for the default certificate.
    package var secretName: String?

    package init(hosts: [String] = [], secretName: String? = nil) {
        self.hosts = hosts
        self.secretName = secretName
    }
}

/// One entry of `spec.rules`.
package struct IngressRule: Hashable, Sendable {
    /// As written; `*.` in front stands for one label. Empty for every host that nobody else names.
    package var host: String
    /// nil if the rule has no `http`: all paths of the host then go to the Ingress's default backend.
    package var paths: [IngressPath]?

    package init(host: String = "", paths: [IngressPath]? = nil) {
        self.host = host
        self.paths = paths
    }
}

/// One path of a rule and where its requests go.
package struct IngressPath: Hashable, Sendable {
    /// Begins with `/`; empty only where the type is implementation specific.
    package var path: String
    package var pathType: IngressPathType
    package var backend: IngressBackend

    package init(path: String, pathType: IngressPathType = .prefix, backend: IngressBackend) {
        self.path = path
        self.pathType = pathType
        self.backend = backend
    }
}

/// How a path is matched; the raw value is the spelling of the API.
package enum IngressPathType: String, Hashable, Sendable, CaseIterable {
    /// The same bytes.
    case exact = "Exact"
    /// The same elements between slashes, as far as the path has any.
    case prefix = "Prefix"
    /// What the controller makes of it.
    case implementationSpecific = "ImplementationSpecific"
}

/// Where requests go: something of the Ingress's own namespace.
package enum IngressBackend: Hashable, Sendable {
    /// A Service, and which of its ports: by the Service's own number or name, never by its target port.
    case service(name: String, port: PortReference)
    /// Any other object. `apiGroup` is empty for the core group.
    case resource(apiGroup: String, kind: String, name: String)
}

/// A port by its number or by its name.
package enum PortReference: Hashable, Sendable, CustomStringConvertible {
    case number(UInt16)
    case name(String)

    package var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .name(let name): name
        }
    }
}

/// One entry of `status.loadBalancer.ingress`, of an Ingress or a Service: an address or a name, or both.
package struct LoadBalancerAddress: Hashable, Sendable {
    package var ip: IPAddress?
    package var hostname: String?

    package init(ip: IPAddress? = nil, hostname: String? = nil) {
        self.ip = ip
        self.hostname = hostname
    }
}
