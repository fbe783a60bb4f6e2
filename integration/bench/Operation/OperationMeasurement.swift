import Lab
import Linux
import Networking

/// What operators' commands take, and what a scrape of the metrics takes of the process that is asked.
struct OperationMeasurement {
    struct Results {
        var commands: [(line: String, wall: [Duration], bytes: Int)] = []
        /// Until the first lines of a list that comes in pages are there.
        var firstLines: [(line: String, wall: [Duration])] = []
        var scrapes: [Duration] = []
        var scrapeWall: [Duration] = []
        var series = 0
        var pageBytes = 0
        /// Of a cluster a tenth as large.
        var seriesOfSmaller = 0
    }

    static let scale = Scale(services: 10_000, endpoints: 10)
    static let hosts = 1000
    private static let rounds = 15
    private static let metrics = SocketAddress(IPAddress(127, 0, 0, 1), 10249)

    let binary: String

    func run() throws -> Results {
        var results = Results()
        results.seriesOfSmaller = try self.with(Scale(services: 1000, endpoints: 10), hosts: 100) { sandbox, _, _ in
            try self.scrape(sandbox).series
        }
        try self.with(Self.scale, hosts: Self.hosts) { sandbox, fairlead, socket in
            for command in Self.commands {
                var (wall, bytes): ([Duration], Int) = ([], 0)
                // The first one has the program read from the disk.
                for round in 0...Self.rounds {
                    if command == Self.fromKernel {
                        try self.commitSomething(sandbox)
                    }
                    let began = ContinuousClock.now
                    let said = try sandbox.host.execute(
                        [self.binary] + command + (command[0] == "check" ? [] : ["--admin-socket", socket]))
                    if round > 0 { wall.append(ContinuousClock.now - began) }
                    bytes = said.output.utf8.count
                    // `check` finds something wrong with most machines.
                    guard said.succeeded || command[0] == "check" else {
                        throw LabError("\(command): \(said.errorOutput)")
                    }
                }
                results.commands.append((command.joined(separator: " "), wall, bytes))
            }
            for command in Self.paged {
                let wall = try (0..<Self.rounds).map { _ in try self.firstLines(of: command, sandbox, socket) }
                results.firstLines.append((command.joined(separator: " "), wall))
            }
            for _ in 0..<Self.rounds {
                let (before, began) = (Usage.processorTime(of: fairlead.process.pid), ContinuousClock.now)
                let page = try self.scrape(sandbox)
                results.scrapeWall.append(ContinuousClock.now - began)
                results.scrapes.append(Usage.processorTime(of: fairlead.process.pid) - before)
                (results.series, results.pageBytes) = (page.series, page.bytes)
            }
        }
        return results
    }

    /// A hundred thousand lines.
    private static let everyEndpoint = ["get", "endpoints"]
    /// The one that reads the kernel.
    private static let fromKernel = ["get", "frontends"]
    /// Whoever reads these has the first Services while the others are on their way.
    static let paged = [["get", "services"], everyEndpoint, fromKernel]

    private static let commands = [
        ["get", "services"], ["get", "services", "-o", "json"], ["get", "services", "svc-7777", "-o", "yaml"],
        ["get", "endpoints", "svc-7777"], everyEndpoint, fromKernel, ["get", "nodes"], ["get", "routes"],
        ["get", "certificates"],
        ["get", "problems"],
        ["trace", "--from", "10.244.9.9", "10.96.30.97:80"], ["trace", "http://host-777.bench.example/path-3/item"],
        ["check"],
    ]

    /// What Fairlead has read of the kernel is not known to hold any more.
    private func commitSomething(_ sandbox: Sandbox) throws {
        try sandbox.host.shell("nft add table inet bench-other; nft delete table inet bench-other")
    }

    /// How long it takes until there is something to read.
    private func firstLines(of command: [String], _ sandbox: Sandbox, _ socket: String) throws -> Duration {
        try self.commitSomething(sandbox)
        let began = ContinuousClock.now
        let process = try sandbox.host.spawn([self.binary] + command + ["--admin-socket", socket])
        defer {
            process.kill()
            // What the node was asked for it finishes.
            pause(.seconds(1))
        }
        while process.outputBytes.isEmpty {
            guard ContinuousClock.now - began < .seconds(10) else { throw LabError("\(command): no answer") }
            pause(.microseconds(200))
        }
        return ContinuousClock.now - began
    }

    /// Both roles, with everything in force.
    private func with<Value>(
        _ scale: Scale, hosts: Int, _ body: (Sandbox, FairleadProcess, String) throws -> Value
    ) throws -> Value {
        let folder = try ManifestFolder()
        defer { folder.delete() }
        try Workload(scale: scale).write(to: folder)
        try folder.write("ingress.yaml", self.ingresses(hosts))
        let sandbox = try Sandbox()
        defer { sandbox.tearDown() }
        let socket = "\(folder.path)/admin.sock"
        let fairlead = try FairleadProcess(
            on: sandbox.host,
            [
                "run", "--manifests", folder.path, "--cluster-cidr", "10.244.0.0/16", "--hostname-override", "bench",
                "--admin-socket", socket, "--http-port", "8080", "--https-port", "0",
            ], binary: self.binary)
        // Its log goes on with the second role's first words.
        defer { fairlead.terminate() }
        guard fairlead.waitForLog(containing: "in force", timeout: .seconds(120)) != nil,
            try waitUntil(timeout: .seconds(60), { try self.answers(sandbox) })
        else { throw LabError("fairlead did not start: \(fairlead.log.suffix(20).joined(separator: "\n"))") }
        return try body(sandbox, fairlead, socket)
    }

    private func answers(_ sandbox: Sandbox) throws -> Bool {
        try sandbox.host.execute([
            "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "1", "-H", "Host: \(Routes.host(0))",
            "http://127.0.0.1:8080/nothing",
        ]).output != "000"
    }

    private func ingresses(_ hosts: Int) -> [any Manifest] {
        [IngressClassManifest("bench", controller: "fairlead.dev/ingress-controller")]
            + (0..<hosts).map { number in
                let backend = IngressManifest.Backend.service("svc-\(number)", port: 80)
                return IngressManifest(
                    "host-\(number)", className: "bench",
                    rules: [.init(Routes.host(number), Routes.paths.map { .prefix($0, backend) })])
            }
    }

    private func scrape(_ sandbox: Sandbox) throws -> (series: Int, bytes: Int) {
        let answer = try sandbox.host.converseByHTTP(with: Self.metrics).exchange(
            HTTPRequest("GET", "/metrics", host: "localhost", ["Connection: close"]))
        let series = answer.text.split(separator: "\n").count { !$0.hasPrefix("#") }
        guard answer.status == 200, series > 0 else { throw LabError("no metrics: \(answer.status)") }
        return (series, answer.text.utf8.count)
    }
}

extension OperationMeasurement.Results {
    /// An operator's command is there at once, and a scrape does not disturb.
    private var bars: [Bar] {
        let paged = OperationMeasurement.paged.map { $0.joined(separator: " ") }
        let slowest = self.commands.filter { !paged.contains($0.line) }.max { $0.wall.median < $1.wall.median }
        let times =
            (slowest.map { [($0.line, "the slowest that is not in pages", $0.wall)] } ?? [])
            + self.firstLines.map { ($0.line, "the first lines", $0.wall) }
        return times.map { line, what, wall in
            Bar(
                name: "`fairlead \(line)`, \(what)", limit: 100, unit: " ms",
                figure: wall.median / .milliseconds(1), places: 1)
        } + [
            Bar(
                name: "one scrape of the metrics: CPU of the process", limit: 50, unit: " ms",
                figure: self.scrapes.median / .milliseconds(1), places: 1),
            Bar(
                name: "metrics, beside those with 1,000 Services and 100 hosts", limit: 1, unit: Bar.ratio,
                figure: Double(self.series) / Double(self.seriesOfSmaller)),
        ]
    }

    var findings: Findings {
        var commands = Table(
            "Commands with \(OperationMeasurement.scale) and \(Table.grouped(OperationMeasurement.hosts)) hosts",
            """
            Wall time of the whole command, from its start to its end, its output taken by this program. `fairlead run` \
            answers them on the same cores. Of lists that come in pages the first lines are there earlier; of the others \
            all come at once.
            """,
            ["command", "first lines", "p50", "spread", "slowest", "output"])
        for (line, wall, bytes) in self.commands {
            let first = self.firstLines.first { $0.line == line }?.wall ?? wall
            commands.rows.append([
                "`\(line)`", Table.milliseconds(first.median), Table.milliseconds(wall.median),
                Table.percent(wall.spread), Table.milliseconds(wall.max() ?? .zero), "\(Table.grouped(bytes)) bytes",
            ])
        }
        var metrics = Table(
            "Metrics", "One scrape after the other, of the same process.",
            ["", "CPU", "spread", "wall", "series", "bytes"])
        metrics.rows = [
            [
                "GET /metrics", Table.milliseconds(self.scrapes.median), Table.percent(self.scrapes.spread),
                Table.milliseconds(self.scrapeWall.median), Table.grouped(self.series), Table.grouped(self.pageBytes),
            ]
        ]
        return Findings(tables: [Bar.table(self.bars, ""), commands, metrics])
    }
}
