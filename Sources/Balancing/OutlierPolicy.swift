/// When an endpoint is left out for a while because of how its requests end: passive outlier ejection after
/// Envoy's. Each worker sees only its own requests, and judges by them.
public struct OutlierPolicy: BitwiseCopyable, Hashable, Sendable {
    /// So many gateway failures in a row eject; 0 never. Envoy: `consecutive_gateway_failure`.
    public var consecutiveGatewayFailures = 5
    /// So many failures or 5xx replies in a row eject; 0 never. Envoy: `consecutive_5xx`, there 5; off here because an
    /// application that answers 500 does so on each of its endpoints.
    public var consecutiveServerErrors = 0
    /// For how long the first time; the n-th time in a row for n times as long. Milliseconds.
    public var baseEjectionTime: UInt64 = 30_000
    /// At most this long, before jitter. Milliseconds.
    public var maximumEjectionTime: UInt64 = 300_000
    /// Up to this much longer, by chance, so that workers and replicas do not all come back to it at once.
    /// Milliseconds.
    public var ejectionJitter: UInt64 = 3_000
    /// For each time this long without ejection one of those in a row is forgotten. Envoy: `interval`. Milliseconds.
    public var forgivingInterval: UInt64 = 10_000
    /// Of all endpoints, in percent: more are not ejected. One may be however few there are, but never the only one.
    /// 0 ejects none.
    public var maximumEjectedPercent = 50
    /// When more than this are ejected, ejection is ignored: the fault is then more likely elsewhere, and the rest would be
    /// overrun. It takes endpoints that leave, as no more than ``maximumEjectedPercent`` are ejected. Envoy:
    /// `healthy_panic_threshold`.
    public var panicPercent = 50

    public init() {}

    /// Ejects nobody.
    public static var off: OutlierPolicy {
        var policy = OutlierPolicy()
        policy.maximumEjectedPercent = 0
        return policy
    }
}

/// How a request to an endpoint ended, as far as it says something about the endpoint.
public enum RequestOutcome: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
    /// A reply below 500, complete as far as the client wanted it.
    case success
    /// A reply of 500 and more, but none of the next.
    case serverError
    /// A reply 502, 503 or 504.
    case gatewayError
    case connectFailed
    /// Closed or reset before the reply was complete, or no HTTP.
    case reset
    case timedOut
    /// Says nothing: the client went away, a pooled connection was closed before it was used, the proxy stopped.
    case neutral

    @usableFromInline var isGatewayFailure: Bool {
        switch self {
        case .gatewayError, .connectFailed, .reset, .timedOut: true
        case .success, .serverError, .neutral: false
        }
    }
}

/// What came of a request's end, for the log and the metrics.
public enum OutlierEvent: BitwiseCopyable, Hashable, Sendable {
    case none
    /// Ejected until then; `times` in a row, this one included.
    case ejected(until: UInt64, times: Int)
    /// It would have been, but too many are. Said once in a row of failures.
    case spared
}
