import Glibc
import Lab
import Linux
import Networking

/// A host comes and goes among many, the way each proxy takes changes: how long until requests see it, what it costs, and what
/// clients notice who ask for another host meanwhile.
struct RouteChanges {
    struct Sample {
        /// From before the file is written to the first answer that shows the change.
        var effect: [Duration] = []
        /// For how long the proxies' processor was busy for each change, while nobody else asked: old workers that have ended are among
        /// it. The kernel counts in ticks of 10 ms, so it is that of all changes divided by how many they were.
        var cost = Duration.zero
        /// Of requests to another host, without changes and with them, where connections outlive a change.
        var calm: LoadFigures?
        var changing: LoadFigures?
    }

    static let changes = 20
    static let rate = 2000
    /// A host that no table of routes has.
    private static let host = "coming-and-going.bench.example"

    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene

    func run() throws -> [Proxy: Sample] {
        var results: [Proxy: Sample] = [:]
        for proxy in self.proxies { results[proxy] = try self.sample(proxy) }
        return results
    }

    private func sample(_ proxy: Proxy) throws -> Sample {
        var sample = Sample()
        try self.put(proxy, isThere: false)
        let process = try self.scene.start(proxy, self.programs, isReloaded: true)
        defer { process.stop() }
        // Away from the first programming of a table this large.
        pause(.seconds(1))
        let before = Usage.busyTime(ofProcessor: Workbench.proxyProcessor)
        for turn in 0..<Self.changes {
            sample.effect.append(try self.change(proxy, process, isThere: turn.isMultiple(of: 2)))
            // What old workers have to do still is theirs too.
            pause(.milliseconds(200))
        }
        sample.cost = (Usage.busyTime(ofProcessor: Workbench.proxyProcessor) - before) / Self.changes
        guard proxy.keepsConnections else { return sample }
        let count = Self.changes * Self.rate / 5
        func load(_ meanwhile: () throws -> Void) throws -> LoadFigures {
            let child = try self.scene.startLoad(
                port: proxy.httpPort, connections: 64, count: count, warmUp: Self.rate / 5, rate: Self.rate)
            try meanwhile()
            return try self.scene.figures(of: child, port: proxy.httpPort).load
        }
        sample.calm = try load {}
        sample.changing = try load {
            for turn in 0..<Self.changes {
                _ = try self.change(proxy, process, isThere: turn.isMultiple(of: 2))
                pause(.milliseconds(200))
            }
        }
        return sample
    }

    private func change(_ proxy: Proxy, _ process: ProxyProcess, isThere: Bool) throws -> Duration {
        let began = ContinuousClock.now
        try self.put(proxy, isThere: isThere)
        switch proxy {
        // They watch their files.
        case .fairlead, .envoy: break
        // The master, which `unshare` has started.
        case .nginx: kill(Usage.tree(of: process.pid).dropFirst().first ?? process.pid, SIGHUP)
        case .haproxy: kill(process.pid, SIGUSR2)
        }
        let target = SocketAddress(IPAddress(127, 0, 0, 1), proxy.httpPort)
        let request = HTTPRequest("GET", "/item", host: Self.host, ["Connection: close"])
        let isInForce = waitUntil(timeout: .seconds(20), interval: .microseconds(500)) {
            // A connection may meet the end of an old worker.
            guard let answer = try? self.scene.workbench.host.converseByHTTP(with: target).exchange(request) else {
                return false
            }
            return (answer.status == 200) == isThere
        }
        guard isInForce else { throw LabError("\(proxy.name): a change of routes is not in force after 20 s") }
        return ContinuousClock.now - began
    }

    /// Writes the routes with the host or without it, aside and then into their place.
    private func put(_ proxy: Proxy, isThere: Bool) throws {
        let routes = self.scene.routes
        let hosts = isThere ? [Self.host] : []
        switch proxy {
        case .fairlead:
            try self.replace("manifests/changing.yaml", with: routes.ingresses(hosts))
        case .nginx:
            try self.replace("routes.conf", with: routes.nginxRefusal + routes.nginx + routes.nginxServers(hosts))
        case .haproxy: try self.replace("routes.map", with: routes.haproxy + routes.haproxyLines(hosts))
        case .envoy: try self.replace("routes.yaml", with: routes.envoy(further: hosts))
        }
    }

    private func replace(_ name: String, with text: String) throws {
        try self.scene.workbench.write("\(name).new", text)
        let (from, to) = ("\(self.scene.workbench.folder)/\(name).new", "\(self.scene.workbench.folder)/\(name)")
        guard unsafe rename(from, to) == 0 else { throw LabError("rename: \(to)") }
    }
}

extension Proxy {
    /// Whether connections outlive a change of routes.
    fileprivate var keepsConnections: Bool { self == .fairlead || self == .envoy }

    /// How it is told of new routes.
    var wayOfChanges: String {
        switch self {
        case .fairlead: "watches the manifests"
        case .nginx: "SIGHUP, new workers"
        case .haproxy: "master-worker mode, SIGUSR2, a new process"
        case .envoy: "watches its file of routes"
        }
    }
}
