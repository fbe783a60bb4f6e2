internal import Linux
internal import Reactor
internal import ServiceModel

/// Checks, from when they are due to when their connections are closed.
extension HealthLoop {
    mutating func schedule(_ endpoint: CheckedEndpoint, _ backend: CheckedBackend, isFirst: Bool = false) {
        let schedule = ProbeSchedule(interval: UInt64(backend.policy.interval))
        let due =
            isFirst
            ? schedule.first(at: self.loop.now, random: self.random.next())
            : schedule.next(after: endpoint.startedAt, at: self.loop.now, random: self.random.next())
        endpoint.activity = .resting
        self.timers.set(endpoint.timer, deadline: due)
    }

    /// A check is due, or its time is over.
    mutating func timeout(_ endpoint: CheckedEndpoint) {
        guard let backend = self.backend(endpoint.key) else { return }
        switch endpoint.activity {
        case .queued: break
        case .resting:
            if self.underWay + self.queue.count >= self.limit { self.report.delayed += 1 }
            endpoint.activity = .queued
            self.queue.append(endpoint.id)
        case .asking(let probe):
            self.record(endpoint, .failed(probe.timeout), backend)
            self.end(endpoint, probe, backend)
        case .leaving(let probe): self.end(endpoint, probe, backend)
        }
    }

    mutating func startQueued() {
        while self.underWay < self.limit, let id = self.queue.popFirst() {
            guard let endpoint = self.endpoints[id], case .queued = endpoint.activity,
                let backend = self.backend(endpoint.key)
            else { continue }
            self.start(endpoint, backend)
        }
    }

    private mutating func start(_ endpoint: CheckedEndpoint, _ backend: CheckedBackend) {
        endpoint.startedAt = self.loop.now
        switch Probe.begin(backend, endpoint.address, seed: self.random.next()) {
        case .decided(let result):
            self.record(endpoint, result, backend)
            self.schedule(endpoint, backend)
        case .begun(let probe):
            self.underWay += 1
            endpoint.activity = .asking(probe)
            do throws(SystemError) {
                try self.loop.watch(probe.number, token: endpoint.id)
                self.timers.set(endpoint.timer, deadline: self.loop.now + UInt64(backend.policy.timeout))
            } catch {
                self.record(endpoint, .inconclusive(error.number), backend)
                self.end(endpoint, probe, backend)
            }
        }
    }

    mutating func ready(_ endpoint: CheckedEndpoint, _ readiness: Readiness) {
        guard let probe = endpoint.probe, let backend = self.backend(endpoint.key) else { return }
        var step = probe.ready(readiness, now: self.loop.now, &self.heads)
        if case .decided(let result) = step {
            self.record(endpoint, result, backend)
            guard probe.phase == .lingering else { return self.end(endpoint, probe, backend) }
            endpoint.activity = .leaving(probe)
            // Not beyond the time of the next check, which needs its own connection.
            let next = endpoint.startedAt + UInt64(backend.policy.interval)
            self.timers.set(endpoint.timer, deadline: min(self.loop.now + ProbeLimits.lingering, next))
            // The end may have come with the answer.
            step = probe.ready(readiness, now: self.loop.now, &self.heads)
        }
        if case .over = step { self.end(endpoint, probe, backend) }
    }

    private mutating func end(_ endpoint: CheckedEndpoint, _ probe: Probe, _ backend: CheckedBackend) {
        probe.close(&self.heads)
        self.underWay -= 1
        self.schedule(endpoint, backend)
    }

    /// Whatever is under way is of no use any more.
    mutating func abandon(_ endpoint: CheckedEndpoint) {
        if let probe = endpoint.probe {
            probe.close(&self.heads)
            self.underWay -= 1
        }
        endpoint.activity = .resting
    }
}
