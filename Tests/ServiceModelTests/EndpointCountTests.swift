import KubernetesAPI
import Lab
import Networking
import ServiceModel
import TestSupport
import Testing

/// Counting endpoints without listing them says what the list says.
@Suite struct EndpointCountTests {
    @Test func `as many as the list has, whatever slices say`() {
        var random = SeededGenerator(seed: 4)
        let service = Make.service(
            "web", clusterIPs: ["10.96.0.1", "fd00::1"],
            ports: [
                .init(name: "http", transport: .tcp, port: 80), .init(name: "http", transport: .udp, port: 80),
                .init(name: "admin", transport: .tcp, port: 81),
            ])
        for round in 0..<300 {
            var planner = ServicePlanner(node: NodeFacts(name: "here"))
            _ = planner.update(service.metadata.name, service: service)
            for number in 0..<Int.random(in: 0...3, using: &random) {
                let isIPv6 = Int.random(in: 0..<4, using: &random) == 0
                // Few addresses, so that slices and even one slice list some twice; some are more than are compared one by one.
                let endpoints = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                    Make.endpoint(
                        (isIPv6 ? "fd00:1::" : "10.244.0.") + "\(Int.random(in: 1...40, using: &random))",
                        ready: Bool.random(using: &random), serving: Bool.random(using: &random),
                        terminating: Bool.random(using: &random))
                }
                var slice = Make.slice(
                    "web-\(number)", of: "web", family: isIPv6 ? .ipv6 : .ipv4, endpoints: endpoints)
                if Bool.random(using: &random) { slice.ports.append(EndpointPort(name: "admin", port: 81)) }
                _ = planner.update(slice.metadata.name, slice: slice)
            }
            let listed = planner.listedEndpoints(of: service.metadata.name, EndpointHistory())
            for (port, count) in zip(service.ports, planner.endpointCounts(of: service)) {
                let ofPort = listed.filter { $0.port == port }
                #expect(count.listed == ofPort.count, "round \(round): \(port)")
                #expect(count.ready == ofPort.count { $0.condition == .ready }, "round \(round): \(port)")
            }
        }
    }
}
