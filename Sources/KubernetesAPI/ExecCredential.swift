/// What a credential plugin printed (`client.authentication.k8s.io` ExecCredential, its status).
package struct ExecCredential: Hashable, Sendable {
    package var token: String?
    /// PEM.
    package var clientCertificate: String?
    /// PEM.
    package var clientKey: String?
    /// Unix seconds; nil if it is good until the server refuses it.
    package var expiry: Int64?

    package init(
        token: String? = nil,
        clientCertificate: String? = nil,
        clientKey: String? = nil,
        expiry: Int64? = nil
    ) {
        self.token = token
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.expiry = expiry
    }

    /// - Parameters:
    ///   - apiVersion: which the plugin was asked for.
    ///   - source: the plugin's name, for problems.
    /// - Throws: why it is of no use.
    package static func decode(
        _ bytes: [UInt8],
        apiVersion: String,
        source: String
    ) throws(ManifestProblem) -> ExecCredential {
        var result: Result<ExecCredential, ManifestProblem>?
        let limits = ManifestLimits(maximumFileSize: 1 << 20)
        do throws(ManifestSyntaxError) {
            try ManifestParser.parse(bytes, limits: limits) { document in
                guard result == nil, let root = document.root, !root.isNull else { return }
                var reader = ManifestReader(file: source, limits: limits, root: root)
                let credential = reader.execCredential(apiVersion)
                if let problem = reader.problems.first {
                    result = .failure(problem)
                } else if let credential {
                    result = .success(credential)
                }
            }
        } catch {
            throw ManifestProblem(file: source, line: error.line, reason: "printed no ExecCredential: \(error.reason)")
        }
        guard let result else { throw ManifestProblem(file: source, line: 1, reason: "printed no ExecCredential") }
        return try result.get()
    }
}

extension ManifestReader {
    fileprivate mutating func execCredential(_ apiVersion: String) -> ExecCredential? {
        guard self.isMapping(self.root) else { return nil }
        guard self.string("kind", of: self.root) == "ExecCredential" else {
            self.fail(self.root, "kind", "must be ExecCredential")
            return nil
        }
        guard self.string("apiVersion", of: self.root) == apiVersion else {
            self.fail(self.root, "apiVersion", "must be \(apiVersion), as was asked for")
            return nil
        }
        guard let status = self.mapping("status", of: self.root) else {
            self.fail(self.root, "status", "is required")
            return nil
        }
        var credential = ExecCredential()
        credential.token = self.secret("token", of: status)
        credential.clientCertificate = self.secret("clientCertificateData", of: status)
        credential.clientKey = self.secret("clientKeyData", of: status)
        credential.expiry = self.timestamp("expirationTimestamp", of: status)
        if credential.token == nil, credential.clientCertificate == nil {
            self.fail(status, "holds neither a token nor a client certificate")
        }
        if (credential.clientCertificate == nil) != (credential.clientKey == nil) {
            self.fail(status, "clientCertificateData and clientKeyData are only of use together")
        }
        return self.hasErrors ? nil : credential
    }
}
