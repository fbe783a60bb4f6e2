import Glibc
import Lab
import Linux

/// Everything that one run has found out.
struct HTTPResults {
    let rounds: Int
    let seconds: Int
    let latencyRounds: Int
    let proxies: [Proxy]
    var versions: [String] = []
    /// What TLS clients agree on, and who takes up sessions.
    var negotiated: [Proxy: (what: String, resumes: Bool)] = [:]
    var saturation = SampleTable<Saturation>()
    var fixedLoads: [FixedLoad.Results] = []
    var idle: [Proxy: [MemorySample]] = [:]
    var allocations: [Proxy: Allocations.Sample] = [:]
    var changes: [Proxy: RouteChanges.Sample] = [:]
    /// The load of the machine before the first measure and after the last.
    var loadBefore = ""
    var loadAfter = ""
}

/// The ingress role beside other proxies: `fairlead-bench --http`.
struct HTTPBench {
    private static let files = "integration/bench/HTTP"

    private let options: SideBySideOptions
    private let programs: Programs
    private let small: Scene
    private let large: Scene

    /// Measures all of `options`.
    static func findings(_ options: SideBySideOptions) throws -> Findings {
        let bench = try HTTPBench(options)
        defer { bench.tearDown() }
        return HTTPReport.findings(try bench.measure())
    }

    /// Measures, prints, and writes the report.
    static func run(_ arguments: some Sequence<String>) throws {
        guard let options = HTTPOptions.parse(arguments) else {
            StandardError.write(HTTPOptions.usage)
            exit(2)
        }
        if options.isProfile {
            let bench = try HTTPBench(options)
            defer { bench.tearDown() }
            return try bench.profile(HTTPOptions.profiled(options))
        }
        let findings = try self.findings(options)
        print("\n\(findings.text)")
        if let report = options.report { try Report.write(findings, as: .http, to: report) }
    }

    private func tearDown() {
        self.small.tearDown()
        self.large.tearDown()
    }

    private init(_ options: SideBySideOptions) throws {
        self.options = options
        self.programs = try Programs(options)
        let files = try Workbench.absolute(Self.files)
        self.small = try Scene(routes: Routes(hosts: 1), files: files)
        self.large = try Scene(routes: Routes(hosts: Saturation.manyHosts.hosts), files: files)
    }

    private func profile(_ measure: Saturation) throws {
        let process = try self.small.start(.fairlead, self.programs)
        defer { process.stop() }
        try Profile(workbench: self.small.workbench, process: process, unit: "requests").run { seconds in
            try measure.load(self.small, measure.port(.fairlead), seconds: seconds)
        }
    }

    private func measure() throws -> HTTPResults {
        let proxies = self.options.proxies
        var results = HTTPResults(
            rounds: self.options.rounds, seconds: self.options.seconds, latencyRounds: self.options.latencyRounds,
            proxies: proxies)
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
                let process = try self.small.start(proxy, self.programs)
                defer { process.stop() }
                results.negotiated[proxy] = try self.small.negotiated(proxy)
            }
        }
        for load in FixedLoad.Load.all where self.options.measures.contains(load.letter) {
            print("measuring latency of \(load.name) at a fixed load ...")
            results.fixedLoads.append(
                try FixedLoad(
                    load: load, proxies: proxies, programs: self.programs, scene: self.small,
                    rounds: load.rounds(self.options.latencyRounds)
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
        if self.options.measures.contains("i") {
            print("measuring changes of routes ...")
            results.changes = try RouteChanges(proxies: proxies, programs: self.programs, scene: self.large).run()
        }
        results.loadAfter = Usage.loadAverage()
        return results
    }
}
