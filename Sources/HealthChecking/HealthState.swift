// HealthChecking: endpoints are asked how they are, and whoever balances is told who is not well. Pure values first (rise
// and fall, the schedule, what is asked and what an answer comes to), then one thread for the whole process around them. It
// knows nothing of Ingresses or of the kernel's tables, so that both roles can use it.

/// What the checks of one endpoint have come to so far.
///
/// The first check decides at once, as HAProxy's and Envoy's do; from then on it takes ``HealthCheckPolicy/fall`` failures in a row,
/// or ``HealthCheckPolicy/rise`` passes.
package enum HealthState: Hashable, Sendable {
    /// Not asked yet, or not yet as it is now to be asked. nil: usable, as Kubernetes has called it ready; else what was last
    /// found wrong with it.
    case unchecked(former: ProbeFailure?)
    /// With so many failures in a row.
    case healthy(failures: Int)
    /// What was last found wrong with it, and how many passes there have been in a row since.
    case unhealthy(ProbeFailure, passes: Int)

    package static let initial = HealthState.unchecked(former: nil)

    /// Whether it is to get new requests.
    package var isUsable: Bool {
        switch self {
        case .unchecked(let former): former == nil
        case .healthy: true
        case .unhealthy: false
        }
    }

    package mutating func record(_ result: ProbeResult, rise: Int, fall: Int) -> HealthChange {
        switch (self, result) {
        case (_, .inconclusive): return .none
        case (.unchecked(nil), .passed):
            self = .healthy(failures: 0)
            return .none
        case (.unchecked(.some), .passed):
            self = .healthy(failures: 0)
            return .recovered
        case (.unchecked(let former), .failed(let failure)):
            self = .unhealthy(failure, passes: 0)
            return former == nil ? .failed(failure) : .none
        case (.healthy, .passed):
            self = .healthy(failures: 0)
            return .none
        case (.healthy(let failures), .failed(let failure)):
            guard failures + 1 >= fall else {
                self = .healthy(failures: failures + 1)
                return .none
            }
            self = .unhealthy(failure, passes: 0)
            return .failed(failure)
        case (.unhealthy(let failure, let passes), .passed):
            guard passes + 1 >= rise else {
                self = .unhealthy(failure, passes: passes + 1)
                return .none
            }
            self = .healthy(failures: 0)
            return .recovered
        case (.unhealthy, .failed(let failure)):
            self = .unhealthy(failure, passes: 0)
            return .none
        }
    }

    /// Something else is asked from now on: what was found stands until the first check, which decides.
    package mutating func beginAnew() {
        switch self {
        case .unchecked: break
        case .healthy: self = .unchecked(former: nil)
        case .unhealthy(let failure, _): self = .unchecked(former: failure)
        }
    }
}

/// What one check changed.
package enum HealthChange: Hashable, Sendable {
    case none
    /// It gets no new requests from now on.
    case failed(ProbeFailure)
    /// It gets requests again.
    case recovered
}

/// What one check came to.
package enum ProbeResult: Hashable, Sendable {
    case passed
    case failed(ProbeFailure)
    /// This side lacked something to ask with, an errno says what: it says nothing of the endpoint.
    case inconclusive(Int32)
}
