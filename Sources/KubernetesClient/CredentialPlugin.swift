internal import FoundationEssentials
internal import KubernetesAPI
internal import Linux

/// Runs the program of `user.exec` (KEP-541).
struct CredentialPlugin: Sendable {
    private let plugin: Kubeconfig.ExecPlugin
    private let configuration: ClientConfiguration

    init(_ plugin: Kubeconfig.ExecPlugin, _ configuration: ClientConfiguration) {
        self.plugin = plugin
        self.configuration = configuration
    }

    func run() async -> Result<ExecCredential, ClientConfigurationError> {
        do throws(SystemError) {
            // It blocks for as long as the program runs.
            return try await WorkerThread.run(name: "credentials") {
                do throws(ClientConfigurationError) {
                    return .success(try self.runBlocking())
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            return .failure(self.failure("could not be started: \(error.reason)"))
        }
    }

    private func runBlocking() throws(ClientConfigurationError) -> ExecCredential {
        var environment = ProcessInfo.processInfo.environment
        for variable in self.plugin.environment { environment[variable.name] = variable.value }
        environment["KUBERNETES_EXEC_INFO"] = try self.execInfo()
        let child: ChildProcess
        do {
            child = try ChildProcess(
                [self.plugin.command] + self.plugin.arguments,
                environment: environment.map { "\($0.key)=\($0.value)" })
        } catch {
            throw self.failure((error as? SystemError)?.reason ?? "\(error)")
        }
        guard let status = child.waitForExit(timeout: self.configuration.limits.pluginTimeout) else {
            child.kill()
            throw self.failure("printed nothing within \(self.configuration.limits.pluginTimeout)")
        }
        guard status == .exited(0) else {
            let said = child.errorOutput.trimmed.prefix(500)
            throw self.failure("ended with \(status)\(said.isEmpty ? "" : ": \(said)")")
        }
        do throws(ManifestProblem) {
            return try ExecCredential.decode(
                Array(child.output.utf8), apiVersion: self.plugin.apiVersion, source: self.plugin.command)
        } catch {
            throw self.failure(error.reason)
        }
    }

    private func failure(_ reason: String) -> ClientConfigurationError {
        ClientConfigurationError(
            .pluginFailed, "the credential plugin \(self.plugin.command): \(reason)",
            advice: self.plugin.installHint ?? "run it by hand to see what it says")
    }

    // MARK: - What it is told

    private struct Info: Encodable {
        struct Spec: Encodable {
            struct Cluster: Encodable {
                let server: String
                let tlsServerName: String?
                let insecureSkipTlsVerify: Bool?
                let certificateAuthorityData: Data?

                enum CodingKeys: String, CodingKey {
                    case server
                    case tlsServerName = "tls-server-name"
                    case insecureSkipTlsVerify = "insecure-skip-tls-verify"
                    case certificateAuthorityData = "certificate-authority-data"
                }
            }

            let interactive: Bool
            let cluster: Cluster?
        }

        let apiVersion: String
        let kind: String
        let spec: Spec
    }

    private func execInfo() throws(ClientConfigurationError) -> String {
        var cluster: Info.Spec.Cluster?
        if self.plugin.providesClusterInfo, let server = self.configuration.servers.first {
            var authorities: Data?
            if case .authorities(let material) = self.configuration.trust { authorities = Data(try material.read()) }
            cluster = .init(
                server: "\(server)", tlsServerName: self.configuration.serverName,
                insecureSkipTlsVerify: self.configuration.trust == .anybody ? true : nil,
                certificateAuthorityData: authorities)
        }
        let info = Info(
            apiVersion: self.plugin.apiVersion, kind: "ExecCredential",
            spec: .init(interactive: false, cluster: cluster))
        do {
            return String(decoding: try JSONEncoder().encode(info), as: UTF8.self)
        } catch {
            throw self.failure("cannot be told about the cluster: \(error)")
        }
    }
}
