import Glibc
import Lab
import Linux

/// `fairlead-bench --fairlead PROGRAM [--cluster] [--report FILE] [--quick]`: how long programming takes, beside `nft`,
/// or how long everything takes with an API server; in network namespaces of its own. Needs root.
///
/// `fairlead-bench --http ...` measures the ingress role beside other proxies, `--stream ...` the userspace balancer; see
/// ``HTTPOptions`` and ``StreamOptions``.
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
        if try LoadCommand.run(arguments) || StreamLoad.run(arguments) { return }
        if arguments.first == "--http" {
            try self.requireRoot()
            return try HTTPBench.run(arguments.dropFirst())
        }
        if arguments.first == "--stream" {
            try self.requireRoot()
            return try StreamBench.run(arguments.dropFirst())
        }
        var binary: String?
        var report: String?
        var isQuick = false
        var isCluster = false
        while let argument = arguments.popFirst() {
            switch argument {
            case "--fairlead": binary = arguments.popFirst()
            case "--report": report = arguments.popFirst()
            case "--quick": isQuick = true
            case "--cluster": isCluster = true
            default:
                StandardError.write("usage: fairlead-bench --fairlead PROGRAM [--cluster] [--report FILE] [--quick]\n")
                exit(2)
            }
        }
        try self.requireRoot()
        let program = try FairleadProcess.locate(binary)
        let tables =
            isCluster
            ? Report.tables(try self.measureCluster(program, isQuick))
            : Report.tables(try self.measureKernel(program, isQuick))
        print("")
        for table in tables { print(table.text) }
        if let report { try Report.write(tables, as: isCluster ? .cluster : .kernel, to: report) }
    }

    private static func requireRoot() throws {
        guard getuid() == 0 else { throw LabError("needs root, to make network namespaces") }
    }

    private static func measureKernel(_ program: String, _ isQuick: Bool) throws -> [Result] {
        let scales =
            isQuick
            ? [Scale(services: 100, endpoints: 10), Scale(services: 1000, endpoints: 10)]
            : [(100, 10), (1000, 10), (5000, 10), (10_000, 10), (20_000, 10), (1, 10_000)].map {
                Scale(services: $0, endpoints: $1)
            } + [2500, 5000, 10_000].map { Scale(services: $0, endpoints: 10, hasAffinity: true) }
        return try scales.map { scale in
            print("measuring \(scale) ...")
            return try Measurement(
                scale: scale, binary: program, rounds: scale.services <= 5000 ? 5 : 3, changes: 300,
                withPeers: !scale.hasAffinity
            ).run()
        }
    }

    private static func measureCluster(_ program: String, _ isQuick: Bool) throws -> [ClusterResult] {
        try (isQuick ? [100] : [1000, 10_000, 20_000]).map { services in
            let scale = Scale(services: services, endpoints: 10)
            print("measuring \(scale) with an API server ...")
            return try ClusterMeasurement(scale: scale, binary: program, rounds: 5, changes: 300).run()
        }
    }
}
