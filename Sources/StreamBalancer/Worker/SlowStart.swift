/// How the share of an endpoint grows that is new, or well again: in steps, the first of which it has at once. Times in milliseconds.
struct SlowStart: Hashable, Sendable {
    static let steps: UInt64 = 10

    let duration: UInt64

    init(milliseconds duration: UInt32) {
        self.duration = UInt64(duration)
    }

    /// How many of the steps it has, all at the most.
    func step(from start: UInt64, at now: UInt64) -> UInt64 {
        guard self.duration > 0 else { return Self.steps }
        return min(1 + (now - min(start, now)) * Self.steps / self.duration, Self.steps)
    }

    /// When it has all of them.
    func end(from start: UInt64) -> UInt64 {
        start + (self.duration * (Self.steps - 1) + Self.steps - 1) / Self.steps
    }

    func warmth(from start: UInt64, at now: UInt64) -> Warmth {
        let step = self.step(from: start, at: now)
        guard step == Self.steps else {
            return .warming(percent: Int(step * 100 / Self.steps), milliseconds: now - min(start, now))
        }
        return .warm(milliseconds: now - min(self.end(from: start), now))
    }
}

/// Where an endpoint is on its way to its full share, and for how long.
enum Warmth: Hashable, Sendable {
    case warming(percent: Int, milliseconds: UInt64)
    case warm(milliseconds: UInt64)
}
