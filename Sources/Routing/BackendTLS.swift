package import KubernetesAPI
internal import Networking

/// How endpoints that speak TLS are connected to.
package struct BackendTLS: Hashable, Sendable {
    /// Whose `ca.crt` endpoints are verified with, and whose `tls.crt` and `tls.key` are shown to those that ask; nil for none.
    package var secret: ObjectName?
    /// Another one whenever the Secret says something else: so the backend is another one too, and what was made of the
    /// Secret is made again.
    package var secretVersion: UInt64
    /// Whether there is a certificate in the Secret to be shown.
    package var showsCertificate: Bool
    /// nil: whoever answers is accepted.
    package var verification: Verification?
    /// The host that is asked for (SNI); nil for none.
    package var serverName: String?

    package struct Verification: Hashable, Sendable {
        /// The host, or the address, that an endpoint's certificate has to be for.
        package var name: String
        /// Certificates between an endpoint's and the authority's, at most.
        package var depth: Int

        package init(name: String, depth: Int = 1) {
            self.name = name
            self.depth = depth
        }
    }

    package init(
        secret: ObjectName? = nil,
        secretVersion: UInt64 = 0,
        showsCertificate: Bool = false,
        verification: Verification? = nil,
        serverName: String? = nil
    ) {
        self.secret = secret
        self.secretVersion = secretVersion
        self.showsCertificate = showsCertificate
        self.verification = verification
        self.serverName = serverName
    }
}

/// What an Ingress asks for by `proxy-ssl-*`: one setting, as a bundle of authorities from here and a name from there would
/// verify nothing.
struct BackendTLSDemand: Hashable {
    enum SecretReference: Hashable {
        case none
        case named(ObjectName)
        /// What the annotation says is no Secret of the namespace.
        case unreadable
    }

    var secret = SecretReference.none
    var verifies = false
    var depth = 1
    /// nil for the Service's own.
    var name: String?
    var sendsServerName = false

    /// A host or an address.
    static func name(_ text: String) -> String? {
        if IPAddress(text) != nil { return text }
        let name = HostName.lowercased(text)
        return HostName.isWildcard(name) || HostName.problem(name) != nil ? nil : name
    }
}

/// What comes of that for one backend, with what is known of the Secret.
struct BackendTLSResolution {
    struct Problem {
        let severity: IngressProblem.Severity
        let code: IngressProblem.Code
        let message: String
    }

    private(set) var tls: BackendTLS
    private(set) var problem: Problem?
    /// Whether endpoints can be connected to as it is asked for. If not, the backend's requests are refused: nobody is sent what
    /// is for somebody who was to be verified.
    var isUsable: Bool { self.problem?.severity != .error }

    /// - Parameter ownName: the backend's, if the Ingress does not say: `service.namespace.svc`, or an external name.
    init(_ demand: BackendTLSDemand, ownName: String, _ facts: (ObjectName) -> CertificateFacts?) {
        let name = demand.name ?? ownName
        self.tls = BackendTLS(
            verification: demand.verifies ? BackendTLS.Verification(name: name, depth: demand.depth) : nil,
            serverName: demand.sendsServerName ? name : nil)
        func fail(_ code: IngressProblem.Code, _ message: String) -> Problem {
            Problem(severity: .error, code: code, message: "\(message): its requests are answered with 503")
        }
        switch demand.secret {
        case .none:
            guard demand.verifies else { return }
            self.problem = fail(
                .backendSecretMissing,
                "\(IngressAnnotations.Key.backendVerification.name): endpoints cannot be verified without the ca.crt of "
                    + IngressAnnotations.Key.backendSecret.name)
        case .unreadable:
            self.problem = fail(
                .backendSecretMissing, "\(IngressAnnotations.Key.backendSecret.name) names no Secret of its namespace")
        case .named(let secret):
            self.tls.secret = secret
            guard let facts = facts(secret) else {
                self.problem = fail(.backendSecretMissing, "there is no Secret \(secret)")
                return
            }
            self.tls.secretVersion = facts.version
            self.tls.showsCertificate = facts.holdsCertificate
            if demand.verifies, let problem = facts.authorityProblem {
                self.problem = fail(.backendSecretInvalid, "Secret \(secret): \(problem)")
            } else if facts.holdsCertificate, let problem = facts.problem {
                self.problem = fail(.backendSecretInvalid, "Secret \(secret): \(problem)")
            } else if !facts.holdsCertificate, !demand.verifies {
                self.problem = Problem(
                    severity: .note, code: .backendSecretInvalid,
                    message:
                        "Secret \(secret) has no certificate to show to endpoints, and they are not verified: it is "
                        + "used for nothing")
            }
        }
    }
}
