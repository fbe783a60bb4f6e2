/// When an endpoint is asked: the first time somewhere within the interval, by chance, so that a thousand endpoints that come
/// at once are not asked at once; then an interval after the last began, a tenth more or less.
struct ProbeSchedule {
    /// Milliseconds.
    let interval: UInt64

    /// Of the interval, each way.
    static let jitterDivisor: UInt64 = 10

    /// - Parameter random: any number; also below.
    func first(at now: UInt64, random: UInt64) -> UInt64 { now + random % max(1, self.interval) }

    /// - Parameters:
    ///   - start: when the last check began.
    ///   - now: when it ended. The next one does not begin before.
    func next(after start: UInt64, at now: UInt64, random: UInt64) -> UInt64 {
        let jitter = self.interval / Self.jitterDivisor
        let due = start + self.interval - jitter + random % (2 * jitter + 1)
        return max(due, now)
    }
}
