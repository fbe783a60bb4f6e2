internal import Bytes
internal import Reactor
internal import TLS

/// How bytes of a client's connection travel: as they are, or in TLS.
enum Transport: ~Copyable {
    case plain
    case tls(TLSConnection)

    /// Into the buffer's space, which must not be empty.
    @inline(__always)
    mutating func receive(_ socket: StreamSocket, into buffer: inout ByteBuffer) -> Transfer {
        switch self {
        case .plain: return socket.receive(into: &buffer)
        case .tls(var connection):
            let transfer = connection.receive(into: &buffer)
            self = .tls(connection)
            return transfer
        }
    }
}
