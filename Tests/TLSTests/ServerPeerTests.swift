import COpenSSL
import Glibc
import Linux
import TLS
import Testing

/// Our client against OpenSSL's server.
@Suite struct ServerPeerTests {
    /// `openssl s_server`, on a port that the kernel chooses, and the files that it has its certificate from.
    private final class OpenSSLServer {
        private let folder: String
        private let program: ChildProcess
        let port: UInt16

        init(_ identity: TestIdentity, chain: [UInt8] = [], _ options: [String]) throws {
            self.folder = String(try ChildProcess.run(["mktemp", "-d"]).output.dropLast())
            let files = [
                "leaf.pem": identity.certificate, "key.pem": identity.key,
                "chain.pem": chain.isEmpty ? identity.certificate : chain,
            ]
            for (name, bytes) in files {
                // Created, written from the start: O_WRONLY | O_CREAT | O_TRUNC.
                try Descriptor.open("\(self.folder)/\(name)", flags: 0o1101, mode: 0o600).write(bytes)
            }
            self.program = try ChildProcess(
                [
                    "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "leaf.pem", "-key", "key.pem",
                    "-cert_chain", "chain.pem", "-rev",
                ] + options, workingDirectory: self.folder)
            // It says so as soon as it listens.
            let start = ContinuousClock.now
            var port: UInt16?
            while port == nil, ContinuousClock.now - start < .seconds(20), self.program.isRunning {
                let line = self.program.output.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }
                port = line.flatMap { $0.split(separator: ":").last }.flatMap { UInt16($0) }
                if port == nil { usleep(5_000) }
            }
            self.port = try #require(port, "\(self.program.errorOutput)")
        }

        deinit {
            self.program.kill()
            _ = try? ChildProcess.run(["rm", "-r", self.folder])
        }

        /// A connected socket, closed by the caller.
        func connect() throws -> Int32 {
            let number = try Listener.connect(port: self.port)
            try makeNonBlocking(number)
            return number
        }
    }

    struct Outcome: Sendable {
        let step: TLSStep
        let chosen: ApplicationProtocol?
        let version: TLSVersion?
        var answer = ""
        var isResumed = false
    }

    private static func visit(_ server: OpenSSLServer, _ context: TLSClientContext) throws -> Outcome {
        let number = try server.connect()
        defer { close(number) }
        let client = try LoneClient(context, on: number)
        let step = client.handshakeToItsEnd()
        var outcome = Outcome(step: step, chosen: client.negotiatedProtocol, version: client.version)
        if step == .done {
            // Turned around, line by line; CLOSE ends the connection.
            outcome.answer = client.exchange("abc\nCLOSE\n")
            outcome.isResumed = client.isResumed
        }
        return outcome
    }

    struct Row: Sendable {
        var options: [String] = []
        var protocols: [ApplicationProtocol] = [.http2, .http1]
        var step = TLSStep.done
        var chosen: ApplicationProtocol?
        var version = TLSVersion.tls13
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            Row(options: ["-alpn", "h2,http/1.1"], chosen: .http2),
            Row(options: ["-alpn", "http/1.1,h2"], chosen: .http1),
            Row(options: ["-alpn", "http/1.1"], chosen: .http1),
            Row(options: ["-alpn", "h2", "-tls1_2"], chosen: .http2, version: .tls12),
            // One that does not know ALPN speaks HTTP/1.1.
            Row(), Row(protocols: [.http1]), Row(options: ["-tls1_2"], version: .tls12),
            Row(protocols: []), Row(options: ["-alpn", "h2"], protocols: []),
            // So it is none for gRPC.
            Row(protocols: [.http2], step: .failed(TLSFailure(.noApplicationProtocol))),
            Row(
                options: ["-alpn", "http/1.1"], protocols: [.http2],
                step: .failed(TLSFailure(.peerAlert, code: 120))),
            // Nothing in common with what is offered.
            Row(options: ["-alpn", "spdy/3"], step: .failed(TLSFailure(.peerAlert, code: 120))),
            Row(options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], step: .failed(TLSFailure(.peerAlert, code: 70))),
        ])
    func protocols(row: Row) async throws {
        let identity = try TestAuthority("root").issue("a.example")
        let outcome = try await WorkerThread.run(name: "tls-client") {
            Result {
                let server = try OpenSSLServer(identity, row.options)
                return try Self.visit(server, TestClientContext.make { $0.protocols = row.protocols })
            }
        }.get()
        #expect(outcome.step == row.step)
        #expect(outcome.chosen == row.chosen)
        guard row.step == .done else { return }
        #expect(outcome.version == row.version)
        #expect(outcome.answer.contains("cba"))
    }

    /// Who is verified, and who is not: another authority, another name, an expired certificate.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("a.example", "good", nil), ("b.example", "good", X509_V_ERR_HOSTNAME_MISMATCH),
            ("a.example", "expired", X509_V_ERR_CERT_HAS_EXPIRED),
            ("a.example", "strange", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
        ] as [(String, String, Int32?)])
    func verification(name: String, served: String, refusal: Int32?) async throws {
        let root = try TestAuthority("root")
        let middle = try TestAuthority("middle", issuer: served == "strange" ? TestAuthority("other") : root)
        let identity = try middle.issue(
            .init(names: ["a.example"], notBefore: -9, notAfter: served == "expired" ? -1 : 30))
        let chain = middle.identity.certificate
        let context = try TestClientContext.make(verifying: name, with: root) { $0.serverName = name }
        let outcome = try await WorkerThread.run(name: "tls-client") {
            Result { try Self.visit(OpenSSLServer(identity, chain: chain, []), context) }
        }.get()
        if let refusal {
            #expect(outcome.step == .failed(TLSFailure(.serverCertificateRefused, code: Int64(refusal))))
        } else {
            #expect(outcome.step == .done)
            #expect(outcome.answer.contains("cba"))
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["-tls1_2", "-tls1_3"])
    func sessions(option: String) async throws {
        let identity = try TestAuthority("root").issue("a.example")
        let context = try TestClientContext.make()
        let resumed = try await WorkerThread.run(name: "tls-client") {
            Result {
                let server = try OpenSSLServer(identity, [option])
                return try (0..<3).map { _ in try Self.visit(server, context).isResumed }
            }
        }.get()
        #expect(resumed == [false, true, true])
    }
}
