/// Who a client is, by its certificate.
package enum ClientIdentity: Hashable, Sendable {
    /// It was not asked, or had none.
    case none
    /// It holds the key of a certificate that verifies with the host's authorities.
    case verified(CertificateFacts)
    /// It holds the key of a certificate that does not, in OpenSSL's words: `certificate has expired`.
    case refused(CertificateFacts, reason: String)
}
