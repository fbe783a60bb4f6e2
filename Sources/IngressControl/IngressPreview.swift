package import KubernetesAPI
package import Routing
internal import ServiceModel

/// The routes that some objects become, without anybody who serves them.
package enum IngressPreview {
    /// - Returns: what has been planned.
    package static func planner(
        of objects: some Sequence<KubernetesObject>, _ options: IngressPlannerOptions, nodeName: String
    ) -> IngressPlanner {
        var planner = IngressPlanner(options, node: NodeFacts(name: nodeName))
        var store = CertificateStore()
        for object in objects {
            switch object {
            case .secret(let secret): _ = store.update(object.key.name, secret)
            case .node(let node) where object.key.name.name == nodeName:
                planner.update(NodeFacts(name: nodeName, zone: node.zone))
            default: planner.apply(object.key, object)
            }
        }
        // Which Secrets are asked for is known when it has been planned once.
        _ = planner.plan()
        for name in store.want(planner.referencedSecrets) {
            if let reading = store.reading(name) { planner.apply(reading.facts) }
        }
        _ = planner.plan()
        return planner
    }
}
