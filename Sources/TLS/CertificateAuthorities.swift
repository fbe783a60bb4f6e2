internal import COpenSSL

/// Whom others' certificates have to come from. Immutable and shared by all threads.
///
/// Unsafe invariants of this file: the store is owned from `init` to `deinit` and only read after `init`; OpenSSL locks
/// what it caches in it.
@safe
package final class CertificateAuthorities: Sendable {
    /// What each of them says.
    package let facts: [CertificateFacts]

    nonisolated(unsafe) let store: OpaquePointer
    let certificates: [X509Certificate]

    /// `bundle`: PEM; each certificate in it is a trust anchor, self-signed or not (`ca.crt` of a Secret).
    package init(_ bundle: [UInt8]) throws(CertificateError) {
        let certificates = try Certificate.certificates(bundle, of: .authorities, limit: CertificateLimits.authorities)
        guard let store = unsafe X509_STORE_new() else { throw Self.cannotKeep }
        unsafe self.store = store
        self.certificates = certificates
        self.facts = certificates.compactMap { CertificateFacts($0) }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for certificate in certificates {
            guard unsafe X509_STORE_add_cert(store, certificate.pointer) == 1 else { throw Self.cannotKeep }
        }
        ErrorQueue.clear()
    }

    deinit { unsafe X509_STORE_free(self.store) }

    static var cannotKeep: CertificateError {
        CertificateError(.unavailable, .authorities, "cannot be kept", cause: ErrorQueue.take())
    }
}
