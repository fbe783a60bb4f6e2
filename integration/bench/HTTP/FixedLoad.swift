import Lab
import Linux

/// Latency at a rate that is the same for all: requests are sent when they are due, whatever the answers do.
struct FixedLoad {
    struct Sample {
        let figures: LoadCommand.Figures
        /// Microseconds of processor time for each request.
        let cost: Double
    }

    /// A rate and why it is that.
    struct Rate {
        let requests: Int
        let name: String
    }

    struct Results {
        var rates: [Rate] = []
        /// By the place of the rate.
        fileprivate(set) var samples: [Int: [Target: [Sample]]] = [:]

        func p99(_ rate: Int, _ target: Target) -> [Double] {
            (self.samples[rate]?[target] ?? []).map(\.figures.p99)
        }
    }

    static let connections = 64
    static let commonRate = 5000

    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene
    let rounds: Int
    let seconds: Int

    func run() throws -> Results {
        var results = Results()
        var running: [(Proxy, ProxyProcess)] = []
        defer { for (_, process) in running { process.stop() } }
        var slowest = Double.infinity
        for proxy in self.proxies {
            running.append((proxy, try ProxyProcess(proxy, in: self.scene, self.programs)))
            let load = Wrk(request: .small, connections: Self.connections, hosts: 1, isTLS: false)
            let figures = try load.run(self.scene, port: proxy.httpPort, seconds: 1)
            slowest = min(slowest, Double(figures.requests) / figures.seconds)
        }
        results.rates = [Rate(requests: Self.commonRate, name: "5,000 a second")]
        for share in slowest.isFinite ? [0.3, 0.7] : [] {
            let rate = Int(slowest * share / 100) * 100
            let name = "\(Table.grouped(rate)) a second, \(Int(share * 100)) % of the slowest's most"
            results.rates.append(Rate(requests: max(rate, 100), name: name))
        }
        for round in 0..<self.rounds {
            let first = round % max(1, running.count)
            for (place, rate) in results.rates.enumerated() {
                let direct = try self.sample(rate, Scene.backendAddress.port) {
                    Usage.processorTime(of: self.scene.backend.pid)
                }
                results.samples[place, default: [:]][.direct, default: []].append(direct)
                for (proxy, process) in running[first...] + running[..<first] {
                    let sample = try self.sample(rate, proxy.httpPort) { process.processorTime }
                    results.samples[place, default: [:]][.proxy(proxy), default: []].append(sample)
                }
            }
        }
        return results
    }

    private func sample(_ rate: Rate, _ port: UInt16, _ processorTime: () -> Duration) throws -> Sample {
        let (count, warmUp) = (rate.requests * self.seconds, rate.requests / 2)
        let before = processorTime()
        let figures = try self.scene.load(
            port: port, connections: Self.connections, count: count, warmUp: warmUp, rate: rate.requests)
        let spent = processorTime() - before
        return Sample(figures: figures, cost: spent / .microseconds(1) / Double(count + warmUp))
    }
}
