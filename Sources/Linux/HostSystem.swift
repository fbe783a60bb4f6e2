internal import Glibc

/// What the host calls itself, and what it allows.
public enum HostSystem {
    /// The host name in lower case, as the kubelet registers its node.
    public static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let result = unsafe gethostname(&buffer, buffer.count - 1)
        guard result == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).lowercased()
    }

    /// A setting under /proc/sys by its sysctl(8) name; nil where there is none.
    public static func setting(_ name: String) -> String? {
        let path = "/proc/sys/" + name.split(separator: ".").joined(separator: "/")
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
