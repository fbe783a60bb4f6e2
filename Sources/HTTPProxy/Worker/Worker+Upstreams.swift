internal import Balancing
internal import Bytes
internal import HTTP1
internal import Linux
internal import Reactor

/// Connections to endpoints: begun, used, kept, closed.
extension Worker {
    /// The loop has told something of one.
    mutating func upstreamReady(_ upstream: Handle, _ readiness: Readiness) {
        let ends = !readiness.isDisjoint(with: [.peerClosed, .hungUp, .broken])
        switch self.upstreams[upstream].phase {
        case .idle:
            // Nobody asked for anything: it is closed, or not to be trusted.
            if ends || readiness.contains(.readable) { self.closeIdle(upstream) }
        case .connecting:
            guard ends || readiness.contains(.writable) else { return }
            let error = self.upstreams[upstream].socket.error
            let client = self.upstreams[upstream].client
            guard error == 0 else {
                if self.failed(client, .connectFailed) { self.serve(client) }
                return
            }
            self.upstreams[upstream].phase = .busy
            self.upstreams[upstream].isWritable = true
            self.note(upstream, readiness, ends)
            self.connected(client)
            self.serve(client)
        case .busy:
            if readiness.contains(.writable) || ends { self.upstreams[upstream].isWritable = true }
            self.note(upstream, readiness, ends)
            self.serve(self.upstreams[upstream].client)
        }
    }

    private mutating func note(_ upstream: Handle, _ readiness: Readiness, _ ends: Bool) {
        if ends || readiness.contains(.readable) { self.upstreams[upstream].isReadable = true }
        if ends { self.upstreams[upstream].hasEnded = true }
    }

    // MARK: - Getting one

    /// Gets a connection to an endpoint for the request of a client, whose `request` buffer holds what is to be sent. True
    /// if the exchange came to an answer of our own instead.
    mutating func acquireUpstream(_ client: Handle) -> Bool {
        while true {
            switch self.pick(client) {
            case .slot(let slot):
                self.clients[client].exchange.slot = slot
                let backend = self.clients[client].exchange.backend
                if self.useIdle(client, backend, slot) {
                    self.connected(client)
                    return false
                }
                if self.connect(client, backend, slot) { return false }
                // It failed at once, as it would have in a moment.
                self.endAttempt(client, .connectFailed)
                if !self.mayTryAgain(client, .connectFailed) { return self.answer(client, .unreachable) }
            case .noEndpoints: return self.answer(client, .noEndpoints)
            case .allBusy: return self.answer(client, .endpointsBusy)
            case .allTried: return self.answer(client, self.clients[client].exchange.failure)
            }
        }
    }

    private mutating func pick(_ client: Handle) -> PickOutcome {
        let exchange = self.clients[client].exchange
        if exchange.hasAffinity {
            return self.backends[exchange.backend].endpoints.pick(
                key: exchange.affinityKey, tried: exchange.tried, at: self.loop.now)
        }
        return self.backends[exchange.backend].endpoints.pick(tried: exchange.tried, at: self.loop.now)
    }

    /// The idle connection to an endpoint that was used last, if there is one that works.
    private mutating func useIdle(_ client: Handle, _ backend: Handle, _ slot: EndpointSlot) -> Bool {
        while true {
            let upstream = self.backends[backend].newestIdle(slot)
            guard !upstream.isNone else { return false }
            self.unlinkIdle(upstream)
            self.timers.clear(self.upstreams[upstream].timer)
            // A request that may not be sent twice had better not meet a connection that the endpoint closed a moment ago;
            // for all others trying again costs less than asking each time.
            if !self.clients[client].exchange.method.isIdempotent, !self.upstreams[upstream].socket.isQuiet {
                self.closeUpstream(upstream)
                continue
            }
            self.upstreams[upstream].phase = .busy
            self.upstreams[upstream].isReused = true
            self.upstreams[upstream].client = client
            self.clients[client].exchange.upstream = upstream
            self.counters.upstreamReuses &+= 1
            return true
        }
    }

    private mutating func connect(_ client: Handle, _ backend: Handle, _ slot: EndpointSlot) -> Bool {
        let endpoint = self.backends[backend].endpoints.endpoint(slot)
        self.counters.upstreamConnects &+= 1
        guard case .begun(let socket, _) = StreamSocket.connect(to: SocketAddress(endpoint.address, endpoint.port))
        else { return false }
        let timer = self.timers.make()
        let upstream = self.upstreams.insert(
            UpstreamConnection(socket, client: client, backend: backend, slot: slot, timer: timer))
        let token = upstream.token(kind: TokenKind.upstream)
        self.timers.setOwner(timer, token)
        self.backends[backend].endpoints.connectionOpened(slot)
        do throws(SystemError) {
            // It being connected already is told like that it has been.
            try self.loop.watch(socket.number, token: token)
        } catch {
            self.closeUpstream(upstream)
            return false
        }
        self.clients[client].exchange.upstream = upstream
        self.clients[client].exchange.answer = .connecting
        let settings = self.view.settings(self.clients[client].exchange)
        self.timers.set(self.clients[client].timer, deadline: self.loop.now + UInt64(settings.connectTimeout))
        return true
    }

    private mutating func connected(_ client: Handle) {
        self.clients[client].exchange.answer = .awaited
        self.expectProgress(client)
    }

    // MARK: - Keeping one

    /// The exchange is over, and the connection can be used again: the next request to this endpoint gets it.
    mutating func keep(_ upstream: Handle) {
        let backend = self.upstreams[upstream].backend
        let slot = self.upstreams[upstream].slot
        let isWanted = self.backends.contains(backend) && self.backends[backend].endpoints.isCurrent(slot)
        guard isWanted, !self.isDraining, !self.upstreams[upstream].hasEnded,
            self.backends[backend].idleCount(slot) < self.limits.idleConnectionsPerEndpoint
        else { return self.closeUpstream(upstream) }
        self.releaseInput(upstream: upstream)
        self.upstreams[upstream].phase = .idle
        self.upstreams[upstream].client = .none
        let older = self.backends[backend].newestIdle(slot)
        self.upstreams[upstream].older = older
        self.upstreams[upstream].newer = .none
        if !older.isNone { self.upstreams[older].newer = upstream }
        self.backends[backend].setNewestIdle(slot, upstream, change: 1)
        self.timers.set(
            self.upstreams[upstream].timer, deadline: self.loop.now + UInt64(self.limits.upstreamIdleTimeout))
    }

    private mutating func unlinkIdle(_ upstream: Handle) {
        let newer = self.upstreams[upstream].newer
        let older = self.upstreams[upstream].older
        let backend = self.upstreams[upstream].backend
        let slot = self.upstreams[upstream].slot
        if !older.isNone { self.upstreams[older].newer = newer }
        if newer.isNone {
            self.backends[backend].setNewestIdle(slot, older, change: -1)
        } else {
            self.upstreams[newer].older = older
            self.backends[backend].setNewestIdle(slot, self.backends[backend].newestIdle(slot), change: -1)
        }
    }

    // MARK: - Letting go

    mutating func closeIdle(_ upstream: Handle) {
        self.unlinkIdle(upstream)
        self.closeUpstream(upstream)
    }

    /// Closes the idle connections of an endpoint, or of one that has left.
    mutating func closeIdle(_ backend: Handle, _ slot: EndpointSlot) {
        while true {
            let upstream = self.backends[backend].newestIdle(slot)
            guard !upstream.isNone else { return }
            self.closeIdle(upstream)
        }
    }

    /// One that is in no list.
    mutating func closeUpstream(_ upstream: Handle) {
        self.releaseInput(upstream: upstream)
        self.timers.free(self.upstreams[upstream].timer)
        let connection = self.upstreams.remove(upstream)
        if self.backends.contains(connection.backend) {
            self.backends[connection.backend].endpoints.connectionClosed(connection.slot)
        }
        connection.socket.close()
    }

    mutating func releaseInput(upstream: Handle) {
        guard self.upstreams[upstream].input.hasMemory else { return }
        var buffer = ByteBuffer()
        swap(&buffer, &self.upstreams[upstream].input)
        self.give(buffer)
    }

    /// The attempt on the endpoint has ended like that.
    mutating func endAttempt(_ client: Handle, _ outcome: RequestOutcome) {
        let exchange = self.clients[client].exchange
        guard exchange.hasSlot else { return }
        self.clients[client].exchange.hasSlot = false
        guard self.backends.contains(exchange.backend) else { return }
        let event = self.backends[exchange.backend].endpoints.requestEnded(
            exchange.slot, outcome, at: self.loop.now, random: &self.random)
        if case .none = event { return }
        self.trouble.outlier(event, self.backends[exchange.backend].endpoints.endpoint(exchange.slot))
    }

    /// Leaves the upstream of a client's exchange, which is in the middle of something.
    mutating func abandonUpstream(_ client: Handle, _ outcome: RequestOutcome) {
        self.endAttempt(client, outcome)
        let upstream = self.clients[client].exchange.upstream
        guard !upstream.isNone else { return }
        self.clients[client].exchange.upstream = .none
        self.closeUpstream(upstream)
    }
}
