internal import Linux
internal import Networking

/// A TLS server with a certificate of its own, by which a client knows whom it reached: `openssl s_server`, which sends every
/// line back reversed, to one client at a time.
package final class TLSServer: Sendable {
    package let name: String
    /// What it shows.
    package let certificate: Certificate
    private let process: ChildProcess
    private let folder: ManifestFolder

    /// Serves TLS for `name`, and waits until it does. If `isStrict`, a client that asks for another name gets the alert
    /// `unrecognized_name`. `options` are those of `openssl s_server`.
    package init(
        on host: Host, _ address: SocketAddress, name: String, isStrict: Bool = true, _ options: [String] = []
    ) throws {
        self.name = name
        self.certificate = try Certificate.selfSigned(for: [name])
        let folder = try ManifestFolder()
        self.folder = folder
        try folder.write("server.pem", self.certificate.certificate + self.certificate.key)
        let file = "\(folder.path)/server.pem"
        let names = isStrict ? ["-servername", name, "-servername_fatal", "-cert2", file, "-key2", file] : []
        let process = try host.spawn(
            ["openssl", "s_server", "-accept", "\(address)", "-cert", file, "-rev"] + names + options)
        self.process = process
        let listens = try waitUntil(timeout: .seconds(10)) {
            // It has nothing to say before a ClientHello.
            let probe = try host.tcp(to: address.address, port: address.port, timeout: .milliseconds(50))
            return !process.isRunning || probe == .timedOut || probe == .reset
        }
        guard listens, process.isRunning else { throw LabError("openssl s_server: \(process.errorOutput)") }
    }

    deinit { self.process.kill() }

    package func stop() { self.process.kill() }
}
