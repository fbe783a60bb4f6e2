import FakeAPIServer
import KubernetesAPI
import KubernetesClient
import TestSupport
import Testing

/// Who the client says it is, and whom it believes.
@Suite struct AuthenticationTests {
    @Test func aClientCertificate() async throws {
        var setting = Cluster.Setting()
        setting.kubeconfig = { $0.kubeconfig(.certificate) }
        try await Cluster.with(setting) { try await $0.settle() }
    }

    @Test func withoutCredentials() async throws {
        var setting = Cluster.Setting()
        setting.kubeconfig = { $0.kubeconfig(.nobody) }
        try await Cluster.with(setting) { cluster in
            try await eventually("it is said") { !cluster.log.lines(with: "401").isEmpty }
            #expect(!cluster.isSynced)
        }
    }

    /// As a service account's token does: the file gets another one, and the old one is refused from then on.
    @Test func aTokenThatIsRenewed() async throws {
        let file = try TemporaryFile("first\n")
        var setting = Cluster.Setting()
        setting.server.tokens = ["first"]
        setting.kubeconfig = { $0.kubeconfig(.tokenFile(file.path)) }
        try await Cluster.with(setting) { cluster in
            try await cluster.settle()
            try file.replace("second\n")
            try await cluster.server.configure { $0.tokens = ["second"] }
            try await cluster.server.dropConnections()
            try await cluster.server.apply(.service(.web("later", 11)))
            try await cluster.settle("with the new token")
            // Refused first, renewed a while later.
            try await cluster.server.configure { $0.tokens = ["third"] }
            try await cluster.server.dropConnections()
            try await cluster.server.apply(.service(.web("latest", 12)))
            try await eventually("it is said") { !cluster.log.lines(with: "401").isEmpty }
            try file.replace("third")
            try await cluster.settle("with the third token")
        }
    }

    @Test func aCredentialPlugin() async throws {
        let calls = try TemporaryFile("")
        let plugin = try TemporaryFile(
            """
            #!/bin/sh
            echo called >> \(calls.path)
            echo "{\\"apiVersion\\": \\"client.authentication.k8s.io/v1\\", \\"kind\\": \\"ExecCredential\\", \
            \\"status\\": {\\"token\\": \\"$TOKEN\\"}}"
            """, isExecutable: true)
        var setting = Cluster.Setting()
        setting.kubeconfig = { server in
            server.kubeconfig(.nobody).replacing(
                "user: {}",
                with: """
                    user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: \(plugin.path), \
                    env: [{name: TOKEN, value: fake-token}]}}
                    """)
        }
        try await Cluster.with(setting) { cluster in
            try await cluster.settle()
            let log = try ClientConfiguration.Material.file(calls.path).text()
            #expect(log == "called\n", "one run is enough for all requests")
        }
    }

    @Test func aPluginThatFails() async throws {
        let plugin = try TemporaryFile("#!/bin/sh\necho no such user >&2; exit 3", isExecutable: true)
        var setting = Cluster.Setting()
        setting.kubeconfig = { server in
            server.kubeconfig(.nobody).replacing(
                "user: {}",
                with: "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: \(plugin.path)}}")
        }
        let error = await #expect(throws: ClientConfigurationError.self) {
            try await Cluster.with(setting) { _ in try await Task.sleep(for: .seconds(2)) }
        }
        #expect(error?.code == .pluginFailed)
        #expect(error?.description.contains("ended with exit code 3: no such user") == true)
    }

    @Test func aServerThatNobodyVouchesFor() async throws {
        var setting = Cluster.Setting()
        setting.client = { $0.trust = .system }
        try await Cluster.with(setting) { cluster in
            try await eventually("it is said") {
                !cluster.log.lines(with: "not from an authority that we were told to trust").isEmpty
            }
            #expect(!cluster.isSynced)
        }
        setting.client = { $0.trust = .anybody }
        try await Cluster.with(setting) { try await $0.settle("without verification") }
    }

    /// The address is one thing and the name in the certificate another (`tls-server-name`).
    @Test func aServerName() async throws {
        var setting = Cluster.Setting()
        setting.server.names = ["api.example"]
        setting.server.certifiesAddresses = false
        setting.client = { $0.serverName = "api.example" }
        try await Cluster.with(setting) { try await $0.settle() }
        setting.client = { $0.serverName = "other.example" }
        try await Cluster.with(setting) { cluster in
            try await eventually("it is said") { !cluster.log.lines(with: "is for somebody else").isEmpty }
            #expect(!cluster.isSynced)
        }
    }

    /// The one that is not there is passed over, whichever is tried first.
    @Test func severalServers() async throws {
        for _ in 0..<8 {
            var setting = Cluster.Setting()
            setting.client = { $0.servers.append(APIServerAddress(host: "127.0.0.1", port: 1)) }
            try await Cluster.with(setting) { try await $0.settle() }
        }
    }
}

extension ClientConfiguration.Material {
    fileprivate func text() throws -> String {
        guard case .file(let path) = self else { return "" }
        return String(decoding: try FileContent.read(path), as: UTF8.self)
    }
}
