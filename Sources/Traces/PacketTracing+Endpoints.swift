internal import KernelDataplane
internal import KubernetesAPI
internal import Networking
internal import ServiceModel

/// Which endpoint, and with whose address.
extension PacketTracing {
    func choose(
        _ packet: TracedPacket, _ client: PacketTrace.Client, _ frontend: FrontendPlan, _ plan: ServicePlan,
        _ route: Route,
        _ trace: inout PacketTrace
    ) {
        let masquerade = self.masquerade(packet, client, frontend)
        let chosen = Dictionary(route.backends.map { ($0.backend, $0.weight) }, uniquingKeysWith: { first, _ in first })
        let shares = chosen.values.reduce(0, +)
        let listed = self.listed(frontend)
        trace.candidates = listed.map { endpoint in
            let weight = chosen[endpoint.backend]
            let isItself = endpoint.backend.address == packet.source
            return PacketTrace.Candidate(
                address: endpoint.backend.text, node: endpoint.node, zone: endpoint.zone,
                permille: weight.map { $0 * 1000 / max(1, shares) },
                isMasqueraded: weight != nil
                    && (masquerade.isDone || isItself && plan.hairpins.contains(packet.source)),
                reason: weight != nil
                    ? self.whyChosen(endpoint, isItself) : self.whyNot(endpoint, frontend, route, client, listed))
        }
        switch route {
        case .backends:
            trace.verdict = .translated
            let count = route.backends.count
            trace.steps.append(.init(subject: .balancing, text: frontend.balancing.text(of: count)))
            trace.steps.append(.init(subject: .source, text: masquerade.reason))
            trace.reason = "goes to one of \(count) endpoint\(count == 1 ? "" : "s")"
        case .refuse:
            trace.verdict = .refused
            trace.reason =
                listed.isEmpty
                ? "no EndpointSlice lists an endpoint for this port and IP version"
                : "none of its \(listed.count) endpoints is ready, on any node"
        case .drop:
            trace.verdict = .dropped
            trace.reason =
                "the policy wants an endpoint on this node, and there is none that is ready: they are elsewhere"
        }
        switch self.servedBy(frontend, plan) {
        case .nftables?:
            trace.server = .kernel
            trace.steps.append(.init(subject: .server, text: "the kernel serves it (nftables)"))
        case .userspace?:
            trace.server = .userspace
            trace.steps.append(
                .init(
                    subject: .server,
                    text:
                        "the userspace balancer serves it: endpoints see the node's address, and it chooses among them as well by how they are"
                ))
        case nil: trace.steps.append(.init(subject: .server, text: "nobody serves it: SCTP takes nftables"))
        }
    }

    // MARK: - Whose address

    private func masquerade(
        _ packet: TracedPacket, _ client: PacketTrace.Client, _ frontend: FrontendPlan
    ) -> (isDone: Bool, reason: String) {
        let kept = "endpoints see the client's own address"
        let lost = "endpoints see this node's address instead of the client's"
        switch frontend.masquerade {
        case .everybody: return (true, "\(lost): answers have to come back by this node")
        case .nobody: return (false, kept)
        case .thisNode:
            return client == .thisNode
                ? (true, "\(lost): of this node's addresses the one towards the endpoint") : (false, kept)
        case .nonPods:
            guard frontend.role == .clusterIP else { return (false, kept) }
            if self.settings.masqueradeAll { return (true, "\(lost): --masquerade-all") }
            if case .interface = self.settings.pods {
                return client == .pod ? (false, "\(kept): it is a pod") : (true, "\(lost): it is no pod")
            }
            let plain = self.settings.plainSources(packet.source.family)
            if plain.contains(where: { $0.contains(packet.source) }) {
                return (false, client == .pod ? "\(kept): it is a pod" : "\(kept): it is not known who is a pod")
            }
            return (true, "\(lost): it is no pod")
        }
    }

    // MARK: - Reasons

    private func whyChosen(_ endpoint: ListedEndpoint, _ isItself: Bool) -> String {
        var reason = endpoint.condition == .ready ? "ready" : "terminating, and serving as none is ready"
        if isItself { reason += "; the client itself" }
        return reason
    }

    private func whyNot(
        _ endpoint: ListedEndpoint, _ frontend: FrontendPlan, _ route: Route, _ client: PacketTrace.Client,
        _ listed: [ListedEndpoint]
    ) -> String {
        switch endpoint.condition {
        case .notReady: return "not ready"
        case .draining where listed.contains { $0.condition == .ready }: return "terminating: others are ready"
        case .draining, .ready: break
        }
        let isLocal: Bool
        switch route {
        case .backends(let policy, _): isLocal = policy == .local
        case .drop: isLocal = true
        case .refuse: isLocal = false
        }
        if isLocal, endpoint.node != self.planner.node.name {
            return endpoint.node == nil
                ? "it does not say where it is, and the policy is Local" : "elsewhere, and the policy is Local"
        }
        return "its hints are for clients of other nodes or zones, or its weight is 0"
    }
}

extension Balancing {
    fileprivate func text(of count: Int) -> String {
        if count == 1 { return "there is no choice" }
        return switch self {
        case .random: "one of \(count) by chance"
        case .clientIPHash: "one of \(count), by a hash of the client's address"
        case .flowHash: "one of \(count), by a hash of the client's address and port"
        case .clientIPAffinity(let seconds):
            "the one of \(count) that the client had within the last \(seconds) s; otherwise by chance"
        }
    }
}
