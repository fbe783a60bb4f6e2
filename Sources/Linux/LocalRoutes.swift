internal import CLinux
internal import Glibc
public import Networking

/// Addresses that this host takes for its own, by routes of type `local` to loopback (rtnetlink(7)).
///
/// Not as addresses of the interface: nobody takes those of routes for addresses of the node, nothing connects from one unless it asks to, and
/// the kernel finds them in a tree. 20,000 routes take it a tenth of a second, 20,000 addresses of an interface eleven.
/// To listen there an IPv6 socket needs `IP_FREEBIND` (ip(7)), which takes no privilege.
///
/// They bear a mark, the protocol of their routes, by which they are told from those of others.
public struct LocalRoutes: ~Copyable {
    /// `proto 147` of `ip route show table local`.
    package static let mark: UInt8 = 147
    /// Of every network namespace: `LOOPBACK_IFINDEX` of linux/net_namespace.h.
    private static let loopback: UInt32 = 1
    /// Requests that are sent at once. The answers to all of them have to fit into the socket's queue.
    private static let batch = 128

    private var socket: RouteSocket

    /// Of the network namespace that this thread is in.
    public init() throws(SystemError) {
        self.socket = try RouteSocket()
    }

    /// Those that bear the mark, whichever process put them there.
    public mutating func marked() throws(SystemError) -> Set<IPAddress> {
        var found: Set<IPAddress> = []
        for family in HostAddresses.families {
            let request = RouteMessage(type: RouteMessage.getRoute, header: Self.header(family, length: 0))
            for answer in try self.socket.dump(request) {
                // A kernel that does not choose lists all routes.
                guard answer.starts(with: Self.header(family, length: family.bitWidth)[..<8]),
                    let bytes = NetlinkRequest.attributes(of: answer, skipping: 12)[RouteMessage.destination],
                    let address = unsafe bytes.withUnsafeBytes({ unsafe IPAddress(bytes: $0) })
                else { continue }
                found.insert(address)
            }
        }
        return found
    }

    /// Adds addresses. Returns those that were not added, with the reason: `EEXIST` where the host has one already.
    public mutating func add(_ addresses: [IPAddress]) throws(SystemError) -> [IPAddress: SystemError] {
        try self.change(
            addresses, "add local route", RouteMessage.newRoute, flags: Int32(NLM_F_CREATE | NLM_F_EXCL))
    }

    /// Removes addresses that bear the mark. Returns those that were not removed, with the reason; one that is not there is none
    /// of them.
    public mutating func remove(_ addresses: [IPAddress]) throws(SystemError) -> [IPAddress: SystemError] {
        try self.change(addresses, "remove local route", RouteMessage.deleteRoute).filter { $0.value.number != ESRCH }
    }

    private mutating func change(
        _ addresses: [IPAddress], _ call: String, _ type: UInt16, flags: Int32 = 0
    ) throws(SystemError) -> [IPAddress: SystemError] {
        var failures: [IPAddress: SystemError] = [:]
        for start in stride(from: 0, to: addresses.count, by: Self.batch) {
            let part = addresses[start..<min(start + Self.batch, addresses.count)]
            let messages = part.map { address in
                var message = RouteMessage(
                    type: type, flags: flags, header: Self.header(address.family, length: address.family.bitWidth))
                message.append(RouteMessage.destination, address.bytes)
                message.append(RouteMessage.interface, Self.bytes(Self.loopback))
                return message
            }
            for (index, number) in try self.socket.exchange(messages) {
                let address = part[part.startIndex + index]
                failures[address] = SystemError(number: number, call: call, subject: "\(address)")
            }
        }
        return failures
    }

    /// `struct rtmsg`: family, lengths of destination and source, TOS, table, protocol, scope, type, flags.
    private static func header(_ family: AddressFamily, length: Int) -> [UInt8] {
        let isIPv4 = family == .ipv4
        let isRequest = length == 0
        // IPv6 has no scopes. Who asks for a list says none.
        let scope = isIPv4 && !isRequest ? UInt8(RT_SCOPE_HOST.rawValue) : 0
        return [
            UInt8(isIPv4 ? AF_INET : AF_INET6), UInt8(length), 0, 0, UInt8(RT_TABLE_LOCAL.rawValue), self.mark, scope,
            UInt8(RTN_LOCAL), 0, 0, 0, 0,
        ]
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
    }
}
