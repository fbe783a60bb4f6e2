internal import Lab
internal import Linux
internal import Networking
import Synchronization

/// What the demo promised did not happen.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
}

/// The lab, the program under it, and the chapters in order.
final class Story: Sendable {
    let terminal: Terminal
    let program: String
    let lab: Lab
    let manifests: ManifestFolder
    private let stopServers: @Sendable () -> Void
    private let running = Mutex<FairleadProcess?>(nil)
    private let passedChecks = Atomic<Int>(0)

    static let vip = IPAddress(10, 96, 0, 10)
    static let vip6 = IPAddress(ipv6High: 0xfd00_0010_0096_0000, low: 0x10)
    static let emptyVIP = IPAddress(10, 96, 0, 20)
    static let externalIP = IPAddress(203, 0, 113, 10)
    static let echoPort: UInt16 = 7
    static let nodePort: UInt16 = 30080

    init(_ terminal: Terminal, fairlead program: String, manifests: String) throws {
        guard ChildProcess.find(program) != nil else {
            throw DemoFailure(description: "\(program) is no program; build it with `make build`")
        }
        self.terminal = terminal
        self.program = program
        self.manifests = try ManifestFolder(copying: manifests)
        let lab = try Lab(pods: 3)
        self.lab = lab
        let web = try lab.pods.map { try HTTPEchoServer(on: $0, port: 8080) }
        let echo = try lab.pods.map { try EchoServer(on: $0, port: 7007, transports: [.tcp]) }
        self.stopServers = {
            for server in web { server.stop() }
            for server in echo { server.stop() }
        }
    }

    func tell() throws {
        let start = ContinuousClock.now
        self.terminal.write()
        let name = self.terminal.styled("Fairlead", .bold)
        self.terminal.write("    \(name): the service data plane of a Kubernetes node")
        try self.introduce()
        try self.reachTheService()
        try self.spread()
        try self.lookIntoTheKernel()
        try self.removeAnEndpoint()
        try self.refuse()
        try self.killAndRestart()
        try self.routeByHostAndPath()
        try self.leaveNothing()
        let duration = inMilliseconds(ContinuousClock.now - start)
        self.terminal.write()
        let count = self.passedChecks.load(ordering: .relaxed)
        self.terminal.write("    \(self.terminal.styled("All \(count) checks passed", .bold, .green)) in \(duration).")
        self.terminal.write()
    }

    // MARK: - The program

    /// The Fairlead of now, or none after it was killed.
    var fairlead: FairleadProcess? { self.running.withLock { $0 } }

    @discardableResult
    func startFairlead() throws -> FairleadProcess {
        let process = try FairleadProcess(
            nodeOn: self.lab.node, manifests: self.manifests,
            ["--nodeport-addresses", "192.168.50.0/24,fd00:50::/64"], binary: self.program)
        self.running.withLock { $0 = process }
        return process
    }

    func showLog() {
        guard let log = self.fairlead?.log, !log.isEmpty else { return }
        self.terminal.say("The last lines of Fairlead's log:")
        for line in log.suffix(12) { self.terminal.quote(line) }
    }

    func cleanUp() {
        _ = self.fairlead?.terminate()
        self.stopServers()
        self.lab.tearDown()
        self.manifests.delete()
    }

    // MARK: - Steps

    /// Says what holds, or ends the story.
    func check(_ holds: Bool, _ claim: String, _ found: @autoclosure () -> String = "") throws {
        guard holds else {
            let detail = found()
            throw DemoFailure(description: detail.isEmpty ? "not so: \(claim)" : "not so: \(claim) (\(detail))")
        }
        self.passedChecks.add(1, ordering: .relaxed)
        self.terminal.passed(claim)
    }

    /// Runs a command in a host and shows both.
    @discardableResult
    func show(_ host: Host, _ command: String) throws -> ChildProcess.Completion {
        self.terminal.command(host.name, command)
        let completion = try host.execute(["sh", "-c", command])
        self.terminal.output(completion.output)
        self.terminal.output(completion.errorOutput)
        return completion
    }
}
