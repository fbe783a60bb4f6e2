import Glibc
import TLS
import Testing

/// Bytes, ends, and sessions at the connecting end.
@Suite struct ClientTransferTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private func established(_ kind: SocketPair.Kind = .local) throws -> Connection {
        let connection = try Connection(TestClientContext.make(), to: TestContext.make(), kind)
        #expect(connection.handshake() == .done)
        return connection
    }

    /// Both ends at once, through small buffers: writing stops half way again and again.
    @Test func aLotBothWaysThroughSmallBuffers() throws {
        let connection = try self.established()
        connection.sockets.shrinkBuffers()
        let data = Self.pattern(1 << 18)
        var (up, down, waits) = (0, 0, 0)
        var (received, answered): ([UInt8], [UInt8]) = ([], [])
        while received.count < data.count || answered.count < data.count {
            if up < data.count {
                switch connection.clientWrites(Array(data[up...])) {
                case .bytes(let count): up += count
                case .wantsWrite: waits += 1
                case let other:
                    Issue.record("\(other)")
                    return
                }
            }
            if down < data.count {
                switch connection.serverWrites(Array(data[down...])) {
                case .bytes(let count): down += count
                case .wantsWrite: waits += 1
                case let other:
                    Issue.record("\(other)")
                    return
                }
            }
            received += connection.serverReads().bytes
            answered += connection.clientReads().bytes
        }
        #expect(received == data)
        #expect(answered == data)
        #expect(waits > 10)
    }

    @Test func endsThatAreSaid() throws {
        let connection = try self.established()
        #expect(connection.clientWrites([1, 2]) == .bytes(2))
        #expect(connection.clientShutsDown() == .done)
        #expect(connection.serverReads() == ([1, 2], .closed(clean: true)))
        // The other direction is open still.
        #expect(connection.serverWrites([3]) == .bytes(1))
        #expect(connection.serverShutsDown() == .done)
        #expect(connection.clientReads() == ([3], .closed(clean: true)))
    }

    @Test func anEndThatIsNotSaid() throws {
        let connection = try self.established()
        #expect(connection.serverWrites([3]) == .bytes(1))
        Glibc.shutdown(connection.sockets.server, Int32(SHUT_WR))
        #expect(connection.clientReads() == ([3], .closed(clean: false)))
    }

    /// What backends do that do not speak TLS.
    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", TLSFailure.Reason.notTLS), ("SSH-2.0-OpenSSH_9\r\n", .notTLS),
        ("\u{0}\u{0}\u{12}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}", .notTLS), ("", .peerClosed),
    ])
    func serversThatAreNone(answer: String, reason: TLSFailure.Reason) throws {
        let sockets = try SocketPair()
        let client = try LoneClient(TestClientContext.make(), on: sockets.far)
        #expect(client.handshake() == .wantsRead)
        var bytes = Array(answer.utf8)
        _ = unsafe send(sockets.server, &bytes, bytes.count, Int32(MSG_NOSIGNAL))
        Glibc.shutdown(sockets.server, Int32(SHUT_RDWR))
        #expect(client.handshake() == .failed(TLSFailure(reason)))
        #expect(client.handshake() == .failed(TLSFailure(reason)))
    }

    @Test func aServerThatIsGoneRaisesNoSignal() throws {
        let connection = try self.established(.tcp)
        Glibc.shutdown(connection.sockets.server, Int32(SHUT_RDWR))
        var last = TLSTransfer.bytes(0)
        #expect(!raisesBrokenPipe { for _ in 0..<20 { last = connection.clientWrites([1]) } })
        #expect(last.failure == nil || last.failure?.reason == .connectionLost)
    }
}
