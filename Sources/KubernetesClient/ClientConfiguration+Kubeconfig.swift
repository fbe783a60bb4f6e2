internal import KubernetesAPI
internal import Linux

extension ClientConfiguration {
    /// What a kubeconfig's current context says.
    ///
    /// - Parameter masters: addresses of API servers that are to be used in place of the one in the file.
    package static func kubeconfig(
        at path: String,
        masters: [String] = []
    ) throws(ClientConfigurationError) -> ClientConfiguration {
        let kubeconfig: Kubeconfig
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Descriptor.open(path, flags: 0).readToEnd(limit: 16 << 20)
        } catch {
            throw ClientConfigurationError(
                .kubeconfigUnreadable, "cannot read the kubeconfig \(path): \(error.reason)",
                advice: "name a file that is there and that this user may read: --kubeconfig FILE")
        }
        do throws(ManifestProblem) {
            kubeconfig = try Kubeconfig.decode(bytes, file: path)
        } catch {
            throw ClientConfigurationError(
                .kubeconfigInvalid, "the kubeconfig cannot be used: \(error)",
                advice: "`kubectl --kubeconfig \(path) config view` shows what kubectl makes of it")
        }
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        return try ClientConfiguration(kubeconfig, in: directory, file: path, masters: masters)
    }

    private init(
        _ kubeconfig: Kubeconfig,
        in directory: String,
        file: String,
        masters: [String]
    ) throws(ClientConfigurationError) {
        let cluster = kubeconfig.cluster
        let user = kubeconfig.user
        let trust: Trust
        if cluster.skipsVerification {
            trust = .anybody
        } else if let authority = cluster.certificateAuthority {
            trust = .authorities(
                try authority.material(in: directory, field: "\(file): certificate-authority-data"))
        } else {
            trust = .system
        }
        self.init(
            servers: try Self.servers(masters.isEmpty ? [cluster.server] : masters, of: file),
            trust: trust,
            authorization: try Self.authorization(of: user, in: directory)
        )
        self.serverName = cluster.tlsServerName
        self.proxy = try cluster.proxyURL.map { text throws(ClientConfigurationError) in
            try Proxy(url: text, file: file)
        }
        if self.proxy != nil, self.trust != .anybody, self.serverName == nil,
            let server = self.servers.first(where: { $0.isEncrypted && $0.host.isAddress })
        {
            // The certificate would be held against the proxy's address.
            throw ClientConfigurationError(
                .badProxy, "\(file): the certificate of \(server) cannot be verified through a proxy",
                advice: "say in tls-server-name which name it is for")
        }
        if let chain = user.clientCertificate, let key = user.clientKey {
            self.certificate = ClientCertificate(
                chain: try chain.material(in: directory, field: "\(file): client-certificate-data"),
                key: try key.material(in: directory, field: "\(file): client-key-data"))
        }
    }

    /// What a pod's service account says.
    ///
    /// - Parameters:
    ///   - environment: the process's.
    ///   - directory: where the service account is mounted.
    package static func inCluster(
        environment: [String: String],
        directory: String = "/var/run/secrets/kubernetes.io/serviceaccount",
        masters: [String] = []
    ) throws(ClientConfigurationError) -> ClientConfiguration {
        let servers: [APIServerAddress]
        if !masters.isEmpty {
            servers = try Self.servers(masters, of: nil)
        } else if let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty {
            let port = Int(environment["KUBERNETES_SERVICE_PORT"] ?? "443") ?? 443
            servers = [APIServerAddress(host: host, port: port)]
        } else {
            throw ClientConfigurationError(
                .notInCluster, "there is no source of objects: KUBERNETES_SERVICE_HOST is not set, so this is no pod",
                advice: "name one: --manifests DIRECTORY, or --kubeconfig FILE")
        }
        let token = "\(directory)/token"
        guard (try? FileStatus(token)) != nil else {
            // An address is all there is: `kubectl proxy`, or an API server that asks nobody who they are.
            if !masters.isEmpty { return ClientConfiguration(servers: servers) }
            throw ClientConfigurationError(
                .notInCluster, "this pod has no service account token at \(token)",
                advice: "set automountServiceAccountToken: true, or use --kubeconfig FILE")
        }
        return ClientConfiguration(
            servers: servers, trust: .authorities(.file("\(directory)/ca.crt")),
            // Whoever listens on the way would have it.
            authorization: servers.allSatisfy(\.isEncrypted) ? .token(.file(token)) : .none)
    }

    /// - Parameter file: the kubeconfig they are from; nil for those from --master.
    private static func servers(
        _ texts: [String],
        of file: String?
    ) throws(ClientConfigurationError) -> [APIServerAddress] {
        var servers: [APIServerAddress] = []
        for text in texts {
            guard let address = APIServerAddress(text) else {
                throw ClientConfigurationError(
                    .badAddress,
                    "\(file.map { "\($0): " } ?? "")'\(text.withoutCredentials)' is no address of an API server",
                    advice: "write it as https://10.0.0.1:6443, without a user")
            }
            servers.append(address)
        }
        return servers
    }

    private static func authorization(
        of user: Kubeconfig.User,
        in directory: String
    ) throws(ClientConfigurationError) -> Authorization {
        if let file = user.tokenFile {
            return .token(try Kubeconfig.Content.file(file).material(in: directory, field: "tokenFile"))
        }
        if let token = user.token { return .token(.bytes(Array(token.utf8))) }
        if let name = user.username { return .password(user: name, password: user.password ?? "") }
        if var plugin = user.exec {
            // As kubectl: with a slash in it, it is relative to the kubeconfig; without, it is looked up in PATH.
            if plugin.command.contains("/"), !plugin.command.hasPrefix("/") {
                plugin.command = "\(directory)/\(plugin.command)"
            }
            return .exec(plugin)
        }
        return .none
    }
}

extension ClientConfiguration.Proxy {
    /// `http://HOST:PORT` or `socks5://HOST:PORT`.
    fileprivate init(url text: String, file: String) throws(ClientConfigurationError) {
        let schemes: [(String, Kind)] = [("http://", .http), ("socks5://", .socks5)]
        for (scheme, kind) in schemes where text.hasPrefix(scheme) {
            // The same form but for the scheme, which decides on the port where there is none.
            guard let address = APIServerAddress("http://\(text.dropFirst(scheme.count))"), address.path.isEmpty else {
                break
            }
            let hasPort = text.dropFirst(scheme.count).split(separator: "]").last?.contains(":") ?? false
            self.init(kind: kind, host: address.host, port: hasPort ? address.port : kind == .http ? 80 : 1080)
            return
        }
        throw ClientConfigurationError(
            .badProxy, "\(file): proxy-url '\(text.withoutCredentials)' cannot be used",
            advice: "write it as http://proxy.example:3128 or socks5://proxy.example:1080, without a user")
    }
}

extension String {
    /// A URL as it may be shown.
    fileprivate var withoutCredentials: String {
        guard let scheme = self.firstRange(of: "://"), let at = self.lastIndex(of: "@"), at > scheme.upperBound else {
            return self
        }
        return "\(self[..<scheme.upperBound])...\(self[at...])"
    }

    /// Whether it is an IP address and not a name.
    fileprivate var isAddress: Bool {
        self.contains(":") || self.allSatisfy { $0.isNumber || $0 == "." }
    }
}
