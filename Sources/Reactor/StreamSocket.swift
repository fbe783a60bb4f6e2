public import Bytes
internal import CReactor
public import Networking

/// An address and a port.
public struct SocketAddress: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
    public var address: IPAddress
    public var port: UInt16

    public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    public var description: String {
        self.address.family == .ipv4 ? "\(self.address):\(self.port)" : "[\(self.address)]:\(self.port)"
    }

    init(_ raw: fairlead_address) {
        let bytes = raw.bytes
        if raw.family == 4 {
            self.address = IPAddress(bytes.0, bytes.1, bytes.2, bytes.3)
        } else {
            func word(_ bytes: (UInt8, UInt8, UInt8, UInt8)) -> UInt64 {
                UInt64(bytes.0) << 24 | UInt64(bytes.1) << 16 | UInt64(bytes.2) << 8 | UInt64(bytes.3)
            }
            let high = word((bytes.0, bytes.1, bytes.2, bytes.3)) << 32 | word((bytes.4, bytes.5, bytes.6, bytes.7))
            let low =
                word((bytes.8, bytes.9, bytes.10, bytes.11)) << 32 | word((bytes.12, bytes.13, bytes.14, bytes.15))
            self.address = IPAddress(ipv6High: high, low: low)
        }
        self.port = raw.port
    }

    var raw: fairlead_address {
        var raw = fairlead_address()
        raw.family = self.address.family.rawValue
        raw.port = self.port
        let address = self.address
        func byte(_ index: Int) -> UInt8 { index < address.family.addressLength ? address.byte(index) : 0 }
        raw.bytes = (
            byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7),
            byte(8), byte(9), byte(10), byte(11), byte(12), byte(13), byte(14), byte(15)
        )
        return raw
    }
}

/// What reading or writing came to.
@frozen
public enum Transfer: BitwiseCopyable, Sendable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Not now; the loop will tell.
    case blocked
    /// The peer sends no more.
    case ended
    /// An errno.
    case failed(Int32)

    @inlinable
    init(read result: Int) {
        if result > 0 {
            self = .bytes(result)
        } else if result == 0 {
            self = .ended
        } else {
            self.init(failure: result)
        }
    }

    @inlinable
    init(written result: Int) { if result >= 0 { self = .bytes(result) } else { self.init(failure: result) } }

    @inlinable
    init(failure result: Int) {
        // EAGAIN and EWOULDBLOCK are one number on Linux.
        self = result == -11 ? .blocked : .failed(Int32(truncatingIfNeeded: -result))
    }
}

/// Calls on a non-blocking TCP socket. A number and nothing else: who owns the connection closes it, once.
///
/// Not a ``Descriptor``: a connection lives in a slab, and is closed where the worker says so, also with a reset.
///
/// **Unsafe, and why it is right.** Pointers are those of a ``ByteBuffer`` that is borrowed for the call.
@frozen
public struct StreamSocket: BitwiseCopyable, Sendable {
    public let number: Int32

    @inlinable
    public init(_ number: Int32) { self.number = number }

    /// No socket.
    public static let none = StreamSocket(-1)
    public var isNone: Bool { self.number < 0 }

    public enum Connecting: Sendable {
        /// Connected already, or on its way.
        case begun(StreamSocket)
        /// An errno.
        case failed(Int32)
    }

    public static func connect(to remote: SocketAddress) -> Connecting {
        var raw = remote.raw
        let number = unsafe fairlead_connect(&raw)
        return number < 0 ? .failed(-number) : .begun(StreamSocket(number))
    }

    /// Into the buffer's space, which must not be empty.
    public func receive(into buffer: inout ByteBuffer) -> Transfer {
        var result = 0
        let number = self.number
        _ = unsafe buffer.fill { space in
            unsafe result = fairlead_receive(number, space.baseAddress, space.count)
            return max(result, 0)
        }
        return Transfer(read: result)
    }

    /// The same, of at most `count` bytes.
    public func receive(into buffer: inout ByteBuffer, count limit: Int) -> Transfer {
        var result = 0
        let number = self.number
        _ = unsafe buffer.fill { space in
            unsafe result = fairlead_receive(number, space.baseAddress, min(space.count, limit))
            return max(result, 0)
        }
        return Transfer(read: result)
    }

    /// Copies into the buffer's space what is there to be received, and leaves it there.
    public func peek(into buffer: inout ByteBuffer) -> Transfer {
        var result = 0
        let number = self.number
        _ = unsafe buffer.fill { space in
            unsafe result = fairlead_peek(number, space.baseAddress, space.count)
            return max(result, 0)
        }
        return Transfer(read: result)
    }

    /// Whether the peer has closed or broken the connection, or sent what nobody asked for; one system call.
    public var isQuiet: Bool {
        var byte: UInt8 = 0
        return unsafe fairlead_peek(self.number, &byte, 1) == -11
    }

    /// What `buffer` holds from `offset` on.
    public func send(_ buffer: borrowing ByteBuffer, from offset: Int = 0) -> Transfer {
        let number = self.number
        return unsafe buffer.withReadable { bytes in
            precondition(offset < bytes.count)
            return Transfer(
                written: unsafe fairlead_send(
                    number, bytes.baseAddress.map { unsafe $0 + offset }, bytes.count - offset))
        }
    }

    /// The first `count` bytes of what `buffer` holds.
    public func send(_ buffer: borrowing ByteBuffer, count: Int) -> Transfer {
        let number = self.number
        return unsafe buffer.withReadable { bytes in
            precondition(count <= bytes.count)
            return Transfer(written: unsafe fairlead_send(number, bytes.baseAddress, count))
        }
    }

    /// What `first` holds from `offset` on, and then the first `count` bytes of `second`.
    public func send(
        _ first: borrowing ByteBuffer, from offset: Int = 0, then second: borrowing ByteBuffer, count: Int
    )
        -> Transfer
    {
        let number = self.number
        return unsafe first.withReadable { head in
            unsafe second.withReadable { tail in
                precondition(offset <= head.count && count <= tail.count)
                let start = unsafe head.baseAddress.map { unsafe $0 + offset }
                return Transfer(
                    written: unsafe fairlead_send_two(number, start, head.count - offset, tail.baseAddress, count))
            }
        }
    }

    public var localAddress: SocketAddress? {
        var raw = fairlead_address()
        guard unsafe fairlead_local_address(self.number, &raw) == 0 else { return nil }
        return SocketAddress(raw)
    }

    /// How an attempt to connect ended: 0, or an errno.
    public var error: Int32 { fairlead_socket_error(self.number) }

    /// No more will be sent.
    public func finishWriting() { _ = fairlead_shutdown_write(self.number) }

    public func close() {
        let result = fairlead_close(self.number)
        precondition(result != -9, "a connection was closed behind its owner's back")
    }

    /// The peer is told that something went wrong, and what is unsent is dropped.
    public func reset() {
        _ = fairlead_reset_on_close(self.number)
        self.close()
    }
}
