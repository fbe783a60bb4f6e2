internal import Bytes
internal import Reactor
internal import TLS

/// How bytes of a client's connection travel: as they are, or in TLS.
///
/// Unsafe invariant of this file: memory that a buffer lends is used within the call.
struct Transport: ~Copyable {
    var tls: TLSConnection?

    /// Of a stream: what its connection has shown.
    private var inherited: (policy: ClientCertificatePolicy.ID?, isVerified: Bool) = (nil, false)

    init() {}

    /// Of a stream. Bytes come and go by its connection.
    init(inheriting connection: borrowing Transport) {
        self.inherited = (connection.clientPolicy, connection.hasVerifiedCertificate)
    }

    init(_ tls: consuming TLSConnection) { self.tls = consume tls }

    var isTLS: Bool {
        switch self.tls {
        case .none: false
        case .some: true
        }
    }

    mutating func handshake() -> TLSStep { self.tls?.handshake() ?? .done }

    /// Into the buffer's space, which must not be empty.
    mutating func receive(_ socket: StreamSocket, into buffer: inout ByteBuffer) -> Transfer {
        guard self.isTLS else { return socket.receive(into: &buffer) }
        var outcome = TLSTransfer.wantsRead
        _ = unsafe buffer.fill { space in
            unsafe outcome = self.tls?.read(into: space) ?? .wantsRead
            if case .bytes(let count) = outcome { return count }
            return 0
        }
        return Transfer(outcome)
    }

    /// What `buffer` holds.
    mutating func send(_ socket: StreamSocket, _ buffer: borrowing ByteBuffer) -> Transfer {
        guard self.isTLS else { return socket.send(buffer) }
        return Transfer(self.tls?.write(from: buffer.readable) ?? .wantsWrite)
    }

    /// What `first` holds, and then the first `count` bytes of `second`. In TLS perhaps not all at once, although the
    /// socket would take it.
    mutating func send(
        _ socket: StreamSocket, _ first: borrowing ByteBuffer, then second: borrowing ByteBuffer, count: Int
    ) -> Transfer {
        guard self.isTLS else {
            return first.isEmpty
                ? socket.send(second, count: count) : socket.send(first, then: second, count: count)
        }
        if !first.isEmpty { return Transfer(self.tls?.write(from: first.readable) ?? .wantsWrite) }
        return Transfer(self.tls?.write(from: second.readable.extracting(first: count)) ?? .wantsWrite)
    }

    /// What `first` holds from `start` on, and then the first `count` bytes of `second`. The same.
    mutating func send(
        _ socket: StreamSocket, _ first: borrowing ByteBuffer, from start: Int, then second: borrowing ByteBuffer,
        count: Int
    ) -> Transfer {
        let staged = first.count - start
        guard self.isTLS else {
            if count == 0 { return socket.send(first, from: start) }
            return staged == 0
                ? socket.send(second, count: count) : socket.send(first, from: start, then: second, count: count)
        }
        if staged > 0 {
            return Transfer(self.tls?.write(from: first.readable.extracting(start..<first.count)) ?? .wantsWrite)
        }
        return Transfer(self.tls?.write(from: second.readable.extracting(first: count)) ?? .wantsWrite)
    }

    /// Whether there is nothing more to read before the loop tells, after `count` bytes were read into `space`.
    func isDrained(after count: Int, of space: Int) -> Bool {
        guard count < space else { return false }
        return switch self.tls {
        case .none: true
        case .some(let connection): !connection.hasPending && connection.isSocketDrained
        }
    }

    var isResumed: Bool {
        switch self.tls {
        case .none: false
        case .some(let connection): connection.isResumed
        }
    }

    var choseHTTP2: Bool {
        switch self.tls {
        case .none: false
        case .some(let connection): connection.negotiatedProtocol == .http2
        }
    }

    var clientPolicy: ClientCertificatePolicy.ID? {
        switch self.tls {
        case .none: self.inherited.policy
        case .some(let connection): connection.clientCertificatePolicy
        }
    }

    var hasVerifiedCertificate: Bool {
        switch self.tls {
        case .none: return self.inherited.isVerified
        case .some(let connection):
            if case .verified = connection.clientCertificate { return true }
            return false
        }
    }

    /// The peer is told that no more comes.
    mutating func finishWriting(_ socket: StreamSocket) {
        if self.isTLS { _ = self.tls?.shutdown() }
        socket.finishWriting()
    }
}

extension Transfer {
    init(_ outcome: TLSTransfer) {
        switch outcome {
        case .bytes(let count): self = count > 0 ? .bytes(count) : .blocked
        // A handshake message in the middle (TLS 1.3 key update) can want the other direction; the loop tells of both.
        case .wantsRead, .wantsWrite: self = .blocked
        case .closed: self = .ended
        // EPROTO
        case .failed: self = .failed(71)
        }
    }
}
