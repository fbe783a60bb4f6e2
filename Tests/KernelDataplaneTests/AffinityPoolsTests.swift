import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing

@testable import KernelDataplane

@Suite struct AffinityPoolsTests {
    private static func port(_ name: String) -> ServicePortIdentity {
        ServicePortIdentity(service: Make.name(name), name: "http", transport: .tcp)
    }

    private static func pool(_ numbers: [Int], timeout: Int = 600) -> AffinityPool {
        AffinityPool(slots: numbers.map { Backend(Make.ip("10.244.0.\($0)"), 8080) }, timeout: timeout)
    }

    private static func key(
        _ port: ServicePortIdentity, _ policy: TrafficPolicy = .cluster, _ family: AddressFamily = .ipv4
    )
        -> AffinityPoolKey
    {
        AffinityPoolKey(port, policy, family)
    }

    /// Two ports whose preferred numbers are the same; found by search, as the hash has 31 bits.
    private static let colliding: (ServicePortIdentity, ServicePortIdentity)? = {
        var seen: [UInt32: Int] = [:]
        seen.reserveCapacity(400_000)
        for index in 0..<400_000 {
            let number = AffinityChain.preferredNumber(Self.port("svc-\(index)"))
            if let other = seen.updateValue(index, forKey: number) {
                return (Self.port("svc-\(other)"), Self.port("svc-\(index)"))
            }
        }
        return nil
    }()

    /// What clients are remembered under must be the same after a restart, and in the next version.
    @Test func aPortsNumberIsItsOwn() {
        #expect(AffinityChain.preferredNumber(Self.port("web")) == AffinityChain.preferredNumber(Self.port("web")))
        #expect(AffinityChain.preferredNumber(Self.port("web")) == 1_959_391_234)
        let numbers = (0..<1000).map { AffinityChain.preferredNumber(Self.port("svc-\($0)")) }
        #expect(numbers.allSatisfy { $0 % 2 == 0 })
        #expect(Set(numbers).count == 1000)
        let udp = ServicePortIdentity(service: Make.name("web"), name: "http", transport: .udp)
        #expect(AffinityChain.preferredNumber(udp) != AffinityChain.preferredNumber(Self.port("web")))
    }

    @Test func policiesShareAPortsNumber() {
        var pools = AffinityPools()
        let (cluster, local) = (pools.chain(Self.port("web"), .cluster), pools.chain(Self.port("web"), .local))
        #expect(cluster.number == local.number)
        #expect(local.pool == cluster.pool + 1)
        #expect(cluster.name == "affinity-\(cluster.number)")
        #expect(local.name == "affinity-\(cluster.number + 1)")
        #expect(OnDemandChain.isName(local.name))
    }

    @Test func collisionsGetNumbersOfTheirOwn() throws {
        let (first, second) = try #require(Self.colliding)
        #expect(AffinityChain.preferredNumber(first) == AffinityChain.preferredNumber(second))
        var pools = AffinityPools()
        var changes = ElementChanges()
        let chain = pools.set(Self.key(first), Self.pool([1]), &changes)
        let other = pools.set(Self.key(second), Self.pool([1]), &changes)
        #expect(chain.number == AffinityChain.preferredNumber(first))
        #expect(other.number == chain.number &+ 2)
        #expect(pools.chains.count == 2)
        // It keeps its number when the first one goes ...
        _ = pools.set(Self.key(first), nil, &changes)
        let kept = pools.chain(second, .cluster)
        #expect(kept == other)
        // ... and the number that is free is given again.
        let again = pools.set(Self.key(first), Self.pool([2]), &changes)
        #expect(again == chain)
    }

    /// In one program, whatever the order in which plans are gathered up, with what a kernel holds or without.
    @Test func collidingPortsGetTheSameNumbersAtEveryStart() throws {
        let (first, second) = try #require(Self.colliding)
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        for (index, port) in [first, second].enumerated() {
            var service = Make.service(port.service.name, clusterIPs: ["10.96.0.\(index + 1)"])
            service.sessionAffinity = .clientIP(timeoutSeconds: 600)
            _ = planner.update(service.metadata.name, service: service)
            let slice = Make.slice(
                port.service.name, of: port.service.name, endpoints: [Make.endpoint("10.244.0.\(index + 1)")])
            _ = planner.update(slice.metadata.name, slice: slice)
        }
        var hints = TableProgram.Hints()
        hints.pools = [.ipv4: [4711: [Make.ip("10.244.0.1")]], .ipv6: [:]]
        var outcomes: Set<String> = []
        for round in 0..<20 {
            var plans: [ObjectName: ServicePlan?] = [:]
            for port in round % 2 == 0 ? [first, second] : [second, first] {
                plans[port.service] = .some(planner.plan(for: port.service))
            }
            var program = TableProgram(node: NodeSettings())
            _ = program.apply(plans, hints: round < 10 ? TableProgram.Hints() : hints)
            let elements = program.elements()[FairleadSet(.affinitySlots, .ipv4)] ?? []
            outcomes.insert(elements.map { "\($0)" }.sorted().joined())
        }
        #expect(outcomes.count == 1)
    }

    @Test func aNumberIsFreedWithTheLastPool() {
        var pools = AffinityPools()
        var changes = ElementChanges()
        let port = Self.port("web")
        for (policy, family) in [(TrafficPolicy.cluster, AddressFamily.ipv4), (.cluster, .ipv6), (.local, .ipv4)] {
            _ = pools.set(Self.key(port, policy, family), Self.pool([1]), &changes)
        }
        #expect(pools.chains.count == 2)
        _ = pools.set(Self.key(port, .cluster, .ipv4), nil, &changes)
        _ = pools.set(Self.key(port, .local, .ipv4), nil, &changes)
        #expect(pools.pool(Self.key(port, .cluster, .ipv6)) != nil)
        _ = pools.set(Self.key(port, .cluster, .ipv6), nil, &changes)
        #expect(pools.chains.isEmpty)
        #expect(pools.pool(Self.key(port)) == nil)
    }

    @Test func oneEndpointIsFewElements() {
        var pools = AffinityPools()
        var changes = ElementChanges()
        let key = Self.key(Self.port("web"))
        _ = pools.set(key, Self.pool([1, 2, 3]), &changes)
        #expect(changes.count == 6)
        changes = ElementChanges()
        _ = pools.set(key, Self.pool([1, 2, 3, 4]), &changes)
        #expect(changes.count == 2)
        changes = ElementChanges()
        // A timeout is a matter of the rules.
        _ = pools.set(key, Self.pool([1, 2, 3, 4], timeout: 60), &changes)
        #expect(changes.isEmpty)
        changes = ElementChanges()
        // More shares of one endpoint are more slots, and the endpoint is one still.
        _ = pools.set(key, Self.pool([1, 2, 3, 4, 4]), &changes)
        #expect(changes.count == 1)
    }
}
