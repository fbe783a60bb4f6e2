/// Which of the places for session ticket keys is in use for what. A value: times go in, work to do comes out.
///
/// A key encrypts new tickets for one interval and is accepted for two more. Three places are enough: when a fourth key
/// comes, the oldest has been useless since before.
struct TicketKeySchedule {
    /// What has to be done to a place before the schedule is asked again.
    enum Change: Hashable {
        /// Fill it with a new key.
        case fill(Int)
        /// Wipe it.
        case erase(Int)
    }

    static let places = 3

    /// Nanoseconds.
    let interval: Int64
    private var current = 0
    /// When the key at each place was made, in nanoseconds of a clock that is not set; nil where there is none.
    private var made: InlineArray<3, Int64?> = [nil, nil, nil]

    init(interval: Int64) {
        precondition(interval > 0, "an interval of \(interval) ns")
        self.interval = interval
    }

    /// The place of the key for new tickets; nil before the first `advance`.
    var encrypting: Int? { self.made[self.current] == nil ? nil : self.current }

    func accepts(_ place: Int, at now: Int64) -> Bool {
        guard let made = self.made[place] else { return false }
        return now - made < self.interval * Int64(Self.places)
    }

    /// Erases what is too old, and asks for a new key when the current one has served its time. `report` gets what to
    /// do, in order.
    mutating func advance(to now: Int64, _ report: (Change) -> Void) {
        for place in 0..<Self.places where self.made[place] != nil && !self.accepts(place, at: now) {
            self.made[place] = nil
            report(.erase(place))
        }
        if let made = self.made[self.current], now - made < self.interval { return }
        self.rotate(at: now, report)
    }

    /// A new key now. The two before it stay accepted.
    mutating func rotate(at now: Int64, _ report: (Change) -> Void) {
        if self.made[self.current] != nil { self.current = (self.current + 1) % Self.places }
        self.made[self.current] = now
        report(.fill(self.current))
    }
}
