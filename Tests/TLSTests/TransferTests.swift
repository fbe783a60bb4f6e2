import COpenSSL
import Glibc
import TLS
import Testing

@Suite struct TransferTests {
    private func established(_ kind: SocketPair.Kind = .local, _ options: TestClient.Options = .init()) throws -> Link {
        let link = try Link(TestContext.make(), options, kind)
        #expect(try link.handshake() == .done)
        return link
    }

    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    /// Small buffers of the sockets: writing stops half way again and again. The bytes move between the attempts.
    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func aLotIsWrittenThroughSmallBuffers(version: Int32) throws {
        let link = try self.established(.local, .init(maximum: version))
        link.sockets.shrinkBuffers()
        let data = Self.pattern(1 << 19)
        var sent = 0
        var waits = 0
        var received: [UInt8] = []
        while received.count < data.count {
            if sent < data.count {
                switch link.serverWrites(Array(data[sent...])) {
                case .bytes(let count): sent += count
                case .wantsWrite: waits += 1
                case let other:
                    Issue.record("\(other)")
                    return
                }
            }
            #expect(link.clientReceives())
            received += link.client.read()
        }
        #expect(received == data)
        #expect(waits > 10)
    }

    @Test(arguments: [100, 1 << 14, 1 << 17])
    func aLotIsRead(size: Int) throws {
        let link = try self.established()
        let data = Self.pattern(1 << 19)
        link.client.write(data)
        var encrypted = link.client.takeOutput()[...]
        var read: [UInt8] = []
        while !encrypted.isEmpty {
            // Cut without regard to records.
            let piece = Array(encrypted.prefix(50_001))
            encrypted = encrypted.dropFirst(piece.count)
            try link.sockets.send(piece)
            let (bytes, last) = link.serverReads(size: size)
            read += bytes
            #expect(last == .wantsRead)
        }
        #expect(read == data)
    }

    /// Where events are edge-triggered: what is left is announced.
    @Test func whatIsLeftIsAnnounced() throws {
        let link = try self.established()
        #expect(!link.hasPending)
        link.client.write(Self.pattern(1000))
        link.client.write(Self.pattern(1000))
        try link.clientSends()
        #expect(link.serverReadsOnce(size: 10).result == .bytes(10))
        #expect(link.hasPending)
        #expect(link.isSocketDrained)
        // The rest of one record and all of the next in one go.
        #expect(link.serverReadsOnce(size: 5000).result == .bytes(1990))
        #expect(!link.hasPending)
        #expect(link.serverReadsOnce().result == .wantsRead)
    }

    @Test func anEmptyBufferIsNoMistake() throws {
        let link = try self.established()
        #expect(link.serverWrites([]) == .bytes(0))
        #expect(link.serverReadsOnce(size: 0).result == .bytes(0))
    }

    /// Half a record is held back until the rest is there.
    @Test func halfARecord() throws {
        let link = try self.established()
        link.client.write(Self.pattern(1000))
        let bytes = link.client.takeOutput()
        try link.sockets.send(Array(bytes.dropLast()))
        #expect(link.serverReadsOnce().result == .wantsRead)
        #expect(link.hasPending)
        try link.sockets.send(Array(bytes.suffix(1)))
        #expect(link.serverReadsOnce().result == .bytes(1000))
    }

    // MARK: - Ends

    @Test func anEndThatIsSaid() throws {
        let link = try self.established()
        link.client.write([1, 2, 3])
        link.client.close()
        try link.clientSends()
        link.sockets.endSending()
        #expect(link.serverReads() == ([1, 2, 3], .closed(clean: true)))
        #expect(link.serverReadsOnce().result == .closed(clean: true))
        // The other direction is open still.
        #expect(link.serverWrites([4, 5]) == .bytes(2))
        #expect(link.serverShutsDown() == .done)
        #expect(link.clientReceives())
        #expect(link.client.read() == [4, 5])
        #expect(link.client.hasReceivedClose)
    }

    /// Many clients end their direction of the socket without a word. They still get their answer.
    @Test func anEndThatIsNotSaid() throws {
        let link = try self.established()
        link.client.write([1, 2, 3])
        try link.clientSends()
        link.sockets.endSending()
        #expect(link.serverReads() == ([1, 2, 3], .closed(clean: false)))
        #expect(link.serverWrites([4, 5]) == .bytes(2))
        #expect(link.clientReceives())
        #expect(link.client.read() == [4, 5])
    }

    @Test func theEndInTheMiddleOfARecordIsNotClean() throws {
        let link = try self.established()
        link.client.write(Self.pattern(100))
        try link.sockets.send(Array(link.client.takeOutput().dropLast(10)))
        link.sockets.endSending()
        #expect(link.serverReadsOnce().result == .closed(clean: false))
    }

    /// A write to a socket whose peer is gone would end the process with SIGPIPE.
    @Test(arguments: [SocketPair.Kind.local, .tcp])
    func aPeerThatIsGoneRaisesNoSignal(kind: SocketPair.Kind) throws {
        let link = try self.established(kind)
        link.sockets.closeFarEnd()
        var last = TLSTransfer.bytes(0)
        #expect(!raisesBrokenPipe { for _ in 0..<4 { last = link.serverWrites([1]) } })
        guard case .failed(let failure) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(failure.reason == .connectionLost)
        #expect(link.serverShutsDown() == .failed(failure))
        #expect(link.serverReadsOnce().result == .failed(failure))
    }

    /// The test above can fail.
    @Test func aWriteWithoutCareRaisesASignal() throws {
        let sockets = try SocketPair()
        sockets.closeFarEnd()
        #expect(raisesBrokenPipe { _ = unsafe write(sockets.server, [1], 1) })
    }

    @Test func aShutdownBeforeTheHandshakeSendsNothing() throws {
        let link = try Link(TestContext.make())
        #expect(link.serverShutsDown() == .done)
        #expect(link.sockets.receive() == [])
    }

    @Test func aShutdownWithoutRoomWants() throws {
        let link = try self.established(.tcp)
        link.sockets.shrinkBuffers()
        while case .bytes = link.serverWrites(Self.pattern(1 << 16)) {}
        #expect(link.serverShutsDown() == .wantsWrite)
    }
}
