internal import HTTPProxy
internal import HealthChecking
internal import Observability

/// What the workers count, under names of its own. It is looked at when somebody asks.
enum ProxyMetrics {
    private typealias Count = any KeyPath<ProxyReport, UInt64> & Sendable

    /// The class of an answer's status; `none` where there was no answer.
    private struct StatusClass: MetricLabels {
        let digit: Int
        var metricLabels: [MetricLabel] { [MetricLabel("code", self.digit == 0 ? "none" : "\(self.digit)xx")] }
        static let all = (0...5).map { StatusClass(digit: $0) }
    }

    /// One of several things that are counted under one name.
    private struct Part: MetricLabels {
        let label: String
        let value: String
        let count: Count

        var metricLabels: [MetricLabel] { [MetricLabel(self.label, self.value)] }

        static func list(
            _ label: String, _ parts: KeyValuePairs<String, Count>
        ) -> [Part] {
            parts.map { Part(label: label, value: $0.key, count: $0.value) }
        }
    }

    static func register(_ registry: MetricRegistry, _ report: @escaping @Sendable () -> ProxyReport) {
        func counter(_ name: String, _ help: String, _ count: Count) {
            registry.counter("fairlead_ingress_\(name)", help) { Double(report()[keyPath: count]) }
        }
        func counter(_ name: String, _ help: String, _ parts: [Part]) {
            registry.counter("fairlead_ingress_\(name)", help, for: parts) { Double(report()[keyPath: $0.count]) }
        }
        func gauge(_ name: String, _ help: String, _ count: Count) {
            registry.gauge("fairlead_ingress_\(name)", help) { Double(report()[keyPath: count]) }
        }

        gauge("connections", "Connections of clients that are open.", \.openConnections)
        counter("connections_total", "Connections of clients.", \.connections)
        counter(
            "accept_delays_total", "How often accepting was put off because the limit on connections was met.",
            \.connectionsDelayed)
        counter(
            "accept_failures_total", "How often there was no descriptor or memory for a connection.", \.acceptFailures)
        counter(
            "clients_cut_total", "Connections of clients that were ended before their time.",
            Part.list("reason", ["slow": \.slowClients, "drain": \.clientsCut, "lost": \.clientsLost]))
        counter(
            "proxy_protocol_failures_total", "Connections without the PROXY protocol header that they had to have.",
            \.introductionsRefused)

        counter(
            "tls_handshakes_total", "TLS handshakes, by how they ended.",
            Part.list(
                "outcome",
                ["done": \.handshakes, "failed": \.handshakeFailures, "timeout": \.handshakeTimeouts]))
        counter("tls_resumptions_total", "Handshakes that resumed a session.", \.resumptions)

        registry.counter(
            "fairlead_ingress_requests_total", "Requests, by the class of the answer's status.", for: StatusClass.all
        ) { Double(report().answered.answers[$0.digit]) }
        registry.histogram(
            "fairlead_ingress_request_duration_seconds",
            "From when a request's head was there until its answer was sent."
        ) {
            let answered = report().answered
            return HistogramReading(bounds: LatencyBuckets.bounds, counts: answered.durations, sum: answered.seconds)
        }
        counter("requests_refused_total", "Requests that were no HTTP, or not such as is passed on.", \.requestsRefused)
        counter("local_answers_total", "Answers of the proxy's own: redirects and errors.", \.localAnswers)
        counter("answers_broken_off_total", "Answers that ended before they were whole.", \.answersBrokenOff)
        counter("tunnels_total", "Connections that were upgraded, to WebSocket for one.", \.tunnels)
        counter("http2_connections_total", "Client connections of HTTP/2.", \.http2Connections)
        counter("http2_failures_total", "Of those, ended because the client broke a rule.", \.http2Failures)
        counter("http2_floods_total", "Of those, ended because the client sent too much of something.", \.http2Floods)

        gauge("upstream_connections", "Connections to endpoints that are open.", \.openUpstreams)
        counter("upstream_connects_total", "Connections to endpoints that were begun.", \.upstreamConnects)
        counter("upstream_reuses_total", "Requests over a connection that was there already.", \.upstreamReuses)
        counter(
            "upstream_failures_total", "Tries that failed: no connection, a reset, a timeout, no HTTP.",
            \.upstreamFailures)
        counter("retries_total", "Requests that were sent to another endpoint.", \.retries)
        counter("ejections_total", "Endpoints that were passed over for a while because they failed.", \.ejections)

        gauge("health_checked_endpoints", "Endpoints that are asked how they are.", \.health.checkedEndpoints)
        gauge("health_unhealthy_endpoints", "Of those, how many are not well.", \.health.unhealthyEndpoints)
        counter(
            "health_checks_total", "Health checks of endpoints, by how they ended.",
            Part.list(
                "outcome",
                [
                    "passed": \.health.passed, "unreachable": \.health.unreachable, "timeout": \.health.timeouts,
                    "tls": \.health.tlsFailures, "protocol": \.health.protocolFailures,
                    "status": \.health.badStatuses, "inconclusive": \.health.inconclusive,
                ]))
        counter(
            "health_checks_delayed_total", "Health checks that waited because as many as may be were under way.",
            \.health.delayed)
        counter(
            "health_changes_total", "Endpoints that checks found to be otherwise than before.",
            Part.list(
                "state", ["unhealthy": \.health.becameUnhealthy, "healthy": \.health.becameHealthy]))

        counter(
            "bytes_total", "Bytes of HTTP, heads included.",
            Part.list(
                "direction",
                [
                    "from_clients": \.bytesFromClients, "to_clients": \.bytesToClients,
                    "from_endpoints": \.bytesFromUpstreams, "to_endpoints": \.bytesToUpstreams,
                ]))
    }
}
