import ClusterState
import KubernetesAPI
import Linux
import Testing

@Suite struct ChangeQueueTests {
    private func isAwake(_ wakeUp: WakeUp) throws -> Bool {
        try !Poller.wait(readable: [wakeUp.number], timeout: .zero).isEmpty
    }

    @Test func theNewestOfEachKeyWins() throws {
        let queue = ChangeQueue(wakeUp: try WakeUp())
        let a = Fixtures.key("a")
        let b = Fixtures.key("b")
        queue.submit([ObjectChange(key: a, object: Fixtures.service("a", port: 1)), ObjectChange(key: b, object: nil)])
        queue.submit([ObjectChange(key: a, object: Fixtures.service("a", port: 2))])
        queue.submit([ObjectChange(key: b, object: Fixtures.service("b")), ObjectChange(key: a, object: nil)])
        #expect(
            queue.take().changes == [
                ObjectChange(key: a, object: nil), ObjectChange(key: b, object: Fixtures.service("b")),
            ]
        )
        #expect(queue.take().changes.isEmpty)
    }

    @Test func submittingWakesAndNothingDoesNot() throws {
        let wakeUp = try WakeUp()
        let queue = ChangeQueue(wakeUp: wakeUp)
        queue.submit([])
        #expect(try !self.isAwake(wakeUp))
        queue.submit([ObjectChange(key: Fixtures.key("a"), object: nil)])
        #expect(try self.isAwake(wakeUp))
    }

    @Test func syncedStaysAndWakes() throws {
        let wakeUp = try WakeUp()
        let queue = ChangeQueue(wakeUp: wakeUp)
        #expect(!queue.take().isSynced)
        queue.markSynced()
        #expect(try self.isAwake(wakeUp))
        #expect(queue.take().isSynced)
        #expect(queue.take().isSynced)
    }

    @Test func kindsThatNobodyWantsArePassedOver() throws {
        let wakeUp = try WakeUp()
        let queue = ChangeQueue(wakeUp: wakeUp, kinds: [.endpointSlice])
        queue.submit([ObjectChange(key: Fixtures.key("a"), object: Fixtures.service("a"))])
        #expect(try !self.isAwake(wakeUp))
        #expect(queue.take().changes.isEmpty)
        let slice = ObjectKey(kind: .endpointSlice, name: Fixtures.key("a").name)
        queue.submit([
            ObjectChange(key: Fixtures.key("a"), object: Fixtures.service("a")), ObjectChange(key: slice, object: nil),
        ])
        #expect(queue.take().changes == [ObjectChange(key: slice, object: nil)])
    }

    /// Two roles and one source: each has what it wants, in its own time.
    @Test func oneQueueFeedsSeveral() throws {
        let (first, second) = (
            ChangeQueue(wakeUp: try WakeUp()), ChangeQueue(wakeUp: try WakeUp(), kinds: [.endpointSlice])
        )
        let both = ChangeQueue(feeding: [first, second])
        let slice = ObjectKey(kind: .endpointSlice, name: Fixtures.key("a").name)
        let service = ObjectChange(key: Fixtures.key("a"), object: Fixtures.service("a"))
        both.submit([service, ObjectChange(key: slice, object: nil)])
        #expect(first.take().changes == [service, ObjectChange(key: slice, object: nil)])
        #expect(!first.take().isSynced)
        both.markSynced()
        #expect(first.take().isSynced)
        let taken = second.take()
        #expect(taken.changes == [ObjectChange(key: slice, object: nil)] && taken.isSynced)
        #expect(both.take().changes.isEmpty)
    }

    @Test func submittersAndTakerMeet() async throws {
        let queue = ChangeQueue(wakeUp: try WakeUp())
        let taken = await withTaskGroup(of: Void.self, returning: Int.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for index in 0..<500 {
                        let name = "w\(worker)-\(index)"
                        queue.submit([ObjectChange(key: Fixtures.key(name), object: Fixtures.service(name))])
                    }
                }
            }
            var count = 0
            for await _ in group { count += queue.take().changes.count }
            return count + queue.take().changes.count
        }
        #expect(taken == 2_000)
    }
}
