internal import Conntrack
internal import KubernetesAPI
internal import Linux
internal import Logging
internal import Networking
internal import Observability
internal import ServiceModel
internal import Synchronization

/// Removes connections from conntrack that new rules would send elsewhere, on a thread of its own: a
/// listing of a large table must not hold up programming.
///
/// UDP has no end of connection: a client that goes on sending from the same port would stay with an
/// endpoint that is gone for ever. The next packet after the removal is a new connection.
final class FlowCleaner: Sendable {
    /// A packet that was on its way through the old rules while the new ones came may leave an entry
    /// behind the first listing: there is a second one so much later.
    static let secondLook = Duration.milliseconds(500)
    /// Listings take at most one part in so many of a core.
    static let idleShare = 4
    /// How often the connections of endpoints that are terminating are counted.
    static let drainingInterval = Duration.seconds(10)

    private struct Mailbox: Sendable {
        var rules = FlowRules()
        /// What was announced last, by frontend: newer than what is being enforced, or the same.
        var announced = FlowRules()
        var draining: [ObjectName: Set<Backend>] = [:]
        var hasNewDraining = false
    }

    private let mailbox = Mutex(Mailbox())
    private let wakeUp: WakeUp
    private let metrics: DataplaneMetrics
    private let logger: Logger

    init(metrics: DataplaneMetrics, logger: Logger) throws(SystemError) {
        self.wakeUp = try WakeUp()
        self.metrics = metrics
        self.logger = logger
    }

    /// To be called before what `rules` say is in force. A listing that is under way goes by rules of before,
    /// and may come upon connections that are made by those to come.
    func announce(_ rules: FlowRules) {
        guard !rules.isEmpty else { return }
        self.mailbox.withLock { $0.announced.merge(rules) }
    }

    /// To be called once what `rules` say is in force.
    func enforce(_ rules: FlowRules) {
        guard !rules.isEmpty else { return }
        self.mailbox.withLock { $0.rules.merge(rules) }
        self.wakeUp.signal()
    }

    /// The endpoints of a Service that are terminating; empty for none.
    func watch(_ service: ObjectName, draining: [Backend]) {
        let isNews = self.mailbox.withLock { mailbox in
            let before = mailbox.draining[service]
            mailbox.draining[service] = draining.isEmpty ? nil : Set(draining)
            let isNews = before != mailbox.draining[service]
            mailbox.hasNewDraining = mailbox.hasNewDraining || isNews
            return isNews
        }
        if isNews { self.wakeUp.signal() }
    }

    // MARK: - The thread

    /// Runs until `stop` is signalled.
    func run(stop: WakeUp) throws {
        let clock = ContinuousClock()
        let table = try ConntrackTable()
        // What is looked for once more, and when; what came since waits for the next round.
        var late = FlowRules()
        var lateAt: ContinuousClock.Instant?
        var next = FlowRules()
        var earliest = clock.now
        var countAt: ContinuousClock.Instant?
        var counts: [ObjectName: Int] = [:]
        while true {
            let deadline = [lateAt, countAt].compactMap(\.self).min().map { max($0, earliest) - clock.now }
            let ready = try Poller.wait(
                readable: [stop.number, self.wakeUp.number], timeout: deadline.map { max(.zero, $0) })
            if ready.contains(stop.number) { return }
            if ready.contains(self.wakeUp.number) { self.wakeUp.clear() }
            if earliest > clock.now {
                let pause = try Poller.wait(readable: [stop.number], timeout: earliest - clock.now)
                if !pause.isEmpty { return }
            }
            let start = clock.now
            let (rules, draining, hasNewDraining) = self.mailbox.withLock { mailbox in
                defer {
                    mailbox.rules = FlowRules()
                    mailbox.hasNewDraining = false
                }
                return (mailbox.rules, mailbox.draining, mailbox.hasNewDraining)
            }
            var due = rules
            next.merge(rules)
            if lateAt.map({ $0 <= start }) ?? true {
                late.merge(next)
                due = late
                (late, next) = (next, FlowRules())
                lateAt = late.isEmpty ? nil : start + Self.secondLook
            }
            if !due.isEmpty { self.clean(due, table) }
            if hasNewDraining || countAt.map({ $0 <= start }) ?? false {
                counts = self.count(draining, table, said: counts)
                countAt = draining.isEmpty ? nil : clock.now + Self.drainingInterval
            }
            if lateAt == nil {
                // No listing goes by rules of before any more.
                self.mailbox.withLock { if $0.rules.isEmpty { $0.announced = FlowRules() } }
            }
            earliest = clock.now + (clock.now - start) * Self.idleShare
        }
    }

    private func clean(_ rules: FlowRules, _ table: ConntrackTable) {
        let clock = ContinuousClock()
        var durations: [AddressFamily: Duration] = [:]
        defer {
            for (family, duration) in durations { self.metrics.kubeProxy.conntrackDuration[family]?.observe(duration) }
        }
        for scope in rules.scopes {
            let start = clock.now
            defer { durations[scope.family, default: .zero] += clock.now - start }
            var stale: Set<ConntrackFlow> = []
            do throws(ConntrackError) {
                try table.forEach(scope.transport, scope.family) { flow in
                    if rules.isStale(flow) { stale.insert(flow) }
                }
                guard !stale.isEmpty else { continue }
                self.mailbox.withLock { mailbox in
                    stale = stale.filter { mailbox.announced.judge($0) ?? true }
                }
                guard !stale.isEmpty else { continue }
                let count = try table.delete(Array(stale))
                self.metrics.kubeProxy.conntrackDeleted[scope.family]?.increment(by: count)
                self.metrics.staleConnections[scope.transport]?.increment(by: count)
                if count > 0, let example = stale.first {
                    self.logger.info(
                        "ended connections that would go elsewhere now",
                        metadata: [
                            "count": "\(count)", "protocol": "\(scope.transport)", "one": "\(example.original)",
                        ])
                }
            } catch {
                self.logger.error(
                    "stale connections cannot be ended; clients may stay with endpoints that are gone",
                    metadata: ["reason": "\(error)"])
            }
        }
    }

    // MARK: - Draining

    /// Counts the connections of endpoints that are terminating, and says what is new about them.
    private func count(
        _ draining: [ObjectName: Set<Backend>],
        _ table: ConntrackTable,
        said: [ObjectName: Int]
    ) -> [ObjectName: Int] {
        for name in said.keys where draining[name] == nil {
            self.logger.info("endpoints have been drained", metadata: ["service": "\(name)"])
        }
        self.metrics.drainingEndpoints.set(Set(draining.values.joined()).count)
        guard !draining.isEmpty else {
            self.metrics.drainingConnections.set(0)
            return [:]
        }
        var owners: [Backend: [ObjectName]] = [:]
        for (name, backends) in draining {
            for backend in backends { owners[backend, default: []].append(name) }
        }
        var counts = draining.mapValues { _ in 0 }
        var seen: Set<ConntrackFlow> = []
        for scope in Set(owners.keys.map(\.address.family)) {
            for transport in [TransportProtocol.tcp, .udp] {
                try? table.forEach(transport, scope) { flow in
                    guard flow.isDestinationTranslated, !flow.isOver,
                        let names = owners[Backend(flow.reply.source, flow.reply.sourcePort)],
                        seen.insert(flow).inserted
                    else { return }
                    for name in names { counts[name, default: 0] += 1 }
                }
            }
        }
        self.metrics.drainingConnections.set(seen.count)
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) where said[name] != count {
            self.logger.info(
                "endpoints are draining: they keep their connections and get no new ones",
                metadata: [
                    "service": "\(name)", "endpoints": "\(draining[name]?.count ?? 0)", "connections": "\(count)",
                ])
        }
        return counts
    }
}
