import Bytes
import Linux
import Networking
import Reactor
import Testing

@Suite struct ListeningSocketTests {
    @Test func `a port that is taken is said, with the address`() throws {
        let first = try ListeningSocket(at: .anyPort, backlog: 8, isShared: false)
        for isShared in [false, true] {
            let error = #expect(throws: SystemError.self) {
                _ = try ListeningSocket(at: first.address, backlog: 8, isShared: isShared)
            }
            #expect(error?.number == 98, "EADDRINUSE")
            #expect(error?.subject == first.address.description)
        }
    }

    @Test func `a port is free again when its listener goes`() throws {
        let address = SocketAddress(IPAddress(127, 61, 0, 4), 0)
        let port = try ListeningSocket(at: address, backlog: 8, isShared: false).address
        let again = try ListeningSocket(at: port, backlog: 8, isShared: false)
        #expect(again.address == port)
    }

    /// Others hold it still, so that it is not closed: as a proxy does while its workers end.
    @Test func `once it is stopped the kernel refuses connections`() throws {
        let listener = try ListeningSocket(at: SocketAddress(IPAddress(127, 61, 0, 5), 0), backlog: 8, isShared: false)
        listener.stop()
        switch StreamSocket.connect(to: listener.address) {
        case .failed(let number): #expect(number == 111, "ECONNREFUSED")
        case .begun(let socket):
            defer { socket.close() }
            var loop = try EventLoop()
            try loop.watch(socket.number, token: 5)
            loop.wait(milliseconds: 5_000)
            #expect(socket.error == 111, "ECONNREFUSED")
        }
    }

    @Test func `an address of another host is said`() {
        // RFC 5737: of documentation.
        let error = #expect(throws: SystemError.self) {
            _ = try ListeningSocket(at: SocketAddress(IPAddress(192, 0, 2, 1), 0), backlog: 8, isShared: false)
        }
        #expect(error?.number == 99, "EADDRNOTAVAIL")
        #expect(error?.subject == "192.0.2.1:0")
    }

    /// SO_REUSEPORT: by a hash of the addresses, of which there are enough here for each to get some.
    @Test func `listeners of several workers share connections to one port`() throws {
        let first = try ListeningSocket(at: .anyPort, backlog: 128, isShared: true)
        let second = try ListeningSocket(at: first.address, backlog: 128, isShared: true)
        #expect(second.address == first.address)
        var loop = try EventLoop()
        try loop.watchReading(first.number, token: 0)
        try loop.watchReading(second.number, token: 1)
        var open: [StreamSocket] = []
        defer { for socket in open { socket.close() } }
        for _ in 0..<64 {
            guard case .begun(let socket) = StreamSocket.connect(to: first.address) else {
                Issue.record("not connected")
                return
            }
            open.append(socket)
        }
        let clients = Set(open.compactMap(\.localAddress))
        var accepted = [0, 0]
        var peers: Set<SocketAddress> = []
        while accepted[0] + accepted[1] < 64 {
            loop.wait(milliseconds: 5_000)
            guard loop.count > 0 else { break }
            for (index, listener) in [first, second].enumerated() {
                while case .connection(let socket, let peer) = listener.accept() {
                    open.append(socket)
                    peers.insert(peer)
                    accepted[index] += 1
                }
            }
        }
        #expect(accepted[0] + accepted[1] == 64)
        #expect(accepted[0] > 0 && accepted[1] > 0)
        #expect(peers == clients)
    }

    @Test func `a connection that is gone before it is accepted is none, or ends at once`() throws {
        let listener = try ListeningSocket(at: .anyPort, backlog: 8, isShared: false)
        var loop = try EventLoop()
        try loop.watchReading(listener.number, token: 0)
        guard case .begun(let socket) = StreamSocket.connect(to: listener.address) else {
            Issue.record("not connected")
            return
        }
        loop.wait(milliseconds: 5_000)
        socket.reset()
        switch listener.accept() {
        case .connection(let accepted, from: _):
            var input = ByteBuffer(capacity: 8)
            #expect(accepted.receive(into: &input).errno == 104)
            accepted.close()
        case .lost, .none: break
        case .exhausted(let number): Issue.record("errno \(number)")
        }
        guard case .none = listener.accept() else {
            Issue.record("one has connected, not two")
            return
        }
    }
}
