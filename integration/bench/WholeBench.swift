import Glibc
import Lab
import Linux

/// `fairlead-bench --all`: every measure, with as many rounds as fit a quarter of an hour. The bars that it finds missed are for the
/// parts by themselves to confirm, which take more rounds.
enum WholeBench {
    private static let usage = """
        usage: fairlead-bench --all --fairlead PROGRAM [--envoy PROGRAM] [--report FILE] [--without NAME,...]
          --without  nginx, haproxy, envoy

        """

    static func run(_ arguments: some Sequence<String>) throws {
        guard var http = HTTPOptions.parse(arguments), var stream = StreamOptions.parse(self.withoutEnvoy(arguments))
        else {
            StandardError.write(self.usage)
            exit(2)
        }
        (http.seconds, http.latencyRounds, stream.seconds, stream.rounds) = (1, 9, 1, 2)
        let program = try FairleadProcess.locate(http.fairlead)
        let parts: [(Report.Section, () throws -> Findings)] =
            [Report.Section.kernel, .cluster, .operation].map { section in
                (section, { try NodeBench.findings(section, program: program, isShort: true) })
            } + [
                (.http, { try HTTPBench.findings(http) }), (.stream, { try StreamBench.findings(stream) }),
            ]
        let began = ContinuousClock.now
        for (section, measure) in parts {
            let findings = try measure()
            print("\n\(section.rawValue)\n\n\(findings.text)")
            if let report = http.report { try Report.write(findings, as: section, to: report, command: "make bench") }
            let minutes = Table.decimal((ContinuousClock.now - began) / .seconds(60), 1)
            print("\(minutes) minutes so far")
        }
    }

    /// The userspace balancer is not measured beside Envoy.
    private static func withoutEnvoy(_ arguments: some Sequence<String>) -> [String] {
        var (result, arguments) = ([String](), Array(arguments)[...])
        while let argument = arguments.popFirst() {
            switch argument {
            case "--envoy": _ = arguments.popFirst()
            case "--without":
                let named = (arguments.popFirst() ?? "").split(separator: ",").filter { $0 != "envoy" }
                if !named.isEmpty { result += [argument, named.joined(separator: ",")] }
            default: result.append(argument)
            }
        }
        return result
    }
}
