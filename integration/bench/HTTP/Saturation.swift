import Lab
import Linux

/// A measure with as much load as a proxy on one processor can take, told by its letter.
struct Saturation: Hashable {
    let letter: String
    let title: String
    let request: Request
    var connections = 64
    /// Which of the two tables of routes is in force.
    var hosts = 1
    var isTLS = false

    /// Who makes the load, and of what.
    enum Request: Hashable {
        case wrk(Wrk.Request)
        /// Always over TLS.
        case h2load(H2Load.Request)
    }

    static let keepAlive = Saturation(letter: "a", title: "HTTP/1.1 keep-alive, 128 bytes", request: .wrk(.small))
    static let manyHosts = Saturation(
        letter: "f", title: "1,000 hosts x 5 paths, one at random", request: .wrk(.small), hosts: 1000)
    static let tlsKeepAlive = Saturation(
        letter: "c", title: "TLS 1.3 keep-alive, 128 bytes", request: .wrk(.small), isTLS: true)
    static let tlsFull = Saturation(
        letter: "c", title: "TLS 1.3, a full handshake for each request",
        request: .wrk(.connection(isResumed: false)), isTLS: true)
    static let tlsResumed = Saturation(
        letter: "c", title: "TLS 1.3, a resumed session for each request",
        request: .wrk(.connection(isResumed: true)), isTLS: true)
    static let download = Saturation(
        letter: "d", title: "1 MiB to the client", request: .wrk(.download), connections: 16)
    static let upload = Saturation(
        letter: "d", title: "1 MiB from the client", request: .wrk(.upload), connections: 16)
    static let http2 = Saturation(
        letter: "g", title: "HTTP/2 over TLS to a backend of HTTP/1.1, 128 bytes", request: .h2load(.small),
        connections: H2Load.connections, isTLS: true)
    static let calls = Saturation(
        letter: "g", title: "gRPC over TLS to a backend of HTTP/2 without TLS, 128 bytes both ways",
        request: .h2load(.call), connections: H2Load.connections, isTLS: true)

    /// Those of a group are taken in turn in the same rounds, so they can be compared.
    static let groups: [[Saturation]] = [
        [.keepAlive, .manyHosts], [.tlsKeepAlive, .tlsFull, .tlsResumed], [.download, .upload],
        [.http2, .calls],
    ]

    /// Whether the backend is asked without a proxy, too. It has no TLS, no routes, and no HTTP/2.
    var isMeasuredDirectly: Bool {
        switch self.request {
        case .wrk(.connection), .h2load: false
        case .wrk: self.hosts == 1
        }
    }

    /// KiB of body in each request, where that is what counts.
    var kibibytes: Double? { self == .download || self == .upload ? 1024 : nil }

    func port(_ proxy: Proxy) -> UInt16 { self.isTLS ? proxy.httpsPort : proxy.httpPort }

    /// Load on a port of the scene, the backend's included.
    func load(_ scene: Scene, _ port: UInt16, seconds: Int) throws -> LoadFigures {
        switch self.request {
        case .wrk(let request):
            let isTLS = self.isTLS && port != Scene.backendAddress.port
            return try Wrk(request: request, connections: self.connections, hosts: self.hosts, isTLS: isTLS)
                .run(scene, port: port, seconds: seconds)
        case .h2load(let request): return try H2Load(request: request).run(scene, port: port, seconds: seconds)
        }
    }
}

/// One proxy, or the backend by itself, under load for some seconds.
struct Sample {
    /// Below this share of its processor a proxy was not the narrow place.
    static let saturation = 0.9
    /// Above this share of the proxy's processor somebody else's work was in the way.
    static let disturbance = 0.05

    let figures: LoadFigures
    /// Microseconds of processor time for each request.
    let cost: Double
    /// The share of the processor that it had.
    let share: Double
    /// The share of that processor that others had meanwhile.
    let others: Double
    /// Connections that the backend accepted meanwhile, and requests that reached it. The backend of calls does not count.
    let backend: (connections: Int, requests: Int)?

    var isFlagged: Bool { self.share < Self.saturation || self.others > Self.disturbance }
}

/// Who is under load: a proxy, or, to know the machine, the backend without one.
enum Target: Hashable {
    case direct
    case proxy(Proxy)

    var name: String {
        switch self {
        case .direct: "no proxy"
        case .proxy(let proxy): proxy.name
        }
    }
}

/// Samples by measure and target, a round after the other.
struct SaturationResults {
    private var samples: [Saturation: [Target: [Sample]]] = [:]

    subscript(_ measure: Saturation, _ target: Target) -> [Sample] { self.samples[measure]?[target] ?? [] }

    var measures: Set<Saturation> { Set(self.samples.keys) }

    mutating func add(_ sample: Sample, _ measure: Saturation, _ target: Target) {
        self.samples[measure, default: [:]][target, default: []].append(sample)
    }

    func costs(_ measure: Saturation, _ proxy: Proxy) -> [Double] { self[measure, .proxy(proxy)].map(\.cost) }

    /// The costs of one proxy beside the least of some others, round by round.
    func ratios(_ measure: Saturation, _ proxy: Proxy, to others: [Proxy]) -> [Double] {
        let others = others.map { self.costs(measure, $0) }.filter { !$0.isEmpty }
        return self.costs(measure, proxy).enumerated().compactMap { round, cost in
            others.compactMap { round < $0.count ? $0[round] : nil }.min().map { cost / $0 }
        }
    }

    /// What one measure costs beside another, of the same proxy in the same round.
    func ratios(_ measure: Saturation, to other: Saturation, _ proxy: Proxy) -> [Double] {
        zip(self.costs(measure, proxy), self.costs(other, proxy)).map { $0 / $1 }
    }
}

/// Takes the samples of one group.
struct SaturationRun {
    let measures: [Saturation]
    let proxies: [Proxy]
    let programs: Programs
    /// By the number of hosts.
    let scenes: [Int: Scene]
    let rounds: Int
    let seconds: Int

    private struct Place: Hashable {
        let proxy: Proxy
        let hosts: Int
    }

    func run(into results: inout SaturationResults) throws {
        var running: [Place: ProxyProcess] = [:]
        defer { for process in running.values { process.stop() } }
        for measure in self.measures {
            for proxy in self.proxies where running[Place(proxy: proxy, hosts: measure.hosts)] == nil {
                running[Place(proxy: proxy, hosts: measure.hosts)] = try ProxyProcess(
                    proxy, in: try self.scene(measure), self.programs)
            }
        }
        for measure in self.measures {
            for proxy in self.proxies {
                _ = try measure.load(try self.scene(measure), measure.port(proxy), seconds: 1)
            }
        }
        for round in 0..<self.rounds {
            // Another one begins in each round.
            let first = round % max(1, self.proxies.count)
            let order = self.proxies[first...] + self.proxies[..<first]
            for target in [.direct] + order.map(Target.proxy) {
                for measure in self.measures {
                    let scene = try self.scene(measure)
                    switch target {
                    case .direct:
                        guard measure.isMeasuredDirectly else { continue }
                        let port = Scene.backendAddress.port
                        let sample = try self.sample(measure, scene, port) {
                            Usage.processorTime(of: scene.backend.pid)
                        }
                        results.add(sample, measure, target)
                    case .proxy(let proxy):
                        guard let process = running[Place(proxy: proxy, hosts: measure.hosts)] else { continue }
                        let sample = try self.sample(measure, scene, measure.port(proxy)) {
                            process.processorTime
                        }
                        results.add(sample, measure, target)
                    }
                }
            }
        }
    }

    private func scene(_ measure: Saturation) throws -> Scene {
        guard let scene = self.scenes[measure.hosts] else { throw LabError("no scene of \(measure.hosts) hosts") }
        return scene
    }

    private func sample(
        _ measure: Saturation, _ scene: Scene, _ port: UInt16, _ processorTime: () -> Duration
    ) throws -> Sample {
        let isProxy = port != Scene.backendAddress.port
        let counters = try scene.counters()
        let busy = Usage.busyTime(ofProcessor: Scene.proxyProcessor)
        let (began, processor) = (ContinuousClock.now, processorTime())
        let figures = try measure.load(scene, port, seconds: self.seconds)
        let (wall, spent) = (ContinuousClock.now - began, processorTime() - processor)
        let busyNow = Usage.busyTime(ofProcessor: Scene.proxyProcessor) - busy
        let reached = try scene.counters()
        return Sample(
            figures: figures, cost: spent / .microseconds(1) / Double(max(1, figures.requests)),
            share: spent / .seconds(figures.seconds),
            others: max(0, (busyNow - (isProxy ? spent : .zero)) / wall),
            // One of the connections is the question itself.
            backend: measure == .calls
                ? nil : (reached.connections - counters.connections - 1, reached.requests - counters.requests))
    }
}
