internal import Bytes
internal import Reactor
internal import TLS

/// A connection to an endpoint, in TLS or not.
///
/// Unsafe invariant of this file: memory that a buffer lends is used within the call.
struct ProbeSocket: ~Copyable {
    let socket: StreamSocket
    private var tls: TLSConnection?

    init(_ socket: StreamSocket) { self.socket = socket }

    /// From now on in TLS. False without memory.
    mutating func secure(_ context: TLSClientContext, _ endpoint: SocketAddress) -> Bool {
        var hasher = Hasher()
        hasher.combine(endpoint)
        let peer = UInt64(bitPattern: Int64(hasher.finalize()))
        guard let tls = try? TLSConnection(context, descriptor: self.socket.number, peer: peer) else { return false }
        self.tls = consume tls
        return true
    }

    private var isTLS: Bool {
        switch self.tls {
        case .none: false
        case .some: true
        }
    }

    mutating func handshake() -> TLSStep { self.tls?.handshake() ?? .done }

    var choseHTTP2: Bool {
        switch self.tls {
        case .none: false
        case .some(let connection): connection.negotiatedProtocol == .http2
        }
    }

    /// Into the buffer's space, which must not be empty.
    mutating func receive(into buffer: inout ByteBuffer) -> Transfer {
        guard self.isTLS else { return self.socket.receive(into: &buffer) }
        var outcome = TLSTransfer.wantsRead
        _ = unsafe buffer.fill { space in
            unsafe outcome = self.tls?.read(into: space) ?? .wantsRead
            if case .bytes(let count) = outcome { return count }
            return 0
        }
        return Self.transfer(outcome)
    }

    mutating func send(_ buffer: borrowing ByteBuffer) -> Transfer {
        guard self.isTLS else { return self.socket.send(buffer) }
        return Self.transfer(self.tls?.write(from: buffer.readable) ?? .wantsWrite)
    }

    /// No more is sent, and the endpoint is told.
    mutating func finishWriting() {
        if self.isTLS { _ = self.tls?.shutdown() }
        self.socket.finishWriting()
    }

    private static func transfer(_ outcome: TLSTransfer) -> Transfer {
        switch outcome {
        case .bytes(let count): count > 0 ? .bytes(count) : .blocked
        case .wantsRead, .wantsWrite: .blocked
        case .closed: .ended
        case .failed: .failed(Self.protocolError)
        }
    }

    /// EPROTO.
    private static let protocolError: Int32 = 71
}
