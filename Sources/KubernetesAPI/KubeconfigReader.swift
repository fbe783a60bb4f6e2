extension Kubeconfig {
    /// Reads the current context of a kubeconfig.
    ///
    /// Unknown fields are let pass, as kubectl lets them; what the chosen context does not need is not looked at.
    /// - Parameters:
    ///   - file: for problems.
    ///   - limits: for the size and the depth of the file.
    /// - Throws: the first problem that keeps it from being used.
    package static func decode(
        _ bytes: [UInt8],
        file: String,
        limits: ManifestLimits = ManifestLimits()
    ) throws(ManifestProblem) -> Kubeconfig {
        var result: Result<Kubeconfig, ManifestProblem>?
        do throws(ManifestSyntaxError) {
            try ManifestParser.parse(bytes, limits: limits) { document in
                guard result == nil, let root = document.root, !root.isNull else { return }
                var reader = ManifestReader(file: file, limits: limits, root: root)
                let kubeconfig = reader.kubeconfig()
                if let problem = reader.problems.first {
                    result = .failure(problem)
                } else if let kubeconfig {
                    result = .success(kubeconfig)
                }
            }
        } catch {
            throw ManifestProblem(file: file, line: error.line, reason: error.reason)
        }
        guard let result else { throw ManifestProblem(file: file, line: 1, reason: "holds no kubeconfig") }
        return try result.get()
    }
}

extension ManifestReader {
    /// nil after a problem.
    fileprivate mutating func kubeconfig() -> Kubeconfig? {
        guard self.isMapping(self.root) else { return nil }
        if let kind = self.string("kind", of: self.root), kind != "Config" {
            self.fail(self.field("kind", of: self.root) ?? self.root, "must be Config, not \(FieldRules.quote(kind))")
            return nil
        }
        guard let context = self.currentContext() else { return nil }
        guard let name = self.required("cluster", of: context),
            let entry = self.entry(name, "clusters", "cluster"), let cluster = self.cluster(entry)
        else { return nil }
        var user = Kubeconfig.User()
        if let name = self.string("user", of: context), !name.isEmpty {
            guard let entry = self.entry(name, "users", "user") else { return nil }
            user = self.user(entry)
        }
        return self.hasErrors ? nil : Kubeconfig(cluster: cluster, user: user)
    }

    /// The one that `current-context` names; without it the only one there is.
    private mutating func currentContext() -> ManifestNode? {
        if let name = self.string("current-context", of: self.root), !name.isEmpty {
            return self.entry(name, "contexts", "context")
        }
        guard !self.hasErrors else { return nil }
        let contexts = self.items("contexts", of: self.root)
        guard contexts.count == 1, let only = contexts.first, self.isMapping(only) else {
            if !self.hasErrors {
                self.fail(self.root, "current-context", "is required where there are \(contexts.count) contexts")
            }
            return nil
        }
        return self.mapping("context", of: only)
    }

    private mutating func required(_ name: String, of node: ManifestNode) -> String? {
        if let value = self.string(name, of: node), !value.isEmpty { return value }
        if !self.hasErrors { self.fail(node, name, "is required") }
        return nil
    }

    /// What the entry of that name in one of the named lists holds.
    private mutating func entry(_ name: String, _ list: String, _ content: String) -> ManifestNode? {
        for item in self.items(list, of: self.root) where self.isMapping(item) {
            guard self.string("name", of: item) == name else { continue }
            if let value = self.mapping(content, of: item) { return value }
            if !self.hasErrors { self.fail(item, content, "is required") }
            return nil
        }
        if !self.hasErrors { self.fail(self.root, list, "has no entry named \(FieldRules.quote(name))") }
        return nil
    }

    private mutating func content(_ name: String, of node: ManifestNode) -> Kubeconfig.Content? {
        if let data = self.secret("\(name)-data", of: node) { return .base64(data) }
        guard let path = self.string(name, of: node), !path.isEmpty else { return nil }
        return .file(path)
    }

    private mutating func text(_ name: String, of node: ManifestNode) -> String? {
        self.string(name, of: node).flatMap { $0.isEmpty ? nil : $0 }
    }

    private mutating func cluster(_ node: ManifestNode) -> Kubeconfig.Cluster? {
        guard let server = self.required("server", of: node) else { return nil }
        var cluster = Kubeconfig.Cluster(server: server)
        cluster.certificateAuthority = self.content("certificate-authority", of: node)
        cluster.tlsServerName = self.text("tls-server-name", of: node)
        cluster.skipsVerification = self.boolean("insecure-skip-tls-verify", of: node) ?? false
        cluster.proxyURL = self.text("proxy-url", of: node)
        if cluster.skipsVerification, cluster.certificateAuthority != nil {
            self.fail(
                self.field("insecure-skip-tls-verify", of: node) ?? node,
                "may not be true where there is a certificate-authority")
        }
        return cluster
    }

    private mutating func user(_ node: ManifestNode) -> Kubeconfig.User {
        var user = Kubeconfig.User()
        user.clientCertificate = self.content("client-certificate", of: node)
        user.clientKey = self.content("client-key", of: node)
        user.token = self.secret("token", of: node)
        user.tokenFile = self.text("tokenFile", of: node)
        user.username = self.text("username", of: node)
        user.password = self.secret("password", of: node)
        if let exec = self.mapping("exec", of: node) { user.exec = self.execPlugin(exec) }
        if (user.clientCertificate == nil) != (user.clientKey == nil) {
            self.fail(node, "client-certificate and client-key are only of use together")
        }
        if let provider = self.field("auth-provider", of: node) {
            self.fail(provider, "is no longer supported by Kubernetes (1.26); use exec")
        }
        return user
    }

    private mutating func execPlugin(_ node: ManifestNode) -> Kubeconfig.ExecPlugin? {
        guard let command = self.required("command", of: node), let version = self.required("apiVersion", of: node)
        else { return nil }
        let versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]
        guard versions.contains(version) else {
            self.fail(
                self.field("apiVersion", of: node) ?? node,
                "must be \(versions.joined(separator: " or ")), not \(FieldRules.quote(version))")
            return nil
        }
        var plugin = Kubeconfig.ExecPlugin(apiVersion: version, command: command)
        for argument in self.items("args", of: node) {
            if let text = self.string(argument) { plugin.arguments.append(text) }
        }
        for variable in self.items("env", of: node) where self.isMapping(variable) {
            guard let name = self.required("name", of: variable) else { continue }
            plugin.environment.append(.init(name: name, value: self.string("value", of: variable) ?? ""))
        }
        plugin.installHint = self.text("installHint", of: node)
        plugin.providesClusterInfo = self.boolean("provideClusterInfo", of: node) ?? false
        if self.string("interactiveMode", of: node) == "Always" {
            self.fail(self.field("interactiveMode", of: node) ?? node, "may not be Always: nobody is there to ask")
        }
        return plugin
    }
}
