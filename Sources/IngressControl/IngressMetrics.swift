package import HTTPProxy
internal import Linux
package import Observability
package import Routing

/// What is measured of the ingress role, as `fairlead_ingress_...`. Most of it is looked at when somebody asks.
///
/// But for what is counted by route, no label value comes from a cluster: which certificate it is that expires first, and which Ingress has a problem, is on
/// the pages and in the log.
package struct IngressMetrics: Sendable {
    private struct ProblemCode: MetricLabels {
        let code: IngressProblem.Code
        var metricLabels: [MetricLabel] { [MetricLabel("reason", self.code.rawValue)] }
        static let all = IngressProblem.Code.allCases.map { ProblemCode(code: $0) }
    }

    private struct Standing: MetricLabels {
        let standing: CertificateState.Standing
        var metricLabels: [MetricLabel] { [MetricLabel("state", self.standing.rawValue)] }
        static let all = CertificateState.Standing.allCases.map { Standing(standing: $0) }
    }

    private let duration: Histogram

    /// - Parameters:
    ///   - board: what is in force.
    ///   - report: what the workers have counted.
    ///   - routes: what they have counted by route; nil while they do not answer.
    package init(
        _ registry: MetricRegistry, board: IngressBoard, report: @escaping @Sendable () -> ProxyReport,
        routes: @escaping @Sendable (RouteMeters) -> RouteReport? = { _ in nil }
    ) {
        self.duration = registry.histogram(
            "fairlead_ingress_config_change_duration_seconds",
            "From when a change was taken in until the workers were given what it makes.",
            .exponential(start: 0.000_1, factor: 2, count: 16))
        func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable (IngressState) -> Double) {
            registry.gauge("fairlead_ingress_\(name)", help) { board.state.map(read) }
        }
        gauge("config_generation", "How many snapshots the workers have been given.") { Double($0.generation) }
        gauge("config_last_change_timestamp_seconds", "When the workers were given the last one.") {
            $0.publishedAt.secondsSince1970
        }
        gauge("config_last_change_duration_seconds", "How long that took, as the histogram has it.") {
            $0.latency / .seconds(1)
        }
        gauge("ingresses", "Ingresses that are served.") { Double($0.plan.ingresses.count) }
        gauge("routes", "Paths of rules, and default backends.") { Double($0.plan.routes.count) }
        gauge("backends", "Service ports that routes lead to.") { Double($0.plan.backends.count { $0 != nil }) }
        gauge("backends_unavailable", "Of those, how many are answered with 503.") {
            Double($0.plan.backends.count { $0.map { $0.availability != .available } ?? false })
        }
        gauge("endpoints", "Endpoints that take new requests, over all backends.") {
            Double($0.plan.backends.reduce(0) { $0 + ($1?.endpoints.count ?? 0) })
        }
        registry.gauge(
            "fairlead_ingress_problems", "What Ingresses ask for and do not get.", for: ProblemCode.all
        ) { label in board.state.map { state in Double(state.plan.problems.count { $0.code == label.code }) } }
        registry.gauge(
            "fairlead_ingress_certificates", "Certificates that are shown or asked for.", for: Standing.all
        ) { label in
            board.state.map { state in Double(state.certificates.count { $0.standing == label.standing }) }
        }
        gauge(
            "certificate_soonest_expiry_timestamp_seconds",
            "When the first of the certificates expires that come from Secrets; 0 if there is none."
        ) { state in
            Double(state.certificates.lazy.filter { $0.secret != nil && $0.notAfter > 0 }.map(\.notAfter).min() ?? 0)
        }
        ProxyMetrics.register(registry, report)
        RouteMetrics.register(registry) { board.state.flatMap { routes($0.plan.meters) } }
    }

    func published(_ state: IngressState) { self.duration.observe(state.latency) }
}
