import Glibc
import Linux
import Networking

/// Makes connections in a network namespace without anybody who answers: the kernel tracks a datagram
/// once it is sent. The one file of these tests with unsafe code: the address lives for the whole call.
enum FlowSource {
    /// Sends a datagram from a new socket to each of `count` addresses from 127.1.0.0 on.
    ///
    /// - Returns: the port that all come from.
    static func datagrams(to port: UInt16, count: Int) throws -> UInt16 {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: try systemCall("socket") { Glibc.socket(AF_INET, type, 0) })
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        for index in 0..<count {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f01_0000 + index).bigEndian
            _ = try unsafe withUnsafePointer(to: &address) { pointer in
                try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                    try systemCall("sendto") { unsafe sendto(socket.number, "x", 1, 0, target, length) }
                }
            }
        }
        var own = sockaddr_in()
        var ownLength = length
        _ = try unsafe withUnsafeMutablePointer(to: &own) { pointer in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                try systemCall("getsockname") { unsafe getsockname(socket.number, name, &ownLength) }
            }
        }
        return UInt16(bigEndian: own.sin_port)
    }
}
