internal import COpenSSL

/// Who a server has to prove to be.
package struct ServerVerification: Sendable {
    /// A name of a host, or an address, that its certificate has to be for (RFC 6125, 6.4). Its common name does not count
    /// unless the certificate has no subjectAltName.
    package let name: String
    /// Whom the certificate has to come from.
    package let authorities: CertificateAuthorities
    /// How many certificates may be between the server's and an authority.
    package let depth: Int

    /// nginx has the same: `proxy_ssl_verify_depth`.
    package static let defaultDepth = 1

    package init(name: String, authorities: CertificateAuthorities, depth: Int = ServerVerification.defaultDepth) {
        self.name = name
        self.authorities = authorities
        self.depth = max(0, depth)
    }
}

/// How connections to a backend are made.
package struct TLSClientSettings: Sendable {
    package var algorithms = TLSAlgorithms.compatible
    /// What is offered by ALPN, the best first. A server that chooses none speaks HTTP/1.1 (RFC 9113, 3.2): where that
    /// is not in the list, or it chose something else, the handshake fails. Empty: ALPN is not used.
    package var protocols: [ApplicationProtocol] = []
    /// The host that is asked for (SNI); nil for none. An address is none (RFC 6066, 3).
    package var serverName: String?
    /// nil: whoever answers is accepted. nginx has the same: `proxy_ssl_verify`.
    package var verification: ServerVerification?
    /// What is shown to servers that ask for one; nil for none.
    package var certificate: Certificate?
    /// Whether sessions are resumed (RFC 8446, 2.2). A resumed one is with a server that was verified before.
    package var resumesSessions = true

    package init() {}
}

/// How connections to a backend are made, ready for use. Immutable and shared by all workers; another certificate or
/// bundle of authorities is another context, and sessions do not go from one to the other.
package final class TLSClientContext: Sendable {
    package let settings: TLSClientSettings

    let handle: ContextHandle
    let sessions: ClientSessions?
    /// nil where none is to be sent.
    let serverName: String?

    package init(_ settings: TLSClientSettings) throws(TLSContextError) {
        ErrorQueue.clear()
        guard let handle = ContextHandle(.client) else {
            throw TLSContextError(code: .unavailable, message: "no TLS context", cause: ErrorQueue.take())
        }
        try handle.apply(settings.algorithms)
        try handle.offer(settings.protocols)
        if let verification = settings.verification { try handle.verify(verification) }
        if let certificate = settings.certificate { try handle.show(certificate) }
        if let name = settings.serverName {
            guard !name.isEmpty, name.utf8.count <= Self.longestName, !name.utf8.contains(0) else {
                throw TLSContextError(code: .badSetting, message: "server name: not accepted", cause: nil)
            }
            self.serverName = unsafe fairlead_is_address(name) == 1 ? nil : name
        } else {
            self.serverName = nil
        }
        self.sessions = settings.resumesSessions ? ClientSessions() : nil
        if settings.resumesSessions { HandshakeCallbacks.keepSessions(of: handle) }
        self.settings = settings
        self.handle = handle
    }

    /// RFC 1035, 2.3.4.
    private static let longestName = 255
}
