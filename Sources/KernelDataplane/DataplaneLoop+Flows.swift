internal import KubernetesAPI
internal import Networking
internal import ServiceModel

/// What follows from a change for connections that are there already.
extension DataplaneLoop {
    /// Where connections of some Services may go by their plans of now.
    func flowRules(of services: Set<ObjectName>) -> FlowRules {
        var rules = FlowRules(
            nodeAddresses: self.synchronizer.program.node.nodePortAddresses,
            formerNodeAddresses: self.enforcedNodeAddresses)
        let planner = self.synchronizer.planner
        let conditions: [(TransportProtocol, FlowCondition)] =
            self.configuration.endsStaleTCP ? [(.udp, .serving), (.tcp, .listed)] : [(.udp, .serving)]
        for (transport, condition) in conditions {
            for service in services {
                for (frontend, targets) in planner.flowTargets(of: service, transport, condition) {
                    let balancer = self.streams?.program.handoverTargets(of: frontend, of: service)
                    // A TCP connection that is an endpoint's stays with it, a UDP flow comes to the balancer.
                    rules.set(
                        frontend,
                        .endpoints(balancer.map { transport == .tcp ? targets.union($0) : $0 } ?? targets))
                }
            }
        }
        return rules
    }

    /// Has UDP flows come to the balancer that the kernel has translated so far.
    func releaseFlows() {
        var rules = FlowRules(nodeAddresses: self.synchronizer.program.node.nodePortAddresses)
        let planner = self.synchronizer.planner
        for service in planner.serviceNames {
            for frontend in planner.flowTargets(of: service, .udp, .serving).keys { rules.set(frontend, .removed) }
        }
        self.flows.announce(rules)
        self.flows.enforce(rules)
    }

    /// Has connections ended that the rules in force would send elsewhere.
    func enforce(_ rules: FlowRules, of services: Set<ObjectName>, _ report: KernelSynchronizer.Report) {
        var rules = rules
        for frontend in report.addedFrontends where frontend.transport == .tcp && rules.targets[frontend] == nil {
            rules.set(frontend, .established)
        }
        // TCP connections of a Service that is gone are left to their endpoints: without a frontend nobody would
        // tell the client that they have ended.
        for frontend in report.removedFrontends where frontend.transport == .udp { rules.set(frontend, .removed) }
        self.flows.announce(rules)
        self.flows.enforce(rules)
        self.enforcedNodeAddresses = rules.nodeAddresses
        for service in services {
            self.flows.watch(service, draining: self.synchronizer.draining[service] ?? [])
        }
    }
}
