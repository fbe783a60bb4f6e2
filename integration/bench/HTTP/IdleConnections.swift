import Lab
import Linux

/// What a client connection takes that has made one request and now waits, in userspace.
struct IdleConnections {
    static let connections = 5000

    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene
    let rounds: Int

    func run() throws -> [Proxy: [MemorySample]] {
        var results: [Proxy: [MemorySample]] = [:]
        for _ in 0..<self.rounds {
            for proxy in self.proxies { results[proxy, default: []].append(try self.sample(proxy)) }
        }
        return results
    }

    private func sample(_ proxy: Proxy) throws -> MemorySample {
        // A fresh process: what an earlier round left in its pools would be taken instead of new memory.
        let process = try self.scene.start(proxy, self.programs)
        defer { process.stop() }
        // What is made once is there before: connections to the backend, first requests.
        _ = try self.scene.load(port: proxy.httpPort, connections: 64, count: 6400, warmUp: 0)
        pause(.milliseconds(300))
        let before = Usage.memory(ofTree: process.pid)
        let (load, figures) = try self.scene.hold(port: proxy.httpPort, connections: Self.connections)
        defer { load.kill() }
        pause(.milliseconds(500))
        let after = Usage.memory(ofTree: process.pid)
        let connections = try self.scene.workbench.connections(port: proxy.httpPort)
        let failures = figures.load.failures
        guard failures == 0, connections >= Self.connections else {
            throw LabError("\(proxy.name): \(failures) of \(Self.connections) failed, \(connections) are open")
        }
        return MemorySample(before: before, after: after, connections: connections)
    }
}
