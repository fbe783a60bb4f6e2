internal import CLinux
internal import Glibc

/// The interfaces of the network namespace that this thread is in (rtnetlink).
package enum NetworkInterface {
    package static func exists(_ name: String) -> Bool { unsafe if_nametoindex(name) != 0 }

    /// nil if there is none of that index.
    package static func name(_ index: UInt32) -> String? {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        guard unsafe if_indextoname(index, &name) != nil else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Deletes an interface with all its addresses.
    ///
    /// - Returns: false if there is none of that name.
    package static func delete(_ name: String) throws(SystemError) -> Bool {
        let index = unsafe if_nametoindex(name)
        guard index != 0 else { return false }
        let header = ifinfomsg(
            ifi_family: UInt8(AF_UNSPEC), __ifi_pad: 0, ifi_type: 0, ifi_index: Int32(index), ifi_flags: 0,
            ifi_change: 0)
        let payload = unsafe withUnsafeBytes(of: header) { unsafe Array($0) }
        let request = NetlinkRequest(type: UInt16(RTM_DELLINK), payload: payload)
        do throws(SystemError) {
            _ = try request.exchange(NETLINK_ROUTE, "delete link", name)
        } catch  where error.number == ENODEV {
            return false
        }
        return true
    }
}
