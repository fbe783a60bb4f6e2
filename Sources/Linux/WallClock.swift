internal import Glibc

/// The time of day, for people; durations are measured with `ContinuousClock`.
public enum WallClock {
    /// Seconds since 1970, and nanoseconds beyond them.
    public static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return (0, 0) }
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}

/// Standard error, written to whole lines at a time.
public enum StandardError {
    public static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // A log that cannot be written has nobody to be reported to.
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

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
}
