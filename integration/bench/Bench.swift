import Glibc
import Lab
import Linux

/// `fairlead-bench PART --fairlead PROGRAM ...`, with the parts of ``usage``, in network namespaces of its own. Needs root.
@main
struct Bench {
    private static let usage = """
        usage: fairlead-bench PART --fairlead PROGRAM [--report FILE] [further options]
          --kernel     how long programming takes, beside nft
          --cluster    how long everything takes with an API server
          --http       the ingress role beside other proxies
          --stream     the userspace balancer beside other proxies
          --operation  commands and metrics with 10,000 Services
          --all        all of it, with fewer rounds
        With --help after a part: its options.

        """

    static func main() {
        do {
            try self.run()
        } catch {
            StandardError.write("fairlead-bench: \(error)\n")
            exit(1)
        }
    }

    private static func run() throws {
        let arguments = CommandLine.arguments.dropFirst()
        if try LoadCommand.run(arguments) || StreamLoad.run(arguments) { return }
        guard let run = self.part(arguments.first ?? "") else {
            StandardError.write(self.usage)
            exit(2)
        }
        guard getuid() == 0 else { throw LabError("needs root, to make network namespaces") }
        try run(arguments.dropFirst())
    }

    private static func part(_ name: String) -> ((ArraySlice<String>) throws -> Void)? {
        switch name {
        case "--kernel": { try NodeBench.run($0, as: .kernel) }
        case "--cluster": { try NodeBench.run($0, as: .cluster) }
        case "--operation": { try NodeBench.run($0, as: .operation) }
        case "--http": { try HTTPBench.run($0) }
        case "--stream": { try StreamBench.run($0) }
        case "--all": { try WholeBench.run($0) }
        default: nil
        }
    }
}
