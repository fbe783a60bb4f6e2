package import Routing

/// How long requests take, in buckets whose bounds double: below 1 ms, 2 ms, 4 ms ... 16.384 s, and longer. Times are those of the
/// worker's loop, which looks at the clock once for all that is ready.
package enum LatencyBuckets {
    package static let count = 16

    /// Seconds; the last bucket has none.
    package static let bounds: [Double] = (0..<15).map { Double(1 << $0) / 1_000 }

    @inline(__always)
    static func index(_ milliseconds: UInt64) -> Int {
        min(Self.count - 1, UInt64.bitWidth - milliseconds.leadingZeroBitCount)
    }
}

/// What some requests came to, in all workers.
package struct RequestReport: Sendable, Hashable {
    /// By the first digit of the status, 1 to 5; at index 0 those with another one.
    package var answers = [UInt64](repeating: 0, count: 6)
    /// By ``LatencyBuckets``.
    package var durations = [UInt64](repeating: 0, count: LatencyBuckets.count)
    package var seconds = 0.0

    package init() {}

    mutating func add(_ tally: RequestTally) {
        for digit in self.answers.indices { self.answers[digit] += tally.answers[digit] }
        for bucket in self.durations.indices { self.durations[bucket] += tally.durations[bucket] }
        self.seconds += Double(tally.milliseconds) / 1_000
    }

    package var requests: UInt64 { self.answers.reduce(0, +) }

    /// The time within which so much of all requests were answered, as the bound of a bucket, in milliseconds; nil without any, or where
    /// it is longer than the last bound.
    ///
    /// - Parameter part: 0.99 for 99 percent.
    package func quantile(_ part: Double) -> Int? {
        let all = self.durations.reduce(0, +)
        guard all > 0 else { return nil }
        var sum: UInt64 = 0
        for (bucket, count) in self.durations.enumerated().dropLast() {
            sum += count
            if Double(sum) >= part * Double(all) { return 1 << bucket }
        }
        return nil
    }
}

/// The same by route.
package struct RouteReport: Sendable {
    package let unrouted: RequestReport
    /// Of all routes that are not counted by themselves.
    package let others: RequestReport
    package let routes: [Routing.Route: RequestReport]

    /// - Parameters:
    ///   - workers: what each has counted, by place.
    ///   - meters: who has the places.
    init(_ workers: [[RouteCounts.Place]], _ meters: RouteMeters) {
        func report(_ place: RouteMeter) -> RequestReport {
            var sum = RequestReport()
            for worker in workers where Int(place.place) < worker.count {
                // A worker that has not heard of the owner yet counts for the one before.
                guard worker[Int(place.place)].generation == place.generation else { continue }
                sum.add(worker[Int(place.place)].tally)
            }
            return sum
        }
        self.unrouted = report(.unrouted)
        self.others = report(.others)
        var routes: [Routing.Route: RequestReport] = [:]
        for (index, place) in meters.places.enumerated() {
            guard let route = place.route else { continue }
            routes[route] = report(
                RouteMeter(place: UInt16(index + RouteMeter.firstOwn), generation: place.generation))
        }
        self.routes = routes
    }
}
