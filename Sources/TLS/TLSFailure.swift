// TLS: OpenSSL 3 behind safe types. Certificates, what a listener offers, connections on non-blocking
// sockets. Nothing above this module sees a type of OpenSSL.

/// Why a handshake or a connection came to nothing. Trivial, so that it can be returned on the hot path;
/// words are made when they are asked for.
package struct TLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What logs and metrics tell apart. The raw values are label values.
    package enum Reason: String, Sendable, CaseIterable {
        /// No cipher, group or signature algorithm in common.
        case noSharedCipher = "no_shared_cipher"
        /// The peer offers no version that we do.
        case unsupportedVersion = "unsupported_version"
        /// The first bytes are an HTTP request: answer it in plain text, nothing has been sent.
        case httpRequest = "http_request"
        /// The first bytes are neither TLS nor HTTP. Nothing has been sent.
        case notTLS = "not_tls"
        /// A record that cannot be decrypted or has no valid form.
        case badRecord = "bad_record"
        /// A message that TLS does not allow there, or not in that form.
        case protocolViolation = "protocol_violation"
        /// The peer ended the connection where the protocol does not.
        case peerClosed = "peer_closed"
        /// The connection was reset, or the socket failed. The code is errno.
        case connectionLost = "connection_lost"
        /// The peer gave up, and said why. The code is its alert (RFC 8446, 6).
        case peerAlert = "peer_alert"
        /// A name that no certificate is for, where those are refused.
        case unknownName = "unknown_name"
        /// No protocol in common (ALPN, RFC 7301). Of a server: it chose none that we offered, and did not say so by an alert.
        case noApplicationProtocol = "no_application_protocol"
        /// A client certificate is required and there was none.
        case clientCertificateMissing = "client_certificate_missing"
        /// The client's certificate was not accepted. The code is OpenSSL's X509_V_ERR number.
        case clientCertificateRefused = "client_certificate_refused"
        /// The server's certificate was not accepted: it has expired, is for another name, or comes from somebody else. The
        /// code is OpenSSL's X509_V_ERR number.
        case serverCertificateRefused = "server_certificate_refused"
        /// Memory, or something that should not happen. The code is OpenSSL's.
        case internalError = "internal_error"
    }

    package let reason: Reason
    /// Depends on the reason: an errno, an alert, a number of OpenSSL. 0 where there is none.
    package let code: Int64

    package init(_ reason: Reason, code: Int64 = 0) {
        self.reason = reason
        self.code = code
    }

    package var description: String {
        switch self.reason {
        case .noSharedCipher: "no cipher, group or signature algorithm in common"
        case .unsupportedVersion: "a TLS version that is not offered"
        case .httpRequest: "a plain HTTP request on a TLS port"
        case .notTLS: "not TLS"
        case .badRecord: "a bad record: \(LibraryText.reason(self.code))"
        case .protocolViolation: "against the protocol: \(LibraryText.reason(self.code))"
        case .peerClosed: "closed by the peer"
        case .connectionLost: "connection lost: \(LibraryText.system(self.code))"
        case .peerAlert: "the peer gave up: alert \(self.code), \(LibraryText.alert(self.code))"
        case .unknownName: "no certificate is for that name"
        case .noApplicationProtocol: "no application protocol in common"
        case .clientCertificateMissing: "no client certificate"
        case .clientCertificateRefused: "client certificate refused: \(LibraryText.verification(self.code))"
        case .serverCertificateRefused: "server certificate refused: \(LibraryText.verification(self.code))"
        case .internalError: "internal error: \(LibraryText.reason(self.code))"
        }
    }
}

/// What a step of a handshake, or of an orderly end, came to.
package enum TLSStep: Hashable, Sendable {
    case done
    /// Go on when the socket is readable.
    case wantsRead
    /// Go on when the socket is writable.
    case wantsWrite
    case failed(TLSFailure)
}

/// What reading or writing came to.
package enum TLSTransfer: Hashable, Sendable {
    /// So many bytes, more than none.
    case bytes(Int)
    /// Go on when the socket is readable.
    case wantsRead
    /// Go on when the socket is writable.
    case wantsWrite
    /// The peer sends no more. Clean: it said so (close_notify); otherwise what came may have been cut short. The other
    /// direction is still open.
    case closed(clean: Bool)
    case failed(TLSFailure)
}
