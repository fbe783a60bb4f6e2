internal import CLinux
internal import Glibc

/// Tells when an address, a link or a route of this network namespace changes (rtnetlink).
///
/// What changed is not told: whoever wants to know looks at ``HostAddresses`` anew, so that a lost
/// announcement is as good as any other.
public struct AddressEvents: ~Copyable {
    private let socket: Descriptor

    public init() throws(SystemError) {
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: try systemCall("socket") { Glibc.socket(AF_NETLINK, kind, NETLINK_ROUTE) })
        try Self.join(socket.number)
        self.socket = socket
    }

    private static func join(_ number: Int32) throws(SystemError) {
        // RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE
        let groups: UInt32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
        var address = sockaddr_nl(nl_family: sa_family_t(AF_NETLINK), nl_pad: 0, nl_pid: 0, nl_groups: groups)
        _ = try systemCall("bind") {
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
                }
            }
        }
    }

    /// To be waited on for reading.
    public var number: Int32 { self.socket.number }

    /// Takes back all announcements so far.
    public func clear() {
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        // Ends at EAGAIN. ENOBUFS says that some were lost, and leaves the rest to be read.
        while unsafe recv(self.socket.number, &buffer, buffer.count, 0) >= 0 || errno == ENOBUFS || errno == EINTR {}
    }
}
