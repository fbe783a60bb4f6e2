internal import CLinux
internal import Glibc

/// The capabilities(7) of this process.
public enum Capabilities {
    /// Whether the process may administer its network namespace (`CAP_NET_ADMIN`).
    public static var hasNetworkAdministration: Bool {
        var header = __user_cap_header_struct(version: 0x2008_0522, pid: 0)  // _LINUX_CAPABILITY_VERSION_3
        var data = [__user_cap_data_struct](repeating: __user_cap_data_struct(), count: 2)
        guard unsafe fairlead_capget(&header, &data) == 0 else { return false }
        let networkAdministration: UInt32 = 12
        return data[0].effective & 1 << networkAdministration != 0
    }
}
