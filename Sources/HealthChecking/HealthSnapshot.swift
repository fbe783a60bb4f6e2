package import Linux
package import Reactor

/// How all checked endpoints are, at one moment. Immutable; a copy is a reference.
package struct HealthSnapshot: Sendable {
    /// By key.
    package internal(set) var backends: [Int: BackendHealth] = [:]
    /// Whose usable endpoints are others than in the snapshot before.
    package internal(set) var changed: [Int] = []

    package init() {}
}

package struct BackendHealth: Sendable {
    /// ``CheckedBackend/name``: with another one it is not about the backend that has this key now.
    package let name: String
    package internal(set) var endpoints: [SocketAddress: EndpointHealth] = [:]

    init(name: String) { self.name = name }

    /// Whether an endpoint is to get no new requests. Who is not known is well.
    package func isFailing(_ endpoint: SocketAddress) -> Bool {
        self.endpoints[endpoint].map { !$0.isUsable } ?? false
    }

    /// None is usable: whoever balances then takes no notice of checks.
    var isAllFailing: Bool { !self.endpoints.isEmpty && self.endpoints.values.allSatisfy { !$0.isUsable } }
}

/// What others are told of an endpoint.
package struct EndpointHealth: Hashable, Sendable {
    package enum Standing: String, Hashable, Sendable {
        case unchecked
        case healthy
        case unhealthy
    }

    package let standing: Standing
    package let isUsable: Bool
    /// What was last found wrong with it, unless it is healthy.
    package let failure: ProbeFailure?
    /// Since when it is usable, or is not; nil: from the beginning.
    package let since: WallTime?
    /// What was last found wrong with it, be it healthy again or not.
    package let lastFailure: ProbeFailure?

    init(_ state: HealthState, since: WallTime? = nil, lastFailure: ProbeFailure? = nil) {
        self.isUsable = state.isUsable
        self.since = since
        self.lastFailure = lastFailure
        switch state {
        case .unchecked(let former): (self.standing, self.failure) = (.unchecked, former)
        case .healthy: (self.standing, self.failure) = (.healthy, nil)
        case .unhealthy(let failure, _): (self.standing, self.failure) = (.unhealthy, failure)
        }
    }
}

/// Counters since the start, and what there is now.
package struct HealthReport: Sendable, Hashable {
    package var passed: UInt64 = 0
    /// By ``ProbeFailure/Kind``.
    package var unreachable: UInt64 = 0
    package var timeouts: UInt64 = 0
    package var tlsFailures: UInt64 = 0
    package var protocolFailures: UInt64 = 0
    package var badStatuses: UInt64 = 0
    /// Checks that this side had no descriptor, port or memory for.
    package var inconclusive: UInt64 = 0
    /// Checks that had to wait because as many as may be were under way.
    package var delayed: UInt64 = 0
    package var becameUnhealthy: UInt64 = 0
    package var becameHealthy: UInt64 = 0
    package var checkedEndpoints: UInt64 = 0
    package var unhealthyEndpoints: UInt64 = 0

    package init() {}

    mutating func count(_ result: ProbeResult) {
        switch result {
        case .passed: self.passed += 1
        case .inconclusive: self.inconclusive += 1
        case .failed(let failure):
            switch failure.kind {
            case .unreachable: self.unreachable += 1
            case .timeout: self.timeouts += 1
            case .tls: self.tlsFailures += 1
            case .protocol: self.protocolFailures += 1
            case .status: self.badStatuses += 1
            }
        }
    }
}
