import Lab
import Linux
import Networking

/// Load by wrk: one thread, each connection with one request after the other, as fast as answers come.
struct Wrk {
    /// What one request is.
    enum Request: Hashable {
        /// The small body.
        case small
        /// The small body on a connection of its own.
        case connection(isResumed: Bool)
        /// 1 MiB from the backend.
        case download
        /// 1 MiB to the backend.
        case upload
    }

    /// Of the line that `tools/load.lua` prints.
    private static func figures(_ line: some StringProtocol) -> LoadFigures? {
        var values: [Substring: Double] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=")
            if parts.count == 2 { values[Substring(parts[0])] = Double(parts[1]) }
        }
        guard let requests = values["requests"], let microseconds = values["microseconds"], microseconds > 0,
            let p50 = values["p50"], let p99 = values["p99"], let p999 = values["p999"]
        else { return nil }
        let failures = ["connect", "read", "write", "status", "timeout"].reduce(0) { $0 + Int(values[$1[...]] ?? 0) }
        return LoadFigures(
            count: Int(requests), seconds: microseconds / 1e6, p50: p50, p99: p99, p999: p999, failures: failures)
    }

    let request: Request
    let connections: Int
    let hosts: Int
    let isTLS: Bool

    /// Runs against a port of the scene, the backend's included.
    func run(_ scene: Scene, port: UInt16, seconds: Int) throws -> LoadFigures {
        let address = port == Scene.backendAddress.port ? Scene.backendAddress.address.description : "127.0.0.1"
        var environment = ["OPENSSL_CONF=\(scene.tools)/client.cnf"]
        var (method, paths, body) = ("GET", Routes.paths.map { "\($0)item" }.joined(separator: ","), 0)
        var header: [String] = []
        switch self.request {
        case .small: break
        case .connection(let isResumed):
            header = ["Connection: close"]
            if !isResumed { environment.append("LD_PRELOAD=\(scene.workbench.folder)/forget-sessions.so") }
        case .download: paths = "/1m"
        case .upload: (method, paths, body) = ("POST", "/upload", 1 << 20)
        }
        let child = try scene.workbench.spawnLoad(
            ["env"] + environment + [
                "wrk", "-t1", "-c\(self.connections)", "-d\(seconds)s", "--timeout", "5s", "-s",
                "\(scene.tools)/load.lua",
                "\(self.isTLS ? "https" : "http")://\(address):\(port)/", "--", method, "\(self.hosts)", paths,
                "\(body)",
            ] + header)
        let status = child.waitForExit(timeout: .seconds(Int64(seconds) + 20))
        guard status == .exited(0), let line = child.output.split(separator: "\n").last,
            let figures = Self.figures(line)
        else { throw LabError("wrk on port \(port): \(child.output)") }
        return figures
    }
}
