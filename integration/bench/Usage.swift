import Glibc
import Linux

/// Processor time and memory of processes, as the kernel accounts them.
enum Usage {
    /// Processor time of a running process with all its threads, to the nanosecond.
    static func processorTime(of pid: Int32) -> Duration {
        var total: Int64 = 0
        for thread in (try? FileStatus.names(inDirectory: "/proc/\(pid)/task")) ?? [] {
            let fields = Self.read("/proc/\(pid)/task/\(thread)/schedstat").split(separator: " ")
            total += fields.first.flatMap { Int64($0) } ?? 0
        }
        return .nanoseconds(total)
    }

    /// The most memory that a running process has had, in bytes.
    static func peakMemory(of pid: Int32) -> Int {
        for line in Self.read("/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix("VmHWM:") {
            return (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0)
                << 10
        }
        return 0
    }

    /// Processor time of all children that have ended and been waited for.
    static func childrenTime() -> Duration {
        var usage = rusage()
        guard unsafe getrusage(RUSAGE_CHILDREN.rawValue, &usage) == 0 else { return .zero }
        return .seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + .microseconds(Int64(usage.ru_utime.tv_usec) + Int64(usage.ru_stime.tv_usec))
    }

    /// What the machine is, for the report.
    static func machine() -> String {
        let model =
            Self.read("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
            .flatMap { $0.split(separator: ":").last } ?? "unknown processor"
        let cores = Self.read("/proc/cpuinfo").split(separator: "\n").count { $0.hasPrefix("processor") }
        let kernel = HostSystem.setting("kernel.osrelease") ?? "?"
        return "\(cores) cores (\(model.drop { $0 == " " })), Linux \(kernel)"
    }

    private static func read(_ path: String) -> String {
        guard let file = try? Descriptor.open(path, flags: O_RDONLY), let bytes = try? file.readToEnd(limit: 1 << 20)
        else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [Duration] {
    /// The value below which `share` of all lie.
    func percentile(_ share: Double) -> Duration {
        let sorted = self.sorted()
        return sorted.isEmpty ? .zero : sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    var median: Duration { self.percentile(0.5) }
}
