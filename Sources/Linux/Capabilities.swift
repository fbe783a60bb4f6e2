internal import CLinux
internal import Glibc

/// The capabilities(7) of this process.
public enum Capabilities {
    /// By their numbers in linux/capability.h.
    package enum Capability: UInt32, Sendable {
        /// `CAP_NET_BIND_SERVICE`: to listen on ports below 1024.
        case bindingLowPorts = 10
        /// `CAP_NET_ADMIN`: to administer the process's network namespace.
        case networkAdministration = 12
    }

    /// Whether the process has one of the first 32 in force.
    package static func has(_ capability: Capability) -> Bool {
        var header = __user_cap_header_struct(version: 0x2008_0522, pid: 0)  // _LINUX_CAPABILITY_VERSION_3
        var data = [__user_cap_data_struct](repeating: __user_cap_data_struct(), count: 2)
        guard unsafe fairlead_capget(&header, &data) == 0 else { return false }
        return data[0].effective & 1 << capability.rawValue != 0
    }

    /// Whether the process may administer its network namespace (`CAP_NET_ADMIN`).
    public static var hasNetworkAdministration: Bool { self.has(.networkAdministration) }
}
