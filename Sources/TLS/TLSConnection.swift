internal import COpenSSL

/// One end of a TLS connection on a non-blocking socket, a client's or a server's. Has one owner, which also owns the descriptor; lives in
/// place in a slab. Reading and writing are one call into OpenSSL each, with no allocation, lock or reference
/// counting of this module's (OpenSSL takes its record buffer from malloc and returns it when it is empty).
///
/// - Nothing raises SIGPIPE.
/// - After `failed` every call returns the same failure, and nothing is sent any more.
/// - After a `wantsWrite` from ``write(from:)`` the next write has to begin with the same bytes and be no shorter: OpenSSL
///   has encrypted them already. Where they are may change.
/// - It belongs to one thread at a time.
///
/// Unsafe invariants of this file: `ssl` is one reference to a valid SSL object from `init` to `deinit`, used by no one
/// else; its slot for application data points to `shared`, which this value holds as long. The thread's error
/// queue is empty before each call that is followed by SSL_get_error(3).
@safe
package struct TLSConnection: ~Copyable {
    private enum Side {
        case server(Handshake)
        case client(ClientHandshake)
    }

    private let ssl: OpaquePointer
    private let shared: Side
    private var isEstablished = false
    private var failure: TLSFailure?
    /// What is spoken inside (ALPN); nil if that was not negotiated, or before the handshake is done. HTTP/1.1 then.
    package private(set) var negotiatedProtocol: ApplicationProtocol?

    /// One BIO method for all; nil without memory.
    nonisolated(unsafe) private static let method = unsafe fairlead_bio_method()

    /// The accepting end.
    ///
    /// `descriptor`: a connected, non-blocking socket that stays the caller's and is to be closed after this value is gone.
    /// Throws `internalError` without memory.
    package init(_ context: TLSServerContext, descriptor: Int32) throws(TLSFailure) {
        let ssl = try unsafe Self.make(context.engine.handle, descriptor)
        let shared = Handshake(context)
        guard unsafe HandshakeCallbacks.attach(shared, to: ssl) else { throw unsafe Self.discard(ssl) }
        unsafe SSL_set_accept_state(ssl)
        unsafe self.ssl = ssl
        self.shared = .server(shared)
    }

    /// The connecting end, on a socket that is connected or about to be.
    ///
    /// `peer` tells endpoints apart whose sessions are no use to each other: a hash of address and port.
    /// Throws `internalError` without memory.
    package init(_ context: TLSClientContext, descriptor: Int32, peer: UInt64) throws(TLSFailure) {
        let ssl = try unsafe Self.make(context.handle, descriptor)
        let shared = ClientHandshake(context, peer: peer)
        guard unsafe HandshakeCallbacks.attach(shared, to: ssl), unsafe shared.prepare(ssl) else {
            throw unsafe Self.discard(ssl)
        }
        unsafe SSL_set_connect_state(ssl)
        unsafe self.ssl = ssl
        self.shared = .client(shared)
    }

    private static func make(_ context: ContextHandle, _ descriptor: Int32) throws(TLSFailure) -> OpaquePointer {
        ErrorQueue.clear()
        guard let method = unsafe Self.method, let ssl = unsafe SSL_new(context.pointer) else {
            throw TLSFailure(.internalError, code: Int64(bitPattern: UInt64(ErrorQueue.takeTLS())))
        }
        guard unsafe fairlead_ssl_set_descriptor(ssl, method, descriptor) == 1 else {
            throw unsafe Self.discard(ssl)
        }
        return unsafe ssl
    }

    private static func discard(_ ssl: OpaquePointer) -> TLSFailure {
        unsafe SSL_free(ssl)
        return TLSFailure(.internalError, code: Int64(bitPattern: UInt64(ErrorQueue.takeTLS())))
    }

    deinit { unsafe SSL_free(self.ssl) }

    // MARK: - Steps

    /// Goes on with the handshake. To be called first, and when the socket is as the last step wanted it; once it is done it
    /// stays done. There is no limit on time in here.
    package mutating func handshake() -> TLSStep {
        if let failure = self.failure { return .failed(failure) }
        if self.isEstablished { return .done }
        switch unsafe fairlead_ssl_handshake(self.ssl) {
        case 1:
            self.isEstablished = true
            self.negotiatedProtocol = self.selectedProtocol
            if case .server(let handshake) = self.shared { handshake.finish() }
            // Not needed again without renegotiation: the certificate and its key may go with their last owner.
            unsafe SSL_certs_clear(self.ssl)
            // Some of what OpenSSL tries on the way fails and is no failure.
            ErrorQueue.clear()
            return self.checkProtocol()
        case Self.wantsRead: return .wantsRead
        case Self.wantsWrite: return .wantsWrite
        case let outcome: return .failed(self.fail(outcome))
        }
    }

    /// Reads what has come, as far as it fits: several records if they are there. Decrypted in place into `buffer`.
    ///
    /// Where events are edge-triggered, come back without waiting until this is `wantsRead`, or ``hasPending`` is false and
    /// ``isSocketDrained`` is true.
    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSTransfer {
        if let failure = self.failure { return .failed(failure) }
        guard let base = buffer.baseAddress, buffer.count > 0 else { return .bytes(0) }
        var total = 0
        while true {
            let result = unsafe fairlead_ssl_read(self.ssl, base + total, buffer.count - total)
            if result > 0 {
                total += Int(result)
                if total < buffer.count, unsafe SSL_has_pending(self.ssl) == 1 { continue }
                return .bytes(total)
            }
            // What came before is good. Whatever this is, it will be the same at the next call: but an error only
            // says so once.
            let isWait = result == Self.wantsRead || result == Self.wantsWrite
            if total > 0 {
                if !isWait, result != Self.closed { _ = self.fail(result) }
                return .bytes(total)
            }
            return self.transfer(result)
        }
    }

    /// Encrypts and sends as much of `buffer` as the socket takes, in records of at most 16 KiB.
    package mutating func write(from buffer: UnsafeRawBufferPointer) -> TLSTransfer {
        if let failure = self.failure { return .failed(failure) }
        guard let base = buffer.baseAddress, buffer.count > 0 else { return .bytes(0) }
        var total = 0
        while true {
            let result = unsafe fairlead_ssl_write(self.ssl, base + total, buffer.count - total)
            if result > 0 {
                total += Int(result)
                if total < buffer.count { continue }
                return .bytes(total)
            }
            if total > 0 {
                if result != Self.wantsRead, result != Self.wantsWrite { _ = self.fail(result) }
                return .bytes(total)
            }
            return self.transfer(result)
        }
    }

    /// The same.
    package mutating func write(from bytes: Span<UInt8>) -> TLSTransfer {
        unsafe bytes.withUnsafeBytes { unsafe self.write(from: $0) }
    }

    /// Tells the peer that nothing more comes (close_notify), as well as the socket takes it now. The socket itself is not
    /// shut down.
    package mutating func shutdown() -> TLSStep {
        if let failure = self.failure { return .failed(failure) }
        guard self.isEstablished else { return .done }
        switch unsafe fairlead_ssl_shutdown(self.ssl) {
        case 1, Self.closed: return .done
        case Self.wantsRead: return .wantsRead
        case Self.wantsWrite: return .wantsWrite
        case let outcome: return .failed(self.fail(outcome))
        }
    }

    /// Whether bytes have been received and not been handed out. They may be less than a record, so that reading
    /// still wants more.
    package var hasPending: Bool { unsafe SSL_has_pending(self.ssl) == 1 }

    /// Whether the last receive took all that the kernel had: then there will be another event when more comes.
    package var isSocketDrained: Bool { unsafe fairlead_ssl_socket_is_drained(self.ssl) }

    // MARK: - Outcomes

    private static let wantsRead = Int64(FAIRLEAD_SSL_WANTS_READ)
    private static let wantsWrite = Int64(FAIRLEAD_SSL_WANTS_WRITE)
    private static let closed = Int64(FAIRLEAD_SSL_CLOSED)

    private mutating func transfer(_ outcome: Int64) -> TLSTransfer {
        switch outcome {
        case Self.wantsRead: .wantsRead
        case Self.wantsWrite: .wantsWrite
        case Self.closed: .closed(clean: unsafe !fairlead_ssl_socket_has_ended(self.ssl))
        case let outcome: .failed(self.fail(outcome))
        }
    }

    private mutating func fail(_ outcome: Int64) -> TLSFailure {
        var failure = unsafe FailureReading.failure(outcome, self.ssl)
        if case .server(let handshake) = self.shared {
            if let refusal = handshake.refusal { failure = refusal }
            handshake.finish()
        }
        self.failure = failure
        return failure
    }

    // MARK: - Protocols

    /// A server chooses among what it was offered, or not at all; OpenSSL does not look (RFC 7301, 3.1).
    private mutating func checkProtocol() -> TLSStep {
        guard case .client(let handshake) = self.shared else { return .done }
        let offered = handshake.context.settings.protocols
        guard !offered.isEmpty else { return .done }
        if let chosen = self.negotiatedProtocol {
            if offered.contains(chosen) { return .done }
        } else if offered.contains(.http1), unsafe !fairlead_ssl_has_protocol(self.ssl) {
            return .done
        }
        let failure = TLSFailure(.noApplicationProtocol)
        self.negotiatedProtocol = nil
        self.failure = failure
        return .failed(failure)
    }

    /// nil for none, and for one that is not ours.
    private var selectedProtocol: ApplicationProtocol? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(self.ssl, &name, &length)
        guard let name = unsafe name, length > 0 else { return nil }
        return ApplicationProtocolChoice.named(unsafe Span(_unsafeStart: name, count: Int(length)))
    }
}

// MARK: - What was agreed

extension TLSConnection {
    /// The host that the client asked for (SNI), in lower case; nil if it did not.
    package var serverName: String? {
        switch self.shared {
        case .server(let handshake): handshake.serverName
        case .client(let handshake): handshake.context.serverName
        }
    }

    /// The policy of that host; nil where clients are not asked.
    package var clientCertificatePolicy: ClientCertificatePolicy.ID? {
        guard case .server(let handshake) = self.shared else { return nil }
        return handshake.clientCertificates?.id
    }

    /// nil before versions are agreed on.
    package var version: TLSVersion? {
        switch unsafe SSL_version(self.ssl) {
        case TLS1_2_VERSION: .tls12
        case TLS1_3_VERSION: .tls13
        default: nil
        }
    }

    /// In OpenSSL's words, as in `TLS_AES_128_GCM_SHA256`; nil before the handshake is done.
    package var cipher: String? {
        guard let cipher = unsafe SSL_get_current_cipher(self.ssl), let name = unsafe SSL_CIPHER_get_name(cipher) else {
            return nil
        }
        return unsafe String(cString: name)
    }

    package var isResumed: Bool { unsafe SSL_session_reused(self.ssl) == 1 }

    /// Who the client says it is, and whether that is so; `none` at the client's own end.
    package var clientCertificate: ClientIdentity {
        guard case .server = self.shared, let pointer = unsafe SSL_get1_peer_certificate(self.ssl) else { return .none }
        let certificate = unsafe X509Certificate(owning: pointer)
        guard let facts = CertificateFacts(certificate) else { return .none }
        let result = unsafe SSL_get_verify_result(self.ssl)
        if result == Int(X509_V_OK) { return .verified(facts) }
        return .refused(facts, reason: LibraryText.verification(Int64(result)))
    }
}
