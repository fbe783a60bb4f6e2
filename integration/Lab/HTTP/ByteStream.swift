internal import Linux
import Synchronization

/// Where the bytes of a conversation go and come from.
protocol ByteStream: Sendable {
    /// Sends a part of `bytes`, at least one; throws if nothing can be sent until `deadline`, or ever.
    func send(_ bytes: ArraySlice<UInt8>, until deadline: ContinuousClock.Instant) throws -> Int
    /// What has come: nil if nothing came until `deadline`, empty at the end. Throws on a reset.
    func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]?
    /// Says that there is no more to come from us.
    func finishSending() throws
    /// Ends both directions. With `reset` the other end gets an RST.
    func close(reset: Bool)
}

/// A TCP connection.
final class TCPStream: ByteStream {
    private let socket: Mutex<Socket?>
    private let number: Int32
    /// Our end.
    let localAddress: SocketAddress?

    init(_ socket: consuming Socket) {
        self.number = socket.number
        self.localAddress = socket.localAddress()
        self.socket = Mutex(socket)
    }

    func send(_ bytes: ArraySlice<UInt8>, until deadline: ContinuousClock.Instant) throws -> Int {
        while true {
            let count = try self.socket.withLock { socket in
                guard socket != nil else { throw LabError("we closed the connection") }
                return try socket?.send(bytes)
            }
            if let count { return count }
            guard self.wait(writing: true, until: deadline) else { throw LabError("the other end does not read") }
        }
    }

    func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? {
        while true {
            let bytes = try self.socket.withLock { socket in
                guard socket != nil else { throw LabError("we closed the connection") }
                return try socket?.receive()
            }
            if let bytes { return bytes }
            guard self.wait(writing: false, until: deadline) else { return nil }
        }
    }

    func finishSending() throws { try self.socket.withLock { try $0?.finishSending() } }

    func close(reset: Bool) {
        self.socket.withLock { socket in
            if reset { try? socket?.resetOnClose() }
            socket = nil
        }
    }

    private func wait(writing: Bool, until deadline: ContinuousClock.Instant) -> Bool {
        let remaining = deadline - .now
        guard remaining > .zero else { return false }
        return !Readiness.wait([.init(number: self.number, writing: writing)], timeout: remaining).isEmpty
    }
}
