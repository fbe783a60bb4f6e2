import Lab
import Linux

/// Calls of malloc and the like for each request, once a proxy is warm.
struct Allocations {
    struct Sample {
        let allocations: Double
        let frees: Double
    }

    static let requests = 10_000
    static let warmUp = 20_000

    let proxies: [Proxy]
    let programs: Programs
    let scene: Scene

    func run() throws -> [Proxy: Sample] {
        var results: [Proxy: Sample] = [:]
        for proxy in self.proxies where proxy.usesSystemAllocator {
            let counters = "\(self.scene.workbench.folder)/allocations-\(proxy.rawValue)"
            let process = try self.scene.start(
                proxy, self.programs,
                environment: [
                    "LD_PRELOAD=\(self.scene.workbench.folder)/count-allocations.so", "COUNT_ALLOCATIONS=\(counters)",
                ])
            defer { process.stop() }
            let figures = try self.scene.load(
                port: proxy.httpPort, connections: 64, count: Self.requests, warmUp: Self.warmUp, counters: counters)
            let failures = figures.load.failures
            guard failures == 0 else { throw LabError("\(proxy.name): \(failures) requests failed") }
            results[proxy] = Sample(
                allocations: Double(figures.allocations) / Double(Self.requests),
                frees: Double(figures.frees) / Double(Self.requests))
        }
        return results
    }
}
