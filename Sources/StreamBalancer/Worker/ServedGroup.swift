internal import Balancing
internal import HealthChecking
internal import Networking
internal import Reactor
internal import ServiceModel

/// Endpoints as one worker knows them: who they are, how they do, how many connections each has.
struct ServedGroup: ~Copyable {
    private(set) var plan: GroupPlan
    var endpoints: EndpointSet
    /// Connections that are of this group.
    var users = 0
    /// No frontend leads here any more.
    var isRetired = false
    /// Since when endpoints are on their way to their full share.
    private var warming: [SocketAddress: UInt64] = [:]
    /// Of those who have been on that way, since when they have it.
    private var warm: [SocketAddress: UInt64] = [:]
    private var failing: Set<SocketAddress> = []

    init(_ plan: GroupPlan, seed: UInt64) {
        self.plan = plan
        self.endpoints = EndpointSet(policy: Self.policy(plan), seed: seed)
        _ = self.endpoints.update(to: plan.endpoints)
    }

    private static func policy(_ plan: GroupPlan) -> BalancingPolicy {
        var policy = BalancingPolicy()
        policy.algorithm = plan.policy.algorithm == .leastConnections ? .leastConnections : .random
        // As kube-proxy does: who has lost their endpoint chooses again.
        policy.sessionsMoveOnFailure = true
        return policy
    }

    /// Other endpoints, or another policy.
    mutating func adopt(_ plan: GroupPlan, now: UInt64) {
        if plan.policy.slowStart > 0 {
            let known = Set(self.plan.endpoints.map { SocketAddress($0.address, $0.port) })
            // With nobody to take their place meanwhile there is nothing to be slow for.
            if !known.isEmpty {
                for endpoint in plan.endpoints {
                    let address = SocketAddress(endpoint.address, endpoint.port)
                    if !known.contains(address) { self.warming[address] = now }
                }
            }
        } else {
            self.warming = [:]
        }
        if !self.warm.isEmpty {
            let listed = Set(plan.endpoints.map { SocketAddress($0.address, $0.port) })
            self.warm = self.warm.filter { listed.contains($0.key) }
        }
        self.plan = plan
        let policy = Self.policy(plan)
        if policy != self.endpoints.policy { self.endpoints.policy = policy }
        self.weigh(now: now)
    }

    /// Who fails the checks. nil: nobody is checked.
    mutating func adopt(_ health: BackendHealth?, now: UInt64) {
        let health = health?.name == self.plan.healthName ? health : nil
        var failing: Set<SocketAddress> = []
        for endpoint in self.plan.endpoints {
            let address = SocketAddress(endpoint.address, endpoint.port)
            if health?.isFailing(address) == true { failing.insert(address) }
        }
        guard failing != self.failing else { return }
        if self.plan.policy.slowStart > 0 {
            for address in self.failing.subtracting(failing) { self.warming[address] = now }
            self.weigh(now: now)
        }
        self.failing = failing
        self.endpoints.setFailing { failing.contains(SocketAddress($0, $1)) }
    }

    // MARK: - Slow start

    private var slowStart: SlowStart { SlowStart(milliseconds: self.plan.policy.slowStart) }

    /// When shares are next to be weighed anew; nil while all endpoints have theirs.
    func nextWeighing(now: UInt64) -> UInt64? {
        self.warming.isEmpty ? nil : now + max(self.slowStart.duration / SlowStart.steps, 50)
    }

    mutating func weigh(now: UInt64) {
        let slowStart = self.slowStart
        for (address, start) in self.warming where now >= start + slowStart.duration {
            self.warming[address] = nil
            self.warm[address] = slowStart.end(from: start)
        }
        guard !self.warming.isEmpty else {
            _ = self.endpoints.update(to: self.plan.endpoints)
            return
        }
        let scaled = self.plan.endpoints.map { endpoint -> BackendEndpoint in
            let since = self.warming[SocketAddress(endpoint.address, endpoint.port)]
            let step = since.map { slowStart.step(from: $0, at: now) } ?? SlowStart.steps
            return BackendEndpoint(
                address: endpoint.address, port: endpoint.port,
                weight: endpoint.weight == 0 ? 0 : max(1, endpoint.weight * Int(step)))
        }
        _ = self.endpoints.update(to: scaled)
    }

    // MARK: - What is told of it

    /// Endpoints with anything to tell: connections, or a share that is or was smaller.
    func tallies(now: UInt64) -> [EndpointTally] {
        var connections: [SocketAddress: Int] = [:]
        self.endpoints.forEach { report in
            guard report.connections > 0 else { return }
            connections[SocketAddress(report.endpoint.address, report.endpoint.port), default: 0] += report.connections
        }
        var addresses = Set(connections.keys)
        addresses.formUnion(self.warming.keys)
        addresses.formUnion(self.warm.keys)
        return addresses.map { address in
            let slowStart = self.slowStart
            return EndpointTally(
                group: self.plan.key, endpoint: address, connections: connections[address] ?? 0,
                warmth: self.warming[address].map { slowStart.warmth(from: $0, at: now) }
                    ?? self.warm[address].map { .warm(milliseconds: now - min($0, now)) })
        }
    }
}

extension GroupPlan {
    /// Under which its checks are known.
    var healthName: String { "\(self.key.port) \(self.key.family.rawValue) \(self.key.policy)" }
}
