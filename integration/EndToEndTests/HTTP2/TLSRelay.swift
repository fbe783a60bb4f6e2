import Lab
import Linux
import Networking
import Testing

/// TLS before a backend of the lab, that agrees on one protocol by ALPN: `peers/tls_relay.py`.
final class TLSRelay: Sendable {
    let address: SocketAddress
    private let process: ChildProcess

    /// Listens when this returns. `files` are a key's and a certificate's. In TLS 1.2 nothing comes of it after the handshake, in TLS
    /// 1.3 tickets do.
    init(
        on host: Host, _ address: SocketAddress, before target: SocketAddress, _ protocolName: String, files: [String],
        isOldTLS: Bool = false
    ) throws {
        self.address = address
        let words =
            [address, target].flatMap { ["\($0.address)", "\($0.port)"] } + [protocolName] + files
            + (isOldTLS ? ["TLSv1_2"] : [])
        let process = try host.spawn(try Peers.script("tls_relay.py", words))
        self.process = process
        let isListening = waitUntil(timeout: .seconds(30), interval: .milliseconds(10)) {
            process.output.contains("\"listening\"") || !process.isRunning
        }
        guard isListening, process.isRunning else {
            throw LabError("the TLS relay does not start: \(process.errorOutput)")
        }
    }

    func stop() { self.process.kill() }
}

/// `NAME.test` before two endpoints with TLS, of which one speaks HTTP/1.1 and the other HTTP/2, as they agree on.
func withMixedEndpoints(
    _ name: String, _ body: (_ scene: IngressScene, _ old: HTTPBackend, _ new: HTTP2Backend) throws -> Void
) throws {
    let scene = try Stage.scene
    let (old, new) = (try scene.backend("\(name)-old"), try scene.http2Backend("\(name)-new"))
    let certificate = try Certificate.selfSigned(for: ["\(name).test"])
    let files = [
        try scene.file("\(name).key", certificate.key), try scene.file("\(name).crt", certificate.certificate),
    ]
    let relays = try [(old.address, "http/1.1"), (new.address, "h2")].enumerated().map { index, endpoint in
        let address = SocketAddress(IPAddress(127, 4, UInt8(name.utf8.count), UInt8(index + 1)), 3000)
        return try TLSRelay(on: scene.host, address, before: endpoint.0, endpoint.1, files: files)
    }
    defer { for relay in relays { relay.stop() } }
    let rules = ingress(
        name, [.init("\(name).test", [.prefix("/", .to(name))])], ["backend-protocol": "HTTPS"])
    let service = scene.service(name, endpoints: relays.map { .init($0.address.address) })
    try scene.with(name, service + [rules]) { try body(scene, old, new) }
    #expect(old.records.allSatisfy { $0.fault == nil } && new.faults.isEmpty, "somebody was told what is no HTTP")
}
