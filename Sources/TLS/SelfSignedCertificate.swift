internal import COpenSSL
internal import Linux

extension Certificate {
    /// The subject of the certificate that is served where there is no other.
    package static let defaultCommonName = "Fairlead Default Certificate"
    /// The name of the certificate that is served where there is no other. No host can have it (RFC 2606, 2).
    package static let defaultNames = ["fairlead.invalid"]
    /// How long it is good, in days.
    package static let defaultDays = 365

    /// A new certificate with a new P-256 key, signed with that key: encryption without identity.
    package static func selfSigned(
        commonName: String = Certificate.defaultCommonName, names: [String] = Certificate.defaultNames,
        days: Int = Certificate.defaultDays
    ) throws(CertificateError) -> Certificate {
        ErrorQueue.clear()
        guard let generated = unsafe fairlead_generate_p256() else { throw Self.cannotGenerate }
        let key = unsafe PrivateKey(owning: generated)
        guard let made = unsafe X509_new() else { throw Self.cannotGenerate }
        let certificate = unsafe X509Certificate(owning: made)
        let alternatives = names.map { "DNS:\($0)" }.joined(separator: ",")
        guard SelfSigning.fill(certificate, commonName: commonName, days: days),
            SelfSigning.extend(
                certificate,
                [
                    (NID_basic_constraints, "critical,CA:FALSE"),
                    (NID_key_usage, "critical,digitalSignature"),
                    (NID_ext_key_usage, "serverAuth"),
                    (NID_subject_alt_name, alternatives),
                ]),
            SelfSigning.sign(certificate, with: key)
        else {
            throw Self.cannotGenerate
        }
        return try Certificate(certificates: [certificate], key: key)
    }

    private static var cannotGenerate: CertificateError {
        CertificateError(.unavailable, .chain, "no certificate can be made", cause: ErrorQueue.take())
    }
}

/// The steps of making one.
///
/// Unsafe invariants of this file: the certificate is not shared before it is signed; extensions are freed after the
/// certificate has copied them.
private enum SelfSigning {
    /// Clients whose clocks are behind accept it too. Seconds.
    private static let backdated = -3600
    private static let secondsPerDay = 86_400

    static func fill(_ certificate: X509Certificate, commonName: String, days: Int) -> Bool {
        let pointer = unsafe certificate.pointer
        var serial: UInt64 = 0
        let random = unsafe withUnsafeMutableBytes(of: &serial) { bytes in
            unsafe RAND_bytes(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count))
        }
        guard random == 1, unsafe X509_set_version(pointer, Int(X509_VERSION_3)) == 1,
            // Positive (RFC 5280, 4.1.2.2).
            unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(pointer), serial >> 1 | 1) == 1,
            unsafe X509_gmtime_adj(X509_getm_notBefore(pointer), Self.backdated) != nil,
            unsafe X509_gmtime_adj(X509_getm_notAfter(pointer), days * Self.secondsPerDay) != nil
        else {
            return false
        }
        let name = unsafe X509_get_subject_name(pointer)
        let text = Array(commonName.utf8)
        return unsafe X509_NAME_add_entry_by_NID(
            name, NID_commonName, MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1
            && X509_set_issuer_name(pointer, name) == 1
    }

    static func extend(_ certificate: X509Certificate, _ extensions: [(Int32, String)]) -> Bool {
        extensions.allSatisfy { identifier, value in
            guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, identifier, value) else { return false }
            defer { unsafe X509_EXTENSION_free(made) }
            return unsafe X509_add_ext(certificate.pointer, made, -1) == 1
        }
    }

    static func sign(_ certificate: X509Certificate, with key: PrivateKey) -> Bool {
        unsafe X509_set_pubkey(certificate.pointer, key.pointer) == 1
            && X509_sign(certificate.pointer, key.pointer, EVP_sha256()) > 0
    }
}
