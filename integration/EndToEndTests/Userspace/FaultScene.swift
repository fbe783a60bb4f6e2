import Lab
import Linux
import Networking
import Testing

/// A Service whose two endpoints do what a test tells them to, and beside it one that nothing is wrong with. Both are the userspace
/// balancer's, and so are served by the same threads.
final class FaultScene {
    /// What Fairlead holds.
    struct Usage: CustomStringConvertible {
        /// Without those of pipes.
        var descriptors: Int
        var pipeEnds: Int
        /// Resident.
        var memory: Int

        var description: String {
            "\(self.descriptors) descriptors, \(self.pipeEnds) ends of pipes, \(self.memory >> 10) KiB"
        }
    }

    static let workers = 2
    /// Of each worker: few, so that pipes that are not given back show.
    static let pooledPipes = 8

    let scene: Scene
    let family: AddressFamily
    /// On `pod-1` and `pod-2`, where nobody but ``servers`` listens.
    let faulty: Application
    let servers: [StreamServer]
    /// On `pod-3`.
    let innocent: Application
    /// Before anything was relayed.
    private let standing: Usage

    /// - Parameters:
    ///   - steps: what connections meet at either endpoint.
    ///   - prefix: a program that becomes Fairlead.
    init(
        _ steps: [StreamServer.Step], family: AddressFamily = .ipv4, prefix: [String] = [], _ further: [String] = []
    ) throws {
        let scene = try Scene(
            prefix: prefix,
            [
                "--balancer-workers", "\(Self.workers)", "--balancer-pooled-pipes", "\(Self.pooledPipes)",
                // So that it can be waited for that they have gone.
                "--balancer-udp-timeout", "1s", "--balancer-udp-unanswered-timeout", "1s",
            ] + further)
        self.scene = scene
        self.family = family
        for server in scene.servers[..<2] { server.stop() }
        self.servers = try scene.pods[..<2].map {
            try StreamServer(on: $0, SocketAddress($0.address(family), Scene.targetPort), steps)
        }
        var faulty = Application("faulty", number: 10, on: Array(scene.pods[..<2]))
        var innocent = Application("innocent", number: 11, on: [scene.pods[2]])
        faulty.annotations = ["fairlead.dev/load-balancing": "least-connections"]
        innocent.annotations = faulty.annotations
        (faulty.families, innocent.families) = ([family], [family])
        self.faulty = faulty
        self.innocent = innocent
        try scene.folder.write("innocent.yaml", innocent.manifests)
        try scene.put(faulty)
        self.standing = try Self.usage(of: scene.fairlead.process)
    }

    func tearDown() {
        for server in self.servers { server.stop() }
        self.scene.tearDown()
    }

    var client: Host { self.scene.client }
    var process: ChildProcess { self.scene.fairlead.process }
    /// Where clients meet the faults.
    var target: SocketAddress { self.faulty.clusterIP(self.family) }

    func connect(receiveBuffer: Int? = nil) throws -> ByteConversation {
        try self.client.connect(to: self.target.address, port: self.target.port, receiveBuffer: receiveBuffer)
    }

    /// Of either endpoint, those of one behind those of the other.
    var records: [StreamServer.Record] { self.servers.flatMap(\.records) }

    /// Bytes that have come to either.
    var received: Int { self.records.reduce(0) { $0 + $1.received } }

    // MARK: - What it costs

    private static func usage(of process: ChildProcess) throws -> Usage {
        let pipeEnds = try process.openPipeEnds()
        return Usage(
            descriptors: try process.openDescriptors() - pipeEnds, pipeEnds: pipeEnds,
            memory: try process.residentMemory())
    }

    func usage() throws -> Usage { try Self.usage(of: self.process) }

    /// A metric of the balancer; it is up to a quarter of a second old.
    func metric(_ name: String) throws -> Int {
        let page = try self.scene.node.get(SocketAddress(IPAddress(127, 0, 0, 1), 10249), path: "/metrics")
        let value = try PrometheusText(try #require(page).body)["fairlead_balancer_\(name)", [:]]
        return Int(try #require(value, "\(name)"))
    }

    /// When nobody is connected any more.
    func usageAtRest(
        within timeout: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Usage {
        let isAtRest = try waitUntil(timeout: timeout, interval: .milliseconds(50)) {
            try self.metric("connections") == 0 && self.metric("udp_sessions") == 0
        }
        #expect(isAtRest, "somebody is connected still", sourceLocation: sourceLocation)
        return try self.usage()
    }

    /// Nothing but what a round of the same took before is held, once nobody is connected.
    func expectGivenBack(
        _ what: String, since before: Usage, memory limit: Int = 8 << 20, within timeout: Duration = .seconds(10),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        _ = try self.usageAtRest(within: timeout, sourceLocation: sourceLocation)
        // Pages of metrics and the files of a change are read at the same time.
        waitUntil(timeout: .seconds(2)) { (try? self.usage().descriptors <= before.descriptors) == true }
        let after = try self.usage()
        print("\(what): \(before) before, \(after) after, of which \(self.standing.pipeEnds) stand")
        #expect(after.descriptors <= before.descriptors, "\(what)", sourceLocation: sourceLocation)
        let kept = Self.workers * Self.pooledPipes * 2
        #expect(after.pipeEnds <= self.standing.pipeEnds + kept, "\(what)", sourceLocation: sourceLocation)
        #expect(after.memory - before.memory < Sanitizer.bound(limit), "\(what)", sourceLocation: sourceLocation)
    }

    /// Carries out a fault twice. The first time everything is had that is kept from then on; the second time nothing may be left of
    /// it, and nobody else may notice.
    ///
    /// - Parameters:
    ///   - limit: for what others want.
    ///   - growth: of resident memory, for as long as the fault lasts.
    func expectHarmless(
        _ what: String, latency limit: Duration = .seconds(1), growth: Int = 32 << 20,
        atRestWithin timeout: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
        _ fault: () throws -> Void
    ) throws {
        try fault()
        let before = try self.usageAtRest(within: timeout, sourceLocation: sourceLocation)
        try self.process.resetPeakMemory()
        try self.amongInnocents(what, latency: limit, sourceLocation, fault)
        let peak = try self.process.peakMemory() - before.memory
        print("\(what): memory grew by \(peak >> 10) KiB at most")
        #expect(peak < Sanitizer.bound(growth), "\(what)", sourceLocation: sourceLocation)
        try self.expectGivenBack(what, since: before, within: timeout, sourceLocation: sourceLocation)
    }

    /// Others are served while `fault` goes on; their connections have ended when this returns.
    private func amongInnocents(
        _ what: String, latency limit: Duration, _ sourceLocation: SourceLocation, _ fault: () throws -> Void
    ) throws {
        let traffic = try SteadyTraffic(to: self.innocent, self.scene, from: [self.client])
        let start = ContinuousClock.now
        try fault()
        // Fewer connections would say little.
        pause(.seconds(1) - (ContinuousClock.now - start))
        traffic.expectWhole(what, within: Sanitizer.bound(limit), sourceLocation: sourceLocation)
    }
}
