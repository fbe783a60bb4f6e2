package import Linux
package import Networking
internal import Observability

/// What `/healthz` and `/livez` say, to the byte as kube-proxy (pkg/proxy/healthcheck/proxy_health.go) says it
/// through Go's encoding/json.
package struct HealthDocument: Hashable, Sendable {
    /// When the rules were last brought up to date; nil for never.
    package var lastUpdated: WallTime?
    package var currentTime: WallTime
    /// Whether load balancers may use this node; nil for `/livez`, where it does not count.
    package var isNodeEligible: Bool?
    /// Whether the rules are up to date, or not for too long out of date.
    package var isHealthy: Bool
    /// Those that have been programmed; empty for none yet.
    package var families: [AddressFamily]
    /// Why it is the userspace balancer that serves, and not the kernel; nil where that is as it should be. kube-proxy has nothing like it.
    package var fallbackReason: String?

    package init(
        lastUpdated: WallTime?,
        currentTime: WallTime,
        isNodeEligible: Bool?,
        isHealthy: Bool,
        families: [AddressFamily],
        fallbackReason: String? = nil
    ) {
        self.lastUpdated = lastUpdated
        self.currentTime = currentTime
        self.isNodeEligible = isNodeEligible
        self.isHealthy = isHealthy
        self.families = families
        self.fallbackReason = fallbackReason
    }

    package var isPositive: Bool { self.isHealthy && self.isNodeEligible ?? true }

    package var answer: Answer { .json(self.body, status: self.isPositive ? .ok : .serviceUnavailable) }

    var body: String {
        // A positive answer is as of now: clients took the time for that of a loop which runs all the time.
        let lastUpdated = self.isPositive ? self.currentTime : self.lastUpdated
        var members = [
            "\"lastUpdated\":\(Self.text(lastUpdated))", "\"currentTime\":\(Self.text(self.currentTime))",
        ]
        if let isNodeEligible { members.append("\"nodeEligible\":\(isNodeEligible)") }
        members.append("\"healthy\":\(self.isHealthy)")
        if !self.families.isEmpty {
            let status = self.families.sorted().map { family in
                "\"IPv\(family.rawValue)\":"
                    + "{\"lastUpdated\":\(Self.text(self.lastUpdated)),\"healthy\":\(self.isHealthy)}"
            }
            members.append("\"status\":{\(status.joined(separator: ","))}")
        }
        if let fallbackReason {
            var detail = JSONText()
            detail.object { json in
                json.member("mode", "userspace")
                json.member("reason", fallbackReason)
            }
            members.append("\"dataplane\":\(detail.text)")
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// Go's zero time for none.
    private static func text(_ time: WallTime?) -> String {
        "\"\(time.map(UTCTime.text) ?? "0001-01-01T00:00:00Z")\""
    }
}
