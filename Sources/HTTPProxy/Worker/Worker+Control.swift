internal import Balancing
internal import HealthChecking
internal import Linux
internal import Reactor
internal import Routing

/// What is said to a worker.
enum WorkerLetter: Sendable {
    case serve(ProxySnapshot)
    /// How endpoints are that are checked.
    case health(HealthSnapshot)
    /// What it has counted by route is asked for.
    case countRoutes(Inquiry<[RouteCounts.Place]>)
    /// No more connections; those that there are end when they can, or after so many milliseconds.
    case drain(UInt64)
}

extension Worker {
    mutating func readMail() {
        for letter in self.mailbox.take() {
            switch letter {
            case .serve(let snapshot): self.adopt(snapshot)
            case .health(let snapshot): self.adopt(snapshot)
            case .countRoutes(let inquiry): inquiry.answer(self.routeCounts.places)
            case .drain(let patience): self.drain(patience)
            }
        }
    }

    // MARK: - Snapshots

    /// What was begun goes on as it was; new requests see the new snapshot.
    private mutating func adopt(_ snapshot: ProxySnapshot) {
        let isFirst = !self.view.hasRoutes
        self.view.adopt(snapshot)
        self.routeCounts.adopt(snapshot.plan.meters)
        let backends = snapshot.plan.backends
        // Letters can only be missed all together, with the first: after it each plan says what is different.
        let changed = isFirst ? Array(backends.indices) : snapshot.plan.changes.backends
        for index in changed { self.adopt(backends[index], snapshot.backendContexts[index], at: index) }
    }

    private mutating func adopt(_ plan: BackendPlan?, _ contexts: BackendContexts?, at index: Int) {
        let former = self.view.backend(Int32(index))
        guard let plan else {
            if !former.isNone { self.retire(former) }
            return self.view.setBackend(index, .none, revision: 0)
        }
        guard self.view.revision(index) != plan.revision else { return }
        var backend = former
        // What connections are to be like from now on, those that there are are not.
        if !former.isNone, self.backends[former].id != plan.id || !self.backends[former].speaks(plan.protocol, contexts)
        {
            self.retire(former)
            backend = .none
        }
        if backend.isNone {
            backend = self.backends.insert(
                BackendPool(plan.id, plan.protocol, contexts, self.limits, seed: self.random.next()))
        }
        let changes = self.backends[backend].adopt(plan, self.limits, workers: self.workers)
        // Their idle connections are of no use to anybody; the others end with what they are doing.
        for slot in changes.removed { self.closeIdle(backend, slot) }
        self.backends[backend].adopt(self.view.health.backends[index])
        self.view.setBackend(index, backend, revision: plan.revision)
        self.discardIfUnused(backend)
    }

    /// New requests see who is well now; those that are under way go on.
    private mutating func adopt(_ health: HealthSnapshot) {
        self.view.health = health
        for index in health.changed {
            let backend = self.view.backend(at: index)
            if !backend.isNone { self.backends[backend].adopt(health.backends[index]) }
        }
    }

    /// Nothing leads there any more. It stays until its last request has ended.
    private mutating func retire(_ backend: Handle) {
        self.backends[backend].isRetired = true
        // While its connections are closed it is needed; with the last of them it would be discarded.
        self.backends[backend].users += 1
        for slot in self.backends[backend].endpoints.update(to: []).removed { self.closeIdle(backend, slot) }
        self.backends[backend].users -= 1
        self.discardIfUnused(backend)
    }

    /// Gives up a backend that nothing leads to and nothing comes from.
    mutating func discardIfUnused(_ backend: Handle) {
        guard self.backends[backend].isRetired, self.backends[backend].users == 0 else { return }
        _ = self.backends.remove(backend)
    }

    // MARK: - The end

    private mutating func drain(_ patience: UInt64) {
        self.drainDeadline = min(self.drainDeadline, self.loop.now + patience)
        guard !self.isDraining else { return }
        self.acceptWaiting()
        self.isDraining = true
        self.listeners.close(self.loop)
        for position in 0..<self.clients.positions {
            guard let client = self.clients.handle(at: position) else { continue }
            self.clients[client].closesAfterExchange = true
            if self.clients[client].phase == .multiplexing {
                self.drainMultiplexed(client)
                continue
            }
            guard self.clients[client].phase == .waiting, !self.clients[client].isInHead else { continue }
            // Who has just come gets a moment to say what for: only repeated connections are begun anew by clients.
            guard self.clients[client].requests > 0 else {
                self.timers.set(self.clients[client].timer, deadline: self.loop.now + Self.firstRequestPatience)
                continue
            }
            // What has come meanwhile is answered still. A request that crosses with the end of the connection meets
            // an orderly one, and not a reset: its client knows that nobody took it (RFC 9112 section 9.5).
            self.serve(client)
            guard self.clients.contains(client), self.clients[client].phase == .waiting,
                !self.clients[client].isInHead
            else { continue }
            self.beginLingering(client)
            self.serve(client)
        }
        for position in 0..<self.upstreams.positions {
            guard let upstream = self.upstreams.handle(at: position), self.upstreams[upstream].phase == .idle else {
                continue
            }
            self.closeIdle(upstream)
        }
        for position in 0..<self.connections.positions {
            if let connection = self.connections.handle(at: position) { self.markDirty(connection) }
        }
    }

    /// At the end of each turn of the loop.
    mutating func endTurn() {
        if self.isDraining, self.loop.now >= self.drainDeadline {
            for position in 0..<self.clients.positions {
                guard let client = self.clients.handle(at: position), !self.clients[client].isStream else { continue }
                self.counters.clientsCut &+= 1
                self.reset(client)
            }
        }
        self.accessLog.flushIfDue(now: self.loop.now)
        guard self.loop.now >= self.publishAt else { return }
        self.publishAt = self.loop.now + Self.publishInterval
        self.publish()
    }

    /// Puts the counters where others can read them.
    mutating func publish() {
        self.counters.openConnections = UInt64(self.clients.count - self.streams)
        self.counters.openUpstreams = UInt64(self.upstreams.count - self.upstreamStreams)
        self.board.publish(self.counters)
    }

    /// Milliseconds.
    private static let firstRequestPatience: UInt64 = 1_000
    private static let publishInterval: UInt64 = 200
}
