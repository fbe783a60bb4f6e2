import Bytes
import Lab
import Linux
import Networking
import Testing

@testable import Reactor

@Suite struct StreamSocketTests {
    @Test func `a connection that begins is told to be writable when it stands`() throws {
        let listener = try ListeningSocket(at: .anyPort, backlog: 8, isShared: false)
        #expect(listener.address.address == SocketAddress.anyPort.address)
        #expect(listener.address.port != 0)
        guard case .none = listener.accept() else {
            Issue.record("nobody has connected")
            return
        }
        guard case .begun(let near) = StreamSocket.connect(to: listener.address) else {
            Issue.record("not connected")
            return
        }
        defer { near.close() }
        #expect(!near.isNone && StreamSocket.none.isNone)
        var loop = try EventLoop()
        try loop.watch(near.number, token: 5)
        loop.wait(milliseconds: 5_000)
        #expect(loop.told == [5: .writable])
        #expect(near.error == 0)
        try loop.watchReading(listener.number, token: 6)
        loop.wait(milliseconds: 5_000)
        #expect(loop.told[6] == .readable)
        guard case .connection(let far, let peer) = listener.accept() else {
            Issue.record("not accepted")
            return
        }
        defer { far.close() }
        #expect(peer == near.localAddress)
        #expect(far.localAddress == listener.address)
        guard case .none = listener.accept() else {
            Issue.record("one has connected, not two")
            return
        }
    }

    @Test func `a connection that is refused says so`() throws {
        // Nobody else listens at this address.
        let address = Reactor.SocketAddress(IPAddress(127, 61, 0, 3), 0)
        let free = try ListeningSocket(at: address, backlog: 1, isShared: false).address
        switch StreamSocket.connect(to: free) {
        case .failed(let number): #expect(number == 111, "ECONNREFUSED")
        case .begun(let socket):
            defer { socket.close() }
            var loop = try EventLoop()
            try loop.watch(socket.number, token: 5)
            loop.wait(milliseconds: 5_000)
            #expect(loop.told[5]?.isEnd == true)
            #expect(socket.error == 111, "ECONNREFUSED")
        }
    }

    @Test func `what cannot be reached at all is said at once`() {
        // RFC 1122 section 3.2.1.3: never a destination of TCP.
        guard
            case .failed(let number) = StreamSocket.connect(
                to: Reactor.SocketAddress(IPAddress(255, 255, 255, 255), 80))
        else {
            Issue.record("connected to everybody")
            return
        }
        #expect(number != 0)
    }

    @Test func `peeking leaves what it saw`() throws {
        var wire = try Wire()
        #expect(wire.near.send(ByteBuffer("PROXY header and more")).count == 21)
        _ = wire.told(Wire.far, .readable)
        var input = ByteBuffer(capacity: 64)
        #expect(wire.far.peek(into: &input).count == 21)
        #expect(input.text == "PROXY header and more")
        input.clear()
        #expect(wire.far.receive(into: &input, count: 6).count == 6)
        #expect(wire.far.receive(into: &input, count: 6).count == 6)
        #expect(input.text == "PROXY header")
        // Behind what is there already, and no more than fits.
        var small = ByteBuffer(capacity: 4)
        small.append("<")
        #expect(wire.far.peek(into: &small).count == 3)
        #expect(small.text == "< an")
        #expect(wire.far.receive(into: &input).count == 9)
        input.clear()
        #expect(wire.far.peek(into: &input).isBlocked)
        wire.near.finishWriting()
        _ = wire.told(Wire.far, .peerClosed)
        #expect(wire.far.peek(into: &input).hasEnded)
    }

    @Test func `a connection is quiet until something comes or it is closed`() throws {
        var wire = try Wire()
        #expect(wire.far.isQuiet)
        #expect(wire.near.send(ByteBuffer("x")).count == 1)
        _ = wire.told(Wire.far, .readable)
        #expect(!wire.far.isQuiet)
        var input = ByteBuffer(capacity: 8)
        _ = wire.far.receive(into: &input)
        #expect(wire.far.isQuiet)
        wire.closesNear = false
        wire.near.close()
        _ = wire.told(Wire.far, .peerClosed)
        #expect(!wire.far.isQuiet)
    }

    /// A peer that does not read, and then does.
    @Test func `what the kernel does not take is written later, in order`() throws {
        var wire = try Wire()
        var random = SeededGenerator(seed: 4)
        let content = (0..<70_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var output = ByteBuffer(capacity: content.count)
        output.append(content.span)
        var input = ByteBuffer(capacity: 1 << 16)
        let rounds = 150
        var sent = 0
        var received = 0
        var blocked = 0
        var isWritable = true
        while received < rounds * content.count {
            while isWritable, sent < rounds * content.count {
                switch wire.near.send(output, from: sent % content.count) {
                case .bytes(let count): sent += count
                case .blocked:
                    isWritable = false
                    blocked += 1
                case .ended, .failed:
                    Issue.record("the connection broke")
                    return
                }
            }
            while true {
                input.clear()
                guard let count = wire.far.receive(into: &input).count else { break }
                let offset = received % content.count
                let expected = (0..<count).map { content[(offset + $0) % content.count] }
                guard input.bytes == expected else {
                    Issue.record("other bytes came after \(received)")
                    return
                }
                received += count
            }
            guard received < rounds * content.count else { break }
            let events = wire.events()
            guard !events.isEmpty else {
                Issue.record("nothing is told after \(sent) bytes sent, \(received) received")
                return
            }
            if events[Wire.near]?.canWrite == true { isWritable = true }
        }
        #expect(received == rounds * content.count && sent == received)
        #expect(blocked > 0, "the peer did not read, so it must have blocked")
    }

    @Test(arguments: [0, 1, 5], [0, 1, 4])
    func `two buffers go out in one call, the first from an offset`(offset: Int, count: Int) throws {
        guard offset < 5 || count > 0 else { return }
        var wire = try Wire()
        #expect(
            wire.near.send(ByteBuffer("head:"), from: offset, then: ByteBuffer("body"), count: count).count == 5
                - offset + count)
        _ = wire.told(Wire.far, .readable)
        var input = ByteBuffer(capacity: 64)
        _ = wire.far.receive(into: &input)
        #expect(input.text == String("head:".dropFirst(offset) + "body".prefix(count)))
    }

    @Test func `the first bytes of a buffer, or those from an offset`() throws {
        var wire = try Wire()
        var output = ByteBuffer("--abcdef")
        output.consume(2)
        #expect(wire.near.send(output, count: 2).count == 2)
        #expect(wire.near.send(output, from: 4).count == 2)
        _ = wire.told(Wire.far, .readable)
        var input = ByteBuffer(capacity: 64)
        while input.count < 4, wire.far.receive(into: &input).count != nil {}
        #expect(input.text == "abef")
    }

    @Test(arguments: ["0.0.0.0", "127.0.0.1", "255.254.253.252", "::1", "2001:db8::1", "fe80:1:2:3:4:5:6:7"])
    func `addresses go to the kernel and come back`(text: String) throws {
        let address = Reactor.SocketAddress(try #require(IPAddress(text)), 54_321)
        #expect(Reactor.SocketAddress(address.raw) == address)
        #expect(address.description == (text.contains(":") ? "[\(text)]:54321" : "\(text):54321"))
    }

    @Test func `closing what is closed ends the process`() async {
        await #expect(processExitsWith: .failure) {
            guard
                case .begun(let socket) = StreamSocket.connect(to: Reactor.SocketAddress(IPAddress(127, 0, 0, 1), 9))
            else {
                // Refused at once: nothing to close, so what is said of closing is said of no socket at all.
                return StreamSocket.none.close()
            }
            socket.close()
            socket.close()
        }
    }
}
