import KernelDataplane
import KubernetesAPI
import Networking
import Nftables
import ServiceModel
import TestSupport
import Testing

/// What a packet meets that sees the ruleset change under it.
@Suite struct BalancerTests {
    private func ruleset(endpoints: Int) -> Ruleset {
        var planner = ServicePlanner(node: NodeFacts(name: "here"))
        let name = Make.name("web")
        let service = Make.service(
            "web", type: .nodePort, clusterIPs: ["10.96.0.10"],
            ports: [.init(name: "http", transport: .tcp, port: 80, nodePort: 30080)])
        _ = planner.update(name, service: service)
        let addresses = (0..<endpoints).map { Make.endpoint("10.244.0.\($0 + 1)") }
        _ = planner.update(name, slice: Make.slice("web", of: "web", endpoints: addresses))
        var program = TableProgram(node: NodeSettings(nodePortAddresses: [Make.ip("192.168.50.2")]))
        _ = program.apply([name: planner.plan(for: name)])
        return program.ruleset()
    }

    /// Led to the chain for three endpoints, a packet finds two: it gets one of them, whatever it draws.
    @Test(arguments: [false, true])
    func aPacketThatComesTooLateForTheLastSlotIsNotRefused(nodePort: Bool) throws {
        var ruleset = self.ruleset(endpoints: 3)
        for kind in [FairleadSet.Kind.endpoints, .nodeportEndpoints] {
            let set = FairleadSet(kind, .ipv4).name
            let slots = try #require(ruleset.elements[set])
            #expect(slots.count == 3)
            ruleset.elements[set] = slots.filter { $0.key.integer(at: $0.key.count - 4) != 2 }
        }
        let destination = nodePort ? ("192.168.50.2", UInt16(30080)) : ("10.96.0.10", 80)
        let packet = PacketTracer.Packet(from: Make.ip("10.9.9.9"), to: Make.ip(destination.0), .tcp, destination.1)
        guard case .translated(let targets) = PacketTracer(ruleset).trace(packet) else {
            Issue.record("\(PacketTracer(ruleset).trace(packet))")
            return
        }
        #expect(targets.map(\.address) == [Make.ip("10.244.0.1"), Make.ip("10.244.0.2")])
    }

    @Test(
        arguments: [Balancer.Method.random, .clientIPHash, .flowHash, .affinity(1), .affinity(86_400)], [false, true])
    func namesRoundTrip(method: Balancer.Method, isExternal: Bool) {
        for location in [Balancer.Location.address, .nodePort] {
            for slots in [1, 2, 10, 4096, 65_536] {
                let balancer = Balancer(location, method, isExternal: isExternal, slots: slots)
                #expect(Balancer(name: balancer.name) == balancer, "\(balancer.name)")
            }
        }
    }

    @Test func namesAreWords() {
        #expect(Balancer(.address, slots: 3).name == "balance-3")
        #expect(Balancer(.nodePort, isExternal: true, slots: 1).name == "balance-nodeport-external-1")
        #expect(Balancer(.address, .clientIPHash, slots: 64).name == "client-hash-64")
        #expect(Balancer(.nodePort, .flowHash, slots: 100).name == "flow-hash-nodeport-100")
        #expect(Balancer(.address, .affinity(10_800), slots: 2).name == "affinity-10800s-2")
    }

    @Test(arguments: [
        "", "balance", "balance-", "balance-0", "balance--1", "balance-01", "balance-+1", "balance-x", "balance-3-",
        "balance-external-nodeport-3", "Balance-3", "client-hash", "services", "affinity", "affinity-", "affinity-x",
        "affinity-60s", "affinity-60-3",
        "affinity--2",
    ])
    func whatIsNoNameOfABalancingChain(name: String) {
        #expect(Balancer(name: name) == nil)
    }

    /// All nodes must hash alike: this is a promise to other versions too.
    @Test func aHashIsTheSameOnEveryNode() {
        let rules = Balancer(.address, .clientIPHash, slots: 64).rules.map(\.text)
        #expect(
            rules.first
                == "dnat ip to ip daddr . meta l4proto . th dport . jhash ip saddr mod 64 seed 0x66616972 map @endpoints4"
        )
        let flows = Balancer(.nodePort, .flowHash, isExternal: true, slots: 100).rules.map(\.text)
        #expect(
            flows[1]
                == "meta nfproto ipv6 dnat ip6 to meta l4proto . th dport . jhash ip6 saddr . th sport mod 100 "
                + "seed 0x66616972 offset 16777216 map @nodeport-endpoints6")
        #expect(flows.last == "goto no-endpoints")
    }

    @Test func withoutEndpointsItIsRefused() {
        let packet = PacketTracer.Packet(from: Make.ip("10.9.9.9"), to: Make.ip("10.96.0.10"), .tcp, 80)
        #expect(PacketTracer(self.ruleset(endpoints: 0)).trace(packet) == .refused)
    }

    /// A packet that is among the rules while the table is taken away finds every map empty, and the sets as they were.
    @Test(arguments: [0, 3], [80, 81] as [UInt16])
    func aTableThatIsBeingTakenAwayRefusesNobody(endpoints: Int, port: UInt16) {
        var ruleset = self.ruleset(endpoints: endpoints)
        for set in ruleset.sets where set.isMap { ruleset.elements[set.name] = [] }
        #expect(ruleset.elements[FairleadSet(.clusterIPs, .ipv4).name]?.isEmpty == false)
        let packet = PacketTracer.Packet(from: Make.ip("10.9.9.9"), to: Make.ip("10.96.0.10"), .tcp, port)
        #expect(PacketTracer(ruleset).trace(packet) == .passed)
    }
}
