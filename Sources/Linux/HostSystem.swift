internal import Glibc
package import Networking

/// What the host calls itself, and what it allows.
public enum HostSystem {
    /// The host name in lower case, as the kubelet registers its node.
    public static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let result = unsafe gethostname(&buffer, buffer.count - 1)
        guard result == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }

    /// How many cores are online.
    public static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// A setting under /proc/sys by its sysctl(8) name; nil where there is none.
    public static func setting(_ name: String) -> String? { self.firstLine(of: self.path(ofSetting: name)) }

    /// Changes a setting by its sysctl(8) name.
    public static func set(_ name: String, to value: String) throws(SystemError) {
        try Descriptor.open(self.path(ofSetting: name), flags: O_WRONLY).write(value.utf8)
    }

    /// The setting that says whether the host forwards packets of a family.
    package static func forwardingSetting(_ family: AddressFamily) -> String {
        family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
    }

    /// Whether this process may change a setting.
    package static func isSettable(_ name: String) -> Bool { unsafe access(self.path(ofSetting: name), W_OK) == 0 }

    private static let buckets = "/sys/module/nf_conntrack/parameters/hashsize"

    /// Buckets of the kernel's connection table; nil without one.
    public static var connectionBuckets: String? { self.firstLine(of: self.buckets) }

    public static func setConnectionBuckets(_ count: String) throws(SystemError) {
        try Descriptor.open(self.buckets, flags: O_WRONLY).write(count.utf8)
    }

    /// How likely the kernel ends this process when memory is short, from -1000 to 1000: `oom_score_adj` of
    /// proc(5). To lower it takes CAP_SYS_RESOURCE.
    public static func setOutOfMemoryScore(_ score: Int) throws(SystemError) {
        try Descriptor.open("/proc/self/oom_score_adj", flags: O_WRONLY).write("\(score)".utf8)
    }

    private static func path(ofSetting name: String) -> String {
        "/proc/sys/" + name.split(separator: ".").joined(separator: "/")
    }

    private static func firstLine(of path: String) -> String? {
        guard let file = try? Descriptor.open(path, flags: O_RDONLY), let bytes = try? file.readToEnd(limit: 4096)
        else {
            return nil
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// A file of /proc/net, as of the network namespace that this thread is in; nil where there is none,
    /// which mostly means a part of the kernel that is not loaded.
    package static func networkFile(_ name: String) throws(SystemError) -> String? {
        // /proc/net itself shows the namespace of the process's first thread.
        do throws(SystemError) {
            let file = try Descriptor.open("/proc/thread-self/net/\(name)", flags: O_RDONLY)
            return String(decoding: try file.readToEnd(limit: 64 << 20), as: UTF8.self)
        } catch  where error.number == ENOENT {
            return nil
        }
    }
}
