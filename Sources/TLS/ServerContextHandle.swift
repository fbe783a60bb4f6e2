internal import COpenSSL

/// An SSL_CTX for servers: everything that listeners have in common.
///
/// Unsafe invariants of this file: one reference to a valid SSL_CTX from `init` to `deinit`; connections have references of
/// their own. It is changed before it is shared with other threads, and not after.
@safe
final class ServerContextHandle: Sendable {
    nonisolated(unsafe) let pointer: OpaquePointer

    /// 112 bits: no RSA key under 2048 bits, no SHA-1 signature. The system may ask for more.
    private static let securityLevel: Int32 = 2

    /// nil, and an entry in the error queue, without memory.
    init?() {
        guard let pointer = unsafe fairlead_context_new() else { return nil }
        unsafe self.pointer = pointer
        unsafe SSL_CTX_set_security_level(pointer, max(Self.securityLevel, SSL_CTX_get_security_level(pointer)))
    }

    deinit { unsafe SSL_CTX_free(self.pointer) }

    func apply(_ settings: TLSSettings, ticketLifetime: Int) throws(TLSContextError) {
        ErrorQueue.clear()
        let minimum =
            switch settings.minimumVersion {
            case .tls12: TLS1_2_VERSION
            case .tls13: TLS1_3_VERSION
            }
        let steps: [(String, Int32)] = unsafe [
            ("minimum version", fairlead_context_set_minimum(self.pointer, minimum)),
            (
                "ciphers \(settings.ciphers)",
                SSL_CTX_set_cipher_list(self.pointer, settings.ciphers.joined(separator: ":"))
            ),
            (
                "cipher suites \(settings.cipherSuites)",
                SSL_CTX_set_ciphersuites(self.pointer, settings.cipherSuites.joined(separator: ":"))
            ),
            (
                "groups \(settings.groups)",
                fairlead_context_set_groups(self.pointer, settings.groups.joined(separator: ":"))
            ),
            ("tickets", SSL_CTX_set_num_tickets(self.pointer, max(0, settings.ticketsPerHandshake))),
        ]
        for (name, result) in steps where result != 1 {
            throw TLSContextError(code: .badSetting, message: "\(name): not accepted", cause: ErrorQueue.take())
        }
        unsafe SSL_CTX_set_timeout(self.pointer, ticketLifetime)
        if settings.ticketsPerHandshake <= 0 { unsafe fairlead_context_refuse_tickets(self.pointer) }
        ErrorQueue.clear()
    }
}
