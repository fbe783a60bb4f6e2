import KernelDataplane
import Lab
import Networking
import ServiceModel
import TestSupport
import Testing

@Suite struct SlotAssignmentTests {
    private func backend(_ number: Int) -> Backend { Backend(IPAddress(ipv4: UInt32(0x0af4_0000 + number)), 8080) }

    private static func assign(_ backends: [Backend], keeping slots: [Backend]) -> [Backend] {
        SlotAssignment.assign(backends.map { WeightedBackend($0) }, keeping: slots)
    }

    @Test func aWeightIsSoManySlots() {
        let one = WeightedBackend(self.backend(1), weight: 3)
        let two = WeightedBackend(self.backend(2))
        let slots = SlotAssignment.assign([one, two], keeping: [])
        #expect(slots.sorted() == [1, 1, 1, 2].map(self.backend))
        let fewer = SlotAssignment.assign([WeightedBackend(self.backend(1), weight: 2), two], keeping: slots)
        #expect(fewer.sorted() == [1, 1, 2].map(self.backend))
    }

    @Test func aNewFrontendFillsItsSlotsInOrder() {
        let backends = [1, 2, 3].map(self.backend)
        #expect(Self.assign(backends, keeping: []) == backends)
    }

    @Test func oneThatComesTakesTheNextSlot() {
        let slots = [3, 1].map(self.backend)
        #expect(Self.assign([1, 2, 3].map(self.backend), keeping: slots) == [3, 1, 2].map(self.backend))
    }

    @Test func oneThatGoesGivesItsSlotToTheLast() {
        let slots = [1, 2, 3, 4].map(self.backend)
        #expect(Self.assign([1, 3, 4].map(self.backend), keeping: slots) == [1, 4, 3].map(self.backend))
        #expect(Self.assign([1, 2, 3].map(self.backend), keeping: slots) == [1, 2, 3].map(self.backend))
    }

    @Test func oneThatIsReplacedGivesItsSlotToItsSuccessor() {
        let slots = [1, 2, 3].map(self.backend)
        #expect(Self.assign([1, 3, 9].map(self.backend), keeping: slots) == [1, 9, 3].map(self.backend))
    }

    @Test func slotsAreAlwaysFullAndEachBackendHasOne() {
        var random = SeededGenerator(seed: 1)
        var slots: [Backend] = []
        for round in 0..<2000 {
            let wanted = (0..<40).filter { _ in Bool.random(using: &random) }.map(self.backend)
            let next = Self.assign(wanted, keeping: slots)
            #expect(next.sorted() == wanted, "round \(round)")
            // No more slots change hands than backends came or went.
            let changed = (0..<max(slots.count, next.count)).count { index in
                (index < slots.count ? slots[index] : nil) != (index < next.count ? next[index] : nil)
            }
            let difference = Set(slots).symmetricDifference(wanted).count
            #expect(changed <= 2 * difference, "round \(round): \(changed) slots for \(difference) backends")
            slots = next
        }
    }

    @Test func slotsThatAnotherProgramSpoiltAreMended() {
        let spoilt = [1, 1, 7, 2].map(self.backend)
        let mended = Self.assign([1, 2, 3].map(self.backend), keeping: spoilt)
        #expect(mended.sorted() == [1, 2, 3].map(self.backend))
    }
}
