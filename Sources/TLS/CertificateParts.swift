internal import COpenSSL
internal import Synchronization

// What a certificate is made of, one reference each.
//
// Unsafe invariants of this file: each type owns one reference to a valid object of OpenSSL from `init` to `deinit`.
// These objects count their references with atomic operations and are only read once they are made, by any thread; so
// the types that are Sendable may be.

/// A certificate as OpenSSL holds it.
@safe
final class X509Certificate: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Takes over the reference.
    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe X509_free(self.pointer) }

    /// From DER; nil, and an entry in the error queue, if that is not one certificate and nothing else.
    convenience init?(der: RawSpan) {
        let pointer: OpaquePointer? = unsafe der.withUnsafeBytes { buffer in
            var position = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let end = unsafe position.map { unsafe $0 + buffer.count }
            guard let made = unsafe d2i_X509(nil, &position, buffer.count) else { return nil }
            if unsafe position == end { return unsafe made }
            unsafe X509_free(made)
            return nil
        }
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.init(owning: pointer)
    }
}

/// Certificates that more than one chain has: a thousand leaves of one issuer share its certificate. Known as long as somebody
/// holds them.
enum SharedCertificates {
    private struct Entry {
        weak let certificate: X509Certificate?
    }

    private static let known = Mutex<[[UInt8]: Entry]>([:])

    /// The certificate of that DER, parsed now or held already; nil, and an entry in the error queue, if it is none.
    static func certificate(der: RawSpan) -> X509Certificate? {
        let digest = Digest.sha256(der)
        return self.known.withLock { known in
            if let certificate = known[digest]?.certificate { return certificate }
            guard let certificate = X509Certificate(der: der) else { return nil }
            // As many steps as there are entries, but only when their number would double.
            if known.count == known.capacity { known = known.filter { $0.value.certificate != nil } }
            known[digest] = Entry(certificate: certificate)
            return certificate
        }
    }
}

/// A private key as OpenSSL holds it.
@safe
final class PrivateKey: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Takes over the reference.
    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    // OpenSSL wipes what it frees of a key.
    deinit { unsafe EVP_PKEY_free(self.pointer) }

    /// From DER: PKCS #8, or the traditional forms of RSA and EC keys. nil, and an entry in the error queue, for
    /// anything else.
    convenience init?(der: RawSpan) {
        let pointer: OpaquePointer? = unsafe der.withUnsafeBytes { buffer in
            var position = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe d2i_AutoPrivateKey(nil, &position, buffer.count)
        }
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.init(owning: pointer)
    }

    /// nil for a kind that is not served.
    var kind: Certificate.KeyKind? {
        switch unsafe EVP_PKEY_get_base_id(self.pointer) {
        case EVP_PKEY_RSA: return .rsa(bits: unsafe Int(EVP_PKEY_get_bits(self.pointer)))
        case EVP_PKEY_ED25519: return .ed25519
        case EVP_PKEY_EC:
            switch self.curve {
            case "prime256v1", "P-256": return .p256
            case "secp384r1", "P-384": return .p384
            default: return nil
            }
        default: return nil
        }
    }

    private var curve: String {
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard unsafe EVP_PKEY_get_group_name(self.pointer, &name, name.count, &length) == 1 else { return "" }
        return String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What it is called in an error.
    var kindName: String {
        if let name = unsafe EVP_PKEY_get0_type_name(self.pointer) {
            let curve = self.curve
            let type = unsafe String(cString: name)
            return curve.isEmpty ? type : "\(type) on \(curve)"
        }
        return "unknown"
    }

    func isKey(of certificate: X509Certificate) -> Bool {
        unsafe X509_check_private_key(certificate.pointer, self.pointer) == 1
    }
}

/// The certificates between a leaf and its root, in order.
@safe
final class CertificateChain: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer
    /// Kept, so that others find them in ``SharedCertificates``.
    let certificates: [X509Certificate]

    /// Takes references of its own. nil without memory.
    init?(_ certificates: some Sequence<X509Certificate>) {
        guard let made = unsafe fairlead_chain_new() else { return nil }
        self.certificates = Array(certificates)
        unsafe self.pointer = made
        for certificate in self.certificates {
            unsafe X509_up_ref(certificate.pointer)
            if unsafe fairlead_chain_push(self.pointer, certificate.pointer) > 0 { continue }
            unsafe X509_free(certificate.pointer)
            return nil
        }
    }

    deinit { unsafe fairlead_chain_free(self.pointer) }

    var count: Int { self.certificates.count }
}
