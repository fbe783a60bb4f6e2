internal import AdminAPI
internal import HTTPProxy
internal import HealthChecking
internal import IngressControl
internal import KubernetesAPI
internal import Linux
internal import Reactor
internal import Routing
internal import ServiceModel
internal import Traces

/// What the ingress role answers.
struct IngressInterface: Sendable {
    /// For the thread that plans.
    private static let patience = Duration.seconds(2)
    /// For the threads of the request path, which answer between two events.
    static let workersPatience = Duration.milliseconds(500)

    let control: IngressControl
    let board: IngressBoard
    let proxy: HTTPProxy

    func list(_ path: AdminPath, _ query: String) throws(APIFailure) -> String {
        let query = try ObjectQuery(path, query: query)
        let state = try self.state()
        switch path {
        case .routes:
            let counts = self.proxy.routeReport(state.plan.meters, within: Self.workersPatience)
            let labelled = query.selector.map { selector in
                Set(state.plan.ingresses.filter { selector.matches($0.labels) }.map(\.name))
            }
            return IngressDocuments.routes(state, counts) { route in
                (query.name == nil || query.name == route.host)
                    && (query.namespace == nil || query.namespace == route.ingress?.namespace)
                    && (labelled.map { names in route.ingress.map(names.contains) ?? false } ?? true)
            }
        case .backends: return IngressDocuments.backends(state, self.proxy.health) { query.selects($0.service) }
        case .certificates:
            let isWhole = query == ObjectQuery(path)
            return IngressDocuments.certificates(state) { $0.secret.map(query.selects) ?? isWhole }
        case .problems: return IngressDocuments.problems(state) { query.selects($0.object.name) }
        case .services, .endpoints, .frontends, .nodes, .trace: throw .notFound(path.rawValue)
        }
    }

    func trace(_ request: TracedRequest) throws(APIFailure) -> TraceDocument<RequestTrace> {
        _ = try self.state()
        guard let planner = self.control.planner(within: Self.patience) else {
            throw .unavailable("routes are just being planned; try again")
        }
        let health = self.proxy.health
        let tracing = RequestTracing(planner, now: WallTime.now.seconds) { index, backend, endpoint in
            guard let known = health.backends[index], known.name == backend.description,
                let found = known.endpoints[SocketAddress(endpoint.address, endpoint.port)], !found.isUsable
            else { return nil }
            return found.lastFailure.map { "\($0)" } ?? "its check fails"
        }
        return TraceDocument(tracing.trace(request))
    }

    private func state() throws(APIFailure) -> IngressState {
        guard let state = self.board.state else {
            throw .unavailable("Ingresses and what they lead to have not been listed yet; try again, or see the log")
        }
        return state
    }
}
