import Glibc
import Lab
import Linux
import Networking

/// A ``Workbench`` with the backend on it, and in its folder what proxies read for one table of routes.
final class Scene {
    static let backendAddress = SocketAddress(IPAddress(10, 244, 0, 2), 8000)

    let workbench: Workbench
    let routes: Routes
    /// Where wrk's script and what is preloaded are.
    let tools: String
    let backend: ChildProcess
    private let callBackend: ChildProcess

    /// `files` is the folder of this part of the benchmark: `peers` and `tools` are in it.
    init(routes: Routes, files: String) throws {
        let workbench = try Workbench()
        self.workbench = workbench
        self.routes = routes
        let (host, folder) = (workbench.host, workbench.folder)
        let tools = "\(files)/tools"
        self.tools = tools
        // Loopback addresses are none that an EndpointSlice may have.
        try host.shell("ip address add \(Self.backendAddress.address)/32 dev lo")
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
            ("routes.conf", routes.nginx), ("routes.map", routes.haproxy), ("routes.yaml", routes.envoy()),
            ("manifests/bench.yaml", routes.manifests(certificate: certificate, key: key)),
        ] {
            try workbench.write(name, text)
        }
        self.backend = try workbench.spawnLoad([Workbench.thisProgram, LoadCommand.backend])
        self.callBackend = try workbench.spawnLoad(
            CallBackend.command, workingDirectory: folder, output: .discarded)
        guard waitUntil(timeout: .seconds(5), { (try? Self.counters(host)) != nil }) else {
            throw LabError("the backend does not answer")
        }
    }

    func tearDown() {
        self.backend.kill()
        self.callBackend.kill()
        self.workbench.tearDown()
    }

    /// Runs our own load to its end; see ``LoadCommand``.
    func load(port: UInt16, connections: Int, count: Int, warmUp: Int, rate: Int = 0, counters: String? = nil) throws
        -> LoadCommand.Figures
    {
        let child = try self.startLoad(
            port: port, connections: connections, count: count, warmUp: warmUp, rate: rate, counters: counters)
        return try self.figures(of: child, port: port)
    }

    /// Starts it, to have ``figures(of:port:)`` later.
    func startLoad(
        port: UInt16, connections: Int, count: Int, warmUp: Int, rate: Int = 0, counters: String? = nil
    ) throws -> ChildProcess {
        let numbers = [Int(port), connections, count, warmUp, rate].map(String.init)
        return try self.workbench.spawnLoad(
            [Workbench.thisProgram, LoadCommand.load] + numbers + (counters.map { [$0] } ?? []))
    }

    func figures(of child: ChildProcess, port: UInt16) throws -> LoadCommand.Figures {
        guard child.waitForExit(timeout: .seconds(120)) == .exited(0),
            let figures = LoadCommand.Figures(line: child.output.filter { $0 != "\n" })
        else { throw LabError("no figures from the load on port \(port): \(child.output)") }
        return figures
    }

    /// Opens connections, makes one request on each and holds them. The load has to be killed in the end.
    func hold(port: UInt16, connections: Int) throws -> (load: ChildProcess, figures: LoadCommand.Figures) {
        let numbers = [Int(port), connections, connections, 0, 0].map(String.init)
        let child = try self.workbench.spawnLoad([Workbench.thisProgram, LoadCommand.load] + numbers)
        waitUntil(timeout: .seconds(120)) { child.output.contains("\n") || !child.isRunning }
        guard child.isRunning, let figures = LoadCommand.Figures(line: child.output.filter({ $0 != "\n" })) else {
            throw LabError("no connections held on port \(port): \(child.output)")
        }
        return (child, figures)
    }

    /// What has reached the backend so far.
    func counters() throws -> MeasuredBackend.Counters { try Self.counters(self.workbench.host) }

    private static func counters(_ host: Host) throws -> MeasuredBackend.Counters {
        let text = try host.shell("curl -sf http://\(self.backendAddress)/counters")
        guard let counters = MeasuredBackend.Counters(text: text) else {
            throw LabError("the backend's counters: \(text)")
        }
        return counters
    }
}
