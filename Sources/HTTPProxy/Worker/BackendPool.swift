internal import Balancing
internal import HealthChecking
internal import Reactor
internal import Routing

/// A backend as one worker sees it: who its endpoints are and how they do, and the idle connections to each.
struct BackendPool: ~Copyable {
    let id: BackendID
    let `protocol`: BackendProtocol
    /// nil where endpoints do not speak TLS, and where connections cannot be made.
    let contexts: BackendContexts?
    var endpoints: EndpointSet
    var budget: RetryBudget
    /// Why it can take no requests, if so.
    private(set) var availability = BackendAvailability.noEndpoints
    /// No route leads here any more.
    var isRetired = false
    /// Exchanges and connections that are of this backend.
    var users = 0

    /// Of each endpoint's idle connections the one used last, by ``EndpointSlot/index``.
    private var newestIdle: [Handle] = []
    private var idleCounts: [Int32] = []

    /// - Parameter seed: different for each worker and backend.
    init(
        _ id: BackendID, _ protocol: BackendProtocol, _ contexts: BackendContexts?, _ limits: ProxyLimits, seed: UInt64
    ) {
        self.id = id
        self.protocol = `protocol`
        self.contexts = contexts
        self.budget = RetryBudget(policy: limits.retryBudgetPolicy)
        self.endpoints = EndpointSet(seed: seed)
    }

    /// Whether connections are made like that.
    func speaks(_ protocol: BackendProtocol, _ contexts: BackendContexts?) -> Bool {
        self.protocol == `protocol` && self.contexts?.standard === contexts?.standard
            && self.contexts?.http1 === contexts?.http1
    }

    /// Every connection carries many requests.
    var isMultiplexed: Bool { self.protocol == .h2c || self.protocol == .h2OverTLS }

    /// Endpoints speak TLS, and there is no way to do it.
    var lacksContext: Bool { self.protocol.usesTLS && self.contexts == nil }

    /// - Parameter workers: what is asked for all of them is divided by their number.
    mutating func adopt(_ plan: BackendPlan, _ limits: ProxyLimits, workers: Int) -> EndpointChanges {
        self.availability = plan.availability
        var policy = BalancingPolicy()
        policy.algorithm =
            switch plan.settings.loadBalancing {
            case .roundRobin: .roundRobin
            case .random: .random
            case .leastRequests: .leastRequests
            }
        policy.outliers = limits.outliers
        policy.prefersSameZone = plan.endpoints.contains { $0.isSameZone }
        policy.sessionsMoveOnFailure = plan.settings.sessionsMoveOnFailure
        let asked = Int(plan.settings.maximumRequestsPerEndpoint)
        let maximum = asked == 0 ? limits.requestsPerEndpoint : asked
        policy.maximumRequests = maximum == 0 ? 0 : max(1, maximum / workers)
        if policy != self.endpoints.policy { self.endpoints.policy = policy }
        let changes = self.endpoints.update(
            to: plan.endpoints.map {
                BackendEndpoint(address: $0.address, port: $0.port, weight: $0.weight, isSameZone: $0.isSameZone)
            })
        while self.newestIdle.count < self.endpoints.capacity {
            self.newestIdle.append(.none)
            self.idleCounts.append(0)
        }
        return changes
    }

    /// Who fails the checks. nil for nobody; and what is of another backend, which had the same place before, is of none here.
    mutating func adopt(_ health: BackendHealth?) {
        guard let health, health.name == self.id.description else { return self.endpoints.setFailing { _, _ in false } }
        self.endpoints.setFailing { health.isFailing(SocketAddress($0, $1)) }
    }

    func newestIdle(_ slot: EndpointSlot) -> Handle { self.newestIdle[slot.index] }

    func idleCount(_ slot: EndpointSlot) -> Int { Int(self.idleCounts[slot.index]) }

    mutating func setNewestIdle(_ slot: EndpointSlot, _ upstream: Handle) { self.newestIdle[slot.index] = upstream }

    mutating func countIdle(_ slot: EndpointSlot, _ change: Int32) { self.idleCounts[slot.index] += change }
}
