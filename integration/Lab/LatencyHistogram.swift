/// Durations in nanoseconds, kept as counts in buckets of at most 1/64 of their value: any number of them in fixed memory.
package struct LatencyHistogram: Sendable {
    /// Of each power of two.
    private static let steps = 64
    private static let stepBits = 6

    private var buckets = [Int](repeating: 0, count: 64 * Self.steps)
    package private(set) var count = 0
    package private(set) var maximum: Int64 = 0

    package init() {}

    package mutating func record(_ nanoseconds: Int64) {
        let value = max(nanoseconds, 0)
        self.buckets[Self.bucket(of: value)] += 1
        self.count += 1
        self.maximum = max(self.maximum, value)
    }

    /// The value that `share` (0 to 1) of all do not exceed, rounded up to its bucket; 0 if there are none.
    package func percentile(_ share: Double) -> Int64 {
        guard self.count > 0 else { return 0 }
        let rank = max(1, Int((Double(self.count) * share).rounded(.up)))
        var seen = 0
        for (index, number) in self.buckets.enumerated() {
            seen += number
            if seen >= rank { return min(Self.upperEnd(ofBucket: index), self.maximum) }
        }
        return self.maximum
    }

    /// Values below `steps` have a bucket each; above, a power of two has `steps` buckets.
    private static func bucket(of value: Int64) -> Int {
        if value < Int64(Self.steps) { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount - Self.stepBits
        return (exponent + 1) * Self.steps + Int(value >> Int64(exponent)) - Self.steps
    }

    private static func upperEnd(ofBucket index: Int) -> Int64 {
        if index < Self.steps { return Int64(index) }
        let exponent = index / Self.steps - 1
        let start = Int64(index % Self.steps + Self.steps) << Int64(exponent)
        return start - 1 + (1 << Int64(exponent))
    }
}
