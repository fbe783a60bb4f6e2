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

    /// A process and what it has started, as far as it runs.
    static func tree(of pid: Int32) -> [Int32] {
        var pids = [pid]
        for thread in (try? FileStatus.names(inDirectory: "/proc/\(pid)/task")) ?? [] {
            for child in Self.read("/proc/\(pid)/task/\(thread)/children").split(separator: " ") {
                pids += Int32(child).map { Self.tree(of: $0) } ?? []
            }
        }
        return pids
    }

    /// Memory of a process and what it has started, in bytes, from `smaps_rollup`: `Rss`, `Pss`, `Private_Dirty`.
    static func memory(ofTree pid: Int32) -> [String: Int] {
        var total: [String: Int] = [:]
        for pid in Self.tree(of: pid) {
            for line in Self.read("/proc/\(pid)/smaps_rollup").split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, words[0].hasSuffix(":"), let kilobytes = Int(words[1]) else { continue }
                total[String(words[0].dropLast()), default: 0] += kilobytes << 10
            }
        }
        return total
    }

    /// For how long a processor has been busy with anything, to the hundredth of a second.
    static func busyTime(ofProcessor number: Int) -> Duration {
        for line in Self.read("/proc/stat").split(separator: "\n") where line.hasPrefix("cpu\(number) ") {
            // user, nice, system, idle, iowait, irq, softirq: in ticks of 10 ms.
            let ticks = line.split(separator: " ").dropFirst().prefix(7).compactMap { Int64($0) }
            guard ticks.count == 7 else { return .zero }
            return .milliseconds(10 * (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]))
        }
        return .zero
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

    /// How many processors there are.
    static func processors() -> Int {
        Self.read("/proc/cpuinfo").split(separator: "\n").count { $0.hasPrefix("processor") }
    }

    /// How many threads wanted to run in the last minute.
    static func loadAverage() -> String {
        Self.read("/proc/loadavg").split(separator: " ").first.map(String.init) ?? "?"
    }

    /// What the machine is, for the report.
    static func machine() -> String {
        let model =
            Self.read("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
            .flatMap { $0.split(separator: ":").last } ?? "unknown processor"
        let kernel = HostSystem.setting("kernel.osrelease") ?? "?"
        return "\(Self.processors()) cores (\(model.drop { $0 == " " })), Linux \(kernel)"
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
