import Lab
import Linux

/// How each proxy is run here.
extension Proxy {
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

    /// How it is started in a ``Scene``'s folder, with one worker. HAProxy takes new routes in another mode.
    fileprivate func command(_ programs: Programs, isReloaded: Bool) -> [String] {
        switch self {
        case .fairlead:
            [
                programs.fairlead, "ingress", "--manifests", "manifests", "--bind-address", "127.0.0.1",
                "--http-port", "\(self.httpPort)", "--https-port", "\(self.httpsPort)", "--workers", "1",
                "--keep-alive-requests", "1000000000",
            ]
        case .nginx: Self.nginx(configuration: "nginx.conf")
        case .haproxy: ["haproxy", isReloaded ? "-Wdb" : "-db", "-f", "haproxy.cfg"]
        case .envoy:
            [programs.envoy, "-c", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        }
    }
}

extension Scene {
    /// Starts a proxy and waits until it answers.
    func start(
        _ proxy: Proxy, _ programs: Programs, isReloaded: Bool = false, environment: [String] = []
    ) throws -> ProxyProcess {
        try ProxyProcess(
            proxy, proxy.command(programs, isReloaded: isReloaded), on: self.workbench, environment: environment
        ) {
            // What curl says to a request for the first host.
            try self.workbench.host.execute([
                "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: \(Routes.host(0))",
                "http://127.0.0.1:\(proxy.httpPort)/item",
            ]).output == "200"
        }
    }

    /// What a TLS client agrees on with a proxy, and whether a second connection takes up the session of the first.
    func negotiated(_ proxy: Proxy) throws -> (what: String, resumes: Bool) {
        let host = Routes.host(0)
        let client = """
            printf 'GET /item HTTP/1.1\\r\\nHost: \(host)\\r\\nConnection: close\\r\\n\\r\\n' \
            | OPENSSL_CONF=\(self.tools)/client.cnf timeout 5 openssl s_client -connect 127.0.0.1:\(proxy.httpsPort) \
            -servername \(host) -ign_eof
            """
        let file = "\(self.workbench.folder)/session-\(proxy.rawValue).pem"
        let first = try self.workbench.host.execute(["sh", "-c", "\(client) -sess_out \(file)"]).output
        let second = try self.workbench.host.execute(["sh", "-c", "\(client) -sess_in \(file)"]).output
        let lines = first.split(separator: "\n")
        let cipher = lines.first { $0.hasPrefix("New, ") }.map { String($0.dropFirst(5)) } ?? "no connection"
        let key = lines.first { $0.hasPrefix("Server Temp Key: ") }.map { ", \($0.dropFirst(17))" } ?? ""
        return (cipher + key, second.contains("Reused, "))
    }
}
