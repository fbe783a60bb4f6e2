import Testing

@testable import TLS

@Suite struct TicketKeyScheduleTests {
    private func advance(_ schedule: inout TicketKeySchedule, _ now: Int64) -> [TicketKeySchedule.Change] {
        var changes: [TicketKeySchedule.Change] = []
        schedule.advance(to: now) { changes.append($0) }
        return changes
    }

    @Test func aKeyServesOneIntervalAndIsAcceptedForTwoMore() {
        var schedule = TicketKeySchedule(interval: 10)
        #expect(schedule.encrypting == nil)
        #expect(self.advance(&schedule, 100) == [.fill(0)])
        #expect(self.advance(&schedule, 109) == [])
        #expect(schedule.encrypting == 0)
        #expect(self.advance(&schedule, 110) == [.fill(1)])
        #expect(schedule.encrypting == 1)
        #expect(self.advance(&schedule, 120) == [.fill(2)])
        #expect((0..<3).map { schedule.accepts($0, at: 129) } == [true, true, true])
        #expect((0..<3).map { schedule.accepts($0, at: 130) } == [false, true, true])
        #expect(self.advance(&schedule, 130) == [.erase(0), .fill(0)])
        #expect(schedule.encrypting == 0)
    }

    @Test func afterALongSleepNothingOldIsLeft() {
        var schedule = TicketKeySchedule(interval: 10)
        for now in [0, 10, 20] as [Int64] { _ = self.advance(&schedule, now) }
        let changes = self.advance(&schedule, 1000)
        #expect(changes == [.erase(0), .erase(1), .erase(2), .fill(2)])
        #expect((0..<3).map { schedule.accepts($0, at: 1000) } == [false, false, true])
    }

    @Test func rotationByHandKeepsTwo() {
        var schedule = TicketKeySchedule(interval: 10)
        var filled: [TicketKeySchedule.Change] = []
        _ = self.advance(&schedule, 0)
        for now in [1, 2, 3] as [Int64] { schedule.rotate(at: now) { filled.append($0) } }
        // The third took the place of the first.
        #expect(filled == [.fill(1), .fill(2), .fill(0)])
        #expect(schedule.encrypting == 0)
    }
}
