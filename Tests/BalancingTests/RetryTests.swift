import Balancing
import Testing

@Suite struct RetryTests {
    private static let failures: [TryFailure] = [
        .connectFailed, .connectTimedOut, .closedWithoutReply(isReused: true), .closedWithoutReply(isReused: false),
        .brokenReply, .readTimedOut,
    ]

    private static func decide(
        _ failure: TryFailure, _ state: TryState, _ policy: RetryPolicy = RetryPolicy()
    ) -> RetryDecision {
        var budget = RetryBudget()
        return policy.decide(failure, state, budget: &budget, at: 0)
    }

    private static let idempotent = TryState(isIdempotent: true, wasSent: true)
    private static let post = TryState(isIdempotent: false, wasSent: true)

    @Test(arguments: [
        // RFC 9110 9.2.2: what is idempotent may be repeated automatically.
        (TryFailure.closedWithoutReply(isReused: false), Self.idempotent, RetryDecision.retryElsewhere),
        (.brokenReply, Self.idempotent, .retryElsewhere),
        (.readTimedOut, Self.idempotent, .retryElsewhere),
        // RFC 9112 9.3.1: a persistent connection may be closed at any time; the request is repeated on a new one.
        (.closedWithoutReply(isReused: true), Self.idempotent, .retryOnNewConnection),
        // RFC 9110 9.2.2: a proxy must not repeat what is not.
        (.closedWithoutReply(isReused: true), Self.post, .answer(because: .notIdempotent)),
        (.closedWithoutReply(isReused: false), Self.post, .answer(because: .notIdempotent)),
        (.brokenReply, Self.post, .answer(because: .notIdempotent)),
        (.readTimedOut, Self.post, .answer(because: .notIdempotent)),
        // The same: "some means to detect that the original request was never applied". Nothing was sent.
        (.connectFailed, TryState(isIdempotent: false, wasSent: false), .retryElsewhere),
        (.connectTimedOut, TryState(isIdempotent: false, wasSent: false), .retryElsewhere),
        (.closedWithoutReply(isReused: true), TryState(isIdempotent: false, wasSent: false), .retryOnNewConnection),
    ])
    func `what is tried again`(failure: TryFailure, state: TryState, decision: RetryDecision) {
        #expect(Self.decide(failure, state) == decision)
    }

    @Test(arguments: Self.failures)
    func `after a byte of the reply is out, nothing is`(failure: TryFailure) {
        var state = Self.idempotent
        state.wasAnswered = true
        #expect(Self.decide(failure, state) == .abort)
    }

    @Test(arguments: Self.failures, [true, false])
    func `a body that is partly gone is not sent again`(failure: TryFailure, wasSent: Bool) {
        let state = TryState(isIdempotent: true, wasSent: wasSent, isReplayable: false)
        #expect(Self.decide(failure, state) == .answer(because: .bodyNotReplayable))
    }

    @Test(arguments: [
        TryFailure.connectFailed, .connectTimedOut, .brokenReply, .readTimedOut, .closedWithoutReply(isReused: false),
    ])
    func `tries, time and budget come to an end`(failure: TryFailure) {
        var state = Self.idempotent
        state.tries = 2
        #expect(Self.decide(failure, state) == .retryElsewhere)
        state.tries = 3
        #expect(Self.decide(failure, state) == .answer(because: .triesUsedUp))

        var policy = RetryPolicy()
        policy.maximumTries = 1
        state.tries = 1
        #expect(Self.decide(failure, state, policy) == .answer(because: .triesUsedUp))

        policy.maximumTries = 3
        policy.maximumElapsed = 5000
        state.elapsed = 4999
        #expect(Self.decide(failure, state, policy) == .retryElsewhere)
        state.elapsed = 5000
        #expect(Self.decide(failure, state, policy) == .answer(because: .timeUsedUp))

        var budget = RetryBudget()
        budget.policy.minimumPerSecond = 0
        let decision = RetryPolicy().decide(failure, Self.idempotent, budget: &budget, at: 0)
        #expect(decision == .answer(because: .budgetUsedUp))
    }

    /// Whatever the policy: the peer may close a connection that nobody uses, and no client is to notice.
    @Test func `a pooled connection that was closed is no error, with tries, time and budget used up`() {
        var policy = RetryPolicy()
        policy.maximumTries = 1
        policy.maximumElapsed = 1
        var budget = RetryBudget()
        budget.policy = RetryBudget.Policy()
        budget.policy.percent = 0
        budget.policy.minimumPerSecond = 0
        var state = Self.idempotent
        (state.tries, state.elapsed) = (9, 9000)
        let failure = TryFailure.closedWithoutReply(isReused: true)
        #expect(policy.decide(failure, state, budget: &budget, at: 0) == .retryOnNewConnection)
        #expect(failure.outcome == .neutral)
    }

    @Test func `a refusal takes nothing from the budget`() {
        var budget = RetryBudget()
        budget.policy.minimumPerSecond = 0
        budget.policy.percent = 100
        budget.requestStarted(at: 0)
        let policy = RetryPolicy()
        #expect(policy.decide(.brokenReply, Self.post, budget: &budget, at: 0) != .retryElsewhere)
        #expect(policy.decide(.brokenReply, Self.idempotent, budget: &budget, at: 0) == .retryElsewhere)
        #expect(policy.decide(.brokenReply, Self.idempotent, budget: &budget, at: 0) != .retryElsewhere)
    }

    // MARK: Budget

    @Test func `a fifth of recent requests, and a few in any case`() {
        var budget = RetryBudget()
        func withdrawals(at now: UInt64) -> Int { (0..<10_000).count { _ in budget.withdraw(at: now) } }
        #expect(withdrawals(at: 0) == 100, "10 a second for 10 seconds")
        for _ in 0..<1000 { budget.requestStarted(at: 500) }
        #expect(withdrawals(at: 900) == 200)
        #expect(withdrawals(at: 9999) == 0)
        // What was in the first second is forgotten.
        #expect(withdrawals(at: 10_000) == 100)
        for second in 11..<100 { budget.requestStarted(at: UInt64(second) * 1000) }
        #expect(withdrawals(at: 99_000) == 102)
        #expect(withdrawals(at: 10_000_000) == 100)
    }

    /// Against a list of everything that happened.
    @Test func `the window is that of the last ten seconds`() {
        var random = TestNumbers(state: 5)
        var budget = RetryBudget()
        budget.policy.percent = 30
        budget.policy.minimumPerSecond = 1
        var (requests, retries): ([UInt64], [UInt64]) = ([], [])
        var now: UInt64 = 1_000_000
        for _ in 0..<20_000 {
            let isPause = Int.random(in: 0..<2000, using: &random) == 0
            now += UInt64.random(in: 0...(isPause ? 30_000 : 60), using: &random)
            func isRecent(_ time: UInt64) -> Bool { time / 1000 + 10 > now / 1000 }
            requests.removeAll { !isRecent($0) }
            retries.removeAll { !isRecent($0) }
            if Bool.random(using: &random) {
                budget.requestStarted(at: now)
                requests.append(now)
            } else {
                let isAllowed = retries.count < 10 + requests.count * 30 / 100
                #expect(budget.withdraw(at: now) == isAllowed)
                if isAllowed { retries.append(now) }
            }
        }
    }
}
