import Glibc
import Lab
import Linux
import Networking

/// The programs that `fairlead-bench` starts of itself, to have them on a processor of their own: the backend, and load that
/// `wrk` cannot make.
enum LoadCommand {
    static let backend = "http-backend"
    static let load = "http-load"

    /// What a run of load printed.
    struct Figures {
        var load: LoadFigures
        /// Of the proxy, while the requests ran that count.
        var allocations = 0
        var frees = 0

        init(_ report: MeasuredLoad.Report) {
            func microseconds(_ share: Double) -> Double { Double(report.latency.percentile(share)) / 1000 }
            self.load = LoadFigures(
                count: report.completed, p50: microseconds(0.5), p99: microseconds(0.99), p999: microseconds(0.999),
                failures: report.failed)
        }

        /// Of a line that ``line`` made.
        init?(line: some StringProtocol) {
            let values = line.split(separator: " ").compactMap { Double($0) }
            guard values.count == 7 else { return nil }
            self.load = LoadFigures(
                count: Int(values[0]), p50: values[2], p99: values[3], p999: values[4], failures: Int(values[1]))
            (self.allocations, self.frees) = (Int(values[5]), Int(values[6]))
        }

        var line: String {
            """
            \(self.load.count) \(self.load.failures) \(self.load.p50) \(self.load.p99) \(self.load.p999) \
            \(self.allocations) \(self.frees)
            """
        }
    }

    /// Runs what `arguments` ask for, if it is one of these programs.
    static func run(_ arguments: some Collection<String>) throws -> Bool {
        switch arguments.first {
        case self.backend:
            var server = try MeasuredBackend(on: Scene.backendAddress)
            try server.serve()
            return true
        case self.load:
            try self.makeLoad(arguments.dropFirst().compactMap { Int($0) }, counters: arguments.dropFirst(6).first)
            return true
        default:
            return false
        }
    }

    /// PORT CONNECTIONS COUNT WARM-UP RATE [COUNTERS]: a rate of 0 is a closed loop, with 50 requests under way. A count that
    /// equals the connections is one request on each, after which they are held until the process is killed.
    private static func makeLoad(_ numbers: [Int], counters: String?) throws {
        guard numbers.count == 5, let port = UInt16(exactly: numbers[0]) else {
            throw LabError("http-load PORT CONNECTIONS COUNT WARM-UP RATE [COUNTERS]")
        }
        let (connections, count, warmUp, rate) = (numbers[1], numbers[2], numbers[3], numbers[4])
        let address = port == Scene.backendAddress.port ? Scene.backendAddress.address : IPAddress(127, 0, 0, 1)
        let requests = Routes.paths.map { MeasuredLoad.request(host: Routes.host(0), path: "\($0)item") }
        var load = try MeasuredLoad(
            to: SocketAddress(address, port), connections: connections, requests: requests,
            expectedBody: MeasuredBackend.smallBody)
        let pace: MeasuredLoad.Pace = rate > 0 ? .rate(rate) : .closed(concurrency: 50)
        var figures: Figures
        if let counters {
            // Two runs, so that there is a moment between them at which no request is under way.
            _ = try load.run(pace, count: warmUp)
            let before = try Self.read(counters)
            figures = Figures(try load.run(pace, count: count))
            let after = try Self.read(counters)
            (figures.allocations, figures.frees) = (after[0] - before[0], after[1] - before[1])
        } else {
            figures = Figures(try load.run(pace, count: count + warmUp, warmUp: warmUp))
        }
        try Descriptor.open("/dev/stdout", flags: O_WRONLY).write("\(figures.line)\n".utf8)
        while count == connections { pause(.seconds(3600)) }
    }

    /// The numbers that count-allocations.c keeps.
    private static func read(_ counters: String) throws -> [Int] {
        let bytes = try Descriptor.open(counters, flags: O_RDONLY).readToEnd(limit: 4096)
        guard bytes.count == 16 else { throw LabError("\(counters): not what count-allocations.c writes") }
        return [0, 8].map { start in (0..<8).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) } }
    }
}
