// FakeAPIServer: as much of a Kubernetes API server as a client of Services can tell from a real one, over
// real TLS sockets, and with faults on request. Test support, never part of the product. Everything but
// `FakeAPIServer` itself lives on the one event loop.

package import KubernetesWire

/// What is served: the collections of the API and how they are called in paths and messages.
package enum Resource: String, Sendable, Hashable, CaseIterable {
    case services
    case endpointSlices = "endpointslices"
    case nodes
    case serviceCIDRs = "servicecidrs"
    case ingresses
    case ingressClasses = "ingressclasses"
    case secrets
    case events
    case leases

    /// Empty for the core group.
    package var group: String {
        switch self {
        case .services, .nodes, .secrets: ""
        case .endpointSlices: "discovery.k8s.io"
        case .serviceCIDRs, .ingresses, .ingressClasses: "networking.k8s.io"
        case .events: "events.k8s.io"
        case .leases: "coordination.k8s.io"
        }
    }

    package var type: ObjectType {
        let kind =
            switch self {
            case .services: "Service"
            case .endpointSlices: "EndpointSlice"
            case .nodes: "Node"
            case .serviceCIDRs: "ServiceCIDR"
            case .ingresses: "Ingress"
            case .ingressClasses: "IngressClass"
            case .secrets: "Secret"
            case .events: "Event"
            case .leases: "Lease"
            }
        return ObjectType(apiVersion: self.group.isEmpty ? "v1" : "\(self.group)/v1", kind: kind)
    }

    var listType: ObjectType { ObjectType(apiVersion: self.type.apiVersion, kind: "\(self.type.kind)List") }

    package var isNamespaced: Bool { self != .nodes && self != .serviceCIDRs && self != .ingressClasses }

    /// Whether the status of its objects is written apart, below `/status`.
    var hasStatus: Bool { self == .services || self == .nodes || self == .serviceCIDRs || self == .ingresses }

    /// `services`, `leases.coordination.k8s.io`, as messages say it.
    var qualifiedName: String { self.group.isEmpty ? self.rawValue : "\(self.rawValue).\(self.group)" }
}

/// What a path is about.
struct ResourcePath: Hashable {
    let resource: Resource
    /// nil for all namespaces, and for what has none.
    var namespace: String?
    /// nil for the collection.
    var name: String?
    var isStatus = false

    init?(_ path: String) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)[...]
        let group: String
        switch parts.popFirst() {
        case "api": group = ""
        case "apis": group = parts.popFirst() ?? ""
        default: return nil
        }
        guard parts.popFirst() == "v1" else { return nil }
        if parts.first == "namespaces", parts.count >= 3 {
            self.namespace = parts[parts.startIndex + 1]
            parts = parts.dropFirst(2)
        }
        guard let plural = parts.popFirst(), let resource = Resource(rawValue: plural), resource.group == group,
            resource.isNamespaced || self.namespace == nil
        else { return nil }
        self.resource = resource
        self.name = parts.popFirst()
        if parts.first == "status" {
            self.isStatus = true
            parts = parts.dropFirst()
        }
        guard parts.isEmpty, self.name != "", self.namespace != "" else { return nil }
    }
}
