package import KubernetesAPI
package import Nftables
package import ServiceModel

/// The table that some objects become, without a kernel.
package struct RulesetPreview {
    package let ruleset: Ruleset
    /// Frontends that several Services claim.
    package let conflicts: [FrontendConflict]
    /// What the objects ask for.
    package let planner: ServicePlanner
    package let node: NodeSettings

    /// - Parameters:
    ///   - streams: what the userspace balancer is given; nil: there is none, and Services that ask for it stay with the kernel.
    ///   - settings: what is known of the node, given what the objects say of it.
    package init<Failure: Error>(
        of objects: some Sequence<KubernetesObject>,
        nodeName: String,
        streams: StreamProgram.Settings? = nil,
        settings: (ClusterFacts) throws(Failure) -> (settings: NodeSettings, facts: NodeFacts)
    ) throws(Failure) {
        var cluster = ClusterFacts(nodeName: nodeName)
        for object in objects { _ = cluster.take(object.key, object) }
        let (settings, facts) = try settings(cluster)
        var planner = ServicePlanner(node: facts)
        for object in objects {
            switch object {
            case .service(let service): _ = planner.update(service.metadata.name, service: service)
            case .endpointSlice(let slice): _ = planner.update(slice.metadata.name, slice: slice)
            case .node, .serviceCIDR, .ingress, .ingressClass, .secret: break
            }
        }
        var plans: [ObjectName: ServicePlan?] = [:]
        var conflicts: [FrontendConflict] = []
        for name in planner.serviceNames {
            plans[name] = .some(planner.plan(for: name))
            conflicts += planner.conflicts(of: name)
        }
        if let streams {
            var touched = StreamProgram.Touched()
            var balancer = StreamProgram(streams)
            plans = balancer.apply(plans, touched: &touched)
        }
        var program = TableProgram(node: settings)
        _ = program.apply(plans)
        self.ruleset = program.ruleset()
        self.conflicts = conflicts
        self.planner = planner
        self.node = settings
    }
}
