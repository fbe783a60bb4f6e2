import Glibc
import Linux
import Observability

/// Results as tables.
enum Report {
    static func tables(_ results: [Result]) -> [Table] {
        var first = Table(
            "First programming",
            """
            Processor time until the rules are in force. *Process*: from the start of `fairlead node`, reading and \
            validating the manifests included. *Programming*: wall time from objects in memory to the kernel's \
            acknowledgement, one transaction. Beside it, in turn with it, `nft -f` of the same table, and of one \
            chain and one anonymous map per Service, which is kube-proxy's layout (not for Services with session \
            affinity). Medians.
            """,
            [
                "services x endpoints", "process CPU", "process wall", "programming", "netlink bytes",
                "nft, same table",
                "nft, per-service", "per-service / process",
            ])
        var changes = Table(
            "One change of one endpoint",
            """
            From before the file is written and renamed into its place to the kernel's announcement of the commit, with \
            everything else standing: 300 changes, in turn an endpoint more, replaced, and less.
            """,
            ["services x endpoints", "p50", "p90", "p99", "slowest", "netlink bytes, largest"])
        var restarts = Table(
            "Restart after kill -9, and memory",
            "The kernel is read back and compared; nothing is written. Peak resident memory of the whole process.",
            [
                "services x endpoints", "process CPU", "process wall", "peak memory, first start",
                "peak memory, restart",
            ])
        for result in results {
            let process = result.firstProcessor.median
            let ratio =
                process > .zero && !result.perServiceLayout.isEmpty ? result.perServiceLayout.median / process : 0
            first.rows.append([
                "\(result.scale)", Table.milliseconds(process), Table.milliseconds(result.firstWall.median),
                Table.milliseconds(result.programming.median), Table.grouped(result.bytes),
                result.sameLayout.isEmpty ? "" : Table.milliseconds(result.sameLayout.median),
                result.perServiceLayout.isEmpty ? "" : Table.milliseconds(result.perServiceLayout.median),
                result.perServiceLayout.isEmpty ? "" : Table.ratio(ratio),
            ])
            changes.rows.append([
                "\(result.scale)", Table.milliseconds(result.changes.percentile(0.5)),
                Table.milliseconds(result.changes.percentile(0.9)), Table.milliseconds(result.changes.percentile(0.99)),
                Table.milliseconds(result.changes.max() ?? .zero), Table.grouped(result.changeBytes.max() ?? 0),
            ])
            restarts.rows.append([
                "\(result.scale)", Table.milliseconds(result.restartProcessor.median),
                Table.milliseconds(result.restartWall.median), Table.megabytes(result.peakMemory),
                Table.megabytes(result.restartPeakMemory),
            ])
        }
        return [first, changes, restarts]
    }

    static func tables(_ results: [ClusterResult]) -> [Table] {
        var start = Table(
            "Start, change, restart",
            """
            *Start*: from the start of the process, with an empty table, until the last Service answers a client. *Change*: one \
            EndpointSlice is changed; from the event on the wire to the first connection that the new endpoint \
            answers. *Restart*: after kill -9 and a change; from the start of the process until the changed Service \
            is answered by the new endpoint. API server, client and endpoints run on the same cores. Medians where \
            nothing else is said; processor time and memory are the process's own.
            """,
            [
                "services x endpoints", "start", "start, CPU", "change p50", "change p99", "slowest", "restart",
                "restart, CPU", "peak memory, start", "peak memory, restart",
            ])
        for result in results {
            start.rows.append([
                "\(result.scale)", Table.milliseconds(result.start.median),
                Table.milliseconds(result.startProcessor.median),
                Table.milliseconds(result.changes.percentile(0.5)), Table.milliseconds(result.changes.percentile(0.99)),
                Table.milliseconds(result.changes.max() ?? .zero), Table.milliseconds(result.restart.median),
                Table.milliseconds(result.restartProcessor.median), Table.megabytes(result.peakMemory),
                Table.megabytes(result.restartPeakMemory),
            ])
        }
        return [start]
    }

    /// A part of the report, which a run of one kind of measurement writes anew.
    enum Section: String, CaseIterable {
        case kernel = "Programming the kernel"
        case cluster = "With an API server"
        case http = "Ingress beside other proxies"
        case stream = "Userspace balancer beside other proxies"

        fileprivate var command: String {
            switch self {
            case .kernel: "make bench"
            case .cluster: "make bench-cluster"
            case .http: "make bench-http"
            case .stream: "make bench-stream"
            }
        }
    }

    /// Writes one section of the report in `file` anew.
    static func write(_ tables: [Table], as section: Section, to file: String) throws {
        let former = (try? Descriptor.open(file, flags: O_RDONLY).readToEnd(limit: 1 << 20)) ?? []
        let text = self.markdown(tables, as: section, in: String(decoding: former, as: UTF8.self))
        try Descriptor.open(file, flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
        print("written to \(file)")
    }

    /// The report with one section written anew and the others as they were.
    static func markdown(_ tables: [Table], as section: Section, in former: String) -> String {
        var sections: [Section: String] = [:]
        for part in former.split(separator: "\n## ").dropFirst() {
            guard let section = Section.allCases.first(where: { part.hasPrefix($0.rawValue) }) else { continue }
            sections[section] = "## \(part.trimmingSuffix { $0.isNewline })\n"
        }
        sections[section] = """
            ## \(section.rawValue)

            `\(section.command)`, \(Usage.machine()), \(UTCTime.now().prefix(10)).

            \(tables.map(\.markdown).joined(separator: "\n"))
            """
        let head = """
            # Benchmarks

            Written by the commands named below; do not edit. Every figure of a table was measured in one run on one \
            machine, each pair of figures in turn, so compare within a table, not between tables or machines.

            """
        return ([head] + Section.allCases.compactMap { sections[$0] }).joined(separator: "\n")
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return text
    }
}
