import Glibc
import Lab
import Linux
import Networking

/// A folder that goes with its last reference.
private final class ScratchFolder {
    let path: String

    init() throws {
        let completion = try ChildProcess.run(["mktemp", "-d", "/tmp/fairlead-bench-XXXXXX"])
        guard completion.succeeded else { throw LabError(completion.errorOutput) }
        self.path = completion.output.filter { $0 != "\n" }
    }

    deinit { self.delete() }

    func delete() { _ = try? ChildProcess.run(["rm", "-rf", self.path]) }
}

/// One network namespace with the backend in it, and a folder with what proxies read for one table of routes. Proxies get
/// processor 0; backend and load share processor 1.
final class Scene {
    static let backendAddress = SocketAddress(IPAddress(10, 244, 0, 2), 8000)
    static let proxyProcessor = 0
    private static let loadProcessor = 1

    let sandbox: Sandbox
    var folder: String { self.scratch.path }
    private let scratch: ScratchFolder
    /// Where wrk's script and what is preloaded are.
    let tools: String
    let backend: ChildProcess
    private let callBackend: ChildProcess

    /// `files` is the folder of this part of the benchmark: `peers` and `tools` are in it.
    init(routes: Routes, files: String) throws {
        self.sandbox = try Sandbox()
        let host = self.sandbox.host
        let scratch = try ScratchFolder()
        let folder = scratch.path
        self.scratch = scratch
        let tools = "\(files)/tools"
        self.tools = tools
        // Loopback addresses are none that an EndpointSlice may have. Many connections are made and closed.
        try host.shell("ip address add \(Self.backendAddress.address)/32 dev lo")
        try host.setKernelParameters([
            ("net/ipv4/ip_local_port_range", "10240 65535"), ("net/ipv4/tcp_tw_reuse", "1"),
            ("net/core/somaxconn", "4096"), ("net/ipv4/tcp_max_syn_backlog", "4096"),
        ])
        try host.shell(
            """
            cd \(folder) && chmod 755 . && cp \(files)/peers/* . && mkdir -p manifests calls/bench.Echo
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
            -days 30 -subj /CN=\(Routes.host(0)) -addext subjectAltName=DNS:*.bench.example 2>/dev/null
            cat cert.pem key.pem > tls.pem
            for tool in count-allocations forget-sessions; do
                cc -O2 -shared -fPIC -o $tool.so \(tools)/$tool.c -ldl
            done
            """)
        try CallBackend.prepare(folder)
        let certificate = try host.shell("base64 -w0 \(folder)/cert.pem")
        let key = try host.shell("base64 -w0 \(folder)/key.pem")
        for (name, text) in [
            ("routes.conf", routes.nginx), ("routes.map", routes.haproxy), ("routes.yaml", routes.envoy),
            ("manifests/bench.yaml", routes.manifests(certificate: certificate, key: key)),
        ] {
            try Descriptor.open("\(folder)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
        }
        self.backend = try host.spawn(
            Self.on(Self.loadProcessor, [Self.thisProgram, LoadCommand.backend]), errorOutput: .inherited)
        self.callBackend = try host.spawn(
            Self.on(Self.loadProcessor, CallBackend.command), workingDirectory: folder, output: .discarded,
            errorOutput: .inherited)
        guard waitUntil(timeout: .seconds(5), { (try? Self.counters(host)) != nil }) else {
            throw LabError("the backend does not answer")
        }
    }

    func tearDown() {
        self.backend.kill()
        self.callBackend.kill()
        self.sandbox.tearDown()
        self.scratch.delete()
    }

    private static var thisProgram: String { "/proc/\(getpid())/exe" }

    /// `arguments` on one processor, with as many descriptors as there may be.
    private static func on(_ processor: Int, _ arguments: [String]) -> [String] {
        ["taskset", "-c", "\(processor)", "sh", "-c", "ulimit -n $(ulimit -Hn); exec \"$@\"", "sh"] + arguments
    }

    /// Starts a program on the processor of the proxies. `environment` comes on top of ours.
    func spawnProxy(_ arguments: [String], environment: [String] = []) throws -> ChildProcess {
        let wrapped = environment.isEmpty ? arguments : ["env"] + environment + arguments
        return try self.sandbox.host.spawn(
            Self.on(Self.proxyProcessor, wrapped), workingDirectory: self.folder, output: .discarded)
    }

    /// Starts a program beside the backend.
    func spawnLoad(_ arguments: [String]) throws -> ChildProcess {
        try self.sandbox.host.spawn(Self.on(Self.loadProcessor, arguments), errorOutput: .inherited)
    }

    /// Runs our own load to its end; see ``LoadCommand``.
    func load(port: UInt16, connections: Int, count: Int, warmUp: Int, rate: Int = 0, counters: String? = nil) throws
        -> LoadCommand.Figures
    {
        let numbers = [Int(port), connections, count, warmUp, rate].map(String.init)
        let child = try self.spawnLoad([Self.thisProgram, LoadCommand.load] + numbers + (counters.map { [$0] } ?? []))
        guard child.waitForExit(timeout: .seconds(120)) == .exited(0),
            let figures = LoadCommand.Figures(line: child.output.filter { $0 != "\n" })
        else { throw LabError("no figures from the load on port \(port): \(child.output)") }
        return figures
    }

    /// Opens connections, makes one request on each and holds them. The load has to be killed in the end.
    func hold(port: UInt16, connections: Int) throws -> (load: ChildProcess, figures: LoadCommand.Figures) {
        let numbers = [Int(port), connections, connections, 0, 0].map(String.init)
        let child = try self.spawnLoad([Self.thisProgram, LoadCommand.load] + numbers)
        waitUntil(timeout: .seconds(120)) { child.output.contains("\n") || !child.isRunning }
        guard child.isRunning, let figures = LoadCommand.Figures(line: child.output.filter({ $0 != "\n" })) else {
            throw LabError("no connections held on port \(port): \(child.output)")
        }
        return (child, figures)
    }

    /// How many connections there are at a port of this namespace, on the side of the server.
    func connections(port: UInt16) throws -> Int {
        let text = try self.sandbox.host.shell("ss -Htn state established sport = :\(port) | wc -l")
        return Int(text.filter(\.isNumber)) ?? 0
    }

    /// What has reached the backend so far.
    func counters() throws -> MeasuredBackend.Counters { try Self.counters(self.sandbox.host) }

    private static func counters(_ host: Host) throws -> MeasuredBackend.Counters {
        let text = try host.shell("curl -sf http://\(self.backendAddress)/counters")
        guard let counters = MeasuredBackend.Counters(text: text) else {
            throw LabError("the backend's counters: \(text)")
        }
        return counters
    }
}
