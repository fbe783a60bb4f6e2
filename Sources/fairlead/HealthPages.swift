internal import Admin
internal import KernelDataplane
internal import Linux
internal import Observability
internal import Synchronization

/// `/healthz` and `/livez`: how things are with the data plane at the moment of the request.
final class HealthPages: Sendable {
    private struct Code: MetricLabels {
        let value: Answer.Status
        var metricLabels: [MetricLabel] { [MetricLabel("code", "\(self.value.rawValue)")] }
        static let all = [Code(value: .ok), Code(value: .serviceUnavailable)]
    }

    private let health: Mutex<ProxyHealth>
    private let mode = Mutex<DataplaneMode?>(nil)
    private let healthzAnswers: MetricSeries<Code, Counter>
    private let livezAnswers: MetricSeries<Code, Counter>

    init(_ health: ProxyHealth, _ registry: MetricRegistry) {
        self.health = Mutex(health)
        self.healthzAnswers = registry.counter(
            "kubeproxy_proxy_healthz_total", "Answers to /healthz.", for: Code.all)
        self.livezAnswers = registry.counter("kubeproxy_proxy_livez_total", "Answers to /livez.", for: Code.all)
    }

    func update(_ health: ProxyHealth) { self.health.withLock { $0 = health } }

    /// Returns whether somebody else served before.
    func update(_ mode: DataplaneMode) -> Bool {
        self.mode.withLock { former in
            defer { former = mode }
            return former.map { $0.name != mode.name } ?? false
        }
    }

    /// What `/proxyMode` answers: who serves now.
    var modeName: String { self.mode.withLock { ($0?.name ?? .nftables).rawValue } }

    var pages: [String: Site.Page] {
        [
            "/healthz": { self.answer(self.healthzAnswers, asksForNode: true) },
            "/livez": { self.answer(self.livezAnswers, asksForNode: false) },
        ]
    }

    private func answer(_ answers: MetricSeries<Code, Counter>, asksForNode: Bool) -> Answer {
        let health = self.health.withLock { $0 }
        let now = ContinuousClock.now
        let document = HealthDocument(
            lastUpdated: health.lastUpdated, currentTime: .now,
            isNodeEligible: asksForNode ? health.isNodeEligible : nil,
            isHealthy: asksForNode ? health.isServing(at: now) : health.isHealthy(at: now),
            families: health.lastUpdated == nil ? [] : health.families,
            fallbackReason: self.mode.withLock { if case .userspace(let reason) = $0 { reason } else { nil } })
        let answer = document.answer
        answers[Code(value: answer.status)]?.increment()
        return answer
    }
}
