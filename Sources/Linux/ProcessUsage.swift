internal import Glibc

/// What this process has used and uses, as proc(5) tells.
package struct ProcessUsage: Hashable, Sendable {
    /// Of the core, by all threads, in user and kernel mode.
    package let cpuSeconds: Double
    package let residentBytes: Int
    package let virtualBytes: Int
    /// Seconds between the start of the host and that of the process.
    package let startedAfterBoot: Double

    /// From the text of `/proc/self/stat`; nil if it is none.
    init?(stat: String, ticksPerSecond: Double, pageSize: Int) {
        // The name of the program stands in parentheses and may hold any others.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        // The first of these is field 3.
        let fields = stat[stat.index(after: end)...].split { $0 == " " || $0 == "\n" }
        func field(_ number: Int) -> Int? { fields.count > number - 3 ? Int(fields[number - 3]) : nil }
        guard let user = field(14), let system = field(15), let start = field(22), let virtual = field(23),
            let resident = field(24)
        else { return nil }
        self.cpuSeconds = Double(user + system) / ticksPerSecond
        self.startedAfterBoot = Double(start) / ticksPerSecond
        self.virtualBytes = virtual
        self.residentBytes = resident * pageSize
    }

    package static func current() -> ProcessUsage? {
        Self.text(of: "/proc/self/stat").flatMap {
            ProcessUsage(
                stat: $0, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))), pageSize: sysconf(Int32(_SC_PAGESIZE)))
        }
    }

    /// When the host was started, in seconds since 1970.
    package static func bootTime() -> Double? {
        Self.text(of: "/proc/stat").flatMap { Self.value(after: "btime ", in: $0) }
    }

    /// How many descriptors are open.
    package static func openDescriptors() -> Double? {
        // One of them is that of the directory that is being read.
        (try? FileStatus.names(inDirectory: "/proc/self/fd")).map { Double($0.count - 1) }
    }

    /// How many may be; nil for no limit.
    package static func descriptorLimit() -> Double? {
        Self.text(of: "/proc/self/limits").flatMap { Self.value(after: "Max open files ", in: $0) }
    }

    /// The number that follows `label` on the line that starts with it.
    static func value(after label: String, in text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(label) }
        return line?.dropFirst(label.count).split(separator: " ").first.flatMap { Double($0) }
    }

    private static func text(of path: String) -> String? {
        guard let file = try? Descriptor.open(path, flags: O_RDONLY), let bytes = try? file.readToEnd(limit: 1 << 20)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
