import ServiceModel
import Testing

@testable import HealthChecking

/// Rise and fall, and when endpoints are asked.
@Suite struct HealthStateTests {
    private static let refused = ProbeFailure.unreachable(111)
    private static let late = ProbeFailure.timedOut(.answer)

    /// Checks of one endpoint (`+` passed, `-` failed, `?` inconclusive), and what each changes (`u` becomes unhealthy,
    /// `h` healthy again). Rise 2, fall 3.
    @Test(arguments: [
        ("+", "."), ("-", "u"), ("-+", "u."), ("-++", "u.h"), ("-+-++", "u...h"), ("-++-", "u.h."),
        ("+--", "..."), ("+---", "...u"), ("+--+--", "......"), ("+--+---", "......u"), ("+-----", "...u.."),
        ("+---++", "...u.h"), ("+---++---", "...u.h..u"), ("?-", ".u"), ("+--?-", "....u"), ("+--??", "....."),
        ("-+?+", "u..h"), ("????", "...."),
    ])
    func `rise and fall`(checks: String, changes: String) {
        var state = HealthState.initial
        #expect(state.isUsable, "usable until a check fails")
        var seen = ""
        for check in checks {
            let result: ProbeResult =
                switch check {
                case "+": .passed
                case "-": .failed(Self.refused)
                default: .inconclusive(24)
                }
            let wasUsable = state.isUsable
            let change = state.record(result, rise: 2, fall: 3)
            switch change {
            case .none: #expect(state.isUsable == wasUsable)
            case .failed(let failure): #expect(wasUsable && !state.isUsable && failure == Self.refused)
            case .recovered: #expect(!wasUsable && state.isUsable)
            }
            seen += change == .none ? "." : state.isUsable ? "h" : "u"
        }
        #expect(seen == changes)
    }

    @Test func `one pass and one failure are enough where rise and fall are 1`() {
        var state = HealthState.initial
        for _ in 0..<3 {
            #expect(state.record(.failed(Self.late), rise: 1, fall: 1) == .failed(Self.late))
            #expect(state.record(.passed, rise: 1, fall: 1) == .recovered)
        }
    }

    @Test func `the last failure is the one that is told`() {
        var state = HealthState.initial
        _ = state.record(.failed(Self.refused), rise: 2, fall: 3)
        #expect(EndpointHealth(state).failure == Self.refused)
        _ = state.record(.failed(Self.late), rise: 2, fall: 3)
        #expect(EndpointHealth(state).failure == Self.late && EndpointHealth(state).standing == .unhealthy)
    }

    /// Whatever is found with the new question decides at once; until then the old answer stands.
    @Test(arguments: [true, false])
    func `who is asked something else keeps its standing until the first check`(passes: Bool) {
        var (well, ill) = (HealthState.initial, HealthState.initial)
        _ = well.record(.passed, rise: 2, fall: 3)
        _ = ill.record(.failed(Self.refused), rise: 2, fall: 3)
        well.beginAnew()
        ill.beginAnew()
        #expect(well.isUsable && !ill.isUsable)
        #expect(EndpointHealth(ill).standing == .unchecked && EndpointHealth(ill).failure == Self.refused)
        let result = passes ? ProbeResult.passed : .failed(Self.late)
        let changes = [well.record(result, rise: 2, fall: 3), ill.record(result, rise: 2, fall: 3)]
        #expect(changes == (passes ? [.none, .recovered] : [.failed(Self.late), .none]))
        #expect(well.isUsable == passes && ill.isUsable == passes)
    }

    // MARK: - The schedule

    @Test func `a thousand endpoints that come at once are spread over the interval`() {
        var random = SystemRandomNumberGenerator()
        let schedule = ProbeSchedule(interval: 5_000)
        var tenths = [Int](repeating: 0, count: 10)
        for _ in 0..<1_000 {
            let due = schedule.first(at: 70_000, random: random.next())
            #expect((70_000..<75_000).contains(due))
            tenths[Int(due - 70_000) / 500] += 1
        }
        // 100 expected in each; six standard deviations are 57.
        for count in tenths { #expect((43...157).contains(count), "\(tenths)") }
    }

    @Test func `the next check is an interval after the last began, a tenth more or less`() {
        var random = SystemRandomNumberGenerator()
        let schedule = ProbeSchedule(interval: 5_000)
        let times = (0..<1_000).map { _ in schedule.next(after: 10_000, at: 10_200, random: random.next()) }
        #expect(times.allSatisfy { (14_500...15_500).contains($0) })
        #expect(Set(times).count > 300)
        // A check that took longer than its interval is followed at once.
        #expect(schedule.next(after: 10_000, at: 99_000, random: random.next()) == 99_000)
    }

    @Test func `who waits gets its turn in order`() {
        var queue = ProbeQueue()
        var (next, expected) = (UInt64(0), UInt64(0))
        for turn in 0..<2_000 {
            for _ in 0...turn % 3 {
                queue.append(next)
                next += 1
            }
            for _ in 0...(turn + 1) % 3 where !queue.isEmpty {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        while let id = queue.popFirst() {
            #expect(id == expected)
            expected += 1
        }
        #expect(expected == next && queue.isEmpty)
    }
}
