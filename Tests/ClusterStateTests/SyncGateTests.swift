import ClusterState
import KubernetesAPI
import Lab
import Testing

@Suite struct SyncGateTests {
    private let start = ContinuousClock.now
    private let kinds: Set<ObjectKind> = [.service, .endpointSlice, .node, .serviceCIDR]
    private let needed: Set<ObjectKind> = [.service, .endpointSlice]

    @Test func itOpensWithTheLastKind() {
        var gate = SyncGate(self.kinds, needed: self.needed)
        #expect(gate.settled(.service, at: self.start) == false)
        #expect(gate.settled(.node, at: self.start) == false)
        #expect(gate.settled(.endpointSlice, at: self.start) == false)
        #expect(gate.waitingFor == [.serviceCIDR])
        #expect(gate.settled(.serviceCIDR, at: self.start) == true)
        #expect(gate.isOpen)
        #expect(gate.settled(.service, at: self.start) == false, "it opens once")
    }

    @Test func whatIsNeededIsWaitedForWithoutEnd() {
        var gate = SyncGate(self.kinds, needed: self.needed)
        let later = self.start + .seconds(3600)
        for kind in [ObjectKind.node, .serviceCIDR, .service] { #expect(gate.settled(kind, at: later) == false) }
        #expect(gate.givenUp(.endpointSlice, at: later) == false)
        #expect(gate.deadline == nil)
        #expect(gate.tryOpen(at: later) == false)
        #expect(gate.settled(.endpointSlice, at: later) == true)
    }

    /// From when the rest is there, however long that took.
    @Test func whatIsOnlyWantedIsWaitedForAWhile() {
        var gate = SyncGate(self.kinds, needed: self.needed)
        let late = self.start + .seconds(600)
        #expect(gate.settled(.service, at: self.start) == false)
        #expect(gate.settled(.endpointSlice, at: late) == false)
        #expect(gate.deadline == late + .seconds(30))
        #expect(gate.tryOpen(at: late + .seconds(29)) == false)
        #expect(gate.givenUp(.node, at: late) == false)
        #expect(gate.deadline == late + .seconds(5))
        #expect(gate.tryOpen(at: late + .seconds(5)) == true)
    }

    /// A certificate that is late would be the wrong one.
    @Test func secretsAreWaitedForLonger() {
        var gate = SyncGate([.ingress, .secret, .ingressClass], needed: [.ingress])
        #expect(gate.settled(.ingress, at: self.start) == false)
        #expect(gate.deadline == self.start + .seconds(30))
        #expect(gate.settled(.secret, at: self.start) == false)
        #expect(gate.deadline == self.start + .seconds(5))
    }

    @Test func pausesGrowAndDiffer() {
        var random = SeededGenerator(seed: 1)
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
        var pauses: [Duration] = []
        for _ in 0..<8 { pauses.append(backoff.pause(&random)) }
        for (pause, most) in zip(pauses, [100, 200, 400, 800, 1000, 1000, 1000, 1000]) {
            #expect(pause <= .milliseconds(most) && pause >= .milliseconds(most / 2))
        }
        #expect(Set(pauses).count == 8)
        backoff.reset()
        #expect(backoff.pause(&random) <= .milliseconds(100))
    }
}
