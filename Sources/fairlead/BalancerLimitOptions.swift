internal import ArgumentParser
internal import HTTPProxy
internal import Reactor
internal import StreamBalancer

/// Flags of the userspace balancer: a flag for each of its limits. What they mean and may be is in one table
/// (``BalancerLimit/all``), help and all; `docs/userspace.md` says what happens when one is reached.
struct BalancerLimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Threads. Default: one for each processor, at most 8.", discussion: "", valueName: "count"))
    var balancerWorkers: Int?

    @Option(balancer: "balancer-max-connections") var maximumConnections: String?
    @Option(balancer: "balancer-listen-backlog") var listenBacklog: String?
    @Option(balancer: "balancer-connect-timeout") var connectTimeout: String?
    @Option(balancer: "balancer-connect-tries") var connectTries: String?
    @Option(balancer: "balancer-idle-timeout") var idleTimeout: String?
    @Option(balancer: "balancer-half-closed-timeout") var halfClosedTimeout: String?
    @Option(balancer: "balancer-hello-timeout") var helloTimeout: String?
    @Option(balancer: "balancer-pooled-pipes") var pooledPipes: String?
    @Option(balancer: "balancer-pipe-size") var pipeSize: String?
    @Option(balancer: "balancer-max-udp-sessions") var maximumSessions: String?
    @Option(balancer: "balancer-udp-timeout") var sessionTimeout: String?
    @Option(balancer: "balancer-udp-unanswered-timeout") var unansweredSessionTimeout: String?
    @Option(balancer: "balancer-shutdown-timeout") var drainTimeout: String?
    @Option(balancer: "balancer-max-health-checks") var healthChecks: String?
    @Option(balancer: "balancer-remembered-clients") var rememberedClients: String?

    private var given: [(flag: String, text: String?)] {
        [
            ("balancer-max-connections", self.maximumConnections), ("balancer-listen-backlog", self.listenBacklog),
            ("balancer-connect-timeout", self.connectTimeout), ("balancer-connect-tries", self.connectTries),
            ("balancer-idle-timeout", self.idleTimeout), ("balancer-half-closed-timeout", self.halfClosedTimeout),
            ("balancer-hello-timeout", self.helloTimeout), ("balancer-pooled-pipes", self.pooledPipes),
            ("balancer-pipe-size", self.pipeSize), ("balancer-max-udp-sessions", self.maximumSessions),
            ("balancer-udp-timeout", self.sessionTimeout),
            ("balancer-udp-unanswered-timeout", self.unansweredSessionTimeout),
            ("balancer-shutdown-timeout", self.drainTimeout), ("balancer-max-health-checks", self.healthChecks),
            ("balancer-remembered-clients", self.rememberedClients),
        ]
    }

    /// The limits with what was given.
    func limits() throws(CommandFailure) -> StreamLimits {
        var limits = StreamLimits()
        for (flag, text) in self.given {
            guard let text, let limit = BalancerLimit.all.first(where: { $0.flag == flag }) else { continue }
            guard let value = limit.unit.value(text), limit.range.contains(value) else {
                let (least, most) = (limit.unit.text(limit.range.lowerBound), limit.unit.text(limit.range.upperBound))
                throw .usage("--\(flag): must be \(least) to \(most), not \"\(text)\"")
            }
            limits[keyPath: limit.path] = value
        }
        return limits
    }

    func workers() throws(CommandFailure) -> Int {
        guard let workers = self.balancerWorkers else { return max(1, min(Processors.usable.count, 8)) }
        guard (1...256).contains(workers) else {
            throw .usage("--balancer-workers: must be 1 to 256, not \(workers)")
        }
        return workers
    }
}

/// One limit of the balancer: how it is called, what it may be.
private struct BalancerLimit: Sendable {
    let flag: String
    let path: any WritableKeyPath<StreamLimits, Int> & Sendable
    let unit: ProxyLimit.Unit
    let range: ClosedRange<Int>
    let help: String

    private static let times = 1...31_536_000_000

    static let all: [BalancerLimit] = [
        .init(
            flag: "balancer-max-connections", path: \.maximumConnections, unit: .count, range: 1...10_000_000,
            help: "open connections of a worker; more wait in the kernel's queue"),
        .init(
            flag: "balancer-listen-backlog", path: \.listenBacklog, unit: .count, range: 1...65_535,
            help: "connections that wait to be accepted, at each address; net.core.somaxconn bounds it"),
        .init(
            flag: "balancer-connect-timeout", path: \.connectTimeout, unit: .time, range: Self.times,
            help: "for an endpoint to be connected to"),
        .init(
            flag: "balancer-connect-tries", path: \.connectTries, unit: .count, range: 1...8,
            help: "endpoints that are tried for one connection"),
        .init(
            flag: "balancer-idle-timeout", path: \.idleTimeout, unit: .time, range: Self.times,
            help: "without a byte in either direction of a connection"),
        .init(
            flag: "balancer-half-closed-timeout", path: \.halfClosedTimeout, unit: .time, range: Self.times,
            help: "the same where one direction has ended"),
        .init(
            flag: "balancer-hello-timeout", path: \.helloTimeout, unit: .time, range: Self.times,
            help: "for a TLS ClientHello, where connections are routed by its server name"),
        .init(
            flag: "balancer-pooled-pipes", path: \.pooledPipes, unit: .count, range: 1...65_536,
            help: "pipes that a worker keeps for splicing"),
        .init(
            flag: "balancer-pipe-size", path: \.pipeSize, unit: .size, range: 4_096...1 << 20,
            help: "bytes of each pipe"),
        .init(
            flag: "balancer-max-udp-sessions", path: \.maximumSessions, unit: .count, range: 1...1_000_000,
            help: "UDP sessions of a worker; the one idle for longest makes room"),
        .init(
            flag: "balancer-udp-timeout", path: \.sessionTimeout, unit: .time, range: Self.times,
            help: "without a datagram of a UDP session that was answered"),
        .init(
            flag: "balancer-udp-unanswered-timeout", path: \.unansweredSessionTimeout, unit: .time, range: Self.times,
            help: "the same of one that was not"),
        .init(
            flag: "balancer-shutdown-timeout", path: \.drainTimeout, unit: .time, range: 0...86_400_000,
            help: "for connections to end when the process is asked to"),
        .init(
            flag: "balancer-max-health-checks", path: \.healthChecks, unit: .count, range: 1...65_536,
            help: "health checks under way at once"),
        .init(
            flag: "balancer-remembered-clients", path: \.rememberedClients, unit: .count, range: 16...10_000_000,
            help: "clients that session affinity, and limits of each client, are remembered for"),
    ]
}

extension Option where Value == String? {
    /// A flag that the table of limits describes.
    fileprivate init(balancer flag: String) {
        let limit = BalancerLimit.all.first { $0.flag == flag }
        let help = limit?.help ?? ""
        let value = limit.map { $0.unit.text(StreamLimits()[keyPath: $0.path]) } ?? ""
        self.init(
            name: .customLong(flag), parsing: .unconditional,
            help: ArgumentHelp(
                "\(help.prefix(1).uppercased())\(help.dropFirst()). Default: \(value).",
                valueName: limit?.unit.rawValue ?? "value"))
    }
}
