import COpenSSL
import Linux
import Synchronization
import TLS
import Testing

/// Counts connections as OpenSSL frees them.
///
/// Unsafe invariants of this file: the callbacks touch nothing but the counter.
private enum LiveConnections {
    static let count = Atomic<Int>(0)

    /// Every SSL object made from here on is counted.
    static let isCounting: Bool = {
        let slot = unsafe CRYPTO_get_ex_new_index(
            CRYPTO_EX_INDEX_SSL, 0, nil,
            { _, _, _, _, _, _ in LiveConnections.count.add(1, ordering: .relaxed) }, nil,
            { _, _, _, _, _, _ in LiveConnections.count.subtract(1, ordering: .relaxed) })
        return slot >= 0
    }()
}

@Suite(.serialized) struct LeakTests {
    private static func residentBytes() throws -> Int {
        let file = try Descriptor.open("/proc/self/statm", flags: 0)
        let text = String(decoding: try file.readToEnd(limit: 4096), as: UTF8.self)
        return try #require(Int(text.split(separator: " ")[1])) * 4096
    }

    private static func converse(_ context: TLSServerContext, _ session: TestSession?, _ round: Int) throws -> TestSession? {
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

    /// Full handshakes, resumed ones and failed ones, with a change of certificates in between.
    @Test(.timeLimit(.minutes(5)))
    func tenThousandHandshakesLeaveNothing() throws {
        #expect(LiveConnections.isCounting)
        let root = try TestAuthority("root")
        let identity = try root.issue("a.example")
        var context = try TestContext.make()
        let plain = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        func rounds(_ range: Range<Int>) throws {
            var session: TestSession?
            for round in range {
                if round % 100 == 0 {
                    let host = TLSHost(certificate: try identity.loaded())
                    context = context.replacing(
                        TLSHosts(defaultCertificate: context.hosts.defaultCertificate, hosts: ["a.example": host]))
                }
                session = try Self.converse(context, round % 3 == 0 ? nil : session, round)
                if round % 10 == 0 {
                    let link = try Link(context)
                    try link.sockets.send(plain)
                    #expect(link.serverHandshakes() == .failed(TLSFailure(.httpRequest)))
                }
            }
        }
        try rounds(0..<1000)
        let before = try Self.residentBytes()
        try rounds(1000..<10_000)
        let grown = try Self.residentBytes() - before
        // An SSL object alone is more than 5 KB: a leak of one in ten would be 5 MB.
        #expect(grown < 4 << 20, "\(grown) bytes more")
    }

    @Test func aConnectionIsFreedWithItsOwner() throws {
        #expect(LiveConnections.isCounting)
        let context = try TestContext.make()
        weak var hosts: TLSHosts?
        var sockets: [SocketPair] = []
        for finishes in [true, false] {
            let link = try Link(context)
            hosts = context.hosts
            if finishes { try link.handshake() }
            sockets.append(link.sockets)
        }
        #expect(hosts != nil)
        // The sockets are not theirs to close.
        for pair in sockets { try pair.send([1]) }
    }
}
