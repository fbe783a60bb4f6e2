import Glibc
import Lab
import Linux

/// Everything that one run has found out.
struct HTTPResults {
    let rounds: Int
    let seconds: Int
    let proxies: [Proxy]
    var versions: [String] = []
    /// What TLS clients agree on, and who takes up sessions.
    var negotiated: [Proxy: (what: String, resumes: Bool)] = [:]
    var saturation = SaturationResults()
    var fixedLoads: [FixedLoad.Results] = []
    var idle: [Proxy: [IdleConnections.Sample]] = [:]
    var allocations: [Proxy: Allocations.Sample] = [:]
    /// The load of the machine before the first measure and after the last.
    var loadBefore = ""
    var loadAfter = ""
}

/// The ingress role beside other proxies: `fairlead-bench --http`.
struct HTTPBench {
    private static let files = "integration/bench/HTTP"

    private let options: HTTPOptions
    private let programs: Programs
    private let small: Scene
    private let large: Scene

    /// Measures, prints, and writes the report.
    static func run(_ arguments: some Sequence<String>) throws {
        guard let options = HTTPOptions(arguments) else {
            StandardError.write(HTTPOptions.usage)
            exit(2)
        }
        let bench = try HTTPBench(options)
        defer {
            bench.small.tearDown()
            bench.large.tearDown()
        }
        if options.isProfile {
            return try HTTPProfile(scene: bench.small, programs: bench.programs, measure: options.profiled).run()
        }
        let tables = HTTPReport.tables(try bench.measure())
        print("")
        for table in tables { print(table.text) }
        guard let report = options.report else { return }
        try Report.write(tables, as: .http, to: report)
    }

    private init(_ options: HTTPOptions) throws {
        guard Usage.processors() >= 2 else {
            throw LabError("needs two processors: one for the proxy, one for backend and load")
        }
        self.options = options
        // A proxy that is left out need not exist.
        let isNeeded = options.isProfile || !options.without.contains(.fairlead)
        let fairlead = isNeeded ? try FairleadProcess.locate(options.fairlead) : ""
        let files = try Self.absolute(Self.files)
        self.programs = Programs(
            fairlead: fairlead.isEmpty ? "" : try Self.absolute(fairlead),
            envoy: options.without.contains(.envoy) ? "" : try Self.absolute(options.envoy))
        self.small = try Scene(routes: Routes(hosts: 1), files: files)
        self.large = try Scene(routes: Routes(hosts: Saturation.manyHosts.hosts), files: files)
    }

    /// Programs run in another folder.
    private static func absolute(_ path: String) throws -> String {
        if !path.contains("/") { return path }
        let completion = try ChildProcess.run(["realpath", "-e", path])
        guard completion.succeeded else { throw LabError("there is no \(path)") }
        return completion.output.filter { $0 != "\n" }
    }

    private func measure() throws -> HTTPResults {
        let proxies = self.options.proxies
        var results = HTTPResults(rounds: self.options.rounds, seconds: self.options.seconds, proxies: proxies)
        results.versions = try proxies.map { try $0.version(self.programs) }
        results.loadBefore = Usage.loadAverage()
        for group in Saturation.groups {
            let measures = group.filter { self.options.measures.contains($0.letter) }
            if measures.isEmpty { continue }
            print("measuring \(measures.map(\.title).joined(separator: "; ")) ...")
            try SaturationRun(
                measures: measures, proxies: proxies, programs: self.programs,
                scenes: [1: self.small, Saturation.manyHosts.hosts: self.large], rounds: self.options.rounds,
                seconds: self.options.seconds
            ).run(into: &results.saturation)
        }
        if self.options.measures.contains("c") {
            for proxy in proxies {
                let process = try ProxyProcess(proxy, in: self.small, self.programs)
                defer { process.stop() }
                results.negotiated[proxy] = try process.negotiated(self.small)
            }
        }
        for load in FixedLoad.Load.all where self.options.measures.contains(load.letter) {
            print("measuring latency of \(load.name) at a fixed load ...")
            results.fixedLoads.append(
                try FixedLoad(
                    load: load, proxies: proxies, programs: self.programs, scene: self.small,
                    rounds: FixedLoad.rounds(self.options.rounds)
                ).run())
        }
        if self.options.measures.contains("e") {
            print("measuring idle connections ...")
            results.idle = try IdleConnections(
                proxies: proxies, programs: self.programs, scene: self.small, rounds: self.options.rounds
            ).run()
        }
        if self.options.measures.contains("h") {
            print("counting allocations ...")
            results.allocations = try Allocations(proxies: proxies, programs: self.programs, scene: self.small).run()
        }
        results.loadAfter = Usage.loadAverage()
        return results
    }
}
