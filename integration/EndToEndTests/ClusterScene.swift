import Lab
import Linux
import Networking

/// A lab whose Fairlead follows an API server on the node.
final class ClusterScene {
    let lab: Lab
    let api: APIServerProcess
    let servers: [EchoServer]
    private(set) var fairlead: FairleadProcess
    private let arguments: [String]

    init(
        _ objects: [any Manifest] = [],
        arguments: (APIServerProcess) throws -> [String] = {
            ["--kubeconfig", $0.kubeconfig, "--cluster-cidr", Lab.clusterCIDR, "--hostname-override", Scene.here]
        }
    ) throws {
        let lab = try Lab(pods: 3)
        self.lab = lab
        self.api = try APIServerProcess(on: lab.node)
        try self.api.apply([Self.node(lab)] + objects)
        self.servers = try lab.pods.map { try EchoServer(on: $0, port: Scene.targetPort) }
        self.arguments = ["node"] + (try arguments(self.api))
        self.fairlead = try FairleadProcess(on: lab.node, self.arguments)
        try self.awaitStart()
    }

    static func node(_ lab: Lab, zone: String? = nil) -> NodeManifest {
        NodeManifest(Scene.here, zone: zone, internalIPs: [lab.node.ipv4, lab.node.ipv6])
    }

    func start() throws {
        self.fairlead = try FairleadProcess(on: self.lab.node, self.arguments)
        try self.awaitStart()
    }

    private func awaitStart() throws {
        guard self.fairlead.waitForLog(containing: "in force: ") != nil else {
            throw LabError("Fairlead does not start: \(self.fairlead.log)")
        }
    }

    func tearDown() {
        _ = self.fairlead.terminate()
        for server in self.servers { server.stop() }
        self.api.process.kill()
        self.lab.tearDown()
    }

    func apply(_ application: Application) throws { try self.api.apply(application.manifests) }

    /// A page of those that are served on the node, with its status code as the last line.
    func page(_ path: String) throws -> String {
        try self.lab.node.shell("curl -s -m 5 -w '\\n%{http_code}' http://127.0.0.1:\(path)")
    }

    /// Of Fairlead, in bytes.
    func residentMemory() throws -> Int {
        let pages = try self.lab.node.shell("cut -d ' ' -f 2 /proc/\(self.fairlead.process.pid)/statm")
        guard let count = Int(pages.filter { $0 != "\n" }) else { throw LabError("no memory: \(pages)") }
        return count * 4096
    }
}
