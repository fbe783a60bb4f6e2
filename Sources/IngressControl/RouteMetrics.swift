internal import HTTPProxy
internal import KubernetesAPI
internal import Observability
internal import Routing

/// What is counted by route. Their names come from the cluster; how many there are has a bound, `--max-route-metrics`, and all others are
/// counted together.
enum RouteMetrics {
    static func register(_ registry: MetricRegistry, _ report: @escaping @Sendable () -> RouteReport?) {
        registry.counters([
            "fairlead_ingress_route_requests_total": "Requests by route and the class of the answer's status.",
            "fairlead_ingress_route_request_seconds_total": "How long they took together.",
        ]) {
            guard let report = report() else { return [[], []] }
            var requests: [MetricSample] = []
            var seconds: [MetricSample] = []
            for (labels, route) in self.members(of: report) {
                for (digit, count) in route.answers.enumerated() where count > 0 {
                    let code = MetricLabel("code", digit == 0 ? "none" : "\(digit)xx")
                    requests.append(MetricSample(labels + [code], Double(count)))
                }
                if route.requests > 0 { seconds.append(MetricSample(labels, route.seconds)) }
            }
            return [requests, seconds]
        }
    }

    /// In the order of their names.
    private static func members(of report: RouteReport) -> [(labels: [MetricLabel], route: RequestReport)] {
        let routes = report.routes.sorted { left, right in
            (left.key.host, left.key.path, left.key.pathType.rawValue, left.key.isDefault ? 1 : 0)
                < (right.key.host, right.key.path, right.key.pathType.rawValue, right.key.isDefault ? 1 : 0)
        }
        return [(self.labels(host: "", path: "", kind: "none"), report.unrouted)]
            + [(self.labels(host: "", path: "", kind: "other"), report.others)]
            + routes.map { (self.labels($0.key), $0.value) }
    }

    private static func labels(_ route: Routing.Route) -> [MetricLabel] {
        self.labels(
            host: route.host.isEmpty ? "*" : route.host, path: route.path,
            kind: route.isDefault ? "default" : route.pathType.rawValue, namespace: route.ingress?.namespace ?? "",
            ingress: route.ingress?.name ?? "", backend: route.backend?.description ?? "")
    }

    /// - Parameter kind: the path's type, `default` for a default backend; `none` for what no route is for, `other` for routes that are not
    ///   counted by themselves.
    private static func labels(
        host: String, path: String, kind: String, namespace: String = "", ingress: String = "", backend: String = ""
    ) -> [MetricLabel] {
        [
            MetricLabel("host", host), MetricLabel("path", path), MetricLabel("type", kind),
            MetricLabel("namespace", namespace), MetricLabel("ingress", ingress), MetricLabel("backend", backend),
        ]
    }
}
