internal import Glibc
package import Networking

/// TCP sockets of this network namespace that listen, as /proc/net/tcp and tcp6 list them (proc(5)), and whose they are.
package struct ListeningSockets: Sendable {
    package struct Entry: Hashable, Sendable {
        package let address: IPAddress
        package let port: UInt16
        /// The number of the socket, by which its owner is found.
        package let inode: UInt64

        package init(address: IPAddress, port: UInt16, inode: UInt64) {
            self.address = address
            self.port = port
            self.inode = inode
        }
    }

    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// As they are now.
    package static func read() throws(SystemError) -> ListeningSockets {
        var entries = Self.parse(try HostSystem.networkFile("tcp") ?? "", .ipv4)
        entries += Self.parse(try HostSystem.networkFile("tcp6") ?? "", .ipv6)
        return ListeningSockets(entries)
    }

    /// Who keeps this address and port from others: one that listens there, or at all addresses. That of IPv6 takes IPv4 as well, but
    /// where its socket says otherwise, which the list does not tell; programs mostly have one for each then.
    package func holder(of address: IPAddress, _ port: UInt16) -> Entry? {
        self.entries.first { entry in
            guard entry.port == port, entry.address.family == address.family else { return false }
            return entry.address == address || entry.address.isUnspecified || address.isUnspecified
        }
    }

    // MARK: - Reading

    /// TCP_LISTEN of linux/tcp_states.h.
    private static let listening = "0A"

    /// Lines of one of the files; what is no such line is passed over.
    package static func parse(_ text: String, _ family: AddressFamily) -> [Entry] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == Self.listening, let colon = fields[1].firstIndex(of: ":"),
                let port = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16),
                let address = self.address(fields[1][..<colon], family), let inode = UInt64(fields[9])
            else { return nil }
            return Entry(address: address, port: port, inode: inode)
        }
    }

    /// Words of 32 bits, each as the host has it in memory.
    private static func address(_ digits: Substring, _ family: AddressFamily) -> IPAddress? {
        guard digits.utf8.count == family.addressLength * 2 else { return nil }
        var bytes: [UInt8] = []
        var rest = digits
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            unsafe withUnsafeBytes(of: word) { unsafe bytes.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        return IPAddress(bytes: bytes)
    }

    // MARK: - Owners

    package struct Owner: Hashable, Sendable {
        package let process: Int32
        package let command: String

        package init(process: Int32, command: String) {
            self.process = process
            self.command = command
        }
    }

    /// The process that has a socket open; nil if none of those is to be looked into, which takes root for others' processes.
    package static func owner(of inode: UInt64) -> Owner? {
        let link = "socket:[\(inode)]"
        let names = (try? FileStatus.names(inDirectory: "/proc")) ?? []
        for process in names.compactMap({ Int32($0) }) {
            let descriptors = (try? FileStatus.names(inDirectory: "/proc/\(process)/fd")) ?? []
            guard descriptors.contains(where: { self.target(of: "/proc/\(process)/fd/\($0)") == link }) else {
                continue
            }
            return Owner(process: process, command: self.command(of: process))
        }
        return nil
    }

    private static func target(of path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let length = unsafe readlink(path, &buffer, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func command(of process: Int32) -> String {
        guard let file = try? Descriptor.open("/proc/\(process)/comm", flags: O_RDONLY),
            let bytes = try? file.readToEnd(limit: 256)
        else { return "" }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
