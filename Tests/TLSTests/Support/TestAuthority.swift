import COpenSSL
import TLS
import Testing

/// A key as a test wants it.
enum TestKey: String, CaseIterable, Sendable {
    case p256, p384, p521, rsa2048, rsa1024, ed25519
}

/// A certificate and its key, as PEM.
struct TestIdentity: Sendable {
    let certificate: [UInt8]
    let key: [UInt8]

    func loaded(chain: [UInt8] = []) throws -> Certificate {
        try Certificate(chain: self.certificate + chain, key: self.key)
    }
}

/// Issues certificates. Made with OpenSSL by other ways than the product's.
///
/// Unsafe invariants of this file: each object of OpenSSL is freed once, by `deinit` or `defer`; the tests use an
/// authority on one thread.
@safe
final class TestAuthority {
    let identity: TestIdentity
    private let key: OpaquePointer
    private let certificate: OpaquePointer

    struct Request {
        var commonName: String? = nil
        var names: [String] = []
        var key = TestKey.p256
        /// Days from now.
        var notBefore = -1
        var notAfter = 30
        var isAuthority = false
        var usage = "serverAuth,clientAuth"
    }

    /// A root, or an intermediate of `issuer`.
    init(_ name: String, issuer: TestAuthority? = nil) throws {
        let key = try unsafe Self.generate(.p256)
        unsafe self.key = key
        let request = Request(commonName: name, isAuthority: true)
        unsafe self.certificate = try unsafe Self.issue(
            request, key, by: issuer.map { unsafe ($0.certificate, $0.key) })
        self.identity = try unsafe Self.identity(self.certificate, self.key)
    }

    deinit {
        unsafe EVP_PKEY_free(self.key)
        unsafe X509_free(self.certificate)
    }

    func issue(_ request: Request) throws -> TestIdentity {
        let key = try unsafe Self.generate(request.key)
        defer { unsafe EVP_PKEY_free(key) }
        let certificate = try unsafe Self.issue(request, key, by: (self.certificate, self.key))
        defer { unsafe X509_free(certificate) }
        return try unsafe Self.identity(certificate, key)
    }

    func issue(_ names: String..., key: TestKey = .p256) throws -> TestIdentity {
        try self.issue(Request(commonName: names.first, names: names, key: key))
    }

    /// The same key in another form: "TRADITIONAL", "ENCRYPTED" (PKCS #8), "LEGACY" (encrypted, RFC 1421).
    static func rewrite(_ key: [UInt8], as form: String) throws -> [UInt8] {
        let source = unsafe BIO_new_mem_buf(key, Int32(key.count))
        defer { unsafe BIO_free(source) }
        let loaded = try unsafe valid(PEM_read_bio_PrivateKey(source, nil, nil, nil))
        defer { unsafe EVP_PKEY_free(loaded) }
        let target = unsafe BIO_new(BIO_s_mem())
        defer { unsafe BIO_free(target) }
        let password = Array("secret".utf8)
        let result =
            switch form {
            case "TRADITIONAL": unsafe PEM_write_bio_PrivateKey_traditional(target, loaded, nil, nil, 0, nil, nil)
            case "LEGACY":
                unsafe PEM_write_bio_PrivateKey_traditional(
                    target, loaded, EVP_aes_128_cbc(), password, Int32(password.count), nil, nil)
            default:
                unsafe PEM_write_bio_PrivateKey(
                    target, loaded, EVP_aes_128_cbc(), password, Int32(password.count), nil, nil)
            }
        try check(result == 1)
        return unsafe Self.contents(target)
    }

    private static func generate(_ kind: TestKey) throws -> OpaquePointer {
        let (name, parameter): (String, String?) =
            switch kind {
            case .p256: ("EC", "P-256")
            case .p384: ("EC", "P-384")
            case .p521: ("EC", "P-521")
            case .rsa2048: ("RSA", "2048")
            case .rsa1024: ("RSA", "1024")
            case .ed25519: ("ED25519", nil)
            }
        let context = unsafe EVP_PKEY_CTX_new_from_name(nil, name, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        try unsafe check(EVP_PKEY_keygen_init(context) == 1)
        if let parameter {
            let option = name == "EC" ? "ec_paramgen_curve" : "rsa_keygen_bits"
            try unsafe check(EVP_PKEY_CTX_ctrl_str(context, option, parameter) == 1)
        }
        var key: OpaquePointer?
        try unsafe check(EVP_PKEY_keygen(context, &key) == 1)
        return try unsafe valid(key)
    }

    private static func issue(
        _ request: Request, _ key: OpaquePointer, by issuer: (certificate: OpaquePointer, key: OpaquePointer)?
    ) throws -> OpaquePointer {
        let made = try unsafe valid(X509_new())
        unsafe X509_set_version(made, Int(X509_VERSION_3))
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(made), .random(in: 1..<Int(Int32.max)))
        unsafe X509_gmtime_adj(X509_getm_notBefore(made), request.notBefore * 86_400)
        unsafe X509_gmtime_adj(X509_getm_notAfter(made), request.notAfter * 86_400)
        unsafe X509_set_pubkey(made, key)
        if let name = request.commonName {
            let text = Array(name.utf8)
            unsafe X509_NAME_add_entry_by_txt(
                X509_get_subject_name(made), "CN", MBSTRING_UTF8, text, Int32(text.count), -1, 0)
        }
        unsafe X509_set_issuer_name(made, X509_get_subject_name(issuer?.certificate ?? made))
        var extensions = [(NID_basic_constraints, request.isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE")]
        if !request.isAuthority { extensions.append((NID_ext_key_usage, request.usage)) }
        if !request.names.isEmpty {
            let names = request.names.map { $0.contains(":") ? $0 : "DNS:\($0)" }
            extensions.append((NID_subject_alt_name, names.joined(separator: ",")))
        }
        for (identifier, value) in extensions {
            let made509 = try unsafe valid(X509V3_EXT_conf_nid(nil, nil, identifier, value))
            unsafe X509_add_ext(made, made509, -1)
            unsafe X509_EXTENSION_free(made509)
        }
        let signer = unsafe issuer?.key ?? key
        let isEdwards = unsafe EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519
        try unsafe check(X509_sign(made, signer, isEdwards ? nil : EVP_sha256()) > 0)
        return unsafe made
    }

    private static func identity(_ certificate: OpaquePointer, _ key: OpaquePointer) throws -> TestIdentity {
        let first = unsafe BIO_new(BIO_s_mem())
        let second = unsafe BIO_new(BIO_s_mem())
        defer {
            unsafe BIO_free(first)
            unsafe BIO_free(second)
        }
        try unsafe check(PEM_write_bio_X509(first, certificate) == 1)
        try unsafe check(PEM_write_bio_PrivateKey(second, key, nil, nil, 0, nil, nil) == 1)
        return unsafe TestIdentity(certificate: Self.contents(first), key: Self.contents(second))
    }

    private static func contents(_ bio: OpaquePointer?) -> [UInt8] {
        var length = 0
        let data = unsafe fairlead_bio_contents(bio, &length)
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: length))
    }
}

/// What OpenSSL gave, which has to be something.
func valid(_ pointer: OpaquePointer?) throws -> OpaquePointer {
    guard let pointer = unsafe pointer else { throw NoObject() }
    return unsafe pointer
}

func check(_ condition: Bool) throws {
    if !condition { throw NoObject() }
}

private struct NoObject: Error {}
