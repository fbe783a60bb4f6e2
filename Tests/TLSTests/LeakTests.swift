import COpenSSL
import Linux
import Synchronization
import Testing

@testable import TLS

/// Notices when OpenSSL frees what a test has marked.
///
/// Unsafe invariants of this file: a marker is a retained `Flag`, released by the one callback that OpenSSL makes when it frees
/// what is marked; what is marked is alive while it is being marked.
private enum Freed {
    final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    static let contextSlot = slot(CRYPTO_EX_INDEX_SSL_CTX)
    static let certificateSlot = slot(CRYPTO_EX_INDEX_X509)

    private static func slot(_ kind: Int32) -> Int32 {
        unsafe CRYPTO_get_ex_new_index(kind, 0, nil, nil, nil) { _, data, _, _, _, _ in
            guard let data = unsafe data else { return }
            unsafe Unmanaged<Flag>.fromOpaque(data).takeRetainedValue().isSet.store(true, ordering: .relaxed)
        }
    }

    static func flag(_ context: TLSServerContext) -> Flag {
        let flag = Flag()
        let marker = unsafe Unmanaged.passRetained(flag).toOpaque()
        unsafe SSL_CTX_set_ex_data(context.engine.handle.pointer, Self.contextSlot, marker)
        return flag
    }

    static func flag(_ context: TLSClientContext) -> Flag {
        let flag = Flag()
        let marker = unsafe Unmanaged.passRetained(flag).toOpaque()
        unsafe SSL_CTX_set_ex_data(context.handle.pointer, Self.contextSlot, marker)
        return flag
    }

    static func flag(_ certificate: Certificate) -> Flag {
        let flag = Flag()
        let marker = unsafe Unmanaged.passRetained(flag).toOpaque()
        unsafe X509_set_ex_data(certificate.leaf.pointer, Self.certificateSlot, marker)
        return flag
    }
}

/// Every connection holds a reference to its context, and while it shakes hands to its certificate: if these are freed, none
/// is left.
@Suite struct LeakTests {
    private static func converse(_ context: TLSServerContext, _ session: TestSession?, _ round: Int) throws
        -> TestSession?
    {
        let link = try Link(context, .init(serverName: "a.example", session: session))
        #expect(try link.handshake() == .done)
        link.client.write([1, 2, 3])
        try link.clientSends()
        #expect(link.serverReads().bytes == [1, 2, 3])
        #expect(link.serverWrites([4, 5, 6]) == .bytes(3))
        // Some end in order, some are cut.
        if round % 2 == 0 { #expect(link.serverShutsDown() == .done) }
        return link.client.session
    }

    /// Full handshakes, resumed ones and failed ones, while certificates change.
    @Test(.timeLimit(.minutes(5)))
    func tenThousandHandshakesLeaveNothing() throws {
        let identity = try TestAuthority("root").issue("a.example")
        let plain = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        var flags: [Freed.Flag] = []
        var isResumed = 0
        do {
            var context = try TestContext.make()
            flags.append(Freed.flag(context))
            var session: TestSession?
            for round in 0..<10_000 {
                if round % 100 == 0 {
                    let certificate = try identity.loaded()
                    flags.append(Freed.flag(certificate))
                    let host = TLSHost(certificate: certificate)
                    context = context.replacing(
                        TLSHosts(defaultCertificate: context.hosts.defaultCertificate, hosts: ["a.example": host]))
                }
                if round % 3 != 0, session != nil { isResumed += 1 }
                session = try Self.converse(context, round % 3 == 0 ? nil : session, round)
                if round % 10 == 0 {
                    let link = try Link(context)
                    try link.sockets.send(plain)
                    #expect(link.serverHandshakes() == .failed(TLSFailure(.httpRequest)))
                }
                // Each certificate but the newest is gone as soon as it is replaced.
                if round % 1000 == 999 {
                    #expect(flags.count { !$0.isSet.load(ordering: .relaxed) } == 2, "after \(round) handshakes")
                }
            }
        }
        #expect(isResumed > 5000)
        #expect(flags.count == 101)
        #expect(flags.allSatisfy { $0.isSet.load(ordering: .relaxed) })
    }

    /// An open connection keeps no certificate and no key, whatever was replaced meanwhile.
    @Test func anOpenConnectionKeepsNoCertificate() throws {
        let root = try TestAuthority("root")
        let link: Link
        let flags: [Freed.Flag]
        do {
            let used = try root.issue("a.example").loaded()
            let other = try root.issue("b.example").loaded()
            let context = try TestContext.make(
                hosts: ["a.example": TLSHost(certificate: used), "b.example": TLSHost(certificate: other)])
            flags = [Freed.flag(context), Freed.flag(used), Freed.flag(other)]
            link = try Link(context, .init(serverName: "a.example"))
        }
        #expect(flags.map { $0.isSet.load(ordering: .relaxed) } == [false, false, false])
        try link.handshake()
        #expect(flags.map { $0.isSet.load(ordering: .relaxed) } == [false, true, true])
        #expect(link.serverWrites([1]) == .bytes(1))
    }

    /// Full and resumed handshakes, ends in order and without, and servers that are refused.
    @Test func connectionsToBackendsLeaveNothing() throws {
        let root = try TestAuthority("root")
        var flags: [Freed.Flag] = []
        var isResumed = 0
        do {
            let shown = try root.issue("proxy").loaded()
            let client = try TestClientContext.make(verifying: "a.example", with: root) { $0.certificate = shown }
            let server = try TestContext.make(root.issue("a.example").loaded())
            let stranger = try TestContext.make()
            flags = [Freed.flag(client), Freed.flag(shown), Freed.flag(server)]
            for round in 0..<500 {
                let isRefused = round % 10 == 9
                let connection = try Connection(
                    client, to: isRefused ? stranger : server, peer: UInt64(isRefused ? 9 : round % 3))
                #expect((connection.handshake() == .done) != isRefused)
                guard !isRefused else { continue }
                if connection.client.isResumed { isResumed += 1 }
                #expect(connection.serverWrites([1]) == .bytes(1))
                #expect(connection.clientReads().bytes == [1])
                if round % 2 == 0 { #expect(connection.clientShutsDown() == .done) }
            }
        }
        #expect(isResumed > 440)
        #expect(flags.allSatisfy { $0.isSet.load(ordering: .relaxed) })
    }
}
