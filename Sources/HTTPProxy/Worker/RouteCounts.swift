internal import Routing

/// What some requests came to: how many had which answer, and how long they took.
struct RequestTally: BitwiseCopyable, Sendable {
    /// By the first digit of their status; at 0 those with another one.
    var answers = InlineArray<6, UInt64>(repeating: 0)
    /// By ``LatencyBuckets``.
    var durations = InlineArray<16, UInt64>(repeating: 0)
    var milliseconds: UInt64 = 0

    @inline(__always)
    mutating func count(digit: Int, milliseconds: UInt64) {
        self.answers[digit] &+= 1
        self.durations[LatencyBuckets.index(milliseconds)] &+= 1
        self.milliseconds &+= milliseconds
    }
}

/// What the requests of each route came to that is counted by itself, in one worker.
struct RouteCounts: ~Copyable {
    struct Place: BitwiseCopyable, Sendable {
        var generation: UInt16 = 0
        var tally = RequestTally()
    }

    /// By the place of ``RouteMeter``.
    private(set) var places = [Place](repeating: Place(), count: RouteMeter.firstOwn)

    /// Places that have a new owner begin at nothing.
    mutating func adopt(_ meters: RouteMeters) {
        for (index, place) in meters.places.enumerated() {
            let position = index + RouteMeter.firstOwn
            if position == self.places.count { self.places.append(Place()) }
            guard self.places[position].generation != place.generation else { continue }
            self.places[position] = Place(generation: place.generation)
        }
    }

    /// What was begun under the owner before is nobody's any more.
    @inline(__always)
    mutating func count(_ meter: RouteMeter, digit: Int, milliseconds: UInt64) {
        let place = Int(meter.place)
        guard place < self.places.count, self.places[place].generation == meter.generation else { return }
        self.places[place].tally.count(digit: digit, milliseconds: milliseconds)
    }
}
