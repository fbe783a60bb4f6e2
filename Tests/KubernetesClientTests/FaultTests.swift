import ClusterState
import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import KubernetesWire
import Lab
import Networking
import TestSupport
import Testing

/// The source against a server that does not do what it should. What is known stays, and in the end it is in step.
@Suite struct FaultTests {
    private static let slices: @Sendable (FakeAPIServer) async throws -> Void = { server in
        try await server.apply(.service(.web()), .endpointSlice(.web("web-1", 1, 2, 3)))
    }

    @Test(arguments: [Faults.Expiry.event, .status])
    func historyThatIsGone(expiry: Faults.Expiry) async throws {
        try await Cluster.with(prepare: Self.slices) { cluster in
            try await cluster.settle()
            try await cluster.server.setFaults { faults in
                faults.expiry = expiry
                faults.expiredWatches = 6
            }
            try await cluster.server.dropConnections()
            try await cluster.server.delete(.endpointSlices, namespace: "default", name: "web-1")
            try await cluster.server.apply(.endpointSlice(.web("web-2", 9)))
            try await cluster.settle("after the storm")
            #expect(cluster.names(.endpointSlice) == ["default/web-2"])
        }
    }

    @Test(arguments: [WireFormat.protobuf, .json])
    func anObjectThatBreaksOff(format: WireFormat) async throws {
        var setting = Cluster.Setting()
        setting.format = format
        try await Cluster.with(setting, prepare: Self.slices) { cluster in
            try await cluster.settle()
            try await cluster.server.setFaults { $0.cutsNextObject = true }
            try await cluster.server.apply(.endpointSlice(.web("web-1", 7)))
            try await cluster.settle("after a cut")
            try await cluster.server.setFaults { $0.spoilsNextEvent = true }
            try await cluster.server.apply(.endpointSlice(.web("web-3", 8)))
            try await cluster.settle("after garbage")
            #expect(cluster.names(.endpointSlice) == ["default/web-1", "default/web-3"])
        }
    }

    @Test(arguments: [WireFormat.protobuf, .json], [1, 7])
    func objectsInPieces(format: WireFormat, size: Int) async throws {
        var setting = Cluster.Setting()
        setting.format = format
        try await Cluster.with(
            setting,
            prepare: { server in
                try await Self.slices(server)
                try await server.setFaults { $0.chunkSize = size }
            },
            { cluster in
                try await cluster.settle()
                try await cluster.server.apply(.endpointSlice(.web("web-2", 4, 5, 6)))
                try await cluster.settle("after a change")
            })
    }

    /// A backup brings versions that were there before; a watch from one that is yet to come would be silent.
    @Test(arguments: [FakeAPIServerConfiguration.FutureWatch.silent, .refused])
    func aServerThatWasRestored(futureWatch: FakeAPIServerConfiguration.FutureWatch) async throws {
        var setting = Cluster.Setting()
        setting.server.futureWatch = futureWatch
        try await Cluster.with(setting, prepare: Self.slices) { cluster in
            try await cluster.settle()
            for number in 1...30 { try await cluster.server.apply(.endpointSlice(.web("web-1", UInt8(number)))) }
            try await cluster.settle("before")
            try await cluster.server.restart(resourceVersion: 500)
            try await cluster.server.apply(.endpointSlice(.web("after-1", 77)))
            try await cluster.settle("after the restoration")
        }
    }

    @Test func aServerThatIsAwayForAWhile() async throws {
        try await Cluster.with(prepare: Self.slices) { cluster in
            try await cluster.settle()
            try await cluster.server.setFaults { $0.failures = Array(repeating: .init(code: 500), count: 12) }
            try await cluster.server.dropConnections()
            try await cluster.server.apply(.endpointSlice(.web("web-1", 50)))
            try await cluster.settle("after failures")
            try await eventually("it is said") { !cluster.log.lines(with: "following objects again").isEmpty }
            // One line for a reason and a kind, not one for each attempt.
            #expect(cluster.log.lines(with: "kind=Service ").filter { $0.hasPrefix("warning") }.count <= 3)
        }
    }

    @Test func aServerThatAsksForPatience() async throws {
        try await Cluster.with(prepare: Self.slices) { cluster in
            try await cluster.settle()
            try await cluster.server.setFaults {
                $0.failures = Array(repeating: .init(code: 429, retryAfter: 1), count: 4)
            }
            try await cluster.server.dropConnections()
            try await cluster.server.apply(.endpointSlice(.web("web-1", 51)))
            try await cluster.settle("after a second")
        }
    }

    /// Nothing says that the connection is dead. It is found out, and another one is made.
    @Test func aServerThatFreezes() async throws {
        var setting = Cluster.Setting()
        setting.limits.answerTimeout = .seconds(1)
        setting.limits.watchDuration = 1...1
        try await Cluster.with(setting, prepare: Self.slices) { cluster in
            try await cluster.settle()
            try await cluster.server.setFaults { $0.isFrozen = true }
            try await cluster.server.apply(.endpointSlice(.web("web-1", 52)))
            try await eventually("it is noticed") { !cluster.log.lines(with: " in time").isEmpty }
            try await cluster.server.setFaults { $0.isFrozen = false }
            try await cluster.settle("after the thaw")
        }
    }

    /// Two hours of a bad day in seconds: every kind of fault, in any order, while objects come and go.
    @Test(arguments: 1...3)
    func aBadDay(seed: Int) async throws {
        var setting = Cluster.Setting()
        setting.limits.answerTimeout = .seconds(2)
        setting.format = seed == 2 ? .json : .protobuf
        setting.server.offersHTTP2 = seed != 3
        try await Cluster.with(setting, prepare: Self.slices) { cluster in
            var random = SeededGenerator(seed: UInt64(seed))
            for step in 0..<120 {
                let name = "web-\(Int.random(in: 1...9, using: &random))"
                let address = UInt8.random(in: 1...250, using: &random)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    _ = try? await cluster.server.delete(.endpointSlices, namespace: "default", name: name)
                } else {
                    try await cluster.server.apply(.endpointSlice(.web(name, address)))
                }
                switch Int.random(in: 0..<24, using: &random) {
                case 0: try await cluster.server.dropConnections()
                case 1: try await cluster.server.setFaults { $0.cutsNextObject = true }
                case 2: try await cluster.server.setFaults { $0.spoilsNextEvent = true }
                case 3: try await cluster.server.setFaults { $0.expiredWatches = 3 }
                case 4: try await cluster.server.setFaults { $0.failures = [.init(code: 500), .init(code: 401)] }
                case 5: try await cluster.server.compact()
                case 6: try await cluster.server.restart(resourceVersion: 100 + step)
                case 7: try await cluster.server.endWatches()
                case 8: try await cluster.server.sendBookmarks()
                case 9: try await cluster.server.setFaults { $0.chunkSize = $0.chunkSize == nil ? 3 : nil }
                default: try await Task.sleep(for: .milliseconds(10))
                }
            }
            try await cluster.server.setFaults { $0 = Faults() }
            try await cluster.settle("after a bad day", within: .seconds(60))
        }
    }
}
