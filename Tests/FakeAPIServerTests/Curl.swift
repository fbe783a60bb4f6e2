import FakeAPIServer
import KubernetesAPI
import Linux
import Testing

/// A client that has nothing in common with the server or with Fairlead.
struct Curl {
    struct Answer {
        let code: Int
        let headers: String
        let body: String
        /// curl's own exit code: 18 is a body that ended too early.
        let exitCode: ChildProcess.Status
    }

    let server: FakeAPIServer
    var token: String? = "fake-token"
    var version = "--http2"
    var accept = "application/json"
    var usesCertificate = false

    /// One request, to its end.
    func request(
        _ path: String,
        method: String = "GET",
        type: String = "application/json",
        body: String? = nil
    ) throws -> Answer {
        try self.start(path, method: method, type: type, body: body).answer()
    }

    /// A request whose answer is yet to end.
    struct Running {
        let child: ChildProcess
        /// Kept open while curl reads them.
        private let files: Files
        private final class Files: Sendable {
            let authority: Descriptor
            let certificate: Descriptor
            let key: Descriptor

            init(_ server: FakeAPIServer) throws {
                self.authority = try .memoryFile("ca", server.certificateAuthority.utf8)
                self.certificate = try .memoryFile("crt", server.clientCertificate.utf8)
                self.key = try .memoryFile("key", server.clientKey.utf8)
            }
        }

        init(_ server: FakeAPIServer, usesCertificate: Bool, _ arguments: [String]) throws {
            let files = try Files(server)
            var words = ["curl", "-sS", "-N", "-i", "--max-time", "30", "--cacert", files.authority.pathForChildren]
            if usesCertificate {
                words += ["--cert", files.certificate.pathForChildren, "--key", files.key.pathForChildren]
            }
            self.files = files
            self.child = try ChildProcess(words + arguments)
        }

        func answer() throws -> Answer {
            let status = try #require(self.child.waitForExit(timeout: .seconds(40)))
            let output = self.child.output
            let split = try #require(output.firstRange(of: "\r\n\r\n"), "\(output) \(self.child.errorOutput)")
            let headers = String(output[..<split.lowerBound])
            let code = headers.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            return Answer(
                code: try #require(code),
                headers: headers.lowercased(),
                body: String(output[split.upperBound...]),
                exitCode: status
            )
        }
    }

    func start(
        _ path: String,
        method: String = "GET",
        type: String = "application/json",
        body: String? = nil
    ) throws -> Running {
        var arguments = [self.version, "-X", method, "-H", "Accept: \(self.accept)"]
        if let token = self.token { arguments += ["-H", "Authorization: Bearer \(token)"] }
        if let body { arguments += ["-H", "Content-Type: \(type)", "--data-binary", body] }
        return try Running(self.server, usesCertificate: self.usesCertificate, arguments + [self.server.url + path])
    }

    /// The bytes of an answer.
    func bytes(_ path: String) throws -> [UInt8] {
        let file = try Descriptor.memoryFile("body", [])
        let authority = try Descriptor.memoryFile("ca", self.server.certificateAuthority.utf8)
        let result = try ChildProcess.run(
            ["curl", "-sS", "-f", self.version, "--cacert", authority.pathForChildren, "-o", file.pathForChildren]
                + ["-H", "Accept: \(self.accept)", "-H", "Authorization: Bearer fake-token", self.server.url + path]
        )
        #expect(result.succeeded, "\(result.errorOutput)")
        return try Descriptor.open(file.pathForChildren, flags: 0).readToEnd(limit: 1 << 30)
    }
}

/// A server for one test.
func withServer(
    _ configuration: FakeAPIServerConfiguration = FakeAPIServerConfiguration(),
    _ body: (FakeAPIServer) async throws -> Void
) async throws {
    let server = try await FakeAPIServer.start(configuration)
    do {
        try await body(server)
    } catch {
        try await server.stop()
        throw error
    }
    try await server.stop()
}

extension FakeAPIServer {
    /// Waits until so many watches are open.
    func waitForWatches(_ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await self.counts().openWatches != count {
            guard ContinuousClock.now < deadline else { throw Problem(description: "not \(count) watches") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The events of a watch in JSON: type, name and version of each line.
func events(_ body: String) -> [String] {
    body.split(separator: "\n").map { line in
        func value(_ key: String) -> String {
            guard let start = line.firstRange(of: "\"\(key)\":\"")?.upperBound else { return "-" }
            return String(line[start...].prefix { $0 != "\"" })
        }
        return [value("type"), value("name"), value("resourceVersion")].joined(separator: " ")
    }
}

func service(_ name: String, labels: [String: String] = [:], clusterIP: String = "10.96.0.10") -> String {
    let labels = labels.map { #""\#($0.key)":"\#($0.value)""# }.sorted().joined(separator: ",")
    return
        #"{"kind":"Service","apiVersion":"v1","metadata":{"name":"\#(name)","namespace":"shop","labels":{\#(labels)}},"#
        + #""spec":{"type":"ClusterIP","clusterIP":"\#(clusterIP)","ports":[{"port":80,"protocol":"TCP"}]}}"#
}
