import Glibc
import Lab
import Linux

/// One network namespace and a folder, for programs that are measured side by side: proxies get processor 0, backend and
/// load share processor 1.
final class Workbench {
    static let proxyProcessor = 0
    private static let loadProcessor = 1
    /// Descriptors of each program; root may raise what is allowed.
    private static let descriptors = 262_144

    private let sandbox: Sandbox
    let folder: String
    var host: Host { self.sandbox.host }

    init() throws {
        guard Usage.processors() >= 2 else {
            throw LabError("needs two processors: one for the proxy, one for backend and load")
        }
        let completion = try ChildProcess.run(["mktemp", "-d", "/tmp/fairlead-bench-XXXXXX"])
        guard completion.succeeded else { throw LabError(completion.errorOutput) }
        self.folder = completion.output.filter { $0 != "\n" }
        self.sandbox = try Sandbox()
        // Many connections are made and closed.
        try self.host.setKernelParameters([
            ("net/ipv4/ip_local_port_range", "10240 65535"), ("net/ipv4/tcp_tw_reuse", "1"),
            ("net/core/somaxconn", "4096"), ("net/ipv4/tcp_max_syn_backlog", "4096"),
        ])
    }

    deinit { self.tearDown() }

    func tearDown() {
        self.sandbox.tearDown()
        _ = try? ChildProcess.run(["rm", "-rf", self.folder])
    }

    /// The path of what is named from where this program was started: programs run in another folder.
    static func absolute(_ path: String) throws -> String {
        if !path.contains("/") { return path }
        let completion = try ChildProcess.run(["realpath", "-e", path])
        guard completion.succeeded else { throw LabError("there is no \(path)") }
        return completion.output.filter { $0 != "\n" }
    }

    static var thisProgram: String { "/proc/\(getpid())/exe" }

    /// `arguments` on one processor, with as many descriptors as may be needed.
    private static func on(_ processor: Int, _ arguments: [String]) -> [String] {
        ["taskset", "-c", "\(processor)", "sh", "-c", "\(Self.raiseLimit); exec \"$@\"", "sh"] + arguments
    }

    private static let raiseLimit = "ulimit -n \(descriptors) 2>/dev/null || ulimit -n $(ulimit -Hn)"

    /// How many descriptors each program may have.
    func descriptorLimit() throws -> Int {
        let text = try self.host.shell("\(Self.raiseLimit); ulimit -n").filter { $0 != "\n" }
        guard let limit = Int(text) else { throw LabError("no limit of descriptors: \(text)") }
        return limit
    }

    /// Writes a file of the folder.
    func write(_ name: String, _ text: String) throws {
        try Descriptor.open("\(self.folder)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
    }

    /// Starts a program on the processor of the proxies. `environment` comes on top of ours.
    func spawnProxy(_ arguments: [String], environment: [String] = []) throws -> ChildProcess {
        let wrapped = environment.isEmpty ? arguments : ["env"] + environment + arguments
        return try self.host.spawn(
            Self.on(Self.proxyProcessor, wrapped), workingDirectory: self.folder, output: .discarded)
    }

    /// Starts a program on the other processor.
    func spawnLoad(
        _ arguments: [String], workingDirectory: String? = nil, output: ChildProcess.Output = .captured
    ) throws -> ChildProcess {
        try self.host.spawn(
            Self.on(Self.loadProcessor, arguments), workingDirectory: workingDirectory, output: output,
            errorOutput: .inherited)
    }

    /// How many connections there are at a port of this namespace, on the side of the server.
    func connections(port: UInt16) throws -> Int {
        let text = try self.host.shell("ss -Htn state established sport = :\(port) | wc -l")
        return Int(text.filter(\.isNumber)) ?? 0
    }
}
