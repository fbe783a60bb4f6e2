internal import Balancing
internal import Bytes
internal import HTTP1
internal import Linux
internal import Networking
internal import Reactor
internal import Routing
internal import TLS

/// Connections to endpoints: begun, used, kept, closed.
extension Worker {
    /// The loop has told something of one.
    mutating func upstreamReady(_ upstream: Handle, _ readiness: Readiness) {
        let ends = readiness.isEnd
        switch self.upstreams[upstream].phase {
        case .idle:
            // Nobody asked for anything: it is closed, or not to be trusted.
            if readiness.canRead, ends || !self.isQuiet(upstream) { self.closeIdle(upstream) }
        case .connecting:
            guard ends || readiness.contains(.writable) else { return }
            let error = self.upstreams[upstream].socket.error
            guard error == 0 else { return self.connectFailed(upstream) }
            self.upstreams[upstream].isWritable = true
            self.note(upstream, readiness, ends)
            guard self.upstreams[upstream].isTLS else { return self.connected(upstream: upstream) }
            self.upstreams[upstream].phase = .handshaking
            self.shakeHands(upstream: upstream)
        case .handshaking:
            self.note(upstream, readiness, ends)
            self.shakeHands(upstream: upstream)
        case .multiplexing:
            if readiness.contains(.writable) || ends {
                self.upstreams[upstream].isWritable = true
                self.markDirty(self.upstreams[upstream].connection)
            }
            self.note(upstream, readiness, ends)
            if self.upstreams[upstream].isTLS { self.upstreams[upstream].isReadable = true }
            self.multiplex(upstream: upstream)
        case .busy:
            if readiness.contains(.writable) || ends { self.upstreams[upstream].isWritable = true }
            self.note(upstream, readiness, ends)
            if self.upstreams[upstream].isTLS { self.upstreams[upstream].isReadable = true }
            self.serve(self.upstreams[upstream].client)
        }
    }

    private mutating func note(_ upstream: Handle, _ readiness: Readiness, _ ends: Bool) {
        if readiness.canRead { self.upstreams[upstream].isReadable = true }
        if ends { self.upstreams[upstream].hasEnded = true }
    }

    // MARK: - Getting one

    /// Gets a connection to an endpoint for the request of a client, whose `request` buffer holds what is to be sent. True
    /// if the exchange came to its end instead, with an answer of our own.
    mutating func acquireUpstream(_ client: Handle) -> Bool {
        let backend = self.clients[client].exchange.backend
        switch self.pick(client, backend) {
        case .slot(let slot):
            self.clients[client].exchange.slot = slot
            if self.clients[client].exchange.isRetry {
                self.clients[client].exchange.isRetry = false
                self.clients[client].exchange.tries += 1
                self.counters.retries &+= 1
            }
            self.clients[client].exchange.isCounted = true
            self.backends[backend].endpoints.requestStarted(slot)
            if self.backends[backend].lacksContext { return self.answer(client, .backendSecretUnusable) }
            switch self.useKept(client, backend, slot) {
            case .ready:
                self.connected(client)
                guard !self.sendRequest(client) else { return true }
                // Nothing will be told of a stream that could not be begun.
                if self.clients[client].exchange.stopsSending { self.postpone(client) }
                return false
            case .waiting: return false
            case .none: break
            }
            switch self.connect(client, backend, slot) {
            case .begun: return false
            case .failed: return self.tryFailed(client, .connectFailed)
            case .exhausted(let number):
                // That is this process's fault, and no endpoint's.
                self.log.connectFailed(number, now: self.loop.now)
                return self.answer(client, .exhausted)
            }
        case .noEndpoints: return self.answer(client, self.unavailable(backend))
        case .allBusy: return self.answer(client, .endpointsBusy)
        case .allTried:
            let exchange = self.clients[client].exchange
            return self.answer(client, exchange.tried.count == 0 ? .noEndpoints : Self.answer(to: exchange.failure))
        }
    }

    private mutating func pick(_ client: Handle, _ backend: Handle) -> PickOutcome {
        if self.backends[backend].endpoints.returnedCount > 0 { self.sayReturned(backend) }
        let tried = self.clients[client].exchange.tried
        switch self.clients[client].exchange.affinity {
        case .none: return self.backends[backend].endpoints.pick(tried: tried, at: self.loop.now)
        case .key(let key): return self.backends[backend].endpoints.pick(key: key, tried: tried, at: self.loop.now)
        case .session(let value):
            let pick = self.backends[backend].endpoints.pick(session: value, tried: tried, at: self.loop.now)
            self.clients[client].exchange.cookie = pick.cookie
            return pick.outcome
        }
    }

    /// Endpoints have come back from ejection.
    private mutating func sayReturned(_ backend: Handle) {
        let name = self.backends[backend].id.description
        while let slot = self.backends[backend].endpoints.nextReturned() {
            self.log.returned(self.backends[backend].endpoints.endpoint(slot), name)
        }
    }

    private enum Kept {
        case ready
        /// It is on its way.
        case waiting
        case none
    }

    /// The idle connection to an endpoint that was used last, if there is one that works; or one that takes many requests.
    private mutating func useKept(_ client: Handle, _ backend: Handle, _ slot: EndpointSlot) -> Kept {
        let wantsNew = self.clients[client].exchange.avoidsPool
        self.clients[client].exchange.avoidsPool = false
        var next = self.backends[backend].newestIdle(slot)
        while true {
            let upstream = next
            guard !upstream.isNone else { return .none }
            next = self.upstreams[upstream].older
            guard self.upstreams[upstream].connection.isNone else {
                // Who wants another protocol than HTTP has better chances with HTTP/1.1, if that is spoken too.
                let isFit = self.clients[client].exchange.upgrade == .none || self.backends[backend].isMultiplexed
                // Many requests may have lost their connection at once: one new one is enough for them.
                let isOld = self.upstreams[upstream].phase == .multiplexing
                guard isFit, !(wantsNew && isOld), self.canCarryMore(upstream) else { continue }
                self.counters.upstreamReuses &+= 1
                return self.addStream(client, upstream) ? .ready : .waiting
            }
            guard !wantsNew else { return .none }
            self.unlinkIdle(upstream)
            self.timers.clear(self.upstreams[upstream].timer)
            // A request that may not be sent twice had better not meet a connection that the endpoint closed a moment ago;
            // for all others trying again costs less than asking each time.
            if !self.clients[client].exchange.method.isIdempotent, !self.isQuiet(upstream) {
                self.closeUpstream(upstream)
                next = self.backends[backend].newestIdle(slot)
                continue
            }
            self.upstreams[upstream].phase = .busy
            self.upstreams[upstream].isReused = true
            self.upstreams[upstream].client = client
            self.clients[client].exchange.upstream = upstream
            self.counters.upstreamReuses &+= 1
            return .ready
        }
    }

    mutating func connected(_ client: Handle) {
        self.clients[client].exchange.answer = .awaited
        // The end of a body goes by frames, or by chunks.
        let isStream = self.upstreams[self.clients[client].exchange.upstream].isStream
        self.clients[client].exchange.requestBody.goes(intoFrames: isStream)
        self.clients[client].exchange.timedFrom = .max
        self.expectProgress(client)
    }

    // MARK: - Keeping one

    /// The exchange is over, and the connection can be used again: the next request to this endpoint gets it.
    mutating func keep(_ upstream: Handle) {
        let backend = self.upstreams[upstream].backend
        let slot = self.upstreams[upstream].slot
        guard self.backends[backend].endpoints.isActive(slot), !self.isDraining, !self.upstreams[upstream].hasEnded,
            self.backends[backend].idleCount(slot) < self.limits.idleConnectionsPerEndpoint
        else { return self.closeUpstream(upstream) }
        // What has been told and not been read will not be told again; an idle connection has nothing to say.
        self.releaseInput(upstream: upstream)
        if self.upstreams[upstream].isReadable, !self.isQuiet(upstream) {
            return self.closeUpstream(upstream)
        }
        self.upstreams[upstream].isReadable = false
        self.upstreams[upstream].hasUnparsed = false
        self.upstreams[upstream].phase = .idle
        self.upstreams[upstream].client = .none
        self.linkIdle(upstream)
        self.timers.set(
            self.upstreams[upstream].timer, deadline: self.loop.now + UInt64(self.limits.upstreamIdleTimeout))
    }

    /// It is the one that requests to its endpoint get first.
    mutating func linkIdle(_ upstream: Handle) {
        let backend = self.upstreams[upstream].backend
        let slot = self.upstreams[upstream].slot
        let older = self.backends[backend].newestIdle(slot)
        self.upstreams[upstream].older = older
        self.upstreams[upstream].newer = .none
        if !older.isNone { self.upstreams[older].newer = upstream }
        self.backends[backend].setNewestIdle(slot, upstream)
        self.backends[backend].countIdle(slot, 1)
    }

    mutating func unlinkIdle(_ upstream: Handle) {
        let newer = self.upstreams[upstream].newer
        let older = self.upstreams[upstream].older
        let backend = self.upstreams[upstream].backend
        let slot = self.upstreams[upstream].slot
        if !older.isNone { self.upstreams[older].newer = newer }
        if newer.isNone {
            self.backends[backend].setNewestIdle(slot, older)
        } else {
            self.upstreams[newer].older = older
        }
        self.backends[backend].countIdle(slot, -1)
    }

    // MARK: - Letting go

    mutating func closeIdle(_ upstream: Handle) {
        guard self.upstreams[upstream].connection.isNone else { return self.retireCarrier(upstream) }
        self.unlinkIdle(upstream)
        self.closeUpstream(upstream)
    }

    /// Closes the idle connections of an endpoint, which may have left.
    mutating func closeIdle(_ backend: Handle, _ slot: EndpointSlot) {
        while true {
            let upstream = self.backends[backend].newestIdle(slot)
            guard !upstream.isNone else { return }
            self.closeIdle(upstream)
        }
    }

    /// One that is in no list.
    mutating func closeUpstream(_ upstream: Handle) {
        if self.upstreams[upstream].isStream { return self.closeStream(upstream: upstream) }
        if self.upstreams[upstream].output.hasMemory { self.give(self.upstreams[upstream].output.move()) }
        self.releaseInput(upstream: upstream)
        self.timers.free(self.upstreams[upstream].timer)
        let connection = self.upstreams.remove(upstream)
        connection.socket.close()
        let backend = connection.backend
        self.backends[backend].endpoints.connectionClosed(connection.slot)
        self.backends[backend].users -= 1
        self.discardIfUnused(backend)
    }

    mutating func releaseInput(upstream: Handle) {
        if self.upstreams[upstream].input.hasMemory { self.give(self.upstreams[upstream].input.move()) }
    }

    /// The try on an endpoint has ended like that.
    mutating func endTry(_ client: Handle, _ outcome: RequestOutcome) {
        guard self.clients[client].exchange.isCounted else { return }
        self.clients[client].exchange.isCounted = false
        let backend = self.clients[client].exchange.backend
        let slot = self.clients[client].exchange.slot
        let endpoint = outcome == .success ? nil : self.backends[backend].endpoints.endpoint(slot)
        let event = self.backends[backend].endpoints.requestEnded(slot, outcome, at: self.loop.now)
        if case .none = event { return }
        if case .ejected = event { self.counters.ejections &+= 1 }
        self.log.outlier(event, endpoint, self.backends[backend].id.description, now: self.loop.now)
    }

    /// Leaves the upstream of a client's exchange, in the middle of whatever it is doing.
    mutating func abandonUpstream(_ client: Handle, _ outcome: RequestOutcome) {
        self.endTry(client, outcome)
        let upstream = self.clients[client].exchange.upstream
        guard !upstream.isNone else { return }
        self.clients[client].exchange.upstream = .none
        self.closeUpstream(upstream)
    }

    private func unavailable(_ backend: Handle) -> LocalAnswer {
        switch self.backends[backend].availability {
        case .available, .noEndpoints: .noEndpoints
        case .serviceMissing: .serviceMissing
        case .portMissing: .portMissing
        case .externalNameRefused: .externalNameRefused
        case .backendSecretUnusable: .backendSecretUnusable
        }
    }
}
