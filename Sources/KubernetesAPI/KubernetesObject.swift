// KubernetesAPI: the objects Fairlead serves, as values, and their decoding from manifests. A file's
// bytes go in; typed, validated objects and the problems found on the way come out. Validation
// follows the API server's, so that what is accepted here would be accepted there. Pure: no I/O, no
// clock, no logger. libyaml is used in one file, `ManifestParser.swift`.

/// `namespace/name`, or `name` for what belongs to the cluster and has an empty namespace.
package struct ObjectName: Hashable, Sendable {
    package let namespace: String
    package let name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension ObjectName: Comparable, CustomStringConvertible {
    package var description: String {
        self.namespace.isEmpty ? self.name : "\(self.namespace)/\(self.name)"
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// The kinds Fairlead reads; the raw value is the spelling of the API.
package enum ObjectKind: String, Hashable, Sendable, CaseIterable {
    case service = "Service"
    case endpointSlice = "EndpointSlice"
    case node = "Node"
    case serviceCIDR = "ServiceCIDR"
    case ingress = "Ingress"
    case ingressClass = "IngressClass"
    case secret = "Secret"

    /// The `apiVersion` under which the kind is accepted.
    package var apiVersion: String {
        switch self {
        case .service, .node, .secret: "v1"
        case .endpointSlice: "discovery.k8s.io/v1"
        case .serviceCIDR, .ingress, .ingressClass: "networking.k8s.io/v1"
        }
    }

    /// Whether objects of this kind belong to the cluster, and not to a namespace.
    package var isClusterScoped: Bool {
        switch self {
        case .service, .endpointSlice, .ingress, .secret: false
        case .node, .serviceCIDR, .ingressClass: true
        }
    }

    /// Whether people select objects of this kind by their labels.
    package var isSelectedByLabels: Bool { self == .service || self == .ingress }

    /// What the node role serves from.
    package static let ofNode: Set<ObjectKind> = [.service, .endpointSlice, .node, .serviceCIDR]
    /// What the ingress role serves from.
    package static let ofIngress: Set<ObjectKind> = [.ingress, .ingressClass, .service, .endpointSlice, .secret, .node]
}

/// What tells one object from another.
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
    package let kind: ObjectKind
    package let name: ObjectName

    package init(kind: ObjectKind, name: ObjectName) {
        self.kind = kind
        self.name = name
    }

    package var description: String { "\(self.kind.rawValue) \(self.name)" }
}

/// The part every object has.
///
/// Labels and annotations hold only the keys in ``KnownKey``: a cluster's other labels are many and
/// decide nothing here.
package struct ObjectMeta: Hashable, Sendable {
    package var name: ObjectName
    package var labels: [String: String]
    package var annotations: [String: String]
    /// Of Services and Ingresses all that there are, for who selects by them; of others none.
    package var allLabels: LabelSet
    /// Unix seconds.
    package var creationTimestamp: Int64?

    package init(
        name: ObjectName,
        labels: [String: String] = [:],
        annotations: [String: String] = [:],
        allLabels: LabelSet = LabelSet(),
        creationTimestamp: Int64? = nil
    ) {
        self.name = name
        self.labels = labels
        self.annotations = annotations
        self.allLabels = allLabels
        self.creationTimestamp = creationTimestamp
    }
}

/// The label and annotation keys that are kept.
package enum KnownKey {
    /// A Service with this label, whatever its value, belongs to another proxy.
    package static let serviceProxyName = "service.kubernetes.io/service-proxy-name"
    /// An EndpointSlice with this label, whatever its value, is of a headless Service.
    package static let headless = "service.kubernetes.io/headless"
    /// On an EndpointSlice: the Service it belongs to.
    package static let serviceName = "kubernetes.io/service-name"
    /// On a Node: the zone it is in.
    package static let zone = "topology.kubernetes.io/zone"
    /// On an EndpointSlice, when what made it change happened (RFC 3339). Read, not kept:
    /// ``EndpointSlice/lastChangeTriggerTime``.
    package static let lastChangeTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time"
    /// On an Ingress: the class, as it was said before `spec.ingressClassName`.
    package static let ingressClass = "kubernetes.io/ingress.class"
    /// On an IngressClass, "true" if it is the default. Read, not kept: ``IngressClass/isDefault``.
    package static let isDefaultClass = "ingressclass.kubernetes.io/is-default-class"
    /// The taint of a Node that the cluster autoscaler is about to remove.
    package static let autoscalerTaint = "ToBeDeletedByClusterAutoscaler"
    /// Everything of our own.
    package static let ownPrefix = "fairlead.dev/"

    package static func isKept(_ key: String) -> Bool {
        key == self.serviceName || key == self.serviceProxyName || key == self.headless || key == self.zone
            || key == self.ingressClass || key.hasPrefix(self.ownPrefix)
    }
}

/// Any object of a kind Fairlead reads.
package enum KubernetesObject: Sendable, Hashable {
    case service(Service)
    case endpointSlice(EndpointSlice)
    case node(Node)
    case serviceCIDR(ServiceCIDR)
    case ingress(Ingress)
    case ingressClass(IngressClass)
    case secret(Secret)

    package var key: ObjectKey {
        switch self {
        case .service(let service): ObjectKey(kind: .service, name: service.metadata.name)
        case .endpointSlice(let slice): ObjectKey(kind: .endpointSlice, name: slice.metadata.name)
        case .node(let node): ObjectKey(kind: .node, name: node.metadata.name)
        case .serviceCIDR(let block): ObjectKey(kind: .serviceCIDR, name: block.metadata.name)
        case .ingress(let ingress): ObjectKey(kind: .ingress, name: ingress.metadata.name)
        case .ingressClass(let ingressClass): ObjectKey(kind: .ingressClass, name: ingressClass.metadata.name)
        case .secret(let secret): ObjectKey(kind: .secret, name: secret.metadata.name)
        }
    }
}
