internal import CLinux
internal import Glibc
public import Networking

/// The addresses of the network namespace that this process is in.
///
/// Unsafe invariants of this file: the list of getifaddrs(3) is walked and freed here; socket addresses
/// are read as what their family says they are.
public enum HostAddresses {
    /// Every address of every interface that is up.
    public static func all() throws(SystemError) -> [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        _ = try systemCall("getifaddrs") { unsafe getifaddrs(&list) }
        defer { unsafe freeifaddrs(list) }
        var addresses: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe next = entry.pointee.ifa_next
            guard unsafe entry.pointee.ifa_flags & UInt32(IFF_UP) != 0,
                let socketAddress = unsafe entry.pointee.ifa_addr,
                let address = unsafe self.address(UnsafeRawPointer(socketAddress))
            else { continue }
            addresses.append(address)
        }
        return addresses
    }

    /// The families that this host has: IPv6 can be turned off where the kernel is started (`ipv6.disable=1`).
    package static var families: [AddressFamily] {
        do throws(SystemError) {
            return try HostSystem.networkFile("if_inet6") == nil ? [.ipv4] : AddressFamily.allCases
        } catch {
            return AddressFamily.allCases
        }
    }

    /// The address from which this host speaks to the world, of each family that has a default route:
    /// what Kubernetes calls the node's primary address, where no Node object says so.
    public static func primary() -> [IPAddress] {
        // Connecting a datagram socket sends nothing: the kernel only picks a route and a source. The
        // destinations are documentation addresses (RFC 5737, RFC 3849), which no one routes.
        let destinations = [IPAddress(192, 0, 2, 1), IPAddress(ipv6High: 0x2001_0db8_0000_0000, low: 1)]
        return destinations.compactMap(self.source)
    }

    private static func source(towards destination: IPAddress) -> IPAddress? {
        let family = destination.family == .ipv4 ? AF_INET : AF_INET6
        guard
            let number = try? systemCall(
                "socket", "", { socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) })
        else { return nil }
        let descriptor = Descriptor(owning: number)
        guard connect(descriptor.number, to: destination) else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor.number, $0, &length)
            }
        }
        guard result == 0 else { return nil }
        let address = unsafe withUnsafeBytes(of: &storage) { unsafe $0.baseAddress.flatMap { unsafe self.address($0) } }
        return address.flatMap { $0.isUnspecified || $0.isLoopback ? nil : $0 }
    }

    private static func connect(_ number: Int32, to destination: IPAddress) -> Bool {
        switch destination.family {
        case .ipv4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(9).bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: destination.low).bigEndian
            return unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        case .ipv6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = UInt16(9).bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: destination.bytes) }
            return unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
                }
            }
        }
    }

    private static func address(_ pointer: UnsafeRawPointer) -> IPAddress? {
        switch unsafe Int32(pointer.load(as: sa_family_t.self)) {
        case AF_INET:
            let bits = unsafe pointer.load(as: sockaddr_in.self).sin_addr.s_addr
            return IPAddress(ipv4: UInt32(bigEndian: bits))
        case AF_INET6:
            var address = unsafe pointer.load(as: sockaddr_in6.self).sin6_addr
            return unsafe withUnsafeBytes(of: &address) { unsafe IPAddress(bytes: $0) }
        default:
            return nil
        }
    }
}
