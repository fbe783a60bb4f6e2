/// How clients get in.
extension FakeAPIServer {
    /// What a kubeconfig shows to the server.
    package enum Identity: Sendable {
        case token(String)
        case tokenFile(String)
        case certificate
        case nobody
    }

    package var url: String {
        "https://\(self.address.contains(":") ? "[\(self.address)]" : self.address):\(self.port)"
    }

    /// In PEM.
    package var certificateAuthority: String { self.credentials.authority }
    package var clientCertificate: String { self.credentials.clientCertificate }
    package var clientKey: String { self.credentials.clientKey }

    /// - Parameter server: the URL, if it is not the one it listens at.
    package func kubeconfig(_ identity: Identity = .token("fake-token"), server: String? = nil) -> String {
        let user =
            switch identity {
            case .token(let token): "{token: \"\(token)\"}"
            case .tokenFile(let path): "{tokenFile: \"\(path)\"}"
            case .certificate:
                "{client-certificate-data: \(Base64.encode(self.clientCertificate)), "
                    + "client-key-data: \(Base64.encode(self.clientKey))}"
            case .nobody: "{}"
            }
        return """
            apiVersion: v1
            kind: Config
            current-context: fake
            contexts:
            - name: fake
              context: {cluster: fake, user: fake}
            clusters:
            - name: fake
              cluster:
                server: \(server ?? self.url)
                certificate-authority-data: \(Base64.encode(self.certificateAuthority))
            users:
            - name: fake
              user: \(user)

            """
    }
}

/// RFC 4648 section 4.
enum Base64 {
    static func encode(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bytes = Array(text.utf8)
        var result = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : "=")
            }
        }
        return result
    }
}
