import Glibc
import Lab
import Linux
import Networking

/// The program that `fairlead-bench` starts of itself to have load, and the backend that it reaches, on a processor of
/// their own: `stream-load KIND SIZE ADDRESS PORT CONNECTIONS SECONDS`.
enum StreamLoad {
    enum Kind: Hashable {
        case tcp(MeasuredStreams.Kind)
        /// Of so many bytes.
        case udp(Int)

        fileprivate var words: [String] {
            switch self {
            case .tcp(.download(let size)): ["download", "\(size)"]
            case .tcp(.upload(let size)): ["upload", "\(size)"]
            case .tcp(.exchange(let size)): ["exchange", "\(size)"]
            case .tcp(.connection(let size)): ["connection", "\(size)"]
            case .udp(let size): ["udp", "\(size)"]
            }
        }

        fileprivate init?(_ name: String, _ size: Int) {
            switch name {
            case "download": self = .tcp(.download(write: size))
            case "upload": self = .tcp(.upload(write: size))
            case "exchange": self = .tcp(.exchange(size))
            case "connection": self = .tcp(.connection(size))
            case "udp": self = .udp(size)
            default: return nil
            }
        }
    }

    private static let name = "stream-load"

    /// The command. With 0 `seconds` each connection has one exchange and is then held until the process is killed.
    static func command(_ kind: Kind, to target: SocketAddress, connections: Int, seconds: Int) -> [String] {
        [Workbench.thisProgram, Self.name] + kind.words
            + ["\(target.address)", "\(target.port)", "\(connections)", "\(seconds)"]
    }

    /// Of a line that the program printed.
    static func figures(line: some StringProtocol) -> LoadFigures? {
        let values = line.split(separator: " ").compactMap { Double($0) }
        guard values.count == 6 else { return nil }
        return LoadFigures(
            count: Int(values[0]), seconds: values[2], p50: values[3], p99: values[4], p999: values[5],
            failures: Int(values[1]))
    }

    /// Makes load, if that is what `arguments` ask for.
    static func run(_ arguments: some Collection<String>) throws -> Bool {
        guard arguments.first == self.name else { return false }
        let words = Array(arguments.dropFirst())
        guard words.count == 6, let size = Int(words[1]), let kind = Kind(words[0], size),
            let address = IPAddress(words[2]), let port = UInt16(words[3]), let connections = Int(words[4]),
            let seconds = Int(words[5])
        else { throw LabError("\(self.name) KIND SIZE ADDRESS PORT CONNECTIONS SECONDS") }
        let target = SocketAddress(address, port)
        switch kind {
        case .tcp(let kind):
            var load = try MeasuredStreams(to: target, backend: StreamScene.backend, kind, connections: connections)
            let report = try seconds > 0 ? load.run(seconds: seconds) : load.exchangeOnce()
            try self.say(report.count, report.failed, report.seconds, report.latency)
            while seconds == 0 { pause(.seconds(3600)) }
            withExtendedLifetime(load) {}
        case .udp(let size):
            var load = try MeasuredDatagrams(
                to: target, backend: StreamScene.backend, clients: StreamMeasure.udpClients, size: size)
            let report = try load.run(concurrency: connections, seconds: seconds)
            // Each went through the proxy twice.
            try self.say(2 * report.count, report.lost, report.seconds, report.latency)
        }
        return true
    }

    private static func say(_ count: Int, _ failures: Int, _ seconds: Double, _ latency: LatencyHistogram) throws {
        let times = [0.5, 0.99, 0.999].map { "\(Double(latency.percentile($0)) / 1000)" }.joined(separator: " ")
        let line = "\(count) \(failures) \(seconds) \(times)\n"
        try Descriptor.open("/dev/stdout", flags: O_WRONLY).write(line.utf8)
    }
}
