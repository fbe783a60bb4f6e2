internal import Linux
package import Networking
import Synchronization

/// A TCP connection on which the test itself says each byte.
package final class ByteConversation: Sendable {
    private let socket: Socket
    private let unread = Mutex<[UInt8]>([])

    fileprivate init(_ socket: consuming Socket) { self.socket = socket }

    /// How a connection ends.
    package enum Ending: Sendable { case end, reset }

    /// Our end, as we see it.
    package var localAddress: SocketAddress? { self.socket.localAddress() }

    /// Sends all of `text`; throws if the other end is gone or does not read.
    package func send(_ text: String, timeout: Duration = .seconds(2)) throws {
        try self.send(Array(text.utf8), timeout: timeout)
    }

    package func send(_ bytes: [UInt8], timeout: Duration = .seconds(2)) throws {
        let deadline = ContinuousClock.now + timeout
        var bytes = bytes[...]
        while !bytes.isEmpty {
            guard ContinuousClock.now < deadline else { throw LabError("not read within \(timeout)") }
            if let count = try self.socket.send(bytes) {
                bytes = bytes.dropFirst(count)
            } else {
                _ = Readiness.wait(self.socket, writing: true, timeout: deadline - ContinuousClock.now)
            }
        }
    }

    /// What `take` takes from the front of what has arrived and nobody took; it is asked again as more
    /// arrives, while it returns nil.
    package func read<Value>(
        timeout: Duration = .seconds(2), _ take: (inout [UInt8]) throws -> Value?
    ) throws -> Value {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let value = try self.unread.withLock({ try take(&$0) }) { return value }
            try self.receive(deadline)
        }
    }

    /// Exactly so many bytes, as they come.
    package func read(_ count: Int, timeout: Duration = .seconds(2)) throws -> [UInt8] {
        try self.read(timeout: timeout) { bytes in
            guard bytes.count >= count else { return nil }
            defer { bytes.removeFirst(count) }
            return Array(bytes.prefix(count))
        }
    }

    /// Ends our direction; the other stays.
    package func finishSending() throws { try self.socket.finishSending() }

    /// The connection is reset when this conversation goes.
    package func resetAtEnd() throws { try self.socket.resetOnClose() }

    /// How the other end ends the connection; nil if it does not within `timeout`. What it sends until then is passed over.
    package func ending(within timeout: Duration = .seconds(2)) -> Ending? {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            _ = Readiness.wait(self.socket, writing: false, timeout: deadline - ContinuousClock.now)
            do throws(SystemError) {
                if try self.socket.receive()?.isEmpty == true { return .end }
            } catch {
                return .reset
            }
        }
        return nil
    }

    /// Whether the other end ends the connection within `timeout`, properly or with a reset. What it sends
    /// until then is passed over.
    package func isClosed(within timeout: Duration = .seconds(2)) -> Bool { self.ending(within: timeout) != nil }

    private func receive(_ deadline: ContinuousClock.Instant) throws {
        guard Readiness.wait(self.socket, writing: false, timeout: deadline - ContinuousClock.now) else {
            throw LabError("nothing more came")
        }
        guard let bytes = try self.socket.receive() else { return }
        if bytes.isEmpty { throw LabError("the connection was closed") }
        self.unread.withLock { $0 += bytes }
    }
}

extension Host {
    /// Connects, and leaves the talking to the caller.
    ///
    /// - Parameter receiveBuffer: SO_RCVBUF; nil leaves the kernel's own.
    package func connect(
        to address: IPAddress, port: UInt16, receiveBuffer: Int? = nil, timeout: Duration = .seconds(2)
    ) throws -> ByteConversation {
        let socket = try self.run { try Socket(.stream, address.family) }
        if let receiveBuffer { try socket.setReceiveBuffer(receiveBuffer) }
        if let failure = Attempt(timeout: timeout).connect(socket, to: SocketAddress(address, port)) {
            throw LabError("\(self.name) to \(SocketAddress(address, port)): \(failure)")
        }
        return ByteConversation(socket)
    }
}
