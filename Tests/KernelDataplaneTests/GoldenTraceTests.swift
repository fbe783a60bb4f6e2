import KernelDataplane
import Networking
import ServiceModel
import TestSupport
import Testing
import Traces

/// What `fairlead trace` says of a packet is what becomes of it by the rules.
@Suite struct GoldenTraceTests {
    /// There the rules lead to the balancer's own address, and a trace to the endpoints behind it.
    private static let handedOver: Set<String> = ["handed-over"]

    @Test(arguments: GoldenCase.all.filter { !Self.handedOver.contains($0.name) })
    func tracesAgreeWithTheRules(golden: GoldenCase) throws {
        let preview = try golden.preview()
        let lines = try GoldenCase.read(golden.path("flows.txt")).split(separator: "\n")
        for line in lines where !line.hasPrefix("#") {
            let flow = try #require(Flow(line), "cannot read '\(line)'")
            let packet = flow.packet
            let tracing = PacketTracing(
                preview.planner, node: preview.node, hostAddresses: packet.isLocal ? [packet.source] : [])
            let trace = tracing.trace(
                TracedPacket(
                    from: packet.source, to: packet.destination, packet.transport, packet.port,
                    interface: packet.isLocal ? nil : packet.interface))
            #expect(Self.text(trace) == flow.expected, "\(flow.words): \(trace)")
            #expect(!trace.reason.isEmpty)
        }
    }

    private static func text(_ trace: PacketTrace) -> String {
        guard trace.verdict == .translated else { return trace.verdict.rawValue }
        return trace.targets.map { "\($0.address)\($0.isMasqueraded ? " masq" : "")" }.joined(separator: ", ")
    }
}
