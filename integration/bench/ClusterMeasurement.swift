import Lab
import Linux
import Networking

/// What a cluster of one size took.
struct ClusterResult {
    let scale: Scale
    /// From the start of the process until the last Service answers.
    var start: [Duration] = []
    var startProcessor: [Duration] = []
    /// From the event on the wire to the first packet that the new endpoint answers.
    var changes: [Duration] = []
    /// From the start of a process that was killed until a change that was made meanwhile is in force, as packets tell.
    var restart: [Duration] = []
    var restartProcessor: [Duration] = []
    var peakMemory = 0
    var restartPeakMemory = 0
}

/// Measures `fairlead node` with an API server that has many Services. The server runs in the node's namespace, on the
/// same cores; what is measured is what a client's packets see.
struct ClusterMeasurement {
    let scale: Scale
    let binary: String
    let rounds: Int
    let changes: Int

    private static let port: UInt16 = 8080
    private static let probe = SocketAddress(IPAddress(10, 96, 255, 1), 80)
    /// Pods behind the many Services; two more take turns behind the one that is changed.
    private static let backends = 10

    func run() throws -> ClusterResult {
        var result = ClusterResult(scale: self.scale)
        let lab = try Lab(pods: Self.backends + 2)
        defer { lab.tearDown() }
        let servers = try lab.pods.map { try EchoServer(on: $0, port: Self.port) }
        defer { for server in servers { server.stop() } }
        let api = try APIServerProcess(on: lab.node)
        defer { api.process.kill() }
        try self.fill(api, lab)
        // The one that the probe's slice names.
        var spare = 0
        for round in 0..<self.rounds {
            _ = try lab.node.execute([self.binary, "cleanup"])
            let first = try self.start(api, lab, until: (self.last, nil), into: &result.start)
            result.startProcessor.append(Usage.processorTime(of: first.process.pid))
            result.peakMemory = max(result.peakMemory, Usage.peakMemory(of: first.process.pid))
            if round == self.rounds - 1 { try self.change(api, lab, &spare, into: &result) }
            first.kill9()

            // The rules that stand lead to the other one.
            spare = 1 - spare
            try api.command("patch-endpoint default/probe-ipv4 0 \(self.spare(lab, spare).ipv4)")
            let second = try self.start(
                api, lab, until: (Self.probe, self.spare(lab, spare).name), into: &result.restart)
            result.restartProcessor.append(Usage.processorTime(of: second.process.pid))
            result.restartPeakMemory = max(result.restartPeakMemory, Usage.peakMemory(of: second.process.pid))
            second.kill9()
        }
        return result
    }

    private func spare(_ lab: Lab, _ index: Int) -> Host { lab.pods[Self.backends + index] }

    /// The Service whose address is the last.
    private var last: SocketAddress {
        SocketAddress(IPAddress(ipv4: 0x0a60_000a + UInt32(self.scale.services - 1)), 80)
    }

    private func fill(_ api: APIServerProcess, _ lab: Lab) throws {
        let addresses = "\(lab.pods[0].ipv4)-\(lab.pods[Self.backends - 1].ipv4)"
        try api.command(
            "generate services=\(self.scale.services) endpoints=\(self.scale.endpoints) "
                + "backend=\(addresses):\(Self.port)")
        try api.apply([
            NodeManifest("bench", internalIPs: [lab.node.ipv4]),
            ServiceManifest("probe", clusterIPs: [Self.probe.address], ports: [.init(Self.probe.port)]),
            EndpointSliceManifest(
                of: "probe", name: "probe-ipv4", family: .ipv4,
                endpoints: [.init(self.spare(lab, 0).ipv4, nodeName: "elsewhere")], ports: [.init(Self.port)]),
        ])
    }

    /// Starts Fairlead and waits until `target` answers, or until a certain pod does.
    private func start(
        _ api: APIServerProcess,
        _ lab: Lab,
        until target: (address: SocketAddress, server: String?),
        into durations: inout [Duration]
    ) throws -> FairleadProcess {
        let began = ContinuousClock.now
        let fairlead = try FairleadProcess(
            on: lab.node,
            [
                "node", "--kubeconfig", api.kubeconfig, "--cluster-cidr", Lab.clusterCIDR,
                "--hostname-override", "bench",
            ], binary: self.binary)
        try lab.client.run {
            let isAnswered = try waitUntil(timeout: .seconds(120), interval: .microseconds(500)) {
                let result = try Probe.tcp(
                    to: target.address.address, port: target.address.port, timeout: .milliseconds(50))
                return target.server.map { result.server == $0 } ?? result.isAnswered
            }
            guard isAnswered else { throw LabError("no answer: \(fairlead.log.suffix(10))") }
        }
        durations.append(ContinuousClock.now - began)
        // It has more to do than what was waited for, at the start.
        guard fairlead.waitForLog(containing: "in force", timeout: .seconds(60)) != nil else {
            throw LabError("fairlead did not start: \(fairlead.log)")
        }
        return fairlead
    }

    private func change(
        _ api: APIServerProcess, _ lab: Lab, _ spare: inout Int, into result: inout ClusterResult
    ) throws {
        for turn in 0..<self.changes {
            spare = 1 - spare
            let pod = self.spare(lab, spare)
            let place = try api.send("patch-endpoint default/probe-ipv4 0 \(pod.ipv4)")
            let answeredAt = try lab.client.run {
                let isAnswered = try waitUntil(timeout: .seconds(30), interval: .microseconds(100)) {
                    try Probe.tcp(to: Self.probe.address, port: Self.probe.port).server == pod.name
                }
                guard isAnswered else { throw LabError("change \(turn) is not in force") }
                return MonotonicClock.nanoseconds()
            }
            let writtenAt = try api.reply(place).writtenAt
            result.changes.append(.nanoseconds(answeredAt - writtenAt))
            pause(.milliseconds(5))
        }
    }
}
