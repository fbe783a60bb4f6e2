internal import HealthChecking
internal import Reactor
internal import Routing

/// Which backends of a plan are to be checked, and what that changes of the plan before. A value.
struct CheckedBackends {
    private var isFirst = true
    /// By the plan's index.
    private var keys: Set<Int> = []

    init() {}

    /// Plans have to come one after the other, as workers get them.
    mutating func adopt(_ snapshot: ProxySnapshot) -> [HealthCheckChange] {
        let backends = snapshot.plan.backends
        let changed = self.isFirst ? Array(backends.indices) : snapshot.plan.changes.backends
        self.isFirst = false
        var changes: [HealthCheckChange] = []
        for index in changed {
            let backend = backends[index].flatMap { Self.checked($0, snapshot.backendContexts[index]) }
            if backend != nil {
                self.keys.insert(index)
            } else if self.keys.remove(index) == nil {
                continue
            }
            changes.append(HealthCheckChange(key: index, backend: backend))
        }
        return changes
    }

    /// nil for one that nobody asked to be checked, or that cannot be connected to: its requests are refused.
    private static func checked(_ plan: BackendPlan, _ contexts: BackendContexts?) -> CheckedBackend? {
        guard let policy = plan.settings.healthCheck, let transport = self.transport(plan.protocol, contexts) else {
            return nil
        }
        return CheckedBackend(
            name: plan.id.description, policy: policy, transport: transport,
            endpoints: plan.endpoints.map { SocketAddress($0.address, $0.port) })
    }

    private static func transport(_ protocol: BackendProtocol, _ contexts: BackendContexts?) -> ProbeTransport? {
        switch `protocol` {
        case .http1: .plain
        case .h2c: .plainHTTP2
        case .https, .http1OverTLS, .h2OverTLS: contexts.map { .tls($0.standard) }
        }
    }
}
