import Linux
import TLS
import Testing

/// Against programs that others wrote.
@Suite struct PeerTests {
    private struct Folder {
        let path: String

        init() throws {
            let made = try ChildProcess.run(["mktemp", "-d"])
            self.path = String(made.output.dropLast())
        }

        func write(_ name: String, _ bytes: [UInt8]) throws -> String {
            let path = "\(self.path)/\(name)"
            // Created, written from the start: O_WRONLY | O_CREAT | O_TRUNC.
            try Descriptor.open(path, flags: 0o1101, mode: 0o600).write(bytes)
            return path
        }

        func remove() { _ = try? ChildProcess.run(["rm", "-r", self.path]) }
    }

    private let root: TestAuthority

    init() throws { self.root = try TestAuthority("root") }

    private func context() throws -> TLSServerContext {
        let host = TLSHost(certificate: try self.root.issue("shop.example").loaded())
        let wildcard = TLSHost(certificate: try self.root.issue("*.shop.example").loaded())
        return try TestContext.make(hosts: ["shop.example": host, "*.shop.example": wildcard])
    }

    /// Spec T3: curl verifies name and chain.
    @Test(.timeLimit(.minutes(1)), arguments: [("shop.example", true), ("a.shop.example", true), ("x.test", false)])
    func curl(name: String, verifies: Bool) async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let authorities = try folder.write("ca.pem", self.root.identity.certificate)
        let server = try TestServer(self.context())
        let port = server.port
        let result = try await server.run {
            try ChildProcess.run([
                "curl", "-sS", "--max-time", "20", "--http1.1", "--cacert", authorities, "--noproxy", "*", "--resolve",
                "\(name):\(port):127.0.0.1", "https://\(name):\(port)/",
            ])
        }
        if verifies {
            #expect(result.output == "name=\(name) version=TLSv1.3 protocol=http/1.1\n", "\(result.errorOutput)")
        } else {
            // SSL certificate problem.
            #expect(result.status == .exited(60))
            #expect(server.log.count == 1)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("-tls1", "unsupported_version"), ("-tls1_1", "unsupported_version"), ("-tls1_2", "done"),
            ("-tls1_3", "done"),
        ])
    func versionsOfOpenSSL(option: String, outcome: String) async throws {
        let server = try TestServer(self.context())
        let port = server.port
        let result = try await server.run {
            try ChildProcess.run([
                "sh", "-c",
                "printf 'GET / HTTP/1.1\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:\(port) \(option) "
                    + "-cipher DEFAULT@SECLEVEL=0 -servername shop.example -ign_eof",
            ])
        }
        #expect(server.log == [outcome], "\(result.errorOutput)")
        #expect(result.output.contains("200 OK") == (outcome == "done"))
    }

    /// A connection, its session in a file, and another one with it.
    @Test(.timeLimit(.minutes(1)), arguments: ["-tls1_2", "-tls1_3"])
    func openSSLResumes(option: String) async throws {
        let folder = try Folder()
        defer { folder.remove() }
        let server = try TestServer(self.context())
        let port = server.port
        let common =
            "printf 'GET / HTTP/1.1\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:\(port) \(option) "
            + "-servername shop.example -ign_eof"
        let file = "\(folder.path)/session"
        let outputs = try await server.run {
            [
                try ChildProcess.run(["sh", "-c", "\(common) -sess_out \(file)"]).output,
                try ChildProcess.run(["sh", "-c", "\(common) -sess_in \(file)"]).output,
            ]
        }
        #expect(server.log == ["done", "done resumed"])
        #expect(outputs[1].contains("\nReused, "))
        #expect(outputs[0].contains("Compression: NONE"))
    }
}
