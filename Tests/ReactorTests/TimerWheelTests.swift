import Lab
import Reactor
import Testing

@Suite struct TimerWheelTests {
    private static let second: UInt64 = 1_000
    private static let minute: UInt64 = 60_000
    private static let hour: UInt64 = 3_600_000
    private static let day: UInt64 = 86_400_000

    /// A wheel beside a list of what is set, which it is held to.
    private struct Pair: ~Copyable {
        var wheel: TimerWheel
        var now: UInt64
        /// By owner: the timer, and when it is due if it is set.
        var timers: [UInt64: (timer: Int32, deadline: UInt64?)] = [:]
        var fired = 0
        private var owners: UInt64 = 0

        init(now: UInt64) {
            self.wheel = TimerWheel(now: now)
            self.now = now
        }

        mutating func make() {
            self.owners += 1
            let timer: Int32
            if self.owners % 2 == 0 {
                timer = self.wheel.make(owner: self.owners)
            } else {
                timer = self.wheel.make()
                self.wheel.setOwner(timer, self.owners)
            }
            #expect(self.timers.values.allSatisfy { $0.timer != timer })
            #expect(self.wheel.deadline(timer) == nil, "not set before it is set")
            self.timers[self.owners] = (timer, nil)
        }

        mutating func set(_ owner: UInt64, _ deadline: UInt64) {
            guard let timer = self.timers[owner]?.timer else { return }
            self.wheel.set(timer, deadline: deadline)
            self.timers[owner]?.deadline = deadline
            #expect(self.wheel.deadline(timer) == deadline)
        }

        mutating func clear(_ owner: UInt64) {
            guard let timer = self.timers[owner]?.timer else { return }
            self.wheel.clear(timer)
            self.timers[owner]?.deadline = nil
            #expect(self.wheel.deadline(timer) == nil)
        }

        mutating func free(_ owner: UInt64) {
            guard let timer = self.timers.removeValue(forKey: owner)?.timer else { return }
            self.wheel.free(timer)
        }

        /// Fires what is due now.
        mutating func fire() {
            while let owner = self.wheel.next(now: self.now) {
                self.fired += 1
                guard let deadline = self.timers[owner]?.deadline else {
                    Issue.record("a timer fired that was not set")
                    continue
                }
                #expect(deadline <= self.now, "early")
                self.timers[owner]?.deadline = nil
            }
            #expect(self.earliest > self.now &- TimerWheel.tickMilliseconds || self.earliest == .max, "late")
            #expect(self.wheel.delay(now: self.now, limit: 1_000_000) > 0, "nothing is due, so there is time to sleep")
        }

        /// That sleeping as long as it is told does not miss anything.
        func checkDelay() {
            let limit: UInt64 = 250
            for limit in [limit, TimerWheelTests.day * 30] {
                let delay = self.wheel.delay(now: self.now, limit: limit)
                #expect(delay <= limit)
                guard self.earliest != .max else { continue }
                let tick = TimerWheel.tickMilliseconds
                let latest = (max(self.earliest, self.now) + tick - 1) / tick * tick
                #expect(self.now + delay <= latest, "a timer for \(self.earliest) is slept over at \(self.now)")
            }
        }

        private var earliest: UInt64 { self.timers.values.compactMap(\.deadline).min() ?? .max }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `timers fire when they are due, whatever was set, moved, cleared or freed before`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let spans = [20, 300, 3 * Self.second, 2 * Self.minute, 3 * Self.hour, 9 * Self.day]
        func span() -> UInt64 {
            UInt64.random(in: 0...spans[Int.random(in: 0..<spans.count, using: &random)], using: &random)
        }
        var pair = Pair(now: UInt64.random(in: 1...20 * Self.day, using: &random))
        for step in 0..<4_000 {
            let owner = pair.timers.keys.sorted().randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<20, using: &random) {
            case 0...1 where pair.timers.count < 60: pair.make()
            case 2: pair.free(owner)
            case 3: pair.clear(owner)
            case 4: pair.set(owner, pair.now - min(pair.now - 1, span()))
            case 5..<14: pair.set(owner, pair.now + span())
            default:
                // Mostly as a loop turns, at times as if the machine had slept.
                let reach = step % 97 == 0 ? Self.day : step % 13 == 0 ? Self.minute : 40
                pair.now += UInt64.random(in: 0...reach, using: &random)
                pair.fire()
            }
            pair.checkDelay()
        }
        #expect(pair.fired > 300)
        // All that is set fires in the end.
        pair.now += 10 * Self.day
        pair.fire()
        #expect(pair.timers.values.allSatisfy { $0.deadline == nil })
        #expect(pair.wheel.delay(now: pair.now, limit: 77) == 77)
    }

    /// Each distance crosses from one level of the wheel to the next, or beyond the last; what is far takes long to go through.
    private static let distances: [(distance: UInt64, start: UInt64)] =
        [1, 15, 16, 17, 1_023, 1_024, 1_025, 65_535, 65_536, 65_537, 4_194_303, 4_194_304, 4_194_305].flatMap {
            distance in
            [1, 1_008, 65_533, 268_435_440].map { (distance, $0) }
        } + [(268_435_455, 1), (268_435_456, 1_008), (268_435_457, 268_435_440), (400_000_000, 65_533)]

    @Test(arguments: Self.distances)
    func `a loop that sleeps as it is told meets a deadline within a tick, and wakes seldom for it`(
        distance: UInt64, start: UInt64
    ) {
        var wheel = TimerWheel(now: start)
        let timer = wheel.make(owner: 9)
        wheel.set(timer, deadline: start + distance)
        var now = start
        var turns = 0
        if distance > 10_000_000 {
            // Most of the way is like any other.
            now += distance - 5_000_000
            #expect(wheel.next(now: now) == nil)
        }
        let left = start + distance - now
        while true {
            #expect(wheel.deadline(timer) == start + distance)
            let delay = wheel.delay(now: now, limit: 10_000_000_000)
            #expect(delay > 0)
            now += delay
            turns += 1
            if let owner = wheel.next(now: now) {
                #expect(owner == 9)
                break
            }
            guard now < start + distance + 16, delay > 0 else {
                Issue.record("it did not fire")
                return
            }
        }
        #expect(now >= start + distance && now < start + distance + 16)
        #expect(wheel.next(now: now + 1_000_000) == nil, "once")
        // The upper levels are looked at once in 64 ticks.
        #expect(turns <= Int(left / 1_024) + 3)
    }

    @Test func `a deadline that is moved on again and again fires once, at the last`() {
        var wheel = TimerWheel(now: 5)
        let timer = wheel.make(owner: 1)
        var now: UInt64 = 5
        while now < 5 * Self.minute {
            wheel.set(timer, deadline: now + 1_000)
            now += 37
            #expect(wheel.next(now: now) == nil)
        }
        #expect(wheel.next(now: now + 962) == nil, "a millisecond before")
        #expect(wheel.next(now: now + 963 + 15) == 1)
        #expect(wheel.next(now: now + Self.minute) == nil)
    }

    @Test func `an earlier deadline counts at once`() {
        var wheel = TimerWheel(now: 1_000)
        let timer = wheel.make(owner: 1)
        for distance in [Self.day, Self.hour, Self.minute, Self.second, 100, 16] {
            wheel.set(timer, deadline: 1_000 + distance)
            #expect(wheel.delay(now: 1_000, limit: Self.day) <= distance + 15)
        }
        #expect(wheel.next(now: 1_015) == nil)
        #expect(wheel.next(now: 1_031) == 1)
    }

    @Test func `a deadline that has passed fires at the next look`() {
        var wheel = TimerWheel(now: 100_000)
        let timer = wheel.make(owner: 3)
        for deadline in [1, 99_999, 100_000] as [UInt64] {
            wheel.set(timer, deadline: deadline)
            #expect(wheel.delay(now: 100_000, limit: 1_000) == 0)
            #expect(wheel.next(now: 100_000) == 3)
            #expect(wheel.next(now: 100_000) == nil)
        }
    }

    /// As ``Worker/timeout(_:)`` does for connections that go on.
    @Test func `a timer may be set anew, cleared and freed while others of its tick fire`() {
        var wheel = TimerWheel(now: 0)
        let timers = (0..<8 as Range<UInt64>).map { wheel.make(owner: $0 + 1) }
        for timer in timers { wheel.set(timer, deadline: 160) }
        var fired: [UInt64] = []
        while let owner = wheel.next(now: 200) {
            fired.append(owner)
            if fired.count == 1 {
                // One that has fired, and two of the others.
                wheel.set(timers[Int(owner) - 1], deadline: 400)
                let others = timers.indices.filter { $0 != Int(owner) - 1 }
                wheel.clear(timers[others[2]])
                wheel.free(timers[others[4]])
            }
        }
        #expect(fired.count == 6 && Set(fired).count == 6)
        #expect(wheel.next(now: 399) == nil)
        #expect(wheel.next(now: 416) == fired[0])
    }
}
