import Glibc
import Linux
import Networking

/// Sends many flows in one go. The one file of these tests with unsafe code: addresses and buffers live for
/// the whole call.
enum FlowSource {
    /// One UDP datagram from each of the ports 1, 2, ... of `source` to one address and port (IPv4).
    static func datagrams(from source: IPAddress, to destination: IPAddress, port: UInt16, count: Int) throws {
        // A raw socket says its own source port: one system call a flow.
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try systemCall("socket") { Glibc.socket(AF_INET, type, Int32(IPPROTO_UDP)) })
        unsafe try self.with(source) { pointer, length in
            _ = try systemCall("bind") { unsafe bind(socket.number, pointer, length) }
        }
        // Source port, destination port, length, no checksum (RFC 768).
        var datagram: [UInt8] = [0, 0, UInt8(port >> 8), UInt8(port & 0xff), 0, 8, 0, 0]
        unsafe try self.with(destination) { pointer, length in
            for number in 1...count {
                (datagram[0], datagram[1]) = (UInt8(number >> 8), UInt8(number & 0xff))
                _ = try systemCall("sendto") {
                    unsafe Int32(sendto(socket.number, &datagram, datagram.count, 0, pointer, length))
                }
            }
        }
    }

    private static func with(
        _ address: IPAddress,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
        try unsafe withUnsafePointer(to: &name) { pointer in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
