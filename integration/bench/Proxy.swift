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

    /// nginx in a process namespace of its own: workers outlive a master that is killed, and with it this program.
    static func nginx(configuration: String) -> [String] {
        ["unshare", "--pid", "--fork", "--kill-child", "nginx", "-p", ".", "-c", configuration]
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

    /// Those that `options` need: a proxy that is left out need not exist.
    init(_ options: SideBySideOptions) throws {
        let fairlead = options.isNeeded(.fairlead) ? try FairleadProcess.locate(options.fairlead) : ""
        self.fairlead = fairlead.isEmpty ? "" : try Workbench.absolute(fairlead)
        self.envoy = options.isNeeded(.envoy) ? try Workbench.absolute(options.envoy) : ""
    }
}

/// A proxy that runs on a ``Workbench`` and answers.
final class ProxyProcess {
    let proxy: Proxy
    private let process: ChildProcess

    /// `answers` is asked until it says yes.
    init(
        _ proxy: Proxy, _ command: [String], on workbench: Workbench, environment: [String] = [],
        answers: () throws -> Bool
    ) throws {
        self.proxy = proxy
        self.process = try workbench.spawnProxy(command, environment: environment)
        let isThere = waitUntil(timeout: .seconds(30), interval: .milliseconds(50)) {
            !self.process.isRunning || (try? answers()) == true
        }
        guard isThere, self.process.isRunning else {
            throw LabError("\(proxy.name) does not answer: \(self.process.errorOutput.suffix(2000))")
        }
    }

    var pid: Int32 { self.process.pid }

    /// Of all its processes.
    var processorTime: Duration {
        Usage.tree(of: self.pid).reduce(.zero) { $0 + Usage.processorTime(of: $1) }
    }

    func stop() { self.process.terminate(timeout: .seconds(3)) }
}
