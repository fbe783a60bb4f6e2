import KubernetesAPI
import ServiceModel
import TestSupport
import Testing

/// Which endpoints there are, and since when they are as they are.
@Suite struct EndpointHistoryTests {
    private struct World {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        var history = EndpointHistory()

        init() {
            _ = self.planner.update(Make.name("web"), service: Make.service("web", clusterIPs: ["10.96.0.1"]))
        }

        mutating func put(_ endpoints: [Endpoint], slice: String = "web-1", at time: Int64) {
            let new = Make.slice(slice, of: "web", endpoints: endpoints)
            self.history.update(Make.name(slice), from: self.planner.slice(Make.name(slice)), to: new, at: time)
            _ = self.planner.update(Make.name(slice), slice: new)
        }

        mutating func remove(_ slice: String, at time: Int64) {
            self.history.update(Make.name(slice), from: self.planner.slice(Make.name(slice)), to: nil, at: time)
            _ = self.planner.update(Make.name(slice), slice: nil)
        }

        var shown: [String] {
            self.planner.listedEndpoints(of: Make.name("web"), self.history).map {
                "\($0.backend.address) \($0.condition) \($0.since ?? -1)"
            }
        }
    }

    @Test func `the time is that of the last change of the condition`() {
        var world = World()
        world.put([Make.endpoint("10.1.0.1"), Make.endpoint("10.1.0.2")], at: 10)
        world.put([Make.endpoint("10.1.0.1"), Make.endpoint("10.1.0.2", ready: false)], at: 20)
        #expect(world.shown == ["10.1.0.1 ready 10", "10.1.0.2 notReady 20"])
        // Another zone or node is no change of it.
        var moved = Make.endpoint("10.1.0.1")
        moved.zone = "b"
        world.put([moved, Make.endpoint("10.1.0.2", ready: false, terminating: true)], at: 30)
        #expect(world.shown == ["10.1.0.1 ready 10", "10.1.0.2 draining 30"])
    }

    @Test func `places within the slice do not matter`() {
        var world = World()
        world.put(["10.1.0.1", "10.1.0.2", "10.1.0.3"].map { Make.endpoint($0) }, at: 10)
        world.put(["10.1.0.3", "10.1.0.4", "10.1.0.1"].map { Make.endpoint($0) }, at: 20)
        #expect(world.shown == ["10.1.0.1 ready 10", "10.1.0.3 ready 10", "10.1.0.4 ready 20"])
        world.put([], at: 30)
        world.put([Make.endpoint("10.1.0.1")], at: 40)
        #expect(world.shown == ["10.1.0.1 ready 40"])
    }

    @Test func `a slice that went and came back is new`() {
        var world = World()
        world.put([Make.endpoint("10.1.0.1")], at: 10)
        world.remove("web-1", at: 20)
        #expect(world.shown == [])
        world.put([Make.endpoint("10.1.0.1")], at: 30)
        #expect(world.shown == ["10.1.0.1 ready 30"])
    }

    @Test func `an endpoint of two slices is shown once, as the one that does not end has it`() {
        var world = World()
        world.put([Make.endpoint("10.1.0.1", ready: false, terminating: true)], slice: "web-1", at: 10)
        world.put([Make.endpoint("10.1.0.1")], slice: "web-2", at: 20)
        #expect(world.shown == ["10.1.0.1 ready 20"])
    }
}
