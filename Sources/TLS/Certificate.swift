internal import COpenSSL

/// A leaf with its chain and its key, fit to be served. Immutable and shared by all threads.
///
/// Unsafe invariants of this file: those of CertificateParts.swift; an SSL object is freed once, where it was made.
package final class Certificate: Sendable {
    package enum KeyKind: Hashable, Sendable, CustomStringConvertible {
        case rsa(bits: Int)
        case p256
        case p384
        case ed25519

        package var description: String {
            switch self {
            case .rsa(let bits): "RSA \(bits)"
            case .p256: "ECDSA P-256"
            case .p384: "ECDSA P-384"
            case .ed25519: "Ed25519"
            }
        }
    }

    package let facts: CertificateFacts
    package let keyKind: KeyKind
    /// How many certificates are sent, the leaf included.
    package var chainLength: Int { self.chain.count + 1 }

    let leaf: X509Certificate
    let key: PrivateKey
    /// Without the leaf.
    let chain: CertificateChain

    /// From PEM: `chain` has the leaf first (`tls.crt` of a Secret), `key` is its private key (`tls.key`). An expired one is
    /// accepted: it is better than another one, and its owner is told otherwise (spec T11).
    package convenience init(chain: [UInt8], key: [UInt8]) throws(CertificateError) {
        let certificates = try Self.certificates(chain, of: .chain, limit: CertificateLimits.chain)
        try self.init(certificates: certificates, key: try Self.privateKey(key))
    }

    init(certificates: [X509Certificate], key: PrivateKey) throws(CertificateError) {
        ErrorQueue.clear()
        defer { ErrorQueue.clear() }
        guard let leaf = certificates.first, let facts = CertificateFacts(leaf) else {
            throw CertificateError(.malformed, .chain, block: 1, "its times cannot be read")
        }
        guard let kind = key.kind else {
            throw CertificateError(
                .unsupportedKey, .key, "\(key.kindName); RSA, ECDSA on P-256 or P-384, and Ed25519 are served")
        }
        guard key.isKey(of: leaf) else {
            throw CertificateError(.keyMismatch, .key, "not the key of the certificate of \(facts.subject)")
        }
        guard let chain = CertificateChain(certificates.dropFirst()) else {
            throw CertificateError(.unavailable, .chain, "cannot be kept", cause: ErrorQueue.take())
        }
        self.facts = facts
        self.keyKind = kind
        self.leaf = leaf
        self.key = key
        self.chain = chain
        try CertificateProbe.check(self)
    }

    /// All certificates among the blocks of `bytes`; other blocks are skipped.
    static func certificates(
        _ bytes: [UInt8], of part: CertificateError.Part, limit: Int
    ) throws(CertificateError) -> [X509Certificate] {
        var certificates: [X509Certificate] = []
        try PEMBlocks.read(bytes, of: part) { block, contents throws(CertificateError) in
            guard block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" else { return .goOn }
            // A leaf is nearly always the only one of its kind.
            let parsed =
                certificates.isEmpty ? X509Certificate(der: contents) : SharedCertificates.certificate(der: contents)
            guard let certificate = parsed else {
                throw CertificateError(
                    .malformed, part, block: block.number, "not a certificate", cause: ErrorQueue.take())
            }
            guard certificates.count < limit else {
                throw CertificateError(.tooLarge, part, block: block.number, "more than \(limit) certificates")
            }
            certificates.append(certificate)
            return .goOn
        }
        guard !certificates.isEmpty else {
            throw CertificateError(.missing, part, "no PEM block CERTIFICATE")
        }
        return certificates
    }

    /// The first key among the blocks of `bytes`.
    private static func privateKey(_ bytes: [UInt8]) throws(CertificateError) -> PrivateKey {
        var key: PrivateKey?
        try PEMBlocks.read(bytes, of: .key) { block, contents throws(CertificateError) in
            guard block.label.hasSuffix("PRIVATE KEY") else { return .goOn }
            if block.isEncrypted || block.label == "ENCRYPTED PRIVATE KEY" {
                throw CertificateError(
                    .encryptedKey, .key, block: block.number, "the key is encrypted; store it without a passphrase")
            }
            key = PrivateKey(der: contents)
            let cause = ErrorQueue.take()
            guard key != nil else {
                throw CertificateError(.malformed, .key, block: block.number, "not a private key", cause: cause)
            }
            return .stop
        }
        guard let key else { throw CertificateError(.missing, .key, "no PEM block PRIVATE KEY") }
        return key
    }
}

/// Whether OpenSSL will serve a certificate at the security level in force, found out before a handshake does.
private enum CertificateProbe {
    private static let context = ContextHandle(.server)

    static func check(_ certificate: Certificate) throws(CertificateError) {
        // An SSL object of its own: what was checked last should not outlive its owner, least of all its key.
        guard let context = Self.context, let ssl = unsafe SSL_new(context.pointer) else {
            throw CertificateError(.unavailable, .chain, "cannot be checked", cause: ErrorQueue.take())
        }
        defer { unsafe SSL_free(ssl) }
        let accepted = unsafe SSL_use_cert_and_key(
            ssl, certificate.leaf.pointer, certificate.key.pointer, certificate.chain.pointer, 1)
        guard accepted == 1 else {
            throw CertificateError(
                .tooWeak, .chain, "\(certificate.keyKind), refused by the security level", cause: ErrorQueue.take())
        }
    }
}
