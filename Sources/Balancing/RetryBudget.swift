/// How many retries there may be beside requests: so many for each hundred requests of the last ten seconds, and a few in any
/// case. A backend that fails altogether is then not hit three times as hard for it. Finagle's and linkerd's rule.
///
/// One for each backend and worker.
public struct RetryBudget: BitwiseCopyable, Sendable {
    public struct Policy: BitwiseCopyable, Hashable, Sendable {
        /// Retries for a hundred requests. 0 leaves ``minimumPerSecond``.
        public var percent = 20
        /// Retries a second that are allowed however few requests there are.
        public var minimumPerSecond = 10

        public init() {}
    }

    /// Seconds that are looked back on.
    public static let window = 10

    public var policy: Policy

    // By second of the window.
    @usableFromInline var requests = [10 of UInt32](repeating: 0)
    @usableFromInline var retries = [10 of UInt32](repeating: 0)
    /// Sums of those.
    @usableFromInline var recentRequests = 0
    @usableFromInline var recentRetries = 0
    /// The newest second.
    @usableFromInline var second: UInt64 = 0

    public init(policy: Policy = Policy()) { self.policy = policy }

    /// A request came in; its retries are not requests.
    @inlinable
    public mutating func requestStarted(at now: UInt64) {
        if now / 1000 != self.second { self.advance(to: now / 1000) }
        self.requests[Int(self.second % 10)] &+= 1
        self.recentRequests += 1
    }

    /// Whether a request may be tried again; it then counts as a retry.
    public mutating func withdraw(at now: UInt64) -> Bool {
        if now / 1000 != self.second { self.advance(to: now / 1000) }
        let allowed = self.policy.minimumPerSecond * Self.window + self.recentRequests * self.policy.percent / 100
        guard self.recentRetries < allowed else { return false }
        self.retries[Int(self.second % 10)] &+= 1
        self.recentRetries += 1
        return true
    }

    @usableFromInline
    mutating func advance(to second: UInt64) {
        guard second > self.second else { return }
        for step in 1...min(second - self.second, UInt64(Self.window)) {
            let index = Int((self.second + step) % 10)
            self.recentRequests -= Int(self.requests[index])
            self.recentRetries -= Int(self.retries[index])
            self.requests[index] = 0
            self.retries[index] = 0
        }
        self.second = second
    }
}
