import KernelDataplane
import KubernetesAPI
import Networking
import ServiceModel
import TestSupport
import Testing
import Traces

/// The cause of what goes wrong is named.
@Suite struct PacketTracingTests {
    private static let pod = Make.ip("10.244.9.9")
    private static let client = Make.ip("198.51.100.7")
    private static let here = Make.ip("192.168.50.2")

    /// A planner with one Service and its endpoints.
    private static func tracing(
        _ service: Service, _ endpoints: [Endpoint],
        port: EndpointPort = EndpointPort(name: "http", transport: .tcp, port: 8080)
    ) -> PacketTracing {
        var planner = ServicePlanner(node: NodeFacts(name: "here", addresses: [Self.here]))
        _ = planner.update(service.metadata.name, service: service)
        let slice = Make.slice("web", of: service.metadata.name.name, endpoints: endpoints, ports: [port])
        _ = planner.update(slice.metadata.name, slice: slice)
        let node = NodeSettings(
            pods: .blocks([CIDR("10.244.0.0/16")].compactMap(\.self)), nodePortAddresses: [Self.here],
            serviceCIDRs: Set([CIDR("10.96.0.0/16")].compactMap(\.self)))
        return PacketTracing(planner, node: node, hostAddresses: [Self.here])
    }

    private static func web(_ change: (inout Service) -> Void = { _ in }) -> Service {
        var service = Make.service(
            "web", type: .loadBalancer, clusterIPs: ["10.96.0.10"],
            ports: [.init(name: "http", transport: .tcp, port: 80, nodePort: 30080)])
        service.loadBalancerIPs = [Make.ip("203.0.113.10")]
        change(&service)
        return service
    }

    private static func packet(_ source: IPAddress, _ destination: String, _ port: UInt16) -> TracedPacket {
        TracedPacket(from: source, to: Make.ip(destination), .tcp, port)
    }

    @Test func whereItGoes() throws {
        let tracing = Self.tracing(
            Self.web(), [Make.endpoint("10.244.1.2", node: "here"), Make.endpoint("10.244.2.2", node: "there")])
        let trace = tracing.trace(Self.packet(Self.pod, "10.96.0.10", 80))
        #expect(trace.client == .pod)
        #expect(trace.servicePort == "default/web:http")
        #expect(trace.verdict == .translated)
        #expect(trace.targets.map(\.permille) == [500, 500])
        #expect(trace.targets.allSatisfy { !$0.isMasqueraded })
        let text = TraceText.text(trace)
        #expect(text.contains("destination 10.96.0.10:80/tcp is the ClusterIP of Service default/web, port http"))
        #expect(text.contains("10.244.2.2:8080  50.0 %    ready, on there"))
        #expect(text.hasSuffix("verdict     translated: goes to one of 2 endpoints\n"))
    }

    @Test func noReadyEndpoint() {
        let tracing = Self.tracing(
            Self.web(), [Make.endpoint("10.244.1.2", ready: false, serving: false, node: "here")])
        let trace = tracing.trace(Self.packet(Self.pod, "10.96.0.10", 80))
        #expect(trace.verdict == .refused)
        #expect(trace.reason == "none of its 1 endpoints is ready, on any node")
        #expect(trace.candidates.map(\.reason) == ["not ready"])
    }

    @Test func wrongTargetPort() {
        // The slice has a port of another name: the Service asks for one that no pod has.
        let tracing = Self.tracing(
            Self.web(), [Make.endpoint("10.244.1.2", node: "here")],
            port: EndpointPort(name: "metrics", transport: .tcp, port: 9090))
        let trace = tracing.trace(Self.packet(Self.pod, "10.96.0.10", 80))
        #expect(trace.verdict == .refused)
        #expect(trace.reason == "no EndpointSlice lists an endpoint for this port and IP version")
    }

    @Test func policyLocalWithoutLocalEndpoint() {
        let tracing = Self.tracing(
            Self.web { $0.externalTrafficPolicy = .local }, [Make.endpoint("10.244.2.2", node: "there")])
        let outside = tracing.trace(Self.packet(Self.client, "203.0.113.10", 80))
        #expect(outside.verdict == .dropped)
        #expect(outside.reason.contains("wants an endpoint on this node"))
        #expect(outside.candidates.map(\.reason) == ["elsewhere, and the policy is Local"])
        let inside = tracing.trace(Self.packet(Self.pod, "203.0.113.10", 80))
        #expect(inside.verdict == .translated)
        #expect(inside.steps.contains { $0.subject == .policy && $0.text.contains("pod gets all endpoints") })
    }

    @Test func sourceRange() {
        let tracing = Self.tracing(
            Self.web { $0.loadBalancerSourceRanges = [CIDR("192.0.2.0/24")].compactMap(\.self) },
            [Make.endpoint("10.244.1.2", node: "here")])
        let trace = tracing.trace(Self.packet(Self.client, "203.0.113.10", 80))
        #expect(trace.verdict == .dropped)
        #expect(
            trace.reason
                == "198.51.100.7 may not use it: loadBalancerSourceRanges, less those denied, admit 192.0.2.0/24")
        #expect(tracing.trace(Self.packet(Self.client, "192.168.50.2", 30080)).verdict == .translated)
    }

    @Test func whatIsNoFrontend() {
        let tracing = Self.tracing(Self.web(), [Make.endpoint("10.244.1.2", node: "here")])
        func reason(_ destination: String, _ port: UInt16) -> (PacketTrace.Verdict, String) {
            let trace = tracing.trace(Self.packet(Self.pod, destination, port))
            return (trace.verdict, trace.reason)
        }
        #expect(
            reason("10.96.0.10", 81) == (
                .refused, "10.96.0.10 is the ClusterIP of Service default/web, which has no port 81/tcp, only 80/tcp"
            ))
        #expect(
            reason("10.96.0.11", 80) == (
                .dropped, "10.96.0.11 is no Service's, and in 10.96.0.0/16, where ClusterIPs come from"
            ))
        #expect(reason("192.0.2.1", 80).0 == .passed)
        #expect(reason("192.168.50.2", 22).1.contains("the host itself answers"))
    }

    @Test func hairpin() {
        let tracing = Self.tracing(Self.web(), [Make.endpoint("10.244.1.2", node: "here")])
        let trace = tracing.trace(Self.packet(Make.ip("10.244.1.2"), "10.96.0.10", 80))
        #expect(trace.targets.map(\.isMasqueraded) == [true])
        #expect(trace.targets.map(\.reason) == ["ready; the client itself"])
    }
}
