import Lab
import Linux
import Networking
import Testing

/// A gRPC server of Python's grpcio: `peers/grpc_server.py`.
final class GRPCServer: Sendable {
    let name: String
    let address: SocketAddress
    private let process: ChildProcess

    /// Listens when this returns. With `files`, a key's and a certificate's, over TLS; with `health` it has the health service, and
    /// that file says how it is.
    init(
        on host: Host, _ address: SocketAddress, name: String, files: [String] = [], health: String? = nil
    ) throws {
        self.name = name
        self.address = address
        let process = try host.spawn(
            try Peers.script("grpc_server.py", ["\(address)", name] + (health.map { ["--health", $0] } ?? []) + files))
        self.process = process
        let isListening = waitUntil(timeout: .seconds(30), interval: .milliseconds(10)) {
            process.output.contains("\"listening\"") || !process.isRunning
        }
        guard isListening, process.isRunning else {
            throw LabError("the gRPC server does not start: \(process.errorOutput)")
        }
    }

    /// Whether a caller was seen to give up a call that it had named so.
    func hasSeenGivenUp(_ call: String) -> Bool { self.process.output.contains("\"given_up\": \"\(call)\"") }

    func stop() { self.process.kill() }
}

/// What `peers/grpc_client.py` found out.
struct GRPCChecks {
    /// Lines of JSON, one for each check.
    let lines: [String]
    private let errorOutput: String

    /// `target` is Fairlead's; `options` go before the checks.
    init(
        _ checks: String..., on host: Host, to target: SocketAddress = IngressScene.http, authority: String,
        options: [String] = [], timeout: Duration = .seconds(100)
    ) throws {
        let words = try Peers.script("grpc_client.py", ["\(target)", authority] + options + checks)
        let completion = try host.execute(words, timeout: timeout)
        self.lines = completion.output.split(separator: "\n").map(String.init)
        self.errorOutput = completion.errorOutput
        guard self.lines.count == checks.count else {
            throw LabError("grpc_client.py: \(completion.output) \(completion.errorOutput)")
        }
    }

    func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
        for line in self.lines {
            #expect(line.hasSuffix("\"ok\": true}"), "\(line)", sourceLocation: sourceLocation)
        }
    }

    /// The number after `"name": ` in any of the lines.
    func number(_ name: String) -> Int? {
        for line in self.lines {
            guard let range = line.firstRange(of: "\"\(name)\": ") else { continue }
            return Int(line[range.upperBound...].prefix(while: \.isNumber))
        }
        return nil
    }
}

/// A host of one's own, `NAME.test`, and its gRPC servers on port 50051 of their own addresses. With `health` they have the health
/// service, and `NAME-POD.health` among the scene's files says how each is, at first that.
func withGRPC(
    _ name: String, _ pods: [String], _ annotations: [String: String] = [:], secured: Bool = false,
    health: String? = nil, _ body: (_ scene: IngressScene, _ servers: [GRPCServer]) throws -> Void
) throws {
    let scene = try Stage.scene
    var files: [String] = []
    if secured {
        let certificate = try Certificate.selfSigned(for: ["\(name).test"])
        files = [
            try scene.file("\(name).key", certificate.key), try scene.file("\(name).crt", certificate.certificate),
        ]
    }
    let servers = try pods.enumerated().map { index, pod in
        let address = SocketAddress(IPAddress(127, 3, UInt8(name.utf8.count), UInt8(index + 1)), 50051)
        let file = try health.map { try scene.file("\(name)-\(pod).health", $0) }
        return try GRPCServer(on: scene.host, address, name: pod, files: files, health: file)
    }
    defer { for server in servers { server.stop() } }
    let service = scene.service(
        name, endpoints: servers.map { .init($0.address.address) }, port: 50051,
        appProtocol: annotations["backend-protocol"] == nil ? "kubernetes.io/h2c" : nil)
    let rules = ingress(name, [.init("\(name).test", [.prefix("/", .to(name))])], annotations)
    try scene.with(name, service + [rules]) { try body(scene, servers) }
}
