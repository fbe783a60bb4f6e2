import Admin
import Lab
import Linux
import TestSupport
import Testing

/// Asked over a unix socket.
@Suite struct AdminClientTests {
    /// Long for the reason that `eventually` has.
    private static let patience = Duration.seconds(60)

    private static func with(
        _ answer: @escaping @Sendable (Request) -> Admin.Answer, _ body: (String, ServedNode) async throws -> Void
    ) async throws {
        let folder = try ManifestFolder()
        let socket = try UnixListener.open("\(folder.path)/admin.sock")
        defer {
            socket.remove()
            folder.delete()
        }
        try await ServedNode.with(sites: [Site(name: "admin", socket: socket, answer: answer)]) { node in
            try await body(socket.path, node)
        }
    }

    @Test func `a question comes as it was put, and the answer whole`() async throws {
        let body = String(repeating: "0123456789abcde\n", count: 256 << 10)
        try await Self.with({ request in
            Admin.Answer.text("\(request.method) \(request.path) \(request.query)\n\(body)")
        }) { path, node in
            for _ in 0..<3 {
                let reply = try await AdminClient.get(
                    "/v1/endpoints?namespace=shop", socket: path, timeout: Self.patience)
                #expect(reply.status == 200)
                #expect(String(decoding: reply.body, as: UTF8.self) == "GET /v1/endpoints namespace=shop\n\(body)")
            }
            #expect(node.log.lines.isEmpty)
        }
    }

    @Test func `failures have their status`() async throws {
        try await Self.with({ _ in .json("{}", status: .badRequest) }) { path, _ in
            let reply = try await AdminClient.get("/v1/x", socket: path, timeout: Self.patience)
            #expect(reply.status == 400 && reply.body == Array("{}".utf8))
        }
    }

    @Test func `an answer that takes too long is given up`() async throws {
        try await Self.with({ _ in
            pause(.milliseconds(800))
            return .text("late")
        }) { path, _ in
            let error = await #expect(throws: AdminClientError.self) {
                try await AdminClient.get("/", socket: path, timeout: .milliseconds(50))
            }
            #expect(error?.code == .noAnswer)
        }
    }

    @Test func `who is not there is said, with what to do`() async throws {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        let path = "\(folder.path)/admin.sock"
        let missing = await #expect(throws: AdminClientError.self) { try await AdminClient.get("/", socket: path) }
        #expect(missing?.code == .missing)
        #expect(missing?.description.contains(path) == true)
        #expect(missing?.description.contains("fairlead node") == true)

        // As after kill -9.
        let script = "import socket; s=socket.socket(socket.AF_UNIX); s.bind('\(path)'); s.listen(1)"
        try #require(try ChildProcess.run(["python3", "-c", script]).succeeded)
        let refused = await #expect(throws: AdminClientError.self) { try await AdminClient.get("/", socket: path) }
        #expect(refused?.code == .refused)
        #expect(refused?.description.contains("has ended") == true)
    }
}
