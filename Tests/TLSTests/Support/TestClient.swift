import COpenSSL
import Testing

/// The client's end of TLS, without a socket: bytes go in and come out, so that a test can cut, hold back and spoil them.
///
/// Unsafe invariants of this file: `ssl`, which owns both BIOs, and `context` live from `init` to `deinit`; the slot of the context
/// for application data points to this object, which outlives the calls that use it.
@safe
final class TestClient {
    struct Options {
        var serverName: String? = nil
        var protocols: [String] = []
        var minimum = TLS1_VERSION
        var maximum = TLS1_3_VERSION
        /// For TLS 1.2.
        var ciphers: String? = nil
        var groups: String? = nil
        var identity: TestIdentity? = nil
        var session: TestSession? = nil
        /// Makes the first message this much longer.
        var padding = 0
    }

    enum State: Equatable {
        case goingOn
        case done
        /// OpenSSL's words, as in "tlsv1 unrecognized name".
        case failed(String)
    }

    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private(set) var state = State.goingOn
    /// The newest that the server has given.
    fileprivate(set) var session: TestSession?
    /// How many there were.
    fileprivate(set) var sessions = 0

    init(_ options: Options = Options()) throws {
        unsafe self.context = try unsafe valid(SSL_CTX_new(TLS_client_method()))
        unsafe SSL_CTX_set_security_level(self.context, 0)
        unsafe SSL_CTX_ctrl(self.context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(options.minimum), nil)
        unsafe SSL_CTX_ctrl(self.context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(options.maximum), nil)
        unsafe SSL_CTX_ctrl(self.context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_CLIENT), nil)
        if let ciphers = options.ciphers { try unsafe check(SSL_CTX_set_cipher_list(self.context, ciphers) == 1) }
        if let groups = options.groups {
            try unsafe check(fairlead_context_set_groups(self.context, groups) == 1)
        }
        if let identity = options.identity { try unsafe Self.use(identity, self.context) }
        unsafe self.ssl = try unsafe valid(SSL_new(self.context))
        unsafe self.input = try unsafe valid(BIO_new(BIO_s_mem()))
        unsafe self.output = try unsafe valid(BIO_new(BIO_s_mem()))
        // Empty means "later", not "the end".
        unsafe BIO_ctrl(self.input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        unsafe BIO_ctrl(self.output, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        unsafe SSL_set_bio(self.ssl, self.input, self.output)
        unsafe SSL_set_connect_state(self.ssl)
        try self.prepare(options)
        unsafe SSL_CTX_set_ex_data(self.context, 0, Unmanaged.passUnretained(self).toOpaque())
        unsafe SSL_CTX_sess_set_new_cb(self.context) { ssl, session in
            let data = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)
            guard let data = unsafe data, let session = unsafe session else { return 0 }
            let client = unsafe Unmanaged<TestClient>.fromOpaque(data).takeUnretainedValue()
            // A copy: a connection that ends without a word spoils its session.
            client.session = unsafe SSL_SESSION_dup(session).map { unsafe TestSession(owning: $0) }
            client.sessions += 1
            return 0
        }
    }

    deinit {
        unsafe SSL_free(self.ssl)
        unsafe SSL_CTX_free(self.context)
        ERR_clear_error()
    }

    private func prepare(_ options: Options) throws {
        if let name = options.serverName {
            let bytes = name.utf8CString
            let result = unsafe bytes.withUnsafeBufferPointer {
                let pointer = unsafe UnsafeMutableRawPointer(mutating: $0.baseAddress)
                return unsafe SSL_ctrl(
                    self.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), pointer)
            }
            try check(result == 1)
        }
        var list = options.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        // Names that nobody has: they make the first message long.
        for _ in 0..<options.padding / 256 { list += [255] + [UInt8](repeating: 0x78, count: 255) }
        if !list.isEmpty {
            try unsafe check(SSL_set_alpn_protos(self.ssl, list, UInt32(list.count)) == 0)
        }
        if let session = options.session { try unsafe check(SSL_set_session(self.ssl, session.pointer) == 1) }
    }

    private static func use(_ identity: TestIdentity, _ context: OpaquePointer) throws {
        let first = unsafe BIO_new_mem_buf(identity.certificate, Int32(identity.certificate.count))
        let second = unsafe BIO_new_mem_buf(identity.key, Int32(identity.key.count))
        defer {
            unsafe BIO_free(first)
            unsafe BIO_free(second)
        }
        let certificate = unsafe PEM_read_bio_X509(first, nil, nil, nil)
        defer { unsafe X509_free(certificate) }
        let key = unsafe PEM_read_bio_PrivateKey(second, nil, nil, nil)
        defer { unsafe EVP_PKEY_free(key) }
        try unsafe check(SSL_CTX_use_certificate(context, certificate) == 1)
        // Intermediates that follow.
        while let next = unsafe PEM_read_bio_X509(first, nil, nil, nil) {
            try unsafe check(SSL_CTX_ctrl(context, SSL_CTRL_EXTRA_CHAIN_CERT, 0, UnsafeMutableRawPointer(next)) == 1)
        }
        try unsafe check(SSL_CTX_use_PrivateKey(context, key) == 1)
        ERR_clear_error()
    }

    // MARK: - Steps

    func handshake() {
        guard self.state == .goingOn else { return }
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(self.ssl)
        if result == 1 {
            self.state = .done
            return
        }
        let error = unsafe SSL_get_error(self.ssl, result)
        if error != SSL_ERROR_WANT_READ, error != SSL_ERROR_WANT_WRITE { self.state = .failed(Self.reason()) }
    }

    private static func reason() -> String {
        let text = unsafe ERR_reason_error_string(ERR_peek_error())
        ERR_clear_error()
        return unsafe text.map { unsafe String(cString: $0) } ?? "closed"
    }

    /// What is to be sent.
    func takeOutput() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe BIO_read(self.output, &buffer, Int32(buffer.count))
            if count <= 0 { return bytes }
            bytes += buffer[..<Int(count)]
        }
    }

    /// What was received.
    func feed(_ bytes: [UInt8]) { unsafe BIO_write(self.input, bytes, Int32(bytes.count)) }

    func write(_ bytes: [UInt8]) {
        ERR_clear_error()
        var count = 0
        unsafe SSL_write_ex(self.ssl, bytes, bytes.count, &count)
        precondition(count == bytes.count, "a BIO in memory takes everything")
    }

    /// Everything that can be decrypted. Failures go to ``state``.
    func read() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            ERR_clear_error()
            var count = 0
            let result = unsafe SSL_read_ex(self.ssl, &buffer, buffer.count, &count)
            if result == 1 {
                bytes += buffer[..<count]
                continue
            }
            if unsafe SSL_get_error(self.ssl, result) == SSL_ERROR_SSL { self.state = .failed(Self.reason()) }
            return bytes
        }
    }

    func close() { unsafe SSL_shutdown(self.ssl) }
    func renegotiate() -> Bool { unsafe SSL_renegotiate(self.ssl) == 1 && SSL_do_handshake(self.ssl) != 0 }
    /// TLS 1.3's new keys for both directions.
    func updateKeys() -> Bool {
        unsafe SSL_key_update(self.ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(self.ssl) == 1
    }

    // MARK: - What it saw

    var isResumed: Bool { unsafe SSL_session_reused(self.ssl) == 1 }
    var version: Int32 { unsafe SSL_version(self.ssl) }
    var cipher: String { unsafe String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(self.ssl))) }
    var hasReceivedClose: Bool { unsafe SSL_get_shutdown(self.ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

    var negotiatedProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(self.ssl, &name, &length)
        guard let name = unsafe name, length > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }

    /// The ticket that it would come back with.
    var ticket: [UInt8] { unsafe TestSession.ticket(of: SSL_get_session(self.ssl)) }

    /// SHA-256 of the server's certificate.
    var serverFingerprint: String? {
        guard let certificate = unsafe SSL_get0_peer_certificate(self.ssl) else { return nil }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        unsafe X509_digest(certificate, EVP_sha256(), &digest, &length)
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }

    /// How many certificates the server sent.
    var chainLength: Int { unsafe Int(OPENSSL_sk_num(SSL_get_peer_cert_chain(self.ssl))) }
}

/// A session to resume. One reference.
@safe
final class TestSession {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe SSL_SESSION_free(self.pointer) }

    var ticket: [UInt8] { unsafe Self.ticket(of: self.pointer) }

    fileprivate static func ticket(of session: OpaquePointer?) -> [UInt8] {
        var bytes: UnsafePointer<UInt8>?
        var length = 0
        unsafe SSL_SESSION_get0_ticket(session, &bytes, &length)
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: length))
    }
}
