internal import COpenSSL
internal import Linux

/// What a certificate says.
///
/// Unsafe invariants of this file: strings that OpenSSL lends belong to the certificate, which outlives each function
/// here, and are copied; what it gives (alternative names, memory BIOs) is freed once.
package struct CertificateFacts: Hashable, Sendable {
    /// As RFC 2253 writes it: `CN=shop.example,O=Example`.
    package let subject: String
    package let issuer: String
    /// In hexadecimal, capitals.
    package let serialNumber: String
    /// The DNS names of its subjectAltName, in lower case; the common name only if it has no subjectAltName at all.
    package let dnsNames: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    /// Seconds since 1970.
    package let notAfter: Int64
    /// SHA-256 of the certificate: 64 hexadecimal digits, small letters.
    package let fingerprint: String

    /// nil for a certificate whose times or serial number cannot be read.
    init?(_ certificate: X509Certificate) {
        let pointer = unsafe certificate.pointer
        var notBefore: Int64 = 0
        var notAfter: Int64 = 0
        guard unsafe fairlead_time_seconds(X509_get0_notBefore(pointer), &notBefore) == 1,
            unsafe fairlead_time_seconds(X509_get0_notAfter(pointer), &notAfter) == 1
        else {
            return nil
        }
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.subject = unsafe Self.text(of: X509_get_subject_name(pointer))
        self.issuer = unsafe Self.text(of: X509_get_issuer_name(pointer))
        self.serialNumber = unsafe Self.hexadecimal(of: X509_get0_serialNumber(pointer))
        self.dnsNames = unsafe Self.names(of: pointer)
        self.fingerprint = unsafe Self.fingerprint(of: pointer)
    }

    /// Whether `name` is one of its names, or is covered by one of the form `*.rest` (RFC 6125, 6.4.3). `name` may
    /// itself be of that form.
    package func covers(_ name: String) -> Bool {
        let name = name.lowercased()
        if self.dnsNames.contains(name) { return true }
        guard !name.hasPrefix("*."), let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
        return self.dnsNames.contains("*" + name[dot...])
    }

    private static func text(of name: OpaquePointer?) -> String {
        guard let name = unsafe name, let target = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(target) }
        guard unsafe X509_NAME_print_ex(target, name, 0, fairlead_name_flags) >= 0 else { return "" }
        var length = 0
        guard let contents = unsafe fairlead_bio_contents(target, &length) else { return "" }
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: contents, count: length), as: UTF8.self)
    }

    private static func hexadecimal(of serial: UnsafePointer<ASN1_INTEGER>?) -> String {
        guard let number = unsafe ASN1_INTEGER_to_BN(serial, nil) else { return "" }
        defer { unsafe BN_free(number) }
        guard let text = unsafe BN_bn2hex(number) else { return "" }
        defer { unsafe fairlead_free(text) }
        return unsafe String(cString: text)
    }

    private static func names(of certificate: OpaquePointer) -> [String] {
        guard let alternatives = unsafe fairlead_alternative_names(certificate) else {
            return unsafe Self.commonName(of: certificate).map { [$0] } ?? []
        }
        defer { unsafe GENERAL_NAMES_free(alternatives) }
        return unsafe (0..<fairlead_alternative_count(alternatives)).compactMap { index in
            unsafe fairlead_alternative_dns(alternatives, index).flatMap { unsafe Self.hostName($0) }
        }
    }

    private static func commonName(of certificate: OpaquePointer) -> String? {
        let subject = unsafe X509_get_subject_name(certificate)
        let index = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)) else {
            return nil
        }
        return unsafe Self.hostName(value)
    }

    /// nil for what is no name of a host. A byte zero in the middle, where others would stop reading, is an old trick.
    private static func hostName(_ value: UnsafePointer<ASN1_STRING>) -> String? {
        let bytes = unsafe UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(value), count: Int(ASN1_STRING_length(value)))
        guard !bytes.isEmpty, unsafe bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return unsafe String(decoding: bytes, as: UTF8.self).lowercased()
    }

    private static func fingerprint(of certificate: OpaquePointer) -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard unsafe X509_digest(certificate, EVP_sha256(), &digest, &length) == 1 else { return "" }
        return Digest.hexadecimal(digest.prefix(Int(length)))
    }
}
