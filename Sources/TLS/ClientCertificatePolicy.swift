internal import COpenSSL

/// Which certificates of clients a host asks for. Immutable and shared by all threads.
///
/// Hosts with one never resume sessions: a client's certificate is verified for each connection.
///
/// Unsafe invariants of this file: the store and the names are owned from `init` to `deinit` and only read after
/// `init`; OpenSSL locks what it caches in a store.
@safe
package final class ClientCertificatePolicy: Sendable {
    package enum Mode: UInt8, Sendable, CaseIterable {
        /// The handshake succeeds whatever comes; ``TLSConnection/clientCertificate`` says what did. To refuse with an answer of
        /// HTTP, as nginx does, choose this and look.
        case optional = 1
        /// The handshake fails without a certificate that verifies.
        case required = 2
    }

    /// Equal for policies that accept the same: for a request whose `Host` is not the name that the connection was made
    /// for, compare the two hosts'.
    package struct ID: Hashable, Sendable {
        let high: UInt64
        let low: UInt64
    }

    /// How many certificates may be between a client's and an authority, unless said otherwise. nginx has the same.
    package static let defaultDepth = 1

    package let mode: Mode
    package let depth: Int
    package let id: ID
    /// The subjects of the authorities.
    package let authorities: [CertificateFacts]

    nonisolated(unsafe) let store: OpaquePointer
    nonisolated(unsafe) let names: OpaquePointer

    /// `authorities`: PEM, each certificate in it is a trust anchor, self-signed or not (`ca.crt` of a Secret).
    package init(
        _ mode: Mode, authorities: [UInt8], depth: Int = ClientCertificatePolicy.defaultDepth
    ) throws(CertificateError) {
        let certificates = try Certificate.certificates(
            authorities, of: .authorities, limit: CertificateLimits.authorities)
        guard let store = unsafe X509_STORE_new(), let names = unsafe fairlead_names_new() else {
            throw CertificateError(.unavailable, .authorities, "cannot be kept", cause: ErrorQueue.take())
        }
        unsafe self.store = store
        unsafe self.names = names
        self.mode = mode
        self.depth = max(0, depth)
        self.authorities = certificates.compactMap { CertificateFacts($0) }
        self.id = Self.identify(mode, max(0, depth), self.authorities)
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for certificate in certificates {
            guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1,
                unsafe fairlead_names_push(names, X509_get_subject_name(certificate.pointer)) == 1
            else {
                throw CertificateError(.unavailable, .authorities, "cannot be kept", cause: ErrorQueue.take())
            }
        }
        ErrorQueue.clear()
    }

    deinit {
        unsafe X509_STORE_free(self.store)
        unsafe fairlead_names_free(self.names)
    }

    private static func identify(_ mode: Mode, _ depth: Int, _ authorities: [CertificateFacts]) -> ID {
        let prints = authorities.map(\.fingerprint).sorted().joined(separator: ",")
        let digest = Digest.sha256("\(mode.rawValue) \(depth) \(prints)")
        let words = [0, 8].map { start in
            digest[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return ID(high: words[0], low: words[1])
    }
}
