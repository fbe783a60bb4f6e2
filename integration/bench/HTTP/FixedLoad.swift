import Lab
import Linux

/// Latency at a rate that is the same for all: requests are sent when they are due, whatever the answers do.
struct FixedLoad {
    enum Load: Hashable {
        /// Without TLS, by our own load.
        case http1
        case h2load(H2Load.Request)

        static let all: [Load] = [.http1, .h2load(.small), .h2load(.call)]

        var letter: String { self == .http1 ? "b" : "g" }

        /// The same requests, as many as it takes.
        var most: Saturation {
            switch self {
            case .http1: .keepAlive
            case .h2load(.small): .http2
            case .h2load(.call): .calls
            }
        }

        /// How long a round is. A hundredth of its requests is what anything else on the machine may have held up, so rounds are
        /// short and many. h2load has to connect first.
        var time: Duration { self == .http1 ? .milliseconds(300) : .seconds(1) }

        /// Of so many of the shortest kind, how many there are of this one.
        func rounds(_ shortest: Int) -> Int { self == .http1 ? shortest : (shortest + 2) / 3 }

        var name: String {
            switch self {
            case .http1: "HTTP/1.1"
            case .h2load(.small): "HTTP/2 over TLS"
            case .h2load(.call): "gRPC over TLS"
            }
        }
    }

    struct Sample {
        let figures: LoadFigures
        /// Microseconds of processor time for each request.
        let cost: Double
    }

    /// A rate and why it is that.
    struct Rate {
        let requests: Int
        let name: String
    }

    struct Results {
        let load: Load
        var rates: [Rate] = []
        /// By the place of the rate.
        fileprivate(set) var samples: [Int: [Target: [Sample]]] = [:]

        func p99(_ rate: Int, _ target: Target) -> [Double] {
            (self.samples[rate]?[target] ?? []).map(\.figures.p99)
        }

        /// Fairlead's p99 beside another's in the same round: whatever the machine does for longer than a round is in both.
        func ratios(_ rate: Int, to other: Proxy) -> [Double] {
            zip(self.p99(rate, .proxy(.fairlead)), self.p99(rate, .proxy(other))).map { $0 / $1 }
        }
    }

    static let connections = 64
    static let commonRate = 5000

    let load: Load
    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene
    let rounds: Int

    func run() throws -> Results {
        var results = Results(load: self.load)
        var running: [(Proxy, ProxyProcess)] = []
        defer { for (_, process) in running { process.stop() } }
        var slowest = Double.infinity
        let most = self.load.most
        for proxy in self.proxies {
            running.append((proxy, try self.scene.start(proxy, self.programs)))
            slowest = min(slowest, try most.load(self.scene, most.port(proxy), seconds: 1).perSecond)
        }
        results.rates = [Rate(requests: Self.commonRate, name: "5,000 a second")]
        for share in slowest.isFinite && self.load == .http1 ? [0.3, 0.7] : [] {
            let rate = Int(slowest * share / 100) * 100
            let name = "\(Table.grouped(rate)) a second, \(Int(share * 100)) % of the slowest's most"
            results.rates.append(Rate(requests: max(rate, 100), name: name))
        }
        for round in 0..<self.rounds {
            let first = round % max(1, running.count)
            for (place, rate) in results.rates.enumerated() {
                if self.load == .http1 {
                    let direct = try self.sample(rate, Scene.backendAddress.port) {
                        Usage.processorTime(of: self.scene.backend.pid)
                    }
                    results.samples[place, default: [:]][.direct, default: []].append(direct)
                }
                for (proxy, process) in running[first...] + running[..<first] {
                    let port = most.port(proxy)
                    let sample = try self.sample(rate, port) { process.processorTime }
                    results.samples[place, default: [:]][.proxy(proxy), default: []].append(sample)
                }
            }
        }
        return results
    }

    private func sample(_ rate: Rate, _ port: UInt16, _ processorTime: () -> Duration) throws -> Sample {
        let before = processorTime()
        let figures: LoadFigures
        var warmUp = 0
        switch self.load {
        case .http1:
            warmUp = rate.requests / 10
            let count = Int(Double(rate.requests) * (self.load.time / .seconds(1)))
            figures = try self.scene.load(
                port: port, connections: Self.connections, count: count, warmUp: warmUp, rate: rate.requests
            ).load
        case .h2load(let request):
            figures = try H2Load(request: request, rate: rate.requests).run(
                self.scene, port: port, seconds: Int(self.load.time / .seconds(1)))
        }
        let spent = processorTime() - before
        let count = figures.count + figures.failures + warmUp
        return Sample(figures: figures, cost: spent / .microseconds(1) / Double(max(1, count)))
    }
}
