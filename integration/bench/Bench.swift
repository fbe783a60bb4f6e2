import Glibc
import Lab
import Linux

/// `fairlead-bench --fairlead PROGRAM [--report FILE] [--quick]`: how long programming takes, beside
/// `nft`, in network namespaces of its own. Needs root.
@main
struct Bench {
    static func main() {
        do {
            try self.run()
        } catch {
            StandardError.write("fairlead-bench: \(error)\n")
            exit(1)
        }
    }

    private static func run() throws {
        var arguments = CommandLine.arguments.dropFirst()
        var binary: String?
        var report: String?
        var isQuick = false
        while let argument = arguments.popFirst() {
            switch argument {
            case "--fairlead": binary = arguments.popFirst()
            case "--report": report = arguments.popFirst()
            case "--quick": isQuick = true
            default:
                StandardError.write("usage: fairlead-bench --fairlead PROGRAM [--report FILE] [--quick]\n")
                exit(2)
            }
        }
        guard getuid() == 0 else {
            StandardError.write("fairlead-bench: needs root, to make network namespaces\n")
            exit(1)
        }
        let program = try FairleadProcess.locate(binary)
        let scales =
            isQuick
            ? [Scale(services: 100, endpoints: 10), Scale(services: 1000, endpoints: 10)]
            : [(100, 10), (1000, 10), (5000, 10), (10_000, 10), (20_000, 10), (1, 10_000)].map {
                Scale(services: $0, endpoints: $1)
            } + [2500, 5000, 10_000].map { Scale(services: $0, endpoints: 10, hasAffinity: true) }
        var results: [Result] = []
        for scale in scales {
            print("measuring \(scale) ...")
            results.append(
                try Measurement(
                    scale: scale, binary: program, rounds: scale.services <= 5000 ? 5 : 3, changes: 300,
                    withPeers: !scale.hasAffinity
                ).run())
        }
        let tables = Report.tables(results)
        print("")
        for table in tables { print(table.text) }
        if let report {
            let text = Report.markdown(tables)
            try Descriptor.open(report, flags: O_WRONLY | O_CREAT | O_TRUNC).write(text.utf8)
            print("written to \(report)")
        }
    }
}
