package import KubernetesAPI

/// What is known of a Secret that Ingresses lead to. The shell reads the Secret; the planner decides.
package struct CertificateFacts: Hashable, Sendable {
    package var secret: ObjectName
    /// What the leaf is for: the DNS names of its subject alternative names, or its common name without any.
    /// `*.` in front stands for one label.
    package var names: [String]
    /// When it expires, in Unix seconds. An expired one is served still (T11).
    package var notAfter: Int64
    /// Why its certificate and key cannot be served; nil if they can.
    package var problem: String?
    /// Why its `ca.crt` cannot verify anybody; nil if it can.
    package var authorityProblem: String?
    /// Whether it has a certificate or a key at all, good or bad. One of authorities only has not.
    package var holdsCertificate: Bool
    /// Another number whenever the Secret holds something else.
    package var version: UInt64

    package init(
        secret: ObjectName,
        names: [String] = [],
        notAfter: Int64 = .max,
        problem: String? = nil,
        authorityProblem: String? = nil,
        holdsCertificate: Bool = true,
        version: UInt64 = 0
    ) {
        self.secret = secret
        self.names = names
        self.notAfter = notAfter
        self.problem = problem
        self.authorityProblem = authorityProblem
        self.holdsCertificate = holdsCertificate
        self.version = version
    }

    /// Whether the certificate is for a host: named, or one label below a wildcard. `host` is in lower case and may
    /// itself be a wildcard, which only the same wildcard covers.
    package func covers(_ host: String) -> Bool {
        self.names.contains { HostName.lowercased($0) == host }
            || HostName.wildcard(for: host).map { wildcard in
                self.names.contains { HostName.lowercased($0) == wildcard }
            } ?? false
    }
}

/// How client certificates of one host are treated.
package struct ClientAuthentication: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable, CaseIterable {
        /// The handshake fails without one.
        case required = "on"
        /// One that is given has to be good.
        case optional
    }

    /// The Secret with `ca.crt`; nil if what the annotation says is no name of one, so that nobody can be verified.
    package var secret: ObjectName?
    package var mode: Mode
    /// Certificates between the client's and the authority's, at most.
    package var depth: Int
    /// Whether there is something to verify with. If not, the host's requests are refused.
    package var isUsable: Bool

    package init(secret: ObjectName?, mode: Mode = .required, depth: Int = 1, isUsable: Bool = true) {
        self.secret = secret
        self.mode = mode
        self.depth = depth
        self.isUsable = isUsable
    }
}

/// How connections whose SNI is one host are treated.
package struct HostCertificate: Hashable, Sendable {
    /// The Secret whose certificate is shown; nil for the default certificate.
    package var secret: ObjectName?
    /// A key of ``CertificatePlan/clientAuthentications``; -1 if clients are not asked for certificates.
    package var clientAuthentication: Int32

    package init(secret: ObjectName?, clientAuthentication: Int32 = -1) {
        self.secret = secret
        self.clientAuthentication = clientAuthentication
    }
}

/// Which host has which certificate.
package struct CertificatePlan: Hashable, Sendable {
    /// By name in lower case; `*.` in front stands for one label, and an exact name goes before it (T4). Empty for
    /// connections without SNI or with an unknown one; everything that is not here has the default certificate and is not
    /// asked for its own (T9).
    package var hosts: [String: HostCertificate]
    /// The default certificate; nil for a generated one.
    package var defaultSecret: ObjectName?
    /// Numbers are never used again for another one, so connections can outlive plans.
    package var clientAuthentications: [Int32: ClientAuthentication]

    package init(
        hosts: [String: HostCertificate] = [:],
        defaultSecret: ObjectName? = nil,
        clientAuthentications: [Int32: ClientAuthentication] = [:]
    ) {
        self.hosts = hosts
        self.defaultSecret = defaultSecret
        self.clientAuthentications = clientAuthentications
    }

    /// Every Secret whose certificate is shown to somebody.
    package var secrets: Set<ObjectName> {
        var secrets = Set(self.hosts.values.compactMap(\.secret))
        if let secret = self.defaultSecret { secrets.insert(secret) }
        return secrets
    }

    /// What a connection with this SNI gets: the exact name, then the wildcard, then the entry for the rest.
    package func certificate(for name: String) -> HostCertificate {
        if let exact = self.hosts[name] { return exact }
        if let wildcard = HostName.wildcard(for: name), let entry = self.hosts[wildcard] { return entry }
        return self.hosts[""] ?? HostCertificate(secret: nil)
    }
}
