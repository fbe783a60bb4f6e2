internal import COpenSSL

/// An SSL_CTX: everything that the connections of a listener, or those to a backend, have in common.
///
/// Unsafe invariants of this file: one reference to a valid SSL_CTX from `init` to `deinit`; connections have references of
/// their own. It is changed before it is shared with other threads, and not after.
@safe
final class ContextHandle: Sendable {
    enum Side: Int32 {
        case client = 0
        case server = 1
    }

    nonisolated(unsafe) let pointer: OpaquePointer

    /// 112 bits: no RSA key under 2048 bits, no SHA-1 signature. The system may ask for more.
    private static let securityLevel: Int32 = 2

    /// nil, and an entry in the error queue, without memory.
    init?(_ side: Side) {
        guard let pointer = unsafe fairlead_context_new(side.rawValue) else { return nil }
        unsafe self.pointer = pointer
        unsafe SSL_CTX_set_security_level(pointer, max(Self.securityLevel, SSL_CTX_get_security_level(pointer)))
    }

    deinit { unsafe SSL_CTX_free(self.pointer) }

    // MARK: - Settings

    /// What both sides agree on with a peer.
    func apply(_ algorithms: TLSAlgorithms) throws(TLSContextError) {
        let versions = (algorithms.minimumVersion.number, algorithms.maximumVersion.number)
        try self.check(
            unsafe versions.0 <= versions.1
                ? fairlead_context_set_versions(self.pointer, versions.0, versions.1) : 0,
            "versions \(algorithms.minimumVersion) to \(algorithms.maximumVersion)")
        try self.check(
            unsafe SSL_CTX_set_cipher_list(self.pointer, algorithms.ciphers.joined(separator: ":")),
            "ciphers \(algorithms.ciphers)")
        try self.check(
            unsafe SSL_CTX_set_ciphersuites(self.pointer, algorithms.cipherSuites.joined(separator: ":")),
            "cipher suites \(algorithms.cipherSuites)")
        try self.check(
            unsafe fairlead_context_set_groups(self.pointer, algorithms.groups.joined(separator: ":")),
            "groups \(algorithms.groups)")
    }

    /// Tickets that a server gives; none turns resumption off. `lifetime` in seconds.
    func giveTickets(_ count: Int, lifetime: Int) throws(TLSContextError) {
        try self.check(unsafe SSL_CTX_set_num_tickets(self.pointer, max(0, count)), "tickets")
        unsafe SSL_CTX_set_timeout(self.pointer, lifetime)
        if count <= 0 { unsafe fairlead_context_refuse_tickets(self.pointer) }
    }

    /// What a client offers to speak. None: the extension is left out.
    func offer(_ protocols: [ApplicationProtocol]) throws(TLSContextError) {
        guard !protocols.isEmpty else { return }
        let list = protocols.flatMap { [UInt8($0.rawValue.utf8.count)] + Array($0.rawValue.utf8) }
        // The one function of its kind that returns 0 for success.
        try self.check(unsafe SSL_CTX_set_alpn_protos(self.pointer, list, UInt32(list.count)) == 0 ? 1 : 0, "ALPN")
    }

    /// A client refuses servers that do not prove to be who `verification` says.
    func verify(_ verification: ServerVerification) throws(TLSContextError) {
        let store = unsafe verification.authorities.store
        try self.check(
            unsafe fairlead_context_verify(self.pointer, store, Int32(clamping: verification.depth)), "store")
        let name = "name \(verification.name)"
        guard !verification.name.isEmpty, !verification.name.utf8.contains(0) else { try self.check(0, name); return }
        try self.check(unsafe fairlead_context_expect(self.pointer, verification.name), name)
    }

    /// What a client shows to servers that ask.
    func show(_ certificate: Certificate) throws(TLSContextError) {
        let result = unsafe SSL_CTX_use_cert_and_key(
            self.pointer, certificate.leaf.pointer, certificate.key.pointer, certificate.chain.pointer, 1)
        try self.check(result, "certificate of \(certificate.facts.subject)")
    }

    private func check(_ result: Int32, _ setting: String) throws(TLSContextError) {
        let cause = ErrorQueue.take()
        guard result == 1 else {
            throw TLSContextError(code: .badSetting, message: "\(setting): not accepted", cause: cause)
        }
    }
}

extension TLSVersion {
    fileprivate var number: Int32 {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}
