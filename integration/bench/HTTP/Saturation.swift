import Lab
import Linux

/// A measure with as much load as a proxy on one processor can take, told by its letter.
struct Saturation: Hashable {
    /// Below this share of its processor a proxy was not the narrow place.
    static let saturation = 0.9

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

    func run(into results: inout SampleTable<Saturation>) throws {
        var running: [Place: ProxyProcess] = [:]
        defer { for process in running.values { process.stop() } }
        for measure in self.measures {
            for proxy in self.proxies where running[Place(proxy: proxy, hosts: measure.hosts)] == nil {
                running[Place(proxy: proxy, hosts: measure.hosts)] = try self.scene(measure)
                    .start(proxy, self.programs)
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
        let counters = try scene.counters()
        var sample = try Sample(of: processorTime, isProxy: port != Scene.backendAddress.port) {
            try measure.load(scene, port, seconds: self.seconds)
        }
        // The backend of calls does not count.
        if measure == .calls { return sample }
        let reached = try scene.counters()
        // One of the connections is the question itself.
        sample.backend = (reached.connections - counters.connections - 1, reached.requests - counters.requests)
        return sample
    }
}
