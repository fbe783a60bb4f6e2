internal import Linux
package import Networking
import Synchronization

/// A connection to an ``EchoServer`` that stays open, to prove that a change does not cut it.
package final class TCPConversation: Sendable {
    /// Who answered, and how it saw us.
    package let answer: Answer
    private let socket: Socket
    private let unread = Mutex<[UInt8]>([])

    fileprivate init(_ socket: consuming Socket, greetedWithin timeout: Duration) throws {
        self.socket = socket
        let line = try Self.readLine(self.socket, self.unread, timeout)
        guard let answer = Answer(line: line) else { throw LabError("not an echo server: \(line)") }
        self.answer = answer
    }

    /// Sends a line and returns what comes back; throws if the connection is cut or silent.
    @discardableResult
    package func exchange(_ line: String, timeout: Duration = .seconds(2)) throws -> String {
        _ = try self.socket.send(ArraySlice("\(line)\n".utf8))
        return try Self.readLine(self.socket, self.unread, timeout)
    }

    /// Whether the other end still answers.
    package func isAlive(timeout: Duration = .seconds(2)) -> Bool {
        (try? self.exchange("still there?", timeout: timeout)) == "still there?"
    }

    private static func readLine(
        _ socket: borrowing Socket, _ unread: borrowing Mutex<[UInt8]>, _ timeout: Duration
    ) throws -> String {
        let deadline = ContinuousClock.now + timeout
        while true {
            let line: [UInt8]? = unread.withLock { bytes in
                guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { bytes.removeFirst(end + 1) }
                return Array(bytes[..<end])
            }
            if let line { return String(decoding: line, as: UTF8.self) }
            let remaining = deadline - ContinuousClock.now
            guard remaining > .zero else { throw LabError("no answer within \(timeout)") }
            guard Readiness.wait(socket, writing: false, timeout: remaining) else { continue }
            guard let bytes = try socket.receive() else { continue }
            if bytes.isEmpty { throw LabError("the connection was closed") }
            unread.withLock { $0 += bytes }
        }
    }
}

/// A connected UDP socket that stays open: one flow, as long as it keeps sending.
package final class UDPConversation: Sendable {
    private let socket: Socket

    fileprivate init(_ socket: consuming Socket) { self.socket = socket }

    /// Sends one datagram and tells who answers it.
    package func exchange(timeout: Duration = .seconds(2)) -> ProbeResult {
        Attempt(timeout: timeout).exchange(self.socket, Array("hello\n".utf8))
    }
}

extension Host {
    /// Connects to an ``EchoServer`` and keeps the connection.
    package func converse(
        with address: IPAddress, port: UInt16, timeout: Duration = .seconds(2)
    ) throws -> TCPConversation {
        let socket = try self.run { try Socket(.stream, address.family) }
        if let failure = Attempt(timeout: timeout).connect(socket, to: SocketAddress(address, port)) {
            throw LabError("\(self.name) to \(SocketAddress(address, port)): \(failure)")
        }
        return try TCPConversation(socket, greetedWithin: timeout)
    }

    /// Opens a UDP flow; a `sourcePort` is one of this host's own address.
    package func converseByUDP(
        with address: IPAddress, port: UInt16, sourcePort: UInt16? = nil
    ) throws -> UDPConversation {
        let socket = try self.run {
            let socket = try Socket(.datagram, address.family)
            if let sourcePort { try socket.bind(to: SocketAddress(self.address(address.family), sourcePort)) }
            return socket
        }
        try socket.connect(to: SocketAddress(address, port))
        return UDPConversation(socket)
    }
}
