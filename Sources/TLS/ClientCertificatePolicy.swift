internal import COpenSSL

/// Which certificates of clients a host asks for. Immutable and shared by all threads.
///
/// Hosts with one never resume sessions: a client's certificate is verified for each connection.
///
/// Unsafe invariants of this file: the names are owned from `init` to `deinit` and only read after `init`.
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
    /// Who signs the certificates of clients.
    package var authorities: [CertificateFacts] { self.anchors.facts }

    let anchors: CertificateAuthorities
    nonisolated(unsafe) let names: OpaquePointer

    /// `authorities`: PEM, each certificate in it is a trust anchor, self-signed or not (`ca.crt` of a Secret).
    package init(
        _ mode: Mode, authorities: [UInt8], depth: Int = ClientCertificatePolicy.defaultDepth
    ) throws(CertificateError) {
        let anchors = try CertificateAuthorities(authorities)
        guard let names = unsafe fairlead_names_new() else { throw CertificateAuthorities.cannotKeep }
        unsafe self.names = names
        self.anchors = anchors
        self.mode = mode
        self.depth = max(0, depth)
        self.id = Self.identify(mode, max(0, depth), anchors.facts)
        for certificate in anchors.certificates {
            guard unsafe fairlead_names_push(names, X509_get_subject_name(certificate.pointer)) == 1 else {
                throw CertificateAuthorities.cannotKeep
            }
        }
        ErrorQueue.clear()
    }

    deinit { unsafe fairlead_names_free(self.names) }

    private static func identify(_ mode: Mode, _ depth: Int, _ authorities: [CertificateFacts]) -> ID {
        let prints = authorities.map(\.fingerprint).sorted().joined(separator: ",")
        let digest = Digest.sha256("\(mode.rawValue) \(depth) \(prints)")
        let words = [0, 8].map { start in
            digest[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return ID(high: words[0], low: words[1])
    }
}
