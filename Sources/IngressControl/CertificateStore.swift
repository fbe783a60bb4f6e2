internal import KubernetesAPI
internal import Routing
internal import TLS

/// Secrets as certificates. A value: Secrets go in, what the planner has to know of them comes out, and then the
/// certificates themselves. Only Secrets that somebody wants are parsed; those with the same content share what was parsed,
/// and one that has not changed keeps it.
struct CertificateStore {
    /// What a Secret turned out to be.
    struct Reading {
        let facts: Routing.CertificateFacts
        let certificate: Certificate?
    }

    /// What a certificate is made of.
    private struct Content: Hashable {
        let chain: [UInt8]
        let key: [UInt8]
    }

    private struct Shared {
        weak var certificate: Certificate?
    }

    private struct PolicyKey: Hashable {
        let secret: ObjectName
        let mode: ClientAuthentication.Mode
        let depth: Int
    }

    private var secrets: [ObjectName: Secret] = [:]
    private var wanted: Set<ObjectName> = []
    private var readings: [ObjectName: Reading] = [:]
    private var shared: [Content: Shared] = [:]
    private var policies: [PolicyKey: ClientCertificatePolicy] = [:]
    /// Of Secrets that endpoints are verified with.
    private var authorities: [ObjectName: CertificateAuthorities] = [:]
    /// How many Secrets have been read.
    private var version: UInt64 = 0

    // MARK: - Secrets

    /// Takes over a Secret, or its disappearance.
    ///
    /// - Returns: whether anybody wants it, and what it says is another thing now.
    mutating func update(_ name: ObjectName, _ secret: Secret?) -> Bool {
        guard self.secrets[name] != secret else { return false }
        self.secrets[name] = secret
        guard self.wanted.contains(name) else { return false }
        self.read(name)
        return true
    }

    /// These are asked for from now on.
    ///
    /// - Returns: those that are new.
    mutating func want(_ names: some Sequence<ObjectName>) -> [ObjectName] {
        var new: [ObjectName] = []
        for name in names where self.wanted.insert(name).inserted {
            self.read(name)
            new.append(name)
        }
        return new
    }

    /// Lets go of what nobody asks for any more, once there is a good deal of it.
    mutating func keep(_ names: Set<ObjectName>) {
        guard self.wanted.count > 2 * names.count + Self.slack else { return }
        self.wanted = names
        self.readings = self.readings.filter { names.contains($0.key) }
        self.policies = self.policies.filter { names.contains($0.key.secret) }
        self.authorities = self.authorities.filter { names.contains($0.key) }
    }

    private static let slack = 64

    /// nil for a Secret that is not there.
    func reading(_ name: ObjectName) -> Reading? { self.readings[name] }

    private mutating func read(_ name: ObjectName) {
        self.policies = self.policies.filter { $0.key.secret != name }
        self.authorities[name] = nil
        guard let secret = self.secrets[name] else {
            self.readings[name] = nil
            return
        }
        self.version += 1
        let parts = [secret.certificate, secret.key].compactMap(\.self)
        var facts = Routing.CertificateFacts(
            secret: name, holdsCertificate: parts.contains { !$0.isEmpty }, version: self.version)
        var certificate: Certificate?
        do throws(CertificateError) {
            certificate = try self.certificate(of: secret)
        } catch {
            facts.problem = "\(error)"
        }
        if let certificate {
            facts.names = certificate.facts.dnsNames
            facts.notAfter = certificate.facts.notAfter
        } else if facts.problem == nil {
            facts.problem = Self.missing(secret)
        }
        facts.authorityProblem = self.authorityProblem(of: secret)
        self.readings[name] = Reading(facts: facts, certificate: certificate)
    }

    /// nil if it holds none.
    private mutating func certificate(of secret: Secret) throws(CertificateError) -> Certificate? {
        guard let chain = secret.certificate, let key = secret.key else { return nil }
        let content = Content(chain: chain, key: key)
        if let certificate = self.shared[content]?.certificate { return certificate }
        let certificate = try Certificate(chain: chain, key: key)
        if self.shared.count > 2 * self.readings.count + Self.slack {
            self.shared = self.shared.filter { $0.value.certificate != nil }
        }
        self.shared[content] = Shared(certificate: certificate)
        return certificate
    }

    private static func missing(_ secret: Secret) -> String {
        let lacking = [(secret.certificate, Secret.DataKey.certificate), (secret.key, .key)]
            .filter { $0.0 == nil }.map(\.1.rawValue)
        return "it has no \(lacking.joined(separator: " and no "))"
    }

    // MARK: - Authorities

    private mutating func authorityProblem(of secret: Secret) -> String? {
        guard let authority = secret.authority else { return "it has no \(Secret.DataKey.authority.rawValue)" }
        do throws(CertificateError) {
            _ = try CertificateAuthorities(authority)
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Whom the certificates of endpoints have to come from; nil where nobody says.
    mutating func authorities(of name: ObjectName) -> CertificateAuthorities? {
        if let authorities = self.authorities[name] { return authorities }
        // Whether this can be done is among the facts.
        guard let bundle = self.secrets[name]?.authority, let authorities = try? CertificateAuthorities(bundle) else {
            return nil
        }
        self.authorities[name] = authorities
        return authorities
    }

    /// What connections of a host are held to; nil where there is nothing to hold them to.
    mutating func policy(for authentication: ClientAuthentication) -> ClientCertificatePolicy? {
        guard authentication.isUsable, let name = authentication.secret, let secret = self.secrets[name],
            let authority = secret.authority
        else { return nil }
        let key = PolicyKey(secret: name, mode: authentication.mode, depth: authentication.depth)
        if let policy = self.policies[key] { return policy }
        // Whether this can be done is among the facts.
        let policy = try? ClientCertificatePolicy(
            authentication.mode == .required ? .required : .optional, authorities: authority,
            depth: authentication.depth)
        self.policies[key] = policy
        return policy
    }
}

extension Ingress {
    /// The Secrets that it may lead to, whether it is ours or not.
    var secrets: Set<ObjectName> {
        let namespace = self.metadata.name.namespace
        var names = Set(self.tls.compactMap { $0.secretName })
        for key in ["auth-tls-secret", "proxy-ssl-secret"] {
            guard let text = self.metadata.annotations[KnownKey.ownPrefix + key],
                let name = text.split(separator: "/").last
            else { continue }
            names.insert(String(name))
        }
        return Set(names.map { ObjectName(namespace: namespace, name: $0) })
    }
}
