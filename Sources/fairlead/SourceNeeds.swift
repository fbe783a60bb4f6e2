internal import KubernetesAPI
internal import KubernetesClient

/// What the roles of a process want of their source.
struct SourceNeeds {
    /// Of files.
    var kinds: Set<ObjectKind>
    /// Of an API server.
    var selections: [ObjectSelection]
    /// Without these nothing is begun.
    var needed: Set<ObjectKind>
    /// Who writes events, as `fairlead.dev/node`, and which of them.
    var controller: String
    var instance: String

    static func node(_ name: String) -> SourceNeeds {
        SourceNeeds(
            kinds: ObjectKind.ofNode, selections: ObjectSelection.node(named: name),
            needed: [.service, .endpointSlice], controller: "fairlead.dev/node", instance: name)
    }

    static func ingress(_ scope: IngressScope, instance: String) -> SourceNeeds {
        SourceNeeds(
            kinds: ObjectKind.ofIngress, selections: ObjectSelection.ingress(scope),
            needed: ObjectSelection.neededByIngress, controller: Self.ingressController, instance: instance)
    }

    static let ingressController = "fairlead.dev/ingress-controller"

    /// Both roles, from one source. Services and their endpoints come whole: the node role wants those of all namespaces,
    /// the ingress role headless ones and other proxies' too, and each passes over what it has no use for.
    static func both(node name: String, _ scope: IngressScope) -> SourceNeeds {
        var everywhere = scope
        everywhere.namespace = nil
        func selections(_ scope: IngressScope, _ kinds: Set<ObjectKind>) -> [ObjectSelection] {
            ObjectSelection.ingress(scope).filter { kinds.contains($0.kind) }
        }
        var needs = Self.node(name)
        needs.kinds = ObjectKind.ofNode.union(ObjectKind.ofIngress)
        needs.selections =
            needs.selections.filter { $0.kind == .node || $0.kind == .serviceCIDR }
            + selections(everywhere, [.service, .endpointSlice])
            + selections(scope, [.ingress, .ingressClass, .secret])
        needs.needed.formUnion(ObjectSelection.neededByIngress)
        return needs
    }
}
