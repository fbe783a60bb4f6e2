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

    @Test func withoutEndpointsItIsRefused() {
        let packet = PacketTracer.Packet(from: Make.ip("10.9.9.9"), to: Make.ip("10.96.0.10"), .tcp, 80)
        #expect(PacketTracer(self.ruleset(endpoints: 0)).trace(packet) == .refused)
    }
}
