/// What a health check port answers, to the byte as kube-proxy does (pkg/proxy/healthcheck).
struct HealthAnswer: Hashable, Sendable {
    /// 200, otherwise 503.
    let isPositive: Bool
    /// For load balancers that weigh nodes: the number of local endpoints.
    let weight: Int
    let body: String

    init(_ check: HealthCheck, isProxyHealthy: Bool) {
        self.isPositive = check.localEndpoints > 0 && isProxyHealthy
        self.weight = check.localEndpoints
        // Names are DNS labels: nothing in them needs an escape.
        self.body = """
            {
            \t"service": {
            \t\t"namespace": "\(check.namespace)",
            \t\t"name": "\(check.name)"
            \t},
            \t"localEndpoints": \(check.localEndpoints),
            \t"serviceProxyHealthy": \(isProxyHealthy)
            }
            """
    }

    var answer: Answer {
        Answer(
            type: "application/json", self.body, status: self.isPositive ? .ok : .serviceUnavailable,
            fields: [Answer.Field("X-Load-Balancing-Endpoint-Weight", "\(self.weight)")])
    }
}
