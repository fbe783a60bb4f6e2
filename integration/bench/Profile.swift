import Lab
import Linux

/// Where a proxy spends its time under load, as perf sees it.
struct Profile {
    let workbench: Workbench
    let process: ProxyProcess
    /// What the load counts: `requests`.
    let unit: String

    private static let seconds = 8
    private static let symbols = 50

    /// `load` is load for some seconds.
    func run(_ load: (_ seconds: Int) throws -> LoadFigures) throws {
        _ = try load(1)
        let file = "\(self.workbench.folder)/perf.data"
        // On the processor of the load, and by a timer: virtual machines often have no counters.
        let perf = try self.workbench.spawnLoad([
            "perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", file, "-p",
            Usage.tree(of: self.process.pid).map(String.init).joined(separator: ","), "--", "sleep", "\(Self.seconds)",
        ])
        let (before, figures) = (self.process.processorTime, try load(Self.seconds))
        let spent = self.process.processorTime - before
        guard perf.waitForExit(timeout: .seconds(20)) == .exited(0) else {
            throw LabError("perf record: \(perf.output)")
        }
        func report(_ sort: String, _ lines: Int) throws -> String {
            try self.workbench.host.shell(
                """
                perf report -i \(file) --stdio -q --no-children --sort \(sort) 2>/dev/null \
                | sed 's/[ -]*$//' | grep . | head -n \(lines)
                """, timeout: .seconds(120))
        }
        let cost = spent / .microseconds(1) / Double(max(1, figures.count))
        print(
            "\(Table.grouped(figures.count)) \(self.unit), \(Table.decimal(cost, 5)) us of processor time each (with perf)\n"
        )
        print(try report("dso", 8))
        print(try report("dso,symbol", Self.symbols))
    }
}
