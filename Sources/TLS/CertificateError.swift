/// A certificate, key or bundle of authorities that cannot be used. Never holds bytes of a key.
package struct CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which of the inputs is meant; for a Secret `tls.crt`, `tls.key` and `ca.crt`.
    package enum Part: String, Sendable {
        case chain = "certificate"
        case key
        case authorities = "CA bundle"
    }

    package enum Code: Sendable, CaseIterable {
        /// No PEM block of the kind that is needed.
        case missing
        /// A PEM block that does not end, or is not base64, or does not hold what its label says.
        case malformed
        /// More blocks or bytes than ``CertificateLimits`` allows.
        case tooLarge
        /// The key is encrypted. There is nobody to ask for its passphrase.
        case encryptedKey
        /// A kind of key other than RSA, ECDSA on P-256 or P-384, and Ed25519.
        case unsupportedKey
        /// The key is not the one that the leaf was issued for.
        case keyMismatch
        /// Too short a key, or too weak a signature, for the security level.
        case tooWeak
        /// OpenSSL has no memory or no random numbers.
        case unavailable
    }

    package let code: Code
    package let part: Part
    /// Which PEM block of the part, counted from 1; nil where it is not about one.
    package let block: Int?
    package let message: String
    /// OpenSSL's own words; nil where it has none.
    package let cause: String?

    init(_ code: Code, _ part: Part, block: Int? = nil, _ message: String, cause: String? = nil) {
        self.code = code
        self.part = part
        self.block = block
        self.message = message
        self.cause = cause
    }

    package var description: String {
        var text = self.part.rawValue
        if let block = self.block { text += ", PEM block \(block)" }
        text += ": \(self.message)"
        if let cause = self.cause { text += " (\(cause))" }
        return text
    }
}

/// What a Secret may bring. A Secret has 1 MiB at most.
package enum CertificateLimits {
    /// Certificates in a chain.
    package static let chain = 16
    /// Authorities in a bundle. The names of those for client certificates are sent to each client.
    package static let authorities = 128
    /// Bytes of PEM.
    package static let bytes = 512 << 10
}
