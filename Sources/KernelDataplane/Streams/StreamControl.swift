package import KubernetesAPI
internal import Linux
package import Logging
package import Networking
package import ServiceModel

/// Keeps the userspace balancer, and the addresses that this host takes for its own, in step with the plans. Owned by one thread.
///
/// What comes is served before the kernel is told (``prepare(_:hints:)``). What goes is served until a while after the kernel has been
/// told (``settle(at:isAtOnce:)``): a connection that is being made goes on where it began. With addresses that are only reserved it is the
/// other way round: the kernel leads past them as long as they are.
package final class StreamControl: StreamHandover {
    package typealias Instant = ContinuousClock.Instant

    /// How long a listener outlives what led to it: a connection whose SYN it answered comes about with the third segment.
    static let grace = Duration.seconds(1)
    /// Between two attempts at what could not be had.
    static let retryPause = Duration.seconds(5)
    /// Between two looks whether the connections at an address have ended.
    static let departurePause = Duration.seconds(1)
    /// Addresses that are looked at at once.
    static let departuresAtOnce = 1_024
    /// Ports that are tried for one Service port, before the Service stays with the kernel.
    static let portTries = 16

    private let serving: any StreamServing
    package private(set) var program: StreamProgram
    private let addresses: VirtualAddresses
    private var trouble: StreamTrouble
    private var clients = ClientDetection()
    /// What the balancer serves.
    private var served: [StreamAddress: StreamFrontend] = [:]
    /// What it should serve and does not; nil where this host does not have the address.
    private var missing: [StreamAddress: StreamProblem?] = [:]
    /// What is served and not wanted any more, until when; nil as long as the kernel may still lead clients there.
    private var leaving: [StreamAddress: Instant?] = [:]
    /// What the balancer keeps from others.
    private var reserved: Set<StreamAddress> = []
    /// What it is to keep from others as soon as the kernel leads past.
    private var reserving: Set<StreamAddress> = []
    private var retryAt: Instant?
    private var departuresAt: Instant?

    /// - Parameter report: who is told, besides the log, of addresses that cannot be had.
    package init(
        _ serving: any StreamServing, settings: StreamProgram.Settings,
        report: @escaping @Sendable (StreamProblem) -> Void = { _ in }, logger: Logger
    ) {
        self.serving = serving
        self.program = StreamProgram(settings)
        self.addresses = VirtualAddresses(logger: logger)
        self.trouble = StreamTrouble(report: report, logger: logger)
    }

    /// Addresses that this host has for the balancer alone.
    package var ownAddresses: Set<IPAddress> { self.addresses.own }

    /// Addresses that should be served and are not.
    package var missingCount: Int { self.missing.count }

    // MARK: - The host

    /// Takes over what is known of the host. Returns whether all plans have to be prepared again.
    ///
    /// - Parameters:
    ///   - host: the addresses of its interfaces.
    ///   - podBlocks: where pods' addresses come from.
    package func adopt(_ settings: StreamProgram.Settings, host: Set<IPAddress>, podBlocks: [CIDR]) -> Bool {
        self.addresses.host = host
        self.tell([], ClientDetection(podBlocks: podBlocks, nodeAddresses: host.union(self.addresses.own)))
        guard settings != self.program.settings else { return false }
        self.program.adopt(settings)
        return true
    }

    /// The balancer is about to end. The plans of Services that are handed over have to be prepared again.
    package func endHandover() {
        var settings = self.program.settings
        settings.isEnding = true
        self.program.adopt(settings)
    }

    // MARK: - Plans

    package func prepare(
        _ plans: [ObjectName: ServicePlan?], hints: TableProgram.Hints? = nil
    ) -> [ObjectName: ServicePlan?] {
        self.prepareHandover(plans)
        var kernelPlans = plans
        var pending = plans
        var tries = 0
        while !pending.isEmpty {
            var touched = StreamProgram.Touched()
            kernelPlans.merge(self.program.apply(pending, preferring: hints, touched: &touched)) { $1 }
            pending = [:]
            tries += 1
            // Listening comes first: as soon as an address is this host's, who connects would be refused.
            let problems = self.serve(touched.streams, coming: touched.addresses)
            self.bring(touched.addresses)
            self.withdrawHomeless(touched.streams)
            // A port of the balancer's own address can be another one.
            for problem in problems {
                let isLast = tries >= Self.portTries
                guard let name = self.program.avoid(problem.address, keepsService: isLast) else { continue }
                if isLast { self.trouble.note(problem) }
                if let plan = plans[name] { pending[name] = .some(plan) }
            }
        }
        return kernelPlans
    }

    /// Without the balancer's own address on this host, Services stay with the kernel.
    private func prepareHandover(_ plans: [ObjectName: ServicePlan?]) {
        guard plans.values.contains(where: { $0?.streamPolicy != nil }) else { return }
        for family in self.program.settings.handover {
            let address = self.program.settings.balancer[family]
            if self.addresses.add([address]) { self.note([address]) } else { self.program.giveUpHandover(family) }
        }
    }

    private func bring(_ touched: Set<IPAddress>) {
        let wanted = touched.filter(self.program.needs)
        guard !wanted.isEmpty else { return }
        if !self.addresses.add(wanted) { self.retryLater() }
        self.note(wanted.intersection(self.addresses.own))
    }

    /// Who connects from one of these addresses is this node.
    private func note(_ own: Set<IPAddress>) {
        guard !own.isSubset(of: self.clients.nodeAddresses) else { return }
        self.tell(
            [],
            ClientDetection(
                podBlocks: self.clients.podBlocks, nodeAddresses: self.clients.nodeAddresses.union(own)))
    }

    /// What is served at addresses that could not be made this host's.
    private func withdrawHomeless(_ touched: Set<StreamAddress>) {
        let homeless = touched.filter { self.served[$0] != nil && !self.addresses.has($0.address) }
        guard !homeless.isEmpty else { return }
        for address in homeless {
            self.served[address] = nil
            self.missing.updateValue(nil, forKey: address)
        }
        self.tell(homeless.map { .withdraw($0) }, self.clients)
        self.retryLater()
    }

    /// Serves what is wanted at these addresses, and notes what is not wanted any more.
    ///
    /// - Parameter coming: addresses that this host is about to have.
    private func serve(_ touched: Set<StreamAddress>, coming: Set<IPAddress> = []) -> [StreamProblem] {
        var changes: [StreamChange] = []
        for address in touched {
            guard let stream = self.program[address] else {
                if self.missing.removeValue(forKey: address) != nil { self.trouble.end(address) }
                if self.served[address] != nil {
                    if self.leaving[address] == nil { self.leaving.updateValue(nil, forKey: address) }
                } else if self.program.reserves(address) {
                    if !self.reserved.contains(address) { self.reserving.insert(address) }
                } else if self.reserved.remove(address) != nil {
                    changes.append(.withdraw(address))
                }
                continue
            }
            self.leaving.removeValue(forKey: address)
            self.reserved.remove(address)
            guard self.served[address] != stream else { continue }
            guard self.addresses.has(address.address) || coming.contains(address.address) else {
                self.missing.updateValue(nil, forKey: address)
                continue
            }
            self.served[address] = stream
            changes.append(.serve(address, stream))
        }
        let problems = self.tell(changes, self.clients)
        for problem in problems {
            self.served[problem.address] = nil
            self.missing[problem.address] = .some(problem)
        }
        for case .serve(let address, _) in changes where self.served[address] != nil {
            self.missing.removeValue(forKey: address)
            self.trouble.end(address)
        }
        if !self.missing.isEmpty { self.retryLater() }
        return problems
    }

    @discardableResult
    private func tell(_ changes: [StreamChange], _ clients: ClientDetection) -> [StreamProblem] {
        guard !changes.isEmpty || clients != self.clients else { return [] }
        self.clients = clients
        return self.serving.apply(changes, clients: clients)
    }

    private func retryLater() { self.retryAt = self.retryAt ?? ContinuousClock.now + Self.retryPause }

    // MARK: - Time

    /// The kernel has been told of all plans that were prepared, or need not be.
    ///
    /// - Parameter isAtOnce: the kernel leads nobody to the balancer.
    package func settle(at now: Instant, isAtOnce: Bool = false) {
        for (address, time) in self.leaving where time == nil {
            // To loopback the kernel never leads anybody.
            self.leaving[address] = .some(isAtOnce || address.address.isLoopback ? now : now + Self.grace)
        }
        self.reserve()
        self.report()
        self.departuresAt = self.departuresAt ?? now
        self.tick(at: now)
    }

    private func reserve() {
        let coming = self.reserving.filter { self.program.reserves($0) && self.served[$0] == nil }
        self.reserving = []
        self.reserved.formUnion(coming)
        self.tell(coming.map { .reserve($0) }, self.clients)
    }

    private func report() {
        for case let problem? in self.missing.values { self.trouble.note(problem) }
    }

    /// When there is something to do.
    package var deadline: Instant? {
        ([self.retryAt, self.departuresAt] + Array(self.leaving.values)).compactMap(\.self).min()
    }

    package func tick(at now: Instant) {
        let due = self.leaving.compactMap { address, time in time.map { $0 <= now } ?? false ? address : nil }
        if !due.isEmpty {
            for address in due {
                self.leaving.removeValue(forKey: address)
                self.served[address] = nil
            }
            self.reserved.formUnion(due.filter(self.program.reserves))
            self.tell(due.map { self.reserved.contains($0) ? .reserve($0) : .withdraw($0) }, self.clients)
            self.departuresAt = now
        }
        if let retryAt, retryAt <= now {
            self.retryAt = nil
            self.bring(self.program.virtualAddresses.filter { !self.addresses.has($0) })
            _ = self.serve(Set(self.missing.keys))
            self.report()
        }
        if let departuresAt, departuresAt <= now { self.letGo(at: now) }
    }

    /// Takes addresses off the host at which nothing is served and no connection is open.
    private func letGo(at now: Instant) {
        let occupied = Set(self.served.keys.lazy.map(\.address))
        let departing = self.addresses.own.filter { !self.program.needs($0) && !occupied.contains($0) }
        let free = departing.prefix(Self.departuresAtOnce).filter { self.serving.openConnections(at: $0) == 0 }
        _ = self.addresses.remove(free)
        if !free.isEmpty {
            let rest = self.clients.nodeAddresses.subtracting(free).union(self.addresses.host)
            self.tell([], ClientDetection(podBlocks: self.clients.podBlocks, nodeAddresses: rest))
        }
        let isWaiting = self.addresses.own.contains { !self.program.needs($0) }
        self.departuresAt = isWaiting ? now + (free.count == departing.count ? .zero : Self.departurePause) : nil
    }
}
