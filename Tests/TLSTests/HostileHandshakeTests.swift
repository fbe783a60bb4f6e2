import COpenSSL
import Glibc
import TLS
import Testing

/// Spec 7.5, the row of TLS.
@Suite struct HostileHandshakeTests {
    @Test(arguments: [0, 3000, 20_000])
    func aClientHelloByteByByte(padding: Int) throws {
        let link = try Link(
            TestContext.make(), .init(serverName: "a.example", protocols: ["http/1.1"], padding: padding))
        link.pieces = 1
        #expect(try link.handshake() == .done)
        #expect(link.serverName == "a.example")
        #expect(link.negotiatedProtocol == .http1)
    }

    @Test(arguments: ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT", "PROPFIND"])
    func aPlainRequestIsToldApartAndNothingIsSent(method: String) throws {
        let link = try Link(TestContext.make())
        try link.sockets.send(Array("\(method) / HTTP/1.1\r\nHost: a.example\r\n\r\n".utf8))
        #expect(link.serverHandshakes() == .failed(TLSFailure(.httpRequest)))
        #expect(link.sockets.receive() == [])
        // The same again, whoever asks.
        #expect(link.serverHandshakes() == .failed(TLSFailure(.httpRequest)))
        #expect(link.serverReads().last == .failed(TLSFailure(.httpRequest)))
        #expect(link.serverWrites([1]) == .failed(TLSFailure(.httpRequest)))
        #expect(link.serverShutsDown() == .failed(TLSFailure(.httpRequest)))
    }

    @Test(
        arguments: [
            ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], .notTLS),
            ([UInt8](repeating: 0xFF, count: 64), .notTLS),
            (Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), .httpRequest),
            // A record of a size that none has.
            ([22, 3, 1, 0xFF, 0xFF, 1, 0, 0, 0], .badRecord),
            // A handshake message that is no ClientHello.
            ([22, 3, 1, 0, 4, 2, 0, 0, 0], .protocolViolation),
            // Application data first.
            ([23, 3, 3, 0, 4, 1, 2, 3, 4], .protocolViolation),
            // A ClientHello that ends too early.
            ([22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3], .protocolViolation),
            // An alert first.
            ([21, 3, 1, 0, 2, 2, 48], .protocolViolation),
        ] as [([UInt8], TLSFailure.Reason)])
    func garbage(bytes: [UInt8], reason: TLSFailure.Reason) throws {
        let link = try Link(TestContext.make())
        try link.sockets.send(bytes)
        let failure = try #require(link.serverHandshakes().failure)
        #expect(failure.reason == reason, "\(failure)")
        #expect(!failure.description.isEmpty)
    }

    @Test func everyBitOfAClientHelloMayBeWrong() throws {
        let context = try TestContext.make()
        let client = try TestClient(.init(serverName: "a.example", protocols: ["http/1.1"]))
        client.handshake()
        let hello = client.takeOutput()
        var failures = 0
        for index in hello.indices {
            var bytes = hello
            bytes[index] ^= 0x41
            let link = try Link(context)
            try link.sockets.send(bytes)
            link.sockets.endSending()
            // Whatever it is, it ends, and the next connection knows nothing of it.
            for _ in 0..<3 where link.serverHandshakes().failure == nil {}
            if link.serverHandshakes().failure != nil { failures += 1 }
        }
        #expect(failures == hello.count)
        #expect(try Link(context).handshake() == .done)
    }

    @Test func theEndAtEveryPointOfAHandshake() throws {
        let context = try TestContext.make()
        let client = try TestClient()
        client.handshake()
        let hello = client.takeOutput()
        for count in [0, 1, 4, 5, 6, hello.count / 2, hello.count - 1, hello.count] {
            let link = try Link(context)
            try link.sockets.send(Array(hello.prefix(count)))
            link.sockets.endSending()
            var step = link.serverHandshakes()
            if step == .wantsRead { step = link.serverHandshakes() }
            #expect(step == .failed(TLSFailure(.peerClosed)), "after \(count) bytes")
        }
    }

    @Test func aResetIsALostConnection() throws {
        let link = try Link(TestContext.make(), .init(), .tcp)
        try link.sockets.send([22, 3, 1])
        #expect(link.serverHandshakes() == .wantsRead)
        link.sockets.reset()
        let failure = try #require(link.serverHandshakes().failure)
        #expect(failure == TLSFailure(.connectionLost, code: Int64(ECONNRESET)))
        #expect(failure.description == "connection lost: Connection reset by peer")
    }

    @Test func aClientThatStopsWantsMore() throws {
        let link = try Link(TestContext.make())
        #expect(link.serverHandshakes() == .wantsRead)
        try link.sockets.send([22])
        #expect(link.serverHandshakes() == .wantsRead)
        #expect(!link.hasPending || link.isSocketDrained)
    }

    /// TLS 1.2. The connection goes on as it was (RFC 5246, 7.2.2).
    @Test func renegotiationIsDeclined() throws {
        let link = try Link(TestContext.make(), .init(maximum: TLS1_2_VERSION))
        try link.handshake()
        _ = link.client.renegotiate()
        try link.clientSends()
        #expect(link.serverReads().last == .wantsRead)
        #expect(link.clientReceives())
        _ = link.client.read()
        #expect(link.client.state == .failed("no renegotiation"))
        #expect(link.serverHandshakes() == .done)
        #expect(link.serverWrites([1, 2, 3]) == .bytes(3))
    }

    /// TLS 1.3's way to change keys stays possible, and is answered.
    @Test func keysAreUpdated() throws {
        let link = try Link(TestContext.make())
        try link.handshake()
        for round in 0..<5 as Range<UInt8> {
            #expect(link.client.updateKeys())
            link.client.write([round])
            try link.clientSends()
            #expect(link.serverReads().bytes == [round])
            #expect(link.serverWrites([round, round]) == .bytes(2))
            #expect(link.clientReceives())
            #expect(link.client.read() == [round, round])
        }
    }

    @Test func whatThePeerComplainsOfIsSaid() throws {
        let link = try Link(TestContext.make())
        try link.handshake()
        #expect(link.serverWrites([1, 2, 3]) == .bytes(3))
        var bytes = try #require(link.sockets.receive())
        bytes[bytes.count - 1] ^= 1
        link.client.feed(bytes)
        _ = link.client.read()
        try link.clientSends()
        // bad_record_mac
        #expect(link.serverReadsOnce().result == .failed(TLSFailure(.peerAlert, code: 20)))
        #expect(TLSFailure(.peerAlert, code: 20).description == "the peer gave up: alert 20, bad record mac")
    }

    @Test func aSpoiledRecordEndsTheConnection() throws {
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let link = try Link(TestContext.make(), .init(maximum: version))
            try link.handshake()
            link.client.write(Array("good".utf8))
            try link.clientSends()
            link.client.write(Array("spoiled".utf8))
            var bytes = link.client.takeOutput()
            bytes[bytes.count - 1] ^= 1
            try link.sockets.send(bytes)
            // What came before it is good.
            let (read, last) = link.serverReads()
            #expect(read == Array("good".utf8))
            guard case .failed(let failure) = last else {
                Issue.record("\(last)")
                continue
            }
            #expect(failure.reason == .badRecord)
            #expect(link.serverWrites([1]) == .failed(failure))
        }
    }
}
