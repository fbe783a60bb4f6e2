/// Pauses between attempts that fail: each up to twice as long as the one before, and at random between half of that and
/// all of it, so that a thousand nodes that lost the same server do not come back in step.
package struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    private var next: Duration

    /// A server that was away is to be found again within five seconds, so no pause is longer.
    package init(first: Duration = .milliseconds(250), longest: Duration = .seconds(4)) {
        self.first = first
        self.longest = longest
        self.next = first
    }

    /// The pause before the next attempt.
    package mutating func pause(_ random: inout some RandomNumberGenerator) -> Duration {
        defer { self.next = min(self.next * 2, self.longest) }
        return self.next * Double.random(in: 0.5...1, using: &random)
    }

    /// It worked: the next failure is the first one.
    package mutating func reset() { self.next = self.first }
}
