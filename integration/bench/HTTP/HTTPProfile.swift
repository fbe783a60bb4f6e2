import Lab
import Linux

/// Where Fairlead spends its time under the load of one measure, as perf sees it.
struct HTTPProfile {
    let scene: Scene
    let programs: Programs
    let measure: Saturation

    private static let seconds = 8
    private static let symbols = 50

    func run() throws {
        let process = try ProxyProcess(.fairlead, in: self.scene, self.programs)
        defer { process.stop() }
        let port = self.measure.port(.fairlead)
        _ = try self.measure.load(self.scene, port, seconds: 1)
        let file = "\(self.scene.folder)/perf.data"
        // On the processor of the load, and by a timer: virtual machines often have no counters.
        let perf = try self.scene.spawnLoad([
            "perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", file, "-p", "\(process.pid)", "--",
            "sleep", "\(Self.seconds)",
        ])
        let (before, figures) = (
            process.processorTime, try self.measure.load(self.scene, port, seconds: Self.seconds)
        )
        let spent = process.processorTime - before
        guard perf.waitForExit(timeout: .seconds(20)) == .exited(0) else {
            throw LabError("perf record: \(perf.output)")
        }
        func report(_ sort: String, _ lines: Int) throws -> String {
            try self.scene.sandbox.host.shell(
                """
                perf report -i \(file) --stdio -q --no-children --sort \(sort) 2>/dev/null \
                | sed 's/[ -]*$//' | grep . | head -n \(lines)
                """, timeout: .seconds(120))
        }
        let cost = spent / .microseconds(1) / Double(max(1, figures.requests))
        print(
            "\(Table.grouped(figures.requests)) requests, \(Table.decimal(cost, 2)) us of processor time each (with perf)\n"
        )
        print(try report("dso", 8))
        print(try report("dso,symbol", Self.symbols))
    }
}
