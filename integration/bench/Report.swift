import Glibc
import Lab
import Linux
import Observability

/// The file that holds what was measured.
enum Report {
    /// A part of the report, which a run of one kind of measurement writes anew.
    enum Section: String, CaseIterable {
        case kernel = "Programming the kernel"
        case cluster = "With an API server"
        case operation = "Operating it"
        case http = "Ingress beside other proxies"
        case stream = "Userspace balancer beside other proxies"

        fileprivate var command: String {
            switch self {
            case .kernel: "make bench-kernel"
            case .cluster: "make bench-cluster"
            case .operation: "make bench-operation"
            case .http: "make bench-http"
            case .stream: "make bench-stream"
            }
        }
    }

    /// Writes one section of the report in `file` anew, and its plots beside it.
    static func write(_ findings: Findings, as section: Section, to file: String, command: String? = nil) throws {
        let former = (try? Descriptor.open(file, flags: O_RDONLY).readToEnd(limit: 1 << 20)) ?? []
        let text = self.markdown(findings, as: section, in: String(decoding: former, as: UTF8.self), command: command)
        try self.write(text, to: file)
        let folder = file.lastIndex(of: "/").map { "\(file[..<$0])/" } ?? ""
        if !findings.charts.isEmpty { _ = try ChildProcess.run(["mkdir", "-p", "\(folder)\(self.images)"]) }
        for chart in findings.charts { try self.write(chart.svg, to: "\(folder)\(self.images)/\(chart.file)") }
        print("written to \(file)")
    }

    private static func write(_ text: String, to file: String) throws {
        try Descriptor.open(file, flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
    }

    /// Where plots are, seen from the report.
    private static let images = "images"

    /// The report with one section written anew and the others as they were. `command` is what wrote it, if that was not the
    /// section's own.
    static func markdown(_ findings: Findings, as section: Section, in former: String, command: String? = nil) -> String
    {
        var sections: [Section: String] = [:]
        for part in former.split(separator: "\n## ").dropFirst() {
            guard let section = Section.allCases.first(where: { part.hasPrefix($0.rawValue) }) else { continue }
            sections[section] = "## \(part.trimmingSuffix { $0.isNewline })\n"
        }
        let plots = findings.charts.map { "![\($0.title)](\(self.images)/\($0.file))\n\n" }.joined()
        sections[section] = """
            ## \(section.rawValue)

            `\(command ?? section.command)`, \(Usage.machine()), \(UTCTime.now().prefix(10)).

            \(plots)\(findings.tables.map(\.markdown).joined(separator: "\n"))
            """
        let head = """
            # Benchmarks

            Written by the commands named below; do not edit. `make bench` is all of it with fewer rounds. Every figure of a table was \
            measured in one run on one machine, each pair of figures in turn, so compare within a table, not between tables or \
            machines.

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
