import KernelDataplane
import Linux
import Networking
import Testing

@Suite struct ProxyHealthTests {
    private let start = ContinuousClock.now
    private let moment = WallTime(seconds: 1_795_229_139)

    private func after(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }

    private func inForce() -> ProxyHealth {
        var health = ProxyHealth(timeout: .seconds(60), families: [.ipv4])
        health.queued(at: self.start)
        health.updated(at: self.moment)
        return health
    }

    @Test func nothingIsInForceAtTheStart() {
        let health = ProxyHealth(timeout: .seconds(60), families: [.ipv4, .ipv6])
        // It waits for objects, as long as it takes.
        #expect(health.isHealthy(at: self.after(1e6)))
        #expect(!health.isServing(at: self.start))
        #expect(health.lastUpdated == nil)
    }

    @Test func whatNeverComesIntoForceIsUnhealthyAsWell() {
        var health = ProxyHealth(timeout: .seconds(60), families: [.ipv4])
        health.queued(at: self.start)
        #expect(health.isHealthy(at: self.after(59)))
        #expect(!health.isHealthy(at: self.after(60)))
        #expect(!health.isServing(at: self.after(1)))
    }

    @Test func aChangeMayWaitForTwoSyncPeriods() {
        var health = self.inForce()
        #expect(!health.isPending)
        #expect(health.isServing(at: self.after(1e6)))
        health.queued(at: self.after(100))
        #expect(health.isPending)
        #expect(health.isServing(at: self.after(159.9)))
        #expect(!health.isServing(at: self.after(160)))
        #expect(!health.isHealthy(at: self.after(160)))
        #expect(health.lastUpdated == self.moment)
        let later = WallTime(seconds: 1_795_229_400)
        health.updated(at: later)
        #expect(health.isServing(at: self.after(160)))
        #expect(health.lastUpdated == later)
    }

    @Test func theOldestChangeCounts() {
        var health = self.inForce()
        for second in stride(from: 100.0, to: 150, by: 10) { health.queued(at: self.after(second)) }
        #expect(!health.isHealthy(at: self.after(160)))
        health.updated(at: self.moment)
        health.queued(at: self.after(161))
        #expect(health.isHealthy(at: self.after(200)))
    }
}
