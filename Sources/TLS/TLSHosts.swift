/// How the connections that name one host are treated.
package struct TLSHost: Sendable {
    /// nil: the default certificate (spec T7, T8).
    package let certificate: Certificate?
    /// nil: clients are not asked for certificates.
    package let clientCertificates: ClientCertificatePolicy?

    package init(certificate: Certificate?, clientCertificates: ClientCertificatePolicy? = nil) {
        self.certificate = certificate
        self.clientCertificates = clientCertificates
    }
}

/// Which certificate goes with which name. Immutable; a change makes a new one, which shares the certificates that
/// stay with the old one. Handshakes that are under way keep the one they began with, connections keep none.
package final class TLSHosts: Sendable {
    package let defaultCertificate: Certificate
    private let exact: [String: TLSHost]
    /// By what comes after `*`, with its dot.
    private let wildcards: [String: TLSHost]
    /// For everything else.
    private let fallback: TLSHost

    /// `hosts` by name, in which `*.` stands for exactly one label (spec H2). Names are compared without case. An entry
    /// for the empty name is for connections without a name, or with one that is not here.
    package init(defaultCertificate: Certificate, hosts: [String: TLSHost]) {
        var exact: [String: TLSHost] = [:]
        var wildcards: [String: TLSHost] = [:]
        exact.reserveCapacity(hosts.count)
        for (name, host) in hosts {
            let name = name.lowercased()
            if name.isEmpty {
                continue
            } else if name.hasPrefix("*.") {
                wildcards[String(name.dropFirst())] = host
            } else {
                exact[name] = host
            }
        }
        self.defaultCertificate = defaultCertificate
        self.exact = exact
        self.wildcards = wildcards
        self.fallback = hosts[""] ?? TLSHost(certificate: defaultCertificate)
    }

    /// The exact name, else the wildcard, else nil. `name` is in lower case.
    func host(named name: String) -> TLSHost? {
        if let host = self.exact[name] { return host }
        guard !self.wildcards.isEmpty, let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex
        else {
            return nil
        }
        return self.wildcards[String(name[dot...])]
    }

    /// What a handshake goes on with; nil to refuse it.
    func choose(_ name: String?, rejectingUnknown: Bool) -> TLSHost? {
        if let name, let host = self.host(named: name) { return host }
        return rejectingUnknown ? nil : self.fallback
    }

    /// The certificate that a client gets that names `name`.
    package func certificate(for name: String) -> Certificate {
        self.host(named: name.lowercased())?.certificate ?? self.defaultCertificate
    }
}
