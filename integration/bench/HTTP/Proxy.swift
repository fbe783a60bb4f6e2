import Lab
import Linux

/// What is measured side by side.
enum Proxy: String, CaseIterable {
    case fairlead, nginx, haproxy, envoy

    var name: String {
        switch self {
        case .fairlead: "Fairlead"
        case .nginx: "nginx"
        case .haproxy: "HAProxy"
        case .envoy: "Envoy"
        }
    }

    var httpPort: UInt16 {
        switch self {
        case .fairlead: 8010
        case .nginx: 8020
        case .haproxy: 8030
        case .envoy: 8040
        }
    }

    var httpsPort: UInt16 { self.httpPort + 1 }

    /// Whether calls of malloc can be counted from outside: Envoy has an allocator of its own linked in.
    var usesSystemAllocator: Bool { self != .envoy }

    /// How it is started in a ``Scene``'s folder, with one worker.
    func command(_ programs: Programs) -> [String] {
        switch self {
        case .fairlead:
            [
                programs.fairlead, "ingress", "--manifests", "manifests", "--bind-address", "127.0.0.1",
                "--http-port", "\(self.httpPort)", "--https-port", "\(self.httpsPort)", "--workers", "1",
                "--keep-alive-requests", "1000000000",
            ]
        case .nginx:
            // In a process namespace of its own: workers outlive a master that is killed, and with it this program.
            ["unshare", "--pid", "--fork", "--kill-child", "nginx", "-p", ".", "-c", "nginx.conf"]
        case .haproxy: ["haproxy", "-db", "-f", "haproxy.cfg"]
        case .envoy:
            [programs.envoy, "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        }
    }

    /// What it says of its version.
    func version(_ programs: Programs) throws -> String {
        let command =
            switch self {
            case .fairlead: [programs.fairlead, "--version"]
            case .nginx: ["nginx", "-v"]
            case .haproxy: ["haproxy", "-v"]
            case .envoy: [programs.envoy, "--version"]
            }
        let said = try ChildProcess.run(command)
        // The first word that begins with a digit: "nginx/1.22.1", "HAProxy version 2.6.12-1", "version: HASH/1.40.0/Clean".
        let words = (said.output + said.errorOutput).split { " /\n".contains($0) }
        let version = words.first { $0.first?.isNumber == true && $0.contains(".") }
        return "\(self.name) \(version.map(String.init) ?? "?")"
    }
}

/// Where the programs are that do not come with the system.
struct Programs {
    let fairlead: String
    let envoy: String
}

/// A proxy that runs in a ``Scene`` and answers.
final class ProxyProcess {
    let proxy: Proxy
    private let process: ChildProcess

    init(_ proxy: Proxy, in scene: Scene, _ programs: Programs, environment: [String] = []) throws {
        self.proxy = proxy
        self.process = try scene.spawnProxy(proxy.command(programs), environment: environment)
        let answers = waitUntil(timeout: .seconds(30), interval: .milliseconds(50)) {
            !self.process.isRunning || self.status(scene) == "200"
        }
        guard answers, self.process.isRunning else {
            throw LabError("\(proxy.name) does not answer: \(self.process.errorOutput.suffix(2000))")
        }
    }

    var pid: Int32 { self.process.pid }

    /// What curl says to a request for the first host.
    private func status(_ scene: Scene) -> String? {
        try? scene.sandbox.host.execute([
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: \(Routes.host(0))",
            "http://127.0.0.1:\(self.proxy.httpPort)/item",
        ]).output
    }

    /// What a TLS client agrees on with it, and whether a second connection takes up the session of the first.
    func negotiated(_ scene: Scene) throws -> (what: String, resumes: Bool) {
        let host = Routes.host(0)
        let client = """
            printf 'GET /item HTTP/1.1\\r\\nHost: \(host)\\r\\nConnection: close\\r\\n\\r\\n' \
            | OPENSSL_CONF=\(scene.tools)/client.cnf timeout 5 openssl s_client -connect 127.0.0.1:\(self.proxy.httpsPort) \
            -servername \(host) -ign_eof
            """
        let file = "\(scene.folder)/session-\(self.proxy.rawValue).pem"
        let first = try scene.sandbox.host.execute(["sh", "-c", "\(client) -sess_out \(file)"]).output
        let second = try scene.sandbox.host.execute(["sh", "-c", "\(client) -sess_in \(file)"]).output
        let lines = first.split(separator: "\n")
        let cipher = lines.first { $0.hasPrefix("New, ") }.map { String($0.dropFirst(5)) } ?? "no connection"
        let key = lines.first { $0.hasPrefix("Server Temp Key: ") }.map { ", \($0.dropFirst(17))" } ?? ""
        return (cipher + key, second.contains("Reused, "))
    }

    /// Of all its processes.
    var processorTime: Duration {
        Usage.tree(of: self.pid).reduce(.zero) { $0 + Usage.processorTime(of: $1) }
    }

    func stop() { self.process.terminate(timeout: .seconds(3)) }
}
