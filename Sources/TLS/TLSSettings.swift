/// What is spoken inside a connection (ALPN, RFC 7301).
package enum ApplicationProtocol: String, Sendable, CaseIterable {
    case http1 = "http/1.1"
    case http2 = "h2"
}

/// A version of TLS that is offered. Older ones never are.
package enum TLSVersion: Sendable, Comparable, CaseIterable, CustomStringConvertible {
    case tls12
    case tls13

    package var description: String {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }
}

/// What a listener offers, whatever its certificates are.
package struct TLSSettings: Hashable, Sendable {
    package var minimumVersion = TLSVersion.tls12
    /// The best first. A client that asks for protocols of which none is here is refused, as RFC 7301 (3.2) wants it;
    /// one that does not ask gets none.
    package var protocols: [ApplicationProtocol] = [.http1]
    /// A client that names a host that no certificate is for, or none, is refused with `unrecognized_name` (RFC 6066, 3).
    /// Otherwise it gets the default certificate. ingress-nginx: `ssl-reject-handshake`.
    package var rejectsUnknownNames = false
    /// How many tickets a client gets with a full TLS 1.3 handshake; a resumption brings one. 0 turns resumption off.
    package var ticketsPerHandshake = 2
    /// For TLS 1.2, in OpenSSL's names, the best first. Mozilla's intermediate list (5.7) without DHE.
    package var ciphers = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]
    /// For TLS 1.3.
    package var cipherSuites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
    package var groups = ["X25519", "P-256", "P-384"]

    package init() {}
}

/// A context that could not be made.
package struct TLSContextError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// A cipher, cipher suite or group that OpenSSL does not have, or none at all.
        case badSetting
        /// OpenSSL has no memory, or is not usable as the system configures it.
        case unavailable
        /// There are no random numbers.
        case noRandomness
    }

    package let code: Code
    package let message: String
    /// OpenSSL's own words; nil where it has none.
    package let cause: String?

    package var description: String { self.cause.map { "\(self.message): \($0)" } ?? self.message }
}
