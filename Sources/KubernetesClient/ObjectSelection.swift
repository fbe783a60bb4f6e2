package import KubernetesAPI

/// Which objects of a kind are wanted. Selections of the same kind that are followed together must have no object in
/// common: each would tell of it in its own time, and an old version could come last.
package struct ObjectSelection: Hashable, Sendable {
    package let kind: ObjectKind
    /// nil for all.
    package var namespace: String?
    package var labelSelector: String?
    package var fieldSelector: String?

    package init(
        _ kind: ObjectKind,
        namespace: String? = nil,
        labelSelector: String? = nil,
        fieldSelector: String? = nil
    ) {
        self.kind = kind
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }

    /// The collection it is of.
    package var path: String { self.kind.path(in: self.namespace) }

    /// What the node role reads, and no more: filtered by the server, so that what is of no use here never comes.
    package static func node(named name: String) -> [ObjectSelection] {
        [
            ObjectSelection(
                .service, labelSelector: "!\(KnownKey.serviceProxyName)", fieldSelector: "spec.clusterIP!=None"),
            ObjectSelection(
                .endpointSlice, labelSelector: "!\(KnownKey.serviceProxyName),!\(KnownKey.headless)"),
            ObjectSelection(.node, fieldSelector: "metadata.name=\(name)"),
            ObjectSelection(.serviceCIDR),
        ]
    }
}

/// What of a cluster an ingress serves.
package struct IngressScope: Hashable, Sendable {
    /// Which Secrets are read.
    package enum Secrets: Hashable, Sendable {
        /// None but the default certificate.
        case none
        /// Those of type kubernetes.io/tls.
        case certificates
        /// Those of type Opaque as well, which hold whom to trust when clients have certificates.
        case certificatesAndAuthorities
    }

    /// Whose Ingresses count, with all that they refer to; nil for all namespaces.
    package var namespace: String?
    package var secrets: Secrets
    /// The Services and the Secret that options name; in any namespace.
    package var publishService: ObjectName?
    package var defaultBackend: ObjectName?
    package var defaultCertificate: ObjectName?
    /// The Node it runs on, whose zone its endpoints should be in; nil if that is of no matter.
    package var nodeName: String?

    package init(
        namespace: String? = nil,
        secrets: Secrets = .certificates,
        publishService: ObjectName? = nil,
        defaultBackend: ObjectName? = nil,
        defaultCertificate: ObjectName? = nil,
        nodeName: String? = nil
    ) {
        self.namespace = namespace
        self.secrets = secrets
        self.publishService = publishService
        self.defaultBackend = defaultBackend
        self.defaultCertificate = defaultCertificate
        self.nodeName = nodeName
    }
}

extension ObjectSelection {
    /// The kinds without which an ingress cannot begin. Without Secrets it serves what needs none, without its Node it
    /// prefers no zone.
    package static let neededByIngress: Set<ObjectKind> = [.ingress, .ingressClass, .service, .endpointSlice]

    /// What the ingress role reads.
    ///
    /// Services and EndpointSlices of all sorts. Requests go to endpoints and never through a virtual IP, so that a
    /// Service is headless, or its virtual IP another proxy's, is no reason to leave it out; one that is only a name
    /// (ExternalName) has to be known to be refused.
    package static func ingress(_ scope: IngressScope) -> [ObjectSelection] {
        let namespace = scope.namespace
        var selections = [
            ObjectSelection(.ingress, namespace: namespace), ObjectSelection(.ingressClass),
            ObjectSelection(.service, namespace: namespace), ObjectSelection(.endpointSlice, namespace: namespace),
        ]
        func isOutside(_ name: ObjectName) -> Bool { namespace.map { $0 != name.namespace } ?? false }
        for name in [scope.publishService, scope.defaultBackend].compactMap({ $0 }).unique where isOutside(name) {
            selections.append(Self.one(.service, name))
        }
        if let name = scope.defaultBackend, isOutside(name) {
            selections.append(
                ObjectSelection(
                    .endpointSlice, namespace: name.namespace, labelSelector: "\(KnownKey.serviceName)=\(name.name)"))
        }
        if let filter = scope.secrets.fieldSelector {
            selections.append(ObjectSelection(.secret, namespace: namespace, fieldSelector: filter))
        }
        if let name = scope.defaultCertificate, scope.secrets == .none || isOutside(name) {
            selections.append(Self.one(.secret, name))
        }
        if let name = scope.nodeName {
            selections.append(ObjectSelection(.node, fieldSelector: "metadata.name=\(name)"))
        }
        return selections
    }

    private static func one(_ kind: ObjectKind, _ name: ObjectName) -> ObjectSelection {
        ObjectSelection(kind, namespace: name.namespace, fieldSelector: "metadata.name=\(name.name)")
    }
}

extension IngressScope.Secrets {
    /// Types whose Secrets are many, large or none of an ingress's business. One selection without them, and not one for
    /// each type that is wanted: a Secret that is made anew with another type would be news of two watches, in any order.
    private static let unwanted = [
        "helm.sh/release.v1", "kubernetes.io/service-account-token", "kubernetes.io/dockercfg",
        "kubernetes.io/dockerconfigjson", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth",
        "bootstrap.kubernetes.io/token",
    ]

    fileprivate var fieldSelector: String? {
        switch self {
        case .none: nil
        case .certificates: "type=\(SecretType.tls)"
        case .certificatesAndAuthorities: Self.unwanted.map { "type!=\($0)" }.joined(separator: ",")
        }
    }
}

extension ObjectKind {
    /// The name of its objects in paths and in RBAC rules.
    package var resource: String {
        switch self {
        case .service: "services"
        case .endpointSlice: "endpointslices"
        case .node: "nodes"
        case .serviceCIDR: "servicecidrs"
        case .ingress: "ingresses"
        case .ingressClass: "ingressclasses"
        case .secret: "secrets"
        }
    }

    /// Its API group in RBAC rules; empty for the core.
    package var group: String {
        self.apiVersion.split(separator: "/").count == 2 ? String(self.apiVersion.prefix { $0 != "/" }) : ""
    }

    /// All of its objects, of one namespace or of all.
    package func path(in namespace: String?) -> String {
        let scope = namespace.map { "namespaces/\($0)/" } ?? ""
        return "/\(self.group.isEmpty ? "api" : "apis")/\(self.apiVersion)/\(scope)\(self.resource)"
    }
}
