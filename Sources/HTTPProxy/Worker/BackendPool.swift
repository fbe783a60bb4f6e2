internal import Balancing
internal import Reactor

/// A backend as one worker sees it: who its endpoints are and how they do, and the idle connections to each.
struct BackendPool: ~Copyable {
    var endpoints: EndpointSet
    /// Of each endpoint's idle connections the one used last, by ``EndpointSlot/index``.
    private var newestIdle: [Handle] = []
    private var idleCounts: [Int32] = []

    init(_ endpoints: consuming EndpointSet) { self.endpoints = endpoints }

    /// Room for the endpoints that there are now.
    mutating func fit() {
        while self.newestIdle.count < self.endpoints.capacity {
            self.newestIdle.append(.none)
            self.idleCounts.append(0)
        }
    }

    func newestIdle(_ slot: EndpointSlot) -> Handle { self.newestIdle[slot.index] }
    func idleCount(_ slot: EndpointSlot) -> Int { Int(self.idleCounts[slot.index]) }

    mutating func setNewestIdle(_ slot: EndpointSlot, _ upstream: Handle, change: Int32) {
        self.newestIdle[slot.index] = upstream
        self.idleCounts[slot.index] += change
    }
}
