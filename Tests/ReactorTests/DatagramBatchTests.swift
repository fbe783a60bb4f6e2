import Linux
import Networking
import Reactor
import Testing

@Suite struct DatagramBatchTests {
    /// Receives until there are so many; what is sent over loopback is mostly there at once, but need not be.
    private static func receive(_ count: Int, from socket: Int32, into batch: inout DatagramBatch) throws {
        var loop = try EventLoop()
        try loop.watchReading(socket, token: 1)
        for _ in 0..<100 where batch.count < count {
            loop.wait(milliseconds: 500)
            if loop.count > 0 { _ = batch.receive(from: socket) }
        }
        #expect(batch.count == count)
    }

    /// What comes to a socket, which is so many; in any order, for the kernel does not promise one.
    private static func datagrams(_ count: Int, at listener: DatagramListener) throws -> [[UInt8]] {
        var batch = try DatagramBatch(capacity: 64, keepsPeers: true)
        try self.receive(count, from: listener.number, into: &batch)
        return (0..<batch.count).map { batch.bytes($0) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test func `datagrams leave over the sockets they are addressed on`() throws {
        let (sender, other) = (
            try DatagramListener(at: .anyPort, isShared: true), try DatagramListener(at: .anyPort, isShared: true)
        )
        let targets = try (0..<2).map { _ in try DatagramListener(at: .anyPort, isShared: true) }
        var batch = try DatagramBatch(capacity: 64, keepsPeers: false)
        // Twice, for what was used has to be as it was.
        for _ in 0..<2 {
            for index in 0..<64 {
                batch.append([UInt8(index)].span)
                let socket = index % 3 == 0 ? other : sender
                batch.address(index, to: PeerAddress(targets[index % 2].address), over: socket.number)
            }
            #expect(batch.room == 0)
            #expect(batch.flush() == 64)
            #expect(batch.count == 0)
            for (number, target) in targets.enumerated() {
                var received = try DatagramBatch(capacity: 64, keepsPeers: true)
                try Self.receive(32, from: target.number, into: &received)
                for socket in [sender, other] {
                    let slots = (0..<32).filter { received.peer($0).socketAddress == socket.address }
                    let expected = (0..<64).filter { $0 % 2 == number && ($0 % 3 == 0) == (socket === other) }
                    #expect(slots.flatMap { received.bytes($0) }.sorted() == expected.map { UInt8($0) })
                }
            }
        }
    }

    @Test(arguments: [0, 3, 7])
    func `one that cannot be sent does not keep others`(wrong: Int) throws {
        let sender = try DatagramListener(at: .anyPort, isShared: true)
        let target = try DatagramListener(at: .anyPort, isShared: true)
        var batch = try DatagramBatch(capacity: 8, keepsPeers: false)
        for index in 0..<8 {
            batch.append([UInt8(index)].span)
            // Port 0 is nobody's: EINVAL.
            let address = index == wrong ? SocketAddress(IPAddress(127, 0, 0, 1), 0) : target.address
            batch.address(index, to: PeerAddress(address), over: sender.number)
        }
        #expect(batch.flush() == 7)
        #expect(try Self.datagrams(7, at: target) == (0..<8).filter { $0 != wrong }.map { [UInt8($0)] })
    }

    @Test func `over a connected socket they go until there is an error`() throws {
        let target = try DatagramListener(at: .anyPort, isShared: true)
        guard case .done(let socket) = DatagramSocket.connect(to: target.address) else {
            throw Wire.Failure.noConnection
        }
        defer { socket.close() }
        var batch = try DatagramBatch(capacity: 4, keepsPeers: true)
        let tooLong = [UInt8](repeating: 0, count: 65_508)
        for bytes in [[1], [2], tooLong, [4]] { batch.append(bytes.span) }
        let departure = batch.send(0..<4, over: socket.number)
        #expect(departure.sent == 2 && departure.error == 90, "EMSGSIZE")
        #expect(batch.send(3..<4, over: socket.number).error == 0)
        #expect(try Self.datagrams(3, at: target) == [[1], [2], [4]])
    }

    @Test func `it receives what there is room for, behind what was there`() throws {
        let target = try DatagramListener(at: .anyPort, isShared: true)
        guard case .done(let socket) = DatagramSocket.connect(to: target.address) else {
            throw Wire.Failure.noConnection
        }
        defer { socket.close() }
        var source = try DatagramBatch(capacity: 1, keepsPeers: false)
        var batch = try DatagramBatch(capacity: 4, keepsPeers: true)
        batch.append([9].span)
        for index in 0..<3 {
            source.append([UInt8](repeating: UInt8(index), count: index).span)
            #expect(source.send(0..<1, over: socket.number).sent == 1)
            source.clear()
            try Self.receive(index + 2, from: target.number, into: &batch)
        }
        #expect(batch.room == 0)
        #expect((0..<4).map { batch.bytes($0) } == [[9], [], [1], [2, 2]])
        #expect((1..<4).allSatisfy { batch.peer($0).socketAddress == socket.localAddress })
        batch.clear()
        guard case .none = batch.receive(from: target.number) else {
            Issue.record("there was something left")
            return
        }
    }

    @Test func `an error of a connected socket is told by receiving`() throws {
        let gone = try DatagramListener(at: .anyPort, isShared: false).address
        guard case .done(let socket) = DatagramSocket.connect(to: gone) else { throw Wire.Failure.noConnection }
        defer { socket.close() }
        var loop = try EventLoop()
        try loop.watchArrivals(socket.number, token: 5)
        var batch = try DatagramBatch(capacity: 1, keepsPeers: false)
        batch.append([1].span)
        #expect(batch.send(0..<1, over: socket.number).sent == 1)
        batch.clear()
        loop.wait(milliseconds: 5_000)
        #expect(loop.told[5]?.canRead == true)
        guard case .failed(111) = batch.receive(from: socket.number) else {
            Issue.record("not ECONNREFUSED")
            return
        }
    }

    @Test func `arrivals are told once, and once more if that is asked for`() throws {
        let target = try DatagramListener(at: .anyPort, isShared: true)
        guard case .done(let socket) = DatagramSocket.connect(to: target.address) else {
            throw Wire.Failure.noConnection
        }
        defer { socket.close() }
        var loop = try EventLoop()
        try loop.watchArrivals(target.number, token: 5)
        var batch = try DatagramBatch(capacity: 1, keepsPeers: false)
        batch.append([1].span)
        #expect(batch.send(0..<1, over: socket.number).sent == 1)
        loop.wait(milliseconds: 5_000)
        #expect(loop.told == [5: .readable])
        loop.wait(milliseconds: 0)
        #expect(loop.told == [:])
        loop.remindOfArrivals(target.number, token: 5)
        loop.wait(milliseconds: 5_000)
        #expect(loop.told == [5: .readable])
        #expect(try Self.datagrams(1, at: target).count == 1)
        loop.remindOfArrivals(target.number, token: 5)
        loop.wait(milliseconds: 0)
        #expect(loop.told == [:], "there is nothing")
    }

    @Test(
        arguments: ["10.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::ffff:1", "::ffff:10.0.0.1"])
    func `a peer's address is that address`(text: String) throws {
        let address = SocketAddress(try #require(IPAddress(text)), 40_001)
        let peer = PeerAddress(address)
        #expect(peer.socketAddress == address)
        #expect(peer == PeerAddress(address))
        #expect(peer != PeerAddress(SocketAddress(address.address, 40_002)))
    }

    @Test func `a second socket at an address needs both to share it`() throws {
        let first = try DatagramListener(at: .anyPort, isShared: true)
        #expect(throws: Never.self) { try DatagramListener(at: first.address, isShared: true) }
        let error = #expect(throws: SystemError.self) { try DatagramListener(at: first.address, isShared: false) }
        #expect(error?.number == 98 && error?.subject == first.address.description, "EADDRINUSE")
    }
}
