import Glibc
import Lab
import Linux

/// The node role by itself and beside `nft`: `fairlead-bench --kernel`, `--cluster` and `--operation`.
enum NodeBench {
    /// How much of it.
    struct Extent {
        let scales: [Scale]
        let rounds: (Scale) -> Int
        /// Of those, in how many `nft` loads one chain and one map for each Service, which takes minutes for 20,000.
        var slowRounds: (Scale) -> Int = { _ in .max }
        let changes = 300

        private static let kernelScales =
            [(100, 10), (1000, 10), (5000, 10), (10_000, 10), (20_000, 10), (1, 10_000)].map {
                Scale(services: $0, endpoints: $1)
            } + [2500, 5000, 10_000].map { Scale(services: $0, endpoints: 10, hasAffinity: true) }
        private static let clusterScales = [1000, 10_000, 20_000].map { Scale(services: $0, endpoints: 10) }

        static func of(_ section: Report.Section, isShort: Bool) -> Extent {
            switch (section, isShort) {
            case (.cluster, _): Extent(scales: Self.clusterScales, rounds: { _ in isShort ? 3 : 5 })
            case (_, false): Extent(scales: Self.kernelScales, rounds: { $0.services <= 5000 ? 5 : 3 })
            case (_, true):
                Extent(
                    scales: Self.kernelScales, rounds: { $0.services <= 5000 ? 3 : $0.services <= 10_000 ? 2 : 1 },
                    slowRounds: { $0.services <= 5000 ? .max : $0.services <= 10_000 ? 1 : 0 })
            }
        }
    }

    static func run(_ arguments: some Sequence<String>, as section: Report.Section) throws {
        var (binary, report): (String?, String?)
        var arguments = Array(arguments)[...]
        while let argument = arguments.popFirst() {
            switch argument {
            case "--fairlead": binary = arguments.popFirst()
            case "--report": report = arguments.popFirst()
            default:
                StandardError.write("usage: fairlead-bench --\(section) --fairlead PROGRAM [--report FILE]\n")
                exit(2)
            }
        }
        let findings = try self.findings(section, program: FairleadProcess.locate(binary), isShort: false)
        print("\n\(findings.text)")
        if let report { try Report.write(findings, as: section, to: report) }
    }

    static func findings(_ section: Report.Section, program: String, isShort: Bool) throws -> Findings {
        let extent = Extent.of(section, isShort: isShort)
        switch section {
        case .cluster:
            return NodeReport.findings(
                try extent.scales.map { scale in
                    print("measuring \(scale) with an API server ...")
                    return try ClusterMeasurement(
                        scale: scale, binary: program, rounds: extent.rounds(scale), changes: extent.changes
                    ).run()
                })
        case .operation:
            print("measuring commands and metrics ...")
            return try OperationMeasurement(binary: program).run().findings
        default:
            return NodeReport.findings(
                try extent.scales.map { scale in
                    print("measuring \(scale) ...")
                    return try Measurement(
                        scale: scale, binary: program, rounds: extent.rounds(scale), changes: extent.changes,
                        withPeers: !scale.hasAffinity, slowRounds: extent.slowRounds(scale)
                    ).run()
                })
        }
    }
}
