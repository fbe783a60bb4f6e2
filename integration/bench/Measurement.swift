import Lab
import Linux
import Nftables

/// What one scale took.
struct Result {
    let scale: Scale
    /// From the start of the process to the rules in force, manifests read from files.
    var firstWall: [Duration] = []
    var firstProcessor: [Duration] = []
    /// Of that, from objects in memory to the kernel's yes.
    var programming: [Duration] = []
    var bytes = 0
    var changes: [Duration] = []
    var changeBytes: [Int] = []
    var restartWall: [Duration] = []
    var restartProcessor: [Duration] = []
    var peakMemory = 0
    var restartPeakMemory = 0
    /// `nft -f`, processor time.
    var sameLayout: [Duration] = []
    var perServiceLayout: [Duration] = []
}

/// Measures one scale in a network namespace of its own.
struct Measurement {
    let scale: Scale
    let binary: String
    let rounds: Int
    let changes: Int
    let withPeers: Bool
    /// In how many of the rounds `nft` loads kube-proxy's layout.
    var slowRounds = Int.max

    func run() throws -> Result {
        var result = Result(scale: self.scale)
        let workload = Workload(scale: self.scale)
        let folder = try ManifestFolder()
        defer { folder.delete() }
        try workload.write(to: folder)
        for round in 0..<self.rounds {
            let sandbox = try Sandbox()
            defer { sandbox.tearDown() }
            // In turn with the peers, so that a machine that is slow for a while is slow for all.
            if self.withPeers {
                try self.loadWithNft(workload, folder, sandbox, isSlowToo: round < self.slowRounds, into: &result)
            }
            try self.startAndRestart(folder, sandbox, into: &result)
            if round == self.rounds - 1 { try self.change(workload, folder, sandbox, into: &result) }
        }
        return result
    }

    // MARK: - Start and restart

    private func start(_ folder: ManifestFolder, _ sandbox: Sandbox) throws -> (FairleadProcess, wall: Duration) {
        let clock = ContinuousClock()
        let began = clock.now
        let fairlead = try FairleadProcess(
            on: sandbox.host,
            [
                "node", "--manifests", folder.path, "--cluster-cidr", "10.244.0.0/16", "--hostname-override", "bench",
            ], binary: self.binary)
        guard fairlead.waitForLog(containing: "in force", timeout: .seconds(300)) != nil else {
            throw LabError("fairlead did not start: \(fairlead.log.joined(separator: "\n"))")
        }
        return (fairlead, clock.now - began)
    }

    private func startAndRestart(_ folder: ManifestFolder, _ sandbox: Sandbox, into result: inout Result) throws {
        let (first, wall) = try self.start(folder, sandbox)
        result.firstWall.append(wall)
        result.firstProcessor.append(Usage.processorTime(of: first.process.pid))
        result.peakMemory = max(result.peakMemory, Usage.peakMemory(of: first.process.pid))
        let line = first.log.first { $0.contains("in force") } ?? ""
        guard line.contains("wrote the whole table") else { throw LabError("not a first start: \(line)") }
        result.programming.append(Self.took(line))
        result.bytes = Self.number("bytes", in: line)
        first.kill9()

        let (second, restartWall) = try self.start(folder, sandbox)
        let again = second.log.first { $0.contains("in force") } ?? ""
        guard again.contains("nothing was written") else { throw LabError("the restart wrote something: \(again)") }
        result.restartWall.append(restartWall)
        result.restartProcessor.append(Usage.processorTime(of: second.process.pid))
        result.restartPeakMemory = max(result.restartPeakMemory, Usage.peakMemory(of: second.process.pid))
        second.terminate()
    }

    // MARK: - Changes

    /// From the moment before the file is written to the kernel's announcement of the commit.
    private func change(_ workload: Workload, _ folder: ManifestFolder, _ sandbox: Sandbox, into result: inout Result)
        throws
    {
        let (fairlead, _) = try self.start(folder, sandbox)
        defer { fairlead.terminate() }
        let (kernel, events) = try sandbox.host.run {
            let kernel = try NetlinkKernel()
            return (kernel, try NetlinkEvents(ignoring: kernel))
        }
        let clock = ContinuousClock()
        for turn in 0..<self.changes {
            let service = (turn * 7919) % self.scale.services
            _ = try events.receive()
            let began = clock.now
            try workload.change(folder, service: service, turn: turn)
            var isCommitted = false
            while !isCommitted {
                let ready = try Poller.wait(readable: [events.descriptor], timeout: .seconds(10))
                guard !ready.isEmpty else { throw LabError("change \(turn) did not reach the kernel") }
                isCommitted = try events.receive().contains { if case .committed = $0 { true } else { false } }
            }
            result.changes.append(clock.now - began)
            // Unused chains are removed two seconds after; a pause keeps one change from being another's.
            pause(.milliseconds(2))
        }
        withExtendedLifetime(kernel) {}
        let lines = fairlead.log.filter { $0.contains("programmed a change") }
        result.changeBytes = lines.map { Self.number("bytes", in: $0) }
    }

    // MARK: - Peers

    private func loadWithNft(
        _ workload: Workload, _ folder: ManifestFolder, _ sandbox: Sandbox, isSlowToo: Bool, into result: inout Result
    ) throws {
        let rendered = try sandbox.host.execute(
            [self.binary, "render", "--manifests", folder.path, "--cluster-cidr", "10.244.0.0/16"],
            timeout: .seconds(120))
        result.sameLayout.append(try self.load(rendered.output, sandbox))
        if isSlowToo { result.perServiceLayout.append(try self.load(workload.perServiceLayout(), sandbox)) }
    }

    private func load(_ text: String, _ sandbox: Sandbox) throws -> Duration {
        let file = "/tmp/\(sandbox.host.namespace.name).nft"
        try Descriptor.open(file, flags: 0o1101).write(text.utf8)
        let before = Usage.childrenTime()
        try sandbox.host.shell("nft -f \(file)", timeout: .seconds(600))
        let took = Usage.childrenTime() - before
        try sandbox.host.shell("nft flush ruleset; rm \(file)", timeout: .seconds(120))
        return took
    }

    // MARK: - Log lines

    private static func value(_ key: String, in line: String) -> Substring? {
        line.firstRange(of: " \(key)=").map {
            line[$0.upperBound...].drop { $0 == "\"" }.prefix { $0 != " " && $0 != "\"" }
        }
    }

    private static func number(_ key: String, in line: String) -> Int {
        Self.value(key, in: line).flatMap { Int($0) } ?? 0
    }

    private static func took(_ line: String) -> Duration {
        .microseconds(Int64((Self.value("took", in: line).flatMap { Double($0) } ?? 0) * 1000))
    }
}
