import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Testing

@Suite struct LeaderElectionTests {
    private let name = ObjectName(namespace: "fairlead", name: "ingress")
    private let start = ContinuousClock.now

    private func date(_ seconds: Int64) -> MicroTime { MicroTime(microsecondsSince1970: seconds * 1_000_000) }

    private func election(_ identity: String) -> LeaderElection {
        LeaderElection(lease: self.name, identity: identity)
    }

    @Test func theFirstOneMakesTheLease() throws {
        var election = self.election("a")
        guard case .create(let lease) = election.look(nil, now: self.start, date: self.date(100)) else {
            Issue.record("no lease")
            return
        }
        #expect(lease.holderIdentity == "a" && lease.leaseDurationSeconds == 15 && lease.leaseTransitions == 0)
        #expect(lease.name == self.name && lease.acquireTime == self.date(100) && lease.renewTime == self.date(100))
        #expect(!election.isLeader(at: self.start), "not before the server has said yes")
        election.wrote(asked: self.start)
        #expect(election.isLeader(at: self.start + .seconds(9)))
        #expect(!election.isLeader(at: self.start + .seconds(10)), "before another one may begin")

        var again = lease
        again.resourceVersion = "7"
        guard case .update(let renewed) = election.look(again, now: self.start + .seconds(2), date: self.date(102))
        else {
            Issue.record("not renewed")
            return
        }
        #expect(renewed.renewTime == self.date(102) && renewed.acquireTime == self.date(100))
        #expect(renewed.resourceVersion == "7" && renewed.leaseTransitions == 0)
    }

    /// By the clock of who looks: the holder's may be wrong by hours.
    @Test func aHolderThatNoLongerRenewsIsFollowed() {
        var election = self.election("b")
        var lease = Lease(
            name: self.name, resourceVersion: "1", holderIdentity: "a", leaseDurationSeconds: 15,
            renewTime: self.date(-50_000), leaseTransitions: 4)
        #expect(election.look(lease, now: self.start, date: self.date(0)) == .wait)
        #expect(election.look(lease, now: self.start + .seconds(14), date: self.date(14)) == .wait)
        lease.resourceVersion = "2"
        #expect(election.look(lease, now: self.start + .seconds(15), date: self.date(15)) == .wait, "it was renewed")
        #expect(election.look(lease, now: self.start + .seconds(29), date: self.date(29)) == .wait)
        guard case .update(let taken) = election.look(lease, now: self.start + .seconds(30), date: self.date(30)) else {
            Issue.record("not taken over")
            return
        }
        #expect(taken.holderIdentity == "b" && taken.leaseTransitions == 5 && taken.resourceVersion == "2")
        // Another one was faster.
        election.failed(isConflict: true)
        #expect(!election.isLeader(at: self.start + .seconds(30)))
    }

    @Test func aLeaderWithoutAServerLeadsUntilItsDeadline() {
        var election = self.election("a")
        _ = election.look(nil, now: self.start, date: self.date(0))
        election.wrote(asked: self.start)
        election.failed(isConflict: false)
        #expect(election.isLeader(at: self.start + .seconds(9)))
        #expect(!election.isLeader(at: self.start + .seconds(11)))
    }

    @Test func anOrderlyEndFreesTheLease() {
        var election = self.election("a")
        guard case .create(let lease) = election.look(nil, now: self.start, date: self.date(0)) else { return }
        election.wrote(asked: self.start)
        let free: Lease? = election.release(lease, date: self.date(3))
        #expect(free?.holderIdentity == "")
        #expect(!election.isLeader(at: self.start))
        #expect(election.release(lease, date: self.date(4)) == nil)
        var other = self.election("b")
        guard let free, case .update(let taken) = other.look(free, now: self.start, date: self.date(4)) else {
            Issue.record("a lease without a holder has to be waited for")
            return
        }
        #expect(taken.holderIdentity == "b" && taken.leaseTransitions == 1)
        var third = self.election("c")
        #expect(third.release(taken, date: self.date(5)) == nil, "not its own")
    }
}
