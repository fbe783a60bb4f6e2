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

/// What a connection may be protected with, in OpenSSL's names, the best first.
package struct TLSAlgorithms: Hashable, Sendable {
    package var minimumVersion = TLSVersion.tls12
    package var maximumVersion = TLSVersion.tls13
    /// For TLS 1.2.
    package var ciphers: [String]
    /// For TLS 1.3.
    package var cipherSuites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
    package var groups = ["X25519", "P-256", "P-384"]

    /// For clients: Mozilla's intermediate list (5.7) without DHE. HTTP/2 forbids none of it (RFC 9113, 9.2.2).
    package static let intermediate = TLSAlgorithms(ciphers: [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ])

    /// For backends, which may be older than clients are: whatever the security level allows. nginx: `proxy_ssl_ciphers`.
    package static let compatible = TLSAlgorithms(ciphers: ["DEFAULT"])

    package init(ciphers: [String]) { self.ciphers = ciphers }
}

/// What a listener offers, whatever its certificates are.
package struct TLSSettings: Hashable, Sendable {
    package var algorithms = TLSAlgorithms.intermediate
    /// The best first: our order counts, not the client's. A client that asks for protocols of which none is here is
    /// refused, as RFC 7301 (3.2) wants it; one that does not ask gets none, and speaks HTTP/1.1.
    package var protocols: [ApplicationProtocol] = [.http1]
    /// A client that names a host that no certificate is for, or none, is refused with `unrecognized_name` (RFC 6066, 3).
    /// Otherwise it gets the default certificate. ingress-nginx: `ssl-reject-handshake`.
    package var rejectsUnknownNames = false
    /// How many tickets a client gets with a full TLS 1.3 handshake; a resumption brings one. 0 turns resumption off.
    package var ticketsPerHandshake = 2

    package init() {}
}

/// A context that could not be made.
package struct TLSContextError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// A cipher, cipher suite or group that OpenSSL does not have, or none at all; a name that no server can have.
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
