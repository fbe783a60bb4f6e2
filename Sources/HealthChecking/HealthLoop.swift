internal import Bytes
internal import Linux
internal import Reactor
internal import ServiceModel

/// What is said to the thread of the checks.
enum HealthLetter: Sendable {
    case change([HealthCheckChange])
    case stop
}

/// The thread of the checks and everything it touches: waits for answers, for times and for letters, and never for anything
/// else. Checks themselves are in `+Probes`.
struct HealthLoop: ~Copyable {
    private struct Backend {
        var checked: CheckedBackend
        var endpoints: [SocketAddress: UInt64] = [:]
    }

    private let mailbox: Mailbox<HealthLetter>
    /// Checks under way at once.
    let limit: Int
    private let publish: (HealthSnapshot) -> Void
    private let count: (HealthReport) -> Void
    var log: HealthLog
    var loop: EventLoop
    var timers: TimerWheel
    var heads = HTTP2Question.pool()
    var random = SystemRandomNumberGenerator()
    private var backends: [Int: Backend] = [:]
    /// By ``CheckedEndpoint/id``.
    var endpoints: [UInt64: CheckedEndpoint] = [:]
    private var lastID: UInt64 = 0
    var underWay = 0
    /// Whose check is due, in turn; those that are gone are passed over.
    var queue = ProbeQueue()
    private var snapshot = HealthSnapshot()
    private var changed: Set<Int> = []
    private var isNews = false
    var report = HealthReport()
    private var isStopped = false

    init(
        _ mailbox: Mailbox<HealthLetter>, limit: Int, log: consuming HealthLog,
        publish: @escaping (HealthSnapshot) -> Void, count: @escaping (HealthReport) -> Void
    ) throws(SystemError) {
        let loop = try EventLoop()
        try loop.watchReading(mailbox.number, token: Self.mailboxToken)
        self.mailbox = mailbox
        self.limit = limit
        self.publish = publish
        self.count = count
        self.log = log
        self.timers = TimerWheel(now: loop.now)
        self.loop = loop
    }

    /// Endpoints begin with 1.
    private static let mailboxToken: UInt64 = 0
    /// Milliseconds.
    private static let longestWait: UInt64 = 60_000

    mutating func run() {
        while !self.isStopped {
            self.loop.wait(milliseconds: self.timers.delay(now: self.loop.now, limit: Self.longestWait))
            for index in 0..<self.loop.count {
                let (token, readiness) = self.loop.event(index)
                if token == Self.mailboxToken {
                    self.readMail()
                } else if let endpoint = self.endpoints[token] {
                    self.ready(endpoint, readiness)
                }
            }
            while let id = self.timers.next(now: self.loop.now) {
                if let endpoint = self.endpoints[id] { self.timeout(endpoint) }
            }
            self.startQueued()
            self.tell()
        }
        for endpoint in self.endpoints.values { endpoint.probe?.close(&self.heads) }
    }

    private mutating func readMail() {
        for letter in self.mailbox.take() {
            switch letter {
            case .change(let changes): for change in changes { self.adopt(change) }
            case .stop: self.isStopped = true
            }
        }
    }

    func backend(_ key: Int) -> CheckedBackend? { self.backends[key]?.checked }

    // MARK: - Who is checked

    private mutating func adopt(_ change: HealthCheckChange) {
        let key = change.key
        if let former = self.backends[key], former.checked.name != change.backend?.name { self.forget(key) }
        guard let backend = change.backend else { return }
        let asksAnew = self.backends[key].map { !$0.checked.asks(like: backend) } ?? false
        var known = self.backends[key]?.endpoints ?? [:]
        if self.backends[key] == nil { self.snapshot.backends[key] = BackendHealth(name: backend.name) }

        var kept: [SocketAddress: UInt64] = [:]
        for address in backend.endpoints where kept[address] == nil {
            kept[address] = known.removeValue(forKey: address) ?? self.add(address, to: key, backend)
        }
        for (address, id) in known { self.remove(id, address, from: key) }
        self.backends[key] = Backend(checked: backend, endpoints: kept)
        guard asksAnew else { return }
        for id in kept.values { if let endpoint = self.endpoints[id] { self.beginAnew(endpoint, backend) } }
    }

    private mutating func add(_ address: SocketAddress, to key: Int, _ backend: CheckedBackend) -> UInt64 {
        self.lastID += 1
        let timer = self.timers.make(owner: self.lastID)
        let endpoint = CheckedEndpoint(id: self.lastID, key: key, address: address, timer: timer)
        self.endpoints[endpoint.id] = endpoint
        self.report.checkedEndpoints += 1
        self.schedule(endpoint, backend, isFirst: true)
        self.show(endpoint)
        return endpoint.id
    }

    private mutating func remove(_ id: UInt64, _ address: SocketAddress, from key: Int) {
        guard let endpoint = self.endpoints.removeValue(forKey: id) else { return }
        self.abandon(endpoint)
        self.timers.free(endpoint.timer)
        self.report.checkedEndpoints -= 1
        if !endpoint.state.isUsable {
            self.report.unhealthyEndpoints -= 1
            self.changed.insert(key)
        }
        self.snapshot.backends[key]?.endpoints[address] = nil
        self.isNews = true
    }

    private mutating func forget(_ key: Int) {
        for (address, id) in self.backends[key]?.endpoints ?? [:] { self.remove(id, address, from: key) }
        self.backends[key] = nil
        self.snapshot.backends[key] = nil
        self.isNews = true
    }

    /// Something else is asked of it, or in another way.
    private mutating func beginAnew(_ endpoint: CheckedEndpoint, _ backend: CheckedBackend) {
        self.abandon(endpoint)
        endpoint.state.beginAnew()
        self.schedule(endpoint, backend, isFirst: true)
        self.show(endpoint)
    }

    // MARK: - What comes of it

    mutating func record(_ endpoint: CheckedEndpoint, _ result: ProbeResult, _ backend: CheckedBackend) {
        self.report.count(result)
        if case .inconclusive(let number) = result { self.log.inconclusive(number, now: self.loop.now) }
        if case .failed(let failure) = result { endpoint.lastFailure = failure }
        let wasUsable = endpoint.state.isUsable
        let change = endpoint.state.record(result, rise: backend.policy.rise, fall: backend.policy.fall)
        if endpoint.state.isUsable != wasUsable { endpoint.turnedAt = .now }
        self.show(endpoint)
        switch change {
        case .none: return
        case .failed(let failure):
            self.report.becameUnhealthy += 1
            self.report.unhealthyEndpoints += 1
            self.log.failed(endpoint.address, failure, backend)
            if self.snapshot.backends[endpoint.key]?.isAllFailing == true { self.log.allFail(backend) }
        case .recovered:
            self.report.becameHealthy += 1
            self.report.unhealthyEndpoints -= 1
            self.log.recovered(endpoint.address, backend)
        }
        self.changed.insert(endpoint.key)
    }

    private mutating func show(_ endpoint: CheckedEndpoint) {
        let health = EndpointHealth(
            endpoint.state, since: endpoint.turnedAt, lastFailure: endpoint.lastFailure)
        guard self.snapshot.backends[endpoint.key]?.endpoints[endpoint.address] != health else { return }
        self.snapshot.backends[endpoint.key]?.endpoints[endpoint.address] = health
        self.isNews = true
    }

    /// At the end of each turn.
    private mutating func tell() {
        self.count(self.report)
        guard self.isNews else { return }
        self.isNews = false
        self.snapshot.changed = self.changed.sorted()
        self.changed = []
        self.publish(self.snapshot)
    }
}
