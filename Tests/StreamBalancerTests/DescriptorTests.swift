import LineSupport
import Linux
import Networking
import ServiceModel
import Testing

@testable import StreamBalancer

/// Fewer descriptors than clients want.
@Suite struct DescriptorTests {
    @Test(arguments: [(400, 300, 350), (1_024, 768, 896), (524_288, 524_032, 524_160)])
    func `a part of the descriptors is not for clients`(limit: Int, clients: Int, endpoints: Int) {
        var limits = StreamLimits()
        limits.leaveDescriptors(of: limit)
        #expect(limits.descriptorCeiling == clients && limits.endpointCeiling == endpoints)
    }

    // Descriptors are of a whole process, so this one has one of its own.
    @Test func `connections wait for descriptors that are theirs, and the rest is left alone`() async {
        await #expect(processExitsWith: .success) {
            // Clients of this test have 40 of them, and the balancer some before anybody comes.
            let ceiling = try FileStatus.names(inDirectory: "/proc/self/fd").count + 80
            var limits = StreamLimits()
            // A quarter is left to others.
            limits.leaveDescriptors(of: ceiling * 4 / 3)
            let stage = try Stage(limits)
            let endpoint = try TestEndpoint()
            // Addresses that are counted are those of the process that began this one, too.
            let address = StreamAddress(.tcp, IPAddress(127, 78, 0, 1), 8_080)
            _ = try stage.serve([endpoint], at: address)
            let clients = try (0..<40).map { _ in try stage.connect(address) }
            try await stage.expectReport("as many as there is room for") { $0.delayed > 0 && $0.open > 2 }
            let (full, delayed) = (stage.balancer.report(), stage.balancer.report().delayed)
            #expect(full.open < 30)
            try await stage.expectReport("they are tried again") { $0.delayed > delayed + 5 }
            #expect(stage.balancer.report().open == full.open, "no more creep in")
            for client in clients.prefix(30) { client.reset() }
            try await stage.expectReport("the others have their turn") { $0.open == 10 && $0.connections == 40 }
            withExtendedLifetime(clients) {}
        }
    }
}
