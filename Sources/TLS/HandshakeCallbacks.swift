internal import COpenSSL

/// What OpenSSL asks while it shakes hands.
///
/// Unsafe invariants of this file: callbacks run within a call on an SSL object that a ``TLSConnection`` owns, and that
/// connection holds what `slot` points to for as long as the SSL object lives: a ``Handshake`` if the context is a server's, a
/// ``ClientHandshake`` if it is a client's. Pointers that are passed in are valid during the callback, for the lengths that come
/// with them.
enum HandshakeCallbacks {
    /// The slot of the SSL object for application data: SSL_set_app_data(3).
    private static let slot: Int32 = 0

    static func attach(_ handshake: Handshake, to ssl: OpaquePointer) -> Bool {
        unsafe SSL_set_ex_data(ssl, Self.slot, Unmanaged.passUnretained(handshake).toOpaque()) == 1
    }

    static func attach(_ handshake: ClientHandshake, to ssl: OpaquePointer) -> Bool {
        unsafe SSL_set_ex_data(ssl, Self.slot, Unmanaged.passUnretained(handshake).toOpaque()) == 1
    }

    private static func handshake(of ssl: OpaquePointer?) -> Handshake? {
        guard let data = unsafe SSL_get_ex_data(ssl, Self.slot) else { return nil }
        return unsafe Unmanaged<Handshake>.fromOpaque(data).takeUnretainedValue()
    }

    static func install(in context: ContextHandle) {
        // Before versions, sessions and extensions are looked at: what a host asks of clients has to be known by then.
        unsafe SSL_CTX_set_client_hello_cb(
            context.pointer,
            { ssl, alert, _ in
                guard let ssl = unsafe ssl, let alert = unsafe alert else { return SSL_CLIENT_HELLO_ERROR }
                return unsafe HandshakeCallbacks.clientHello(ssl, alert)
            }, nil)
        // Not called when a session is resumed, which needs no certificate.
        unsafe SSL_CTX_set_cert_cb(
            context.pointer,
            { ssl, _ in unsafe ssl.map { unsafe HandshakeCallbacks.useCertificate($0) } ?? 0 }, nil)
        unsafe SSL_CTX_set_alpn_select_cb(
            context.pointer,
            { ssl, chosen, chosenLength, list, length, _ in
                guard let list = unsafe list else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                let offered = unsafe Span(_unsafeStart: list, count: Int(length))
                guard let range = unsafe HandshakeCallbacks.chooseProtocol(ssl, from: offered) else {
                    return SSL_TLSEXT_ERR_ALERT_FATAL
                }
                unsafe chosen?.pointee = list + range.lowerBound
                unsafe chosenLength?.pointee = UInt8(range.count)
                return SSL_TLSEXT_ERR_OK
            }, nil)
        _ = unsafe fairlead_context_set_ticket_callback(context.pointer) { ssl, name, vector, cipher, mac, encrypting in
            guard let name = unsafe name, let vector = unsafe vector, let cipher = unsafe cipher, let mac = unsafe mac
            else {
                return -1
            }
            let request = unsafe TicketRequest(name: name, vector: vector, cipher: cipher, mac: mac)
            return unsafe HandshakeCallbacks.ticket(ssl, request, isNew: encrypting == 1)
        }
    }

    /// For clients.
    static func keepSessions(of context: ContextHandle) {
        unsafe fairlead_context_tell_sessions(context.pointer) { ssl, session in
            // 0: the reference stays OpenSSL's.
            guard let session = unsafe session, let data = unsafe SSL_get_ex_data(ssl, HandshakeCallbacks.slot) else {
                return 0
            }
            unsafe Unmanaged<ClientHandshake>.fromOpaque(data).takeUnretainedValue().keep(session)
            return 0
        }
    }

    private static func chooseProtocol(_ ssl: OpaquePointer?, from offered: Span<UInt8>) -> Range<Int>? {
        guard let handshake = unsafe Self.handshake(of: ssl) else { return nil }
        let choice = ApplicationProtocolChoice.choose(of: handshake.engine.settings.protocols, from: offered)
        if choice == nil { handshake.refuse(TLSFailure(.noApplicationProtocol)) }
        return choice
    }

    private static func clientHello(_ ssl: OpaquePointer, _ alert: UnsafeMutablePointer<Int32>) -> Int32 {
        unsafe alert.pointee = SSL_AD_INTERNAL_ERROR
        guard let handshake = unsafe Self.handshake(of: ssl) else { return SSL_CLIENT_HELLO_ERROR }
        guard handshake.choose(unsafe Self.serverName(ssl)) != nil else {
            unsafe alert.pointee = SSL_AD_UNRECOGNIZED_NAME
            return SSL_CLIENT_HELLO_ERROR
        }
        let context = handshake.sessionContext
        guard unsafe SSL_set_session_id_context(ssl, context, UInt32(context.count)) == 1 else {
            return SSL_CLIENT_HELLO_ERROR
        }
        if let policy = handshake.clientCertificates {
            guard unsafe Self.ask(for: policy, ssl) else { return SSL_CLIENT_HELLO_ERROR }
        }
        return SSL_CLIENT_HELLO_SUCCESS
    }

    private static func serverName(_ ssl: OpaquePointer) -> String? {
        var bytes: UnsafePointer<UInt8>?
        var length = 0
        let type = UInt32(TLSEXT_TYPE_server_name)
        guard unsafe SSL_client_hello_get0_ext(ssl, type, &bytes, &length) == 1, let bytes = unsafe bytes else {
            return nil
        }
        return ServerNameExtension.hostName(in: unsafe Span(_unsafeStart: bytes, count: length))
    }

    private static func ask(for policy: ClientCertificatePolicy, _ ssl: OpaquePointer) -> Bool {
        unsafe fairlead_ssl_refuse_sessions(ssl)
        switch policy.mode {
        case .required:
            let mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            return unsafe fairlead_ssl_ask_certificate(
                ssl, mode, nil, policy.anchors.store, policy.names, Int32(clamping: policy.depth)) == 1
        case .optional:
            // Goes on whatever is wrong; OpenSSL keeps what was.
            return unsafe fairlead_ssl_ask_certificate(
                ssl, SSL_VERIFY_PEER, { _, _ in 1 }, policy.anchors.store, policy.names, Int32(clamping: policy.depth))
                == 1
        }
    }

    private static func useCertificate(_ ssl: OpaquePointer) -> Int32 {
        guard let certificate = unsafe Self.handshake(of: ssl)?.certificate else { return 0 }
        return unsafe SSL_use_cert_and_key(
            ssl, certificate.leaf.pointer, certificate.key.pointer, certificate.chain.pointer, 1)
    }

    /// What it returns is told in SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
    private static func ticket(_ ssl: OpaquePointer?, _ request: TicketRequest, isNew: Bool) -> Int32 {
        guard let keys = unsafe Self.handshake(of: ssl)?.engine.tickets else { return -1 }
        if isNew { return unsafe keys.startEncryption(request) ? 1 : 0 }
        switch unsafe keys.startDecryption(request) {
        case .unknown: return 0
        // A ticket of TLS 1.3 should be used once (RFC 8446, C.4), so each resumption brings the next.
        case .ready: return unsafe SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1
        case .readyButOld: return 2
        case .failed: return -1
        }
    }
}
