package import KernelDataplane
internal import KubernetesAPI
package import Networking
package import ServiceModel

/// Follows packets through what is planned, as the constant rules lead them (`rules/base.nft`).
package struct PacketTracing {
    let planner: ServicePlanner
    let settings: NodeSettings
    /// The addresses of the host's interfaces.
    private let hostAddresses: Set<IPAddress>
    /// Who serves what asks for nothing else.
    private let dataplane: DataplaneMode.Name

    package init(
        _ planner: ServicePlanner, node: NodeSettings, hostAddresses: Set<IPAddress>,
        dataplane: DataplaneMode.Name = .nftables
    ) {
        self.planner = planner
        self.settings = node
        self.hostAddresses = hostAddresses.union(node.nodePortAddresses)
        self.dataplane = dataplane
    }

    package func trace(_ packet: TracedPacket) -> PacketTrace {
        let client = self.client(of: packet)
        var trace = PacketTrace(client: client.kind, verdict: .passed, reason: "")
        trace.steps.append(.init(subject: .client, text: client.reason))
        guard let (frontend, name) = self.frontend(of: packet), let plan = self.planner.plan(for: name),
            let frontendPlan = plan.frontends.first(where: { $0.frontend == frontend })
        else {
            self.noFrontend(packet, &trace)
            return trace
        }
        trace.servicePort = "\(frontendPlan.port)"
        trace.steps.append(
            .init(
                subject: .destination,
                text: "\(frontend) is \(frontendPlan.role.text) of Service \(name)\(frontendPlan.port.portText)"))
        guard self.isAdmitted(packet, frontendPlan, &trace) else { return trace }
        let route = self.route(client.kind, frontendPlan, &trace)
        self.choose(packet, client.kind, frontendPlan, plan, route, &trace)
        return trace
    }

    // MARK: - The client

    private func client(of packet: TracedPacket) -> (kind: PacketTrace.Client, reason: String) {
        let source = packet.source
        if source.isLoopback || self.hostAddresses.contains(source) {
            return (.thisNode, "\(source) is an address of this node")
        }
        switch self.settings.pods {
        case .blocks(let blocks):
            if let block = blocks.first(where: { $0.contains(source) }) {
                return (.pod, "\(source) is a pod: \(block) is where pods' addresses come from")
            }
            if !blocks.contains(where: { $0.family == source.family }) {
                return (
                    .outside,
                    "\(source) counts as outside, as where pods' IPv\(source.family.rawValue) addresses come from is not known "
                        + "(--cluster-cidr)"
                )
            }
        case .interface(let pattern):
            if let interface = packet.interface {
                let isPod =
                    pattern.hasSuffix("*") ? interface.hasPrefix(pattern.dropLast()) : interface == pattern
                return isPod
                    ? (.pod, "\(source) is a pod: it comes by \(interface)")
                    : (.outside, "\(source) is outside: pods come by \(pattern), and it comes by \(interface)")
            }
            return (
                .outside,
                "\(source) counts as outside, as by which interface it comes is not said; pods come by \(pattern)"
            )
        }
        return (.outside, "\(source) is outside: no address of this node, and in no block of pods' addresses")
    }

    // MARK: - The frontend

    private func frontend(of packet: TracedPacket) -> (Frontend, ObjectName)? {
        let byAddress = Frontend(.address(packet.destination), packet.transport, packet.port)
        if let name = self.planner.holder(of: byAddress) { return (byAddress, name) }
        guard self.settings.nodePortAddresses.contains(packet.destination) else { return nil }
        let byPort = Frontend(.node(packet.destination.family), packet.transport, packet.port)
        return self.planner.holder(of: byPort).map { (byPort, $0) }
    }

    private func noFrontend(_ packet: TracedPacket, _ trace: inout PacketTrace) {
        let (verdict, text) = self.whyNone(packet)
        trace.steps.append(.init(subject: .destination, text: text))
        trace.verdict = verdict
        trace.reason = text
    }

    private func whyNone(_ packet: TracedPacket) -> (PacketTrace.Verdict, String) {
        let address = packet.destination
        let port = "\(packet.port)/\(packet.transport)"
        for name in self.planner.services(withClusterIP: address) {
            guard self.planner.plan(for: name) != nil, let service = self.planner.service(name) else { continue }
            let ports = service.ports.map { "\($0.port)/\($0.transport)" }.joined(separator: ", ")
            return (
                .refused, "\(address) is the ClusterIP of Service \(name), which has no port \(port), only \(ports)"
            )
        }
        if let name = self.planner.services(withClusterIP: address).first {
            return (
                .passed,
                "\(address) is the ClusterIP of Service \(name), which another proxy serves (label service.kubernetes.io/service-proxy-name)"
            )
        }
        if self.hostAddresses.contains(address) || address.isLoopback {
            let isNodePort =
                self.planner.holder(of: Frontend(.node(address.family), packet.transport, packet.port)) != nil
            return (
                .passed,
                isNodePort
                    ? "\(port) is a NodePort, and \(address) is none of the addresses at which NodePorts answer (--nodeport-addresses)"
                    : "\(address) is this host's, and \(port) is no NodePort: the host itself answers"
            )
        }
        if let block = self.settings.serviceCIDRs.first(where: { $0.contains(address) }) {
            return (.dropped, "\(address) is no Service's, and in \(block), where ClusterIPs come from")
        }
        return (.passed, "\(address):\(packet.port) is no Service's: it is routed as it is")
    }

    // MARK: - What the planner knows

    /// The endpoints of a frontend's port, of its family, in whatever condition.
    func listed(_ frontend: FrontendPlan) -> [ListedEndpoint] {
        self.planner.listedEndpoints(of: frontend.port.service, EndpointHistory()).filter {
            $0.port.name == frontend.port.name && $0.port.transport == frontend.port.transport
                && $0.backend.address.family == frontend.frontend.family
        }
    }

    /// nil: nobody, as nothing but nftables serves SCTP.
    func servedBy(_ frontend: FrontendPlan, _ plan: ServicePlan) -> DataplaneMode.Name? {
        guard self.dataplane == .nftables else { return frontend.port.transport == .sctp ? nil : .userspace }
        return plan.needsBalancer(at: frontend) ? .userspace : .nftables
    }

    // MARK: - Who may, and where to

    private func isAdmitted(_ packet: TracedPacket, _ plan: FrontendPlan, _ trace: inout PacketTrace) -> Bool {
        guard let admitted = plan.admittedSources else { return true }
        let ranges = admitted.map { "\($0)" }.joined(separator: ", ")
        let who = ranges.isEmpty ? "nobody of this family" : ranges
        if admitted.contains(where: { $0.contains(packet.source) }) {
            trace.steps.append(
                .init(subject: .sources, text: "\(packet.source) may use it: loadBalancerSourceRanges admit \(who)"))
            return true
        }
        trace.verdict = .dropped
        trace.reason = "\(packet.source) may not use it: loadBalancerSourceRanges, less those denied, admit \(who)"
        trace.steps.append(.init(subject: .sources, text: trace.reason))
        return false
    }

    private func route(_ client: PacketTrace.Client, _ plan: FrontendPlan, _ trace: inout PacketTrace) -> Route {
        func say(_ text: String) { trace.steps.append(.init(subject: .policy, text: text)) }
        if let external = plan.externalRoute {
            if client == .outside {
                say("externalTrafficPolicy Local: clients from outside get endpoints on this node alone")
                return external
            }
            say("externalTrafficPolicy Local is about clients from outside: \(client.rawValue) gets all endpoints")
            return plan.route
        }
        if plan.isLocalInside { say("internalTrafficPolicy Local: endpoints on this node alone") }
        return plan.route
    }
}

extension FrontendPlan {
    /// Whether pods and this node get endpoints of this node only.
    fileprivate var isLocalInside: Bool {
        switch self.route {
        case .backends(let policy, _): policy == .local
        case .drop: true
        case .refuse: false
        }
    }
}

extension FrontendPlan.Role {
    fileprivate var text: String {
        switch self {
        case .clusterIP: "the ClusterIP"
        case .externalIP: "an external IP"
        case .loadBalancerIP: "a load balancer's address"
        case .nodePort: "a NodePort"
        }
    }
}

extension ServicePortIdentity {
    fileprivate var portText: String { self.name.isEmpty ? "" : ", port \(self.name)" }
}
