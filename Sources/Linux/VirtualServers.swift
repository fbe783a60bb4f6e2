internal import CLinux
internal import Glibc

/// The kernel's own load balancer, IPVS, in the network namespace that this thread is in.
package enum VirtualServers {
    /// How many there are; 0 where the kernel has no IPVS.
    package static func count() throws(SystemError) -> Int {
        try HostSystem.networkFile("ip_vs").map(self.count(in:)) ?? 0
    }

    /// How many a content of `/proc/net/ip_vs` names: after the three lines of the heading, a line that
    /// is not indented is a virtual server, one that is a real server behind it.
    package static func count(in listing: String) -> Int {
        listing.split(separator: "\n").count { line in
            ["TCP ", "UDP ", "SCTP", "FWM "].contains { line.hasPrefix($0) }
        }
    }

    /// Deletes all virtual servers. Nothing happens where the kernel has no IPVS.
    package static func flush() throws(SystemError) {
        guard let family = try GenericNetlink.number(of: "IPVS") else { return }
        let flushCommand: UInt8 = 17  // IPVS_CMD_FLUSH of linux/ip_vs.h
        let request = NetlinkRequest(type: family, payload: GenericNetlink.header(flushCommand))
        _ = try request.exchange(NETLINK_GENERIC, "flush", "IPVS")
    }
}

/// Generic netlink gives its families numbers when they are loaded; one asks for them by name.
enum GenericNetlink {
    /// `struct genlmsghdr`: command, version, nothing.
    static func header(_ command: UInt8) -> [UInt8] { [command, 1, 0, 0] }

    /// nil where the kernel has no such family.
    static func number(of family: String) throws(SystemError) -> UInt16? {
        // GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_FAMILY_ID of linux/genetlink.h
        var request = NetlinkRequest(type: 16, payload: self.header(3))
        request.append(attribute: 2, Array(family.utf8) + [0])
        do throws(SystemError) {
            let answers = try request.exchange(NETLINK_GENERIC, "generic netlink family", family)
            let number = answers.first.flatMap { NetlinkRequest.attributes(of: $0, skipping: 4)[1] }
            return number.flatMap { $0.count >= 2 ? UInt16($0[0]) | UInt16($0[1]) << 8 : nil }
        } catch  where error.number == ENOENT {
            return nil
        }
    }
}
