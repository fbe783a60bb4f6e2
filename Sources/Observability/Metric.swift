internal import Synchronization

/// A number that only grows: how often something happened, or how much of it there was.
package final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    package init() {}

    package func increment(by amount: Int = 1) {
        guard amount > 0 else { return }
        self.count.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    package var value: UInt64 { self.count.load(ordering: .relaxed) }
}

/// A number that goes up and down. The last one that was set counts.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    package init() {}

    package func set(_ value: Double) { self.bits.store(value.bitPattern, ordering: .relaxed) }

    package func set(_ value: Int) { self.set(Double(value)) }

    package var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }
}

/// How many observations were how large.
package final class Histogram: Sendable {
    /// Upper bounds, ascending; each belongs to its bucket.
    let bounds: [Double]
    private let state: Mutex<HistogramReading>

    package init(_ buckets: HistogramBuckets) {
        self.bounds = buckets.bounds
        self.state = Mutex(
            HistogramReading(
                bounds: buckets.bounds, counts: Array(repeating: 0, count: buckets.bounds.count + 1), sum: 0))
    }

    package func observe(_ value: Double) {
        let bucket = self.bounds.firstIndex { value <= $0 } ?? self.bounds.count
        self.state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    /// In seconds.
    package func observe(_ duration: Duration) { self.observe(duration / .seconds(1)) }

    var snapshot: HistogramReading { self.state.withLock { $0 } }

    package var count: UInt64 { self.snapshot.counts.reduce(0, +) }
}

/// What was observed until some moment.
package struct HistogramReading: Equatable, Sendable {
    package let bounds: [Double]
    /// Observations in each bucket, those in no smaller one; the last bucket has no bound.
    package internal(set) var counts: [UInt64]
    package internal(set) var sum: Double

    package init(bounds: [Double], counts: [UInt64], sum: Double) {
        precondition(counts.count == bounds.count + 1, "a bucket for each bound, and one without")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }
}

/// The upper bounds of a histogram's buckets.
package struct HistogramBuckets: Hashable, Sendable {
    let bounds: [Double]

    package init(_ bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds must ascend")
        self.bounds = bounds
    }

    package static func exponential(start: Double, factor: Double, count: Int) -> HistogramBuckets {
        var bound = start
        return HistogramBuckets(
            (0..<count).map { _ in
                defer { bound *= factor }
                return bound
            })
    }

    package static func linear(start: Double, width: Double, count: Int) -> HistogramBuckets {
        HistogramBuckets((0..<count).map { start + width * Double($0) })
    }

    package static func + (left: Self, right: Self) -> Self { Self(left.bounds + right.bounds) }
}
