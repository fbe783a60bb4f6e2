import Lab
import Linux

/// What a client connection takes that has made one request and now waits, in userspace.
struct IdleConnections {
    /// Bytes for each connection.
    struct Sample {
        let resident: Double
        let proportional: Double
        let privateDirty: Double
        /// How many connections there were.
        let connections: Int
    }

    static let connections = 5000

    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene
    let rounds: Int

    func run() throws -> [Proxy: [Sample]] {
        var results: [Proxy: [Sample]] = [:]
        for _ in 0..<self.rounds {
            for proxy in self.proxies { results[proxy, default: []].append(try self.sample(proxy)) }
        }
        return results
    }

    private func sample(_ proxy: Proxy) throws -> Sample {
        // A fresh process: what an earlier round left in its pools would be taken instead of new memory.
        let process = try ProxyProcess(proxy, in: self.scene, self.programs)
        defer { process.stop() }
        // What is made once is there before: connections to the backend, first requests.
        _ = try self.scene.load(port: proxy.httpPort, connections: 64, count: 6400, warmUp: 0)
        pause(.milliseconds(300))
        let before = Usage.memory(ofTree: process.pid)
        let (load, figures) = try self.scene.hold(port: proxy.httpPort, connections: Self.connections)
        defer { load.kill() }
        pause(.milliseconds(500))
        let after = Usage.memory(ofTree: process.pid)
        let connections = try self.scene.connections(port: proxy.httpPort)
        let failures = figures.load.failures
        guard failures == 0, connections >= Self.connections else {
            throw LabError("\(proxy.name): \(failures) of \(Self.connections) failed, \(connections) are open")
        }
        func perConnection(_ field: String) -> Double {
            Double((after[field] ?? 0) - (before[field] ?? 0)) / Double(Self.connections)
        }
        return Sample(
            resident: perConnection("Rss"), proportional: perConnection("Pss"),
            privateDirty: perConnection("Private_Dirty"), connections: connections)
    }
}
