/// Counts what there can be too much of, each kind against its ``HTTP2Rate``.
///
/// Counting is an addition and a comparison; time and useful frames are only looked at when a burst is used up.
struct FloodMeters: BitwiseCopyable {
    private struct Meter: BitwiseCopyable {
        var spent = 0
        /// When, and with how many useful frames, it was last settled.
        var time: UInt64 = 0
        var useful = 0
    }

    private var meters = InlineArray<10, Meter>(repeating: Meter())
    /// Heads, and DATA with content, in either direction.
    private(set) var usefulFrames = 0
    /// Streams that ended as they should.
    private(set) var completedStreams = 0

    mutating func countFrame() { self.usefulFrames &+= 1 }
    mutating func countStream() { self.completedStreams &+= 1 }

    /// - Parameter now: milliseconds, never less than before.
    /// - Returns: whether it was too much.
    mutating func count(_ kind: HTTP2Flood, _ rate: HTTP2Rate, now: UInt64) -> Bool {
        let index = Int(kind.rawValue)
        if self.meters[index].spent == 0 {
            // Time and frames before there was anything to make up for do not count.
            self.meters[index].time = now
            self.meters[index].useful = self.useful(for: kind)
        }
        self.meters[index].spent &+= 1
        guard self.meters[index].spent > rate.burst else { return false }
        return self.settle(index, kind, rate, now: now)
    }

    private mutating func settle(_ index: Int, _ kind: HTTP2Flood, _ rate: HTTP2Rate, now: UInt64) -> Bool {
        var meter = self.meters[index]
        let useful = self.useful(for: kind)
        // A day is more than any burst.
        let elapsed = Int(min(now &- meter.time, 86_400_000))
        let byTime = elapsed * rate.perSecond / 1_000
        let byUse = (useful &- meter.useful) * rate.perUse
        if byTime > 0 { meter.time = now }
        meter.useful = useful
        // All but this one.
        meter.spent = max(0, meter.spent - 1 - byTime - byUse) + 1
        let isTooMuch = meter.spent > rate.burst
        if isTooMuch { meter.spent = rate.burst }
        self.meters[index] = meter
        return isTooMuch
    }

    private func useful(for kind: HTTP2Flood) -> Int {
        switch kind {
        case .resets, .streamErrors: self.completedStreams
        default: self.usefulFrames
        }
    }
}
