/// What went wrong with a try.
public enum TryFailure: BitwiseCopyable, Hashable, Sendable {
    /// Refused, unreachable, no port or descriptor left, or the TLS handshake failed: nothing of the request was sent.
    case connectFailed
    /// The same after the time for it.
    case connectTimedOut
    /// Closed or reset without a byte of a reply.
    ///
    /// - Parameter isReused: the connection came from the pool, so that its peer may have closed it before it saw
    ///   the request.
    case closedWithoutReply(isReused: Bool)
    /// Closed, reset or no longer HTTP within the reply.
    case brokenReply
    /// No reply, or no more of it, in time.
    case readTimedOut

    /// How this counts for the endpoint.
    public var outcome: RequestOutcome {
        switch self {
        case .connectFailed: .connectFailed
        case .connectTimedOut, .readTimedOut: .timedOut
        case .closedWithoutReply(isReused: true): .neutral
        case .closedWithoutReply(isReused: false), .brokenReply: .reset
        }
    }
}

/// What is known of a request whose try failed.
public struct TryState: BitwiseCopyable, Hashable, Sendable {
    /// RFC 9110 9.2.2: PUT, DELETE and the safe methods.
    public var isIdempotent: Bool
    /// Whether a byte of it was written to the connection in this try. Without, no method is in the way.
    public var wasSent: Bool
    /// Whether all of its body that was taken from the client is still held, so that it can be sent again. A request
    /// without body: true.
    public var isReplayable: Bool
    /// Whether a byte of a final reply was passed on to the client. Interim replies (1xx) do not count: there may be
    /// several of them (RFC 9110 15.2).
    public var wasAnswered: Bool
    /// Tries so far, this one included.
    public var tries: Int
    /// Since the first try began. Milliseconds.
    public var elapsed: UInt64

    public init(
        isIdempotent: Bool, wasSent: Bool, isReplayable: Bool = true, wasAnswered: Bool = false, tries: Int = 1,
        elapsed: UInt64 = 0
    ) {
        self.isIdempotent = isIdempotent
        self.wasSent = wasSent
        self.isReplayable = isReplayable
        self.wasAnswered = wasAnswered
        self.tries = tries
        self.elapsed = elapsed
    }
}

/// When a request is tried again.
public struct RetryPolicy: BitwiseCopyable, Hashable, Sendable {
    /// Tries in all; 1 for no retry. At most ``TriedEndpoints/capacity`` + 1.
    public var maximumTries = 3
    /// No retry begins later than this after the first try; 0 for no such time. Milliseconds.
    public var maximumElapsed: UInt64 = 0

    public init() {}
}

/// What to do about a failed try.
public enum RetryDecision: BitwiseCopyable, Hashable, Sendable {
    /// Again, to the same endpoint if it can take it, over a connection that is not from the pool. It was the connection
    /// that failed, not the endpoint: neither tries nor budget count it, and it can happen once in a row only.
    case retryOnNewConnection
    /// Again, to an endpoint that has not been tried. If there is none, the client is told of the failure.
    case retryElsewhere
    /// Not again: the client is told of the failure.
    case answer(because: RetryRefusal)
    /// Part of a reply is out: all that is left is to close the client's connection, so that it does not take the
    /// rest for complete (RFC 9112 8).
    case abort
}

/// Why a request was not tried again, for the log and the reason header.
public enum RetryRefusal: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
    /// RFC 9110 9.2.2: a proxy must not.
    case notIdempotent
    /// Part of the body is gone.
    case bodyNotReplayable
    case triesUsedUp
    case timeUsedUp
    case budgetUsedUp
}

extension RetryPolicy {
    /// What to do about a failed try; takes from the budget if it is to be tried elsewhere.
    public func decide(
        _ failure: TryFailure, _ state: TryState, budget: inout RetryBudget, at now: UInt64
    ) -> RetryDecision {
        if state.wasAnswered { return .abort }
        if let refusal = self.refusal(state) { return .answer(because: refusal) }
        if case .closedWithoutReply(isReused: true) = failure { return .retryOnNewConnection }
        if state.tries >= self.maximumTries { return .answer(because: .triesUsedUp) }
        if self.maximumElapsed > 0, state.elapsed >= self.maximumElapsed { return .answer(because: .timeUsedUp) }
        return budget.withdraw(at: now) ? .retryElsewhere : .answer(because: .budgetUsedUp)
    }

    /// Why it must not be sent again, if so.
    ///
    /// RFC 9110 9.2.2: a proxy must not repeat requests whose method is not idempotent. Nothing is repeated if nothing was
    /// sent. RFC 9112 9.3.1: a connection that is closed early is reason to repeat idempotent ones by itself.
    private func refusal(_ state: TryState) -> RetryRefusal? {
        if state.wasSent, !state.isIdempotent { return .notIdempotent }
        return state.isReplayable ? nil : .bodyNotReplayable
    }
}
