import Glibc
import Lab
import Linux

/// Everything that one run has found out.
struct StreamResults {
    let rounds: Int
    let seconds: Int
    let proxies: [Proxy]
    var versions: [String] = []
    var samples = SampleTable<StreamMeasure>()
    var idle: [Proxy: [MemorySample]] = [:]
    /// The load of the machine before the first measure and after the last.
    var loadBefore = ""
    var loadAfter = ""
}

/// The userspace balancer beside other proxies: `fairlead-bench --stream`.
struct StreamBench {
    private static let idleConnections = 10_000
    private static let files = "integration/bench/Stream"

    private let options: SideBySideOptions
    private let programs: Programs
    private let scene: StreamScene

    /// Measures all of `options`.
    static func findings(_ options: SideBySideOptions) throws -> Findings {
        let bench = try StreamBench(options)
        defer { bench.scene.workbench.tearDown() }
        return StreamReport.findings(try bench.measure())
    }

    /// Measures, prints, and writes the report.
    static func run(_ arguments: some Sequence<String>) throws {
        guard let options = StreamOptions.parse(arguments) else {
            StandardError.write(StreamOptions.usage)
            exit(2)
        }
        if options.isProfile {
            let bench = try StreamBench(options)
            defer { bench.scene.workbench.tearDown() }
            return try bench.profile()
        }
        let findings = try self.findings(options)
        print("\n\(findings.text)")
        if let report = options.report { try Report.write(findings, as: .stream, to: report) }
    }

    private init(_ options: SideBySideOptions) throws {
        self.options = options
        self.programs = try Programs(options)
        self.scene = try StreamScene(files: try Workbench.absolute(Self.files))
    }

    private func measure() throws -> StreamResults {
        let proxies = self.options.proxies
        var results = StreamResults(rounds: self.options.rounds, seconds: self.options.seconds, proxies: proxies)
        results.versions = try proxies.map { try $0.version(self.programs) }
        results.loadBefore = Usage.loadAverage()
        for group in StreamMeasure.groups {
            let measures = group.filter { self.options.measures.contains($0.letter) }
            if measures.isEmpty { continue }
            print("measuring \(measures.map(\.title).joined(separator: "; ")) ...")
            try self.saturate(measures, into: &results.samples)
        }
        if self.options.measures.contains("f") {
            print("measuring idle connections ...")
            let count = min(Self.idleConnections, self.scene.connectionLimit)
            for _ in 0..<self.options.rounds {
                for proxy in proxies { results.idle[proxy, default: []].append(try self.idle(proxy, count)) }
            }
        }
        results.loadAfter = Usage.loadAverage()
        return results
    }

    /// All measures of a group, all proxies in turn in each round; another one begins in each.
    private func saturate(_ measures: [StreamMeasure], into samples: inout SampleTable<StreamMeasure>) throws {
        var running: [Proxy: ProxyProcess] = [:]
        defer { for process in running.values { process.stop() } }
        let seconds = self.options.seconds
        for proxy in self.options.proxies { running[proxy] = try self.scene.start(proxy, self.programs) }
        for measure in measures {
            for proxy in measure.supported(self.options.proxies) {
                _ = try self.scene.load(measure, proxy.streamTarget, seconds: 1)
            }
        }
        for round in 0..<self.options.rounds {
            for measure in measures {
                // Without a proxy there is no processor time of one.
                let direct = try Sample(of: { .zero }, isProxy: false) {
                    try self.scene.load(measure, StreamScene.backend, seconds: seconds)
                }
                samples.add(direct, measure, .direct)
                let proxies = measure.supported(self.options.proxies)
                let first = round % max(1, proxies.count)
                for proxy in proxies[first...] + proxies[..<first] {
                    guard let process = running[proxy] else { continue }
                    let sample = try Sample(of: { process.processorTime }, isProxy: true) {
                        try self.scene.load(measure, proxy.streamTarget, seconds: seconds)
                    }
                    samples.add(sample, measure, .proxy(proxy))
                }
            }
        }
    }

    private func idle(_ proxy: Proxy, _ count: Int) throws -> MemorySample {
        // A fresh process: what an earlier round left in its pools would be taken instead of new memory.
        let process = try self.scene.start(proxy, self.programs)
        defer { process.stop() }
        let target = proxy.streamTarget
        // What is made once is there before.
        _ = try self.scene.load(.exchanges, target, seconds: 1)
        pause(.milliseconds(500))
        let before = Usage.memory(ofTree: process.pid)
        let (load, figures) = try self.scene.hold(target, connections: count)
        defer { load.kill() }
        pause(.milliseconds(500))
        let after = Usage.memory(ofTree: process.pid)
        let open = try self.scene.workbench.connections(port: target.port)
        guard figures.failures == 0, figures.count == count, open >= count else {
            throw LabError("\(proxy.name): \(figures.failures) of \(count) failed, \(open) are open")
        }
        return MemorySample(before: before, after: after, connections: count)
    }

    private func profile() throws {
        let measure = StreamMeasure.groups.joined().first { self.options.measures.contains($0.letter) }
        let process = try self.scene.start(.fairlead, self.programs)
        defer { process.stop() }
        let profiled = measure ?? .download
        try Profile(workbench: self.scene.workbench, process: process, unit: "\(profiled.unit)").run { seconds in
            try self.scene.load(profiled, Proxy.fairlead.streamTarget, seconds: seconds)
        }
    }
}
