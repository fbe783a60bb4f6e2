internal import COpenSSL
internal import Synchronization

/// The newest session with each peer, to be resumed: for half the work of a full handshake. Shared by all workers; looked at
/// once for each handshake.
///
/// One is used again until there is a newer one. (RFC 8446, C.4, advises against that for the sake of clients who do not want to
/// be recognised; a proxy's address tells as much.)
final class ClientSessions: Sendable {
    /// Peers whose sessions are kept; beyond that any of them gives way. A session takes 6 KB, most of it the peer's certificate.
    static let limit = 2048

    private let sessions = Mutex<[UInt64: ClientSession]>([:])

    var count: Int { self.sessions.withLock { $0.count } }

    subscript(peer: UInt64) -> ClientSession? { self.sessions.withLock { $0[peer] } }

    func keep(_ session: ClientSession, of peer: UInt64) {
        // What is replaced is freed after the lock is given back.
        let former = self.sessions.withLock { sessions -> [ClientSession?] in
            var former = [sessions.updateValue(session, forKey: peer)]
            if sessions.count > Self.limit, let other = sessions.keys.first(where: { $0 != peer }) {
                former.append(sessions.removeValue(forKey: other))
            }
            return former
        }
        _ = former
    }
}

/// A session as OpenSSL holds it, which no connection has: those take copies, since one that breaks off spoils its own.
///
/// Unsafe invariants of this file: one reference to a valid SSL_SESSION from `init` to `deinit`, which nobody else has
/// and nobody changes, so that any thread may copy it.
@safe
final class ClientSession: Sendable {
    nonisolated(unsafe) private let pointer: OpaquePointer

    /// A copy. nil without memory.
    init?(copying session: OpaquePointer) {
        guard let copy = unsafe SSL_SESSION_dup(session) else { return nil }
        unsafe self.pointer = copy
    }

    deinit { unsafe SSL_SESSION_free(self.pointer) }

    /// Has a connection try to resume it; what comes of it the server says.
    func resume(_ ssl: OpaquePointer) {
        guard let copy = unsafe SSL_SESSION_dup(self.pointer) else { return }
        _ = unsafe SSL_set_session(ssl, copy)
        unsafe SSL_SESSION_free(copy)
    }
}

/// What OpenSSL's callbacks get at through the SSL object of a connecting side. Kept as long as that, for a server may
/// give tickets at any time.
final class ClientHandshake {
    let context: TLSClientContext
    let peer: UInt64

    init(_ context: TLSClientContext, peer: UInt64) {
        self.context = context
        self.peer = peer
    }

    func prepare(_ ssl: OpaquePointer) -> Bool {
        if let name = self.context.serverName {
            guard unsafe fairlead_ssl_set_server_name(ssl, name) == 1 else { return false }
        }
        if let session = self.context.sessions?[self.peer] { unsafe session.resume(ssl) }
        return true
    }

    func keep(_ session: OpaquePointer) {
        guard let copy = unsafe ClientSession(copying: session) else { return }
        self.context.sessions?.keep(copy, of: self.peer)
    }
}
