internal import FoundationEssentials
internal import KubernetesAPI
internal import Linux

/// What the TLS of a connection is made of, as PEM. Connections of another one are not to be used.
struct TLSMaterial: Hashable, Sendable {
    var authorities: [UInt8]?
    var certificateChain: [UInt8]?
    var privateKey: [UInt8]?
}

/// What one request goes with.
struct Credentials: Sendable {
    /// The value of the field `Authorization`.
    var authorization: String?
    var tls: TLSMaterial
}

/// Gives every request the credentials that are good now: reads files again when they have changed, as the kubelet
/// and others renew them, and runs the plugin again when what it said has run out or was refused.
actor CredentialStore {
    /// A file's content, and the version of the file it is from.
    private struct Cached {
        let material: ClientConfiguration.Material
        var version: FileStatus?
        var bytes: [UInt8]?

        init(_ material: ClientConfiguration.Material) {
            self.material = material
        }

        mutating func current() throws(ClientConfigurationError) -> [UInt8] {
            let version = self.material.version
            if let bytes, version == self.version { return bytes }
            do throws(ClientConfigurationError) {
                let bytes = try self.material.read()
                (self.version, self.bytes) = (version, bytes)
                return bytes
            } catch {
                // In the middle of being replaced: what was read last is good for a while yet.
                if let bytes { return bytes }
                throw error
            }
        }
    }

    private let configuration: ClientConfiguration
    private var authorities: Cached?
    private var chain: Cached?
    private var key: Cached?
    private var token: Cached?
    private let plugin: CredentialPlugin?
    private var pluginCredential: ExecCredential?
    private var running: Task<Result<ExecCredential, ClientConfigurationError>, Never>?

    init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        if case .authorities(let material) = configuration.trust { self.authorities = Cached(material) }
        self.chain = (configuration.certificate?.chain).map(Cached.init)
        self.key = (configuration.certificate?.key).map(Cached.init)
        self.plugin =
            if case .exec(let plugin) = configuration.authorization {
                CredentialPlugin(plugin, configuration)
            } else {
                nil
            }
        if case .token(let material) = configuration.authorization { self.token = Cached(material) }
    }

    func current() async throws(ClientConfigurationError) -> Credentials {
        var credentials = Credentials(tls: TLSMaterial())
        credentials.tls.authorities = try self.authorities?.current()
        credentials.tls.certificateChain = try self.chain?.current()
        credentials.tls.privateKey = try self.key?.current()
        switch self.configuration.authorization {
        case .none:
            break
        case .password(let user, let password):
            credentials.authorization = "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
        case .token:
            credentials.authorization = try self.token.flatMap { _ throws(ClientConfigurationError) in
                try self.bearer(self.token?.current() ?? [])
            }
        case .exec:
            let credential = try await self.fromPlugin()
            if let token = credential.token { credentials.authorization = try self.bearer(Array(token.utf8)) }
            if let chain = credential.clientCertificate, let key = credential.clientKey {
                credentials.tls.certificateChain = Array(chain.utf8)
                credentials.tls.privateKey = Array(key.utf8)
            }
        }
        return credentials
    }

    /// The server did not take these (401). Whatever can be fetched anew is, unless it has been since.
    func rejected(_ authorization: String?) {
        if let token = self.pluginCredential?.token, let authorization, authorization != "Bearer \(token)" { return }
        self.token?.version = nil
        self.token?.bytes = nil
        self.pluginCredential = nil
    }

    private func bearer(_ bytes: [UInt8]) throws(ClientConfigurationError) -> String {
        let text = String(decoding: bytes, as: UTF8.self).trimmed
        let isToken = !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        guard isToken else {
            let source =
                if case .token(.file(let path)) = self.configuration.authorization { path } else { "the token given" }
            throw ClientConfigurationError(
                .credentialUnreadable, "\(source) is no bearer token", advice: "it has to be one line of ASCII")
        }
        return "Bearer \(text)"
    }

    private func fromPlugin() async throws(ClientConfigurationError) -> ExecCredential {
        let now = WallClock.now().seconds
        if let credential = self.pluginCredential, credential.expiry.map({ now < $0 }) ?? true { return credential }
        guard let plugin = self.plugin else {
            throw ClientConfigurationError(.pluginFailed, "no credential plugin", advice: "see user.exec")
        }
        // Several requests may need it at once; one run is enough for all.
        let task = self.running ?? Task { await plugin.run() }
        self.running = task
        let result = await task.value
        if self.running == task { self.running = nil }
        let credential = try result.get()
        self.pluginCredential = credential
        return credential
    }
}

extension String {
    /// Without the white space around it.
    var trimmed: String {
        var view = self[...]
        while let last = view.last, last.isWhitespace { view.removeLast() }
        while let first = view.first, first.isWhitespace { view.removeFirst() }
        return String(view)
    }
}
