import COpenSSL
import Testing

@testable import TLS

/// Sessions that are resumed with backends.
@Suite struct ClientSessionTests {
    private static func client(
        _ version: TLSVersion, verifying name: String? = nil, with root: TestAuthority? = nil,
        _ change: (inout TLSClientSettings) -> Void = { _ in }
    ) throws -> TLSClientContext {
        try TestClientContext.make(verifying: name, with: root) { settings in
            settings.algorithms.maximumVersion = version
            change(&settings)
        }
    }

    private static func server(_ version: TLSVersion, _ certificate: Certificate? = nil) throws -> TLSServerContext {
        try TestContext.make(certificate) { $0.algorithms.maximumVersion = version }
    }

    /// Connects, exchanges a byte each way, so that tickets have come, and ends as `isOrderly` says. Returns whether the session
    /// was resumed.
    private static func visit(
        _ client: TLSClientContext, _ server: TLSServerContext, peer: UInt64 = 1, isOrderly: Bool = true
    ) throws -> Bool {
        let connection = try Connection(client, to: server, peer: peer)
        #expect(connection.handshake() == .done)
        #expect(connection.serverWrites([1]) == .bytes(1))
        #expect(connection.clientReads().bytes == [1])
        #expect(connection.client.isResumed == connection.server.isResumed)
        if isOrderly { #expect(connection.clientShutsDown() == .done) }
        return connection.client.isResumed
    }

    @Test(arguments: [TLSVersion.tls12, .tls13], [true, false])
    func theNextConnectionResumes(version: TLSVersion, isOrderly: Bool) throws {
        let (client, server) = (try Self.client(version), try Self.server(version))
        #expect(try !Self.visit(client, server, isOrderly: isOrderly))
        for _ in 0..<5 { #expect(try Self.visit(client, server, isOrderly: isOrderly)) }
        #expect(client.sessions?.count == 1)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func severalAtOnceResume(version: TLSVersion) throws {
        let (client, server) = (try Self.client(version), try Self.server(version))
        #expect(try !Self.visit(client, server))
        let connections = try (0..<4).map { _ in try Connection(client, to: server) }
        for connection in connections {
            #expect(connection.handshake() == .done)
            #expect(connection.client.isResumed)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func anotherPeerOrContextDoesNot(version: TLSVersion) throws {
        let (client, server) = (try Self.client(version), try Self.server(version))
        #expect(try !Self.visit(client, server, peer: 1))
        #expect(try !Self.visit(client, server, peer: 2))
        #expect(try !Self.visit(Self.client(version), server, peer: 1))
        #expect(try Self.visit(client, server, peer: 2))
        let without = try Self.client(version) { $0.resumesSessions = false }
        for _ in 0..<2 { #expect(try !Self.visit(without, server)) }
        #expect(without.sessions == nil)
    }

    /// A server that has lost its keys.
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func aServerThatDoesNotResumeIsConnectedToAnew(version: TLSVersion) throws {
        let client = try Self.client(version)
        #expect(try !Self.visit(client, Self.server(version)))
        let next = try Self.server(version)
        #expect(try !Self.visit(client, next))
        #expect(try Self.visit(client, next))
    }

    /// Only servers that were verified have sessions; one whose certificate is refused leaves none.
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func aResumedServerWasVerified(version: TLSVersion) throws {
        let root = try TestAuthority("root")
        let good = try Self.server(version, root.issue("a.example").loaded())
        let client = try Self.client(version, verifying: "a.example", with: root)
        #expect(try !Self.visit(client, good))
        #expect(try Self.visit(client, good))

        let bad = try Self.server(version, root.issue("b.example").loaded())
        let strict = try Self.client(version, verifying: "a.example", with: root)
        for _ in 0..<2 {
            let connection = try Connection(strict, to: bad)
            #expect(connection.handshake().failure?.reason == .serverCertificateRefused)
        }
        #expect(strict.sessions?.count == 0)
    }

    @Test func sessionsHaveALimit() throws {
        let (client, server) = (try Self.client(.tls13), try Self.server(.tls13))
        #expect(try !Self.visit(client, server, peer: 0))
        let sessions = try #require(client.sessions)
        let session = try #require(sessions[0])
        for peer in 1...UInt64(ClientSessions.limit + 100) { sessions.keep(session, of: peer) }
        #expect(sessions.count == ClientSessions.limit)
        #expect(sessions[UInt64(ClientSessions.limit + 100)] != nil)
    }
}
